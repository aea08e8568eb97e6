using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Microsoft.AspNetCore.SignalR;
using static BatchViz.Core.Language;

namespace BatchViz.Live;

/// <summary>
/// One encoded frame for all who watch: each connection has a queue of one, in which a newer frame replaces an older one. Publishing never
/// waits.
/// </summary>
public sealed class Broadcast
{
    private static readonly BoundedChannelOptions LatestOnly = new(1) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true };

    private readonly ConcurrentDictionary<string, (Channel<byte[]> Queue, string Person)> watching = new();
    private int people;
    private long published,
        publishedBytes,
        superseded;

    /// <summary>People who watch, however many windows each has open.</summary>
    public int Viewers => Volatile.Read(ref people);

    public bool IsWatching(string connection) => watching.ContainsKey(connection);

    /// <summary>Frames since the server began, however many watched.</summary>
    public long Published => Volatile.Read(ref published);

    public long PublishedBytes => Volatile.Read(ref publishedBytes);

    /// <summary>Frames that a newer one replaced before their viewer took them, over all viewers.</summary>
    public long Superseded => Volatile.Read(ref superseded);

    public void Publish(byte[] frame)
    {
        Interlocked.Increment(ref published);
        Interlocked.Add(ref publishedBytes, frame.Length);
        foreach (var (_, (queue, _)) in watching)
            queue.Writer.TryWrite(frame);
    }

    /// <summary>Frames from now on, beginning with <paramref name="first"/>, until cancelled.</summary>
    /// <param name="connection">Has one stream at most.</param>
    /// <param name="person">Who watches over it.</param>
    /// <param name="first">Asked for after the connection is entered, so that nothing falls between.</param>
    /// <exception cref="HubException">The connection watches already.</exception>
    public async IAsyncEnumerable<byte[]> Watch(
        string connection,
        string person,
        Func<byte[]?> first,
        [EnumeratorCancellation] CancellationToken cancel
    )
    {
        var queue = Channel.CreateBounded<byte[]>(LatestOnly, _ => Interlocked.Increment(ref superseded));
        if (!watching.TryAdd(connection, (queue, person)))
            throw new HubException(Tr("This connection watches already.", "此连接已在观看。"));
        CountPeople();
        try
        {
            if (first() is { } now)
                yield return now;
            await foreach (byte[] frame in queue.Reader.ReadAllAsync(cancel))
                yield return frame;
        }
        finally
        {
            watching.TryRemove(connection, out _);
            CountPeople();
        }
    }

    private void CountPeople()
    {
        lock (watching)
            Volatile.Write(ref people, watching.Values.DistinctBy(one => one.Person).Count());
    }
}
