using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Microsoft.AspNetCore.SignalR;
using static BatchViz.Core.Language;

namespace BatchViz.Live;

/// <summary>
/// One encoded frame for all who watch: each connection has a queue of one, in which a newer frame replaces an older one. Publishing never waits.
/// </summary>
public sealed class Broadcast
{
    private readonly ConcurrentDictionary<string, (Channel<byte[]> Queue, string Person)> watching = new();
    private int people;

    /// <summary>People who watch, however many windows each has open.</summary>
    public int Viewers => Volatile.Read(ref people);

    public bool IsWatching(string connection) => watching.ContainsKey(connection);

    public void Publish(byte[] frame)
    {
        foreach (var (_, (queue, _)) in watching) queue.Writer.TryWrite(frame);
    }

    /// <summary>Frames from now on, beginning with <paramref name="first"/>, until cancelled.</summary>
    /// <param name="connection">Has one stream at most.</param>
    /// <param name="person">Who watches over it.</param>
    /// <param name="first">Asked for after the connection is entered, so that nothing falls between.</param>
    /// <exception cref="HubException">The connection watches already.</exception>
    public async IAsyncEnumerable<byte[]> Watch(string connection, string person, Func<byte[]?> first, [EnumeratorCancellation] CancellationToken cancel)
    {
        var queue = Channel.CreateBounded<byte[]>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true });
        if (!watching.TryAdd(connection, (queue, person))) throw new HubException(Tr("This connection watches already.", "此连接已在观看。"));
        CountPeople();
        try
        {
            if (first() is { } now) yield return now;
            await foreach (byte[] frame in queue.Reader.ReadAllAsync(cancel)) yield return frame;
        }
        finally
        {
            watching.TryRemove(connection, out _);
            CountPeople();
        }
    }

    private void CountPeople()
    {
        lock (watching) Volatile.Write(ref people, watching.Values.DistinctBy(one => one.Person).Count());
    }
}
