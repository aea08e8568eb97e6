using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Threading.Channels;

namespace BatchViz.Live;

/// <summary>One encoded frame for all viewers: each has a queue of one, in which a newer frame replaces an older one. Publishing never waits.</summary>
public sealed class Broadcast
{
    private static readonly BoundedChannelOptions LatestOnly = new(1) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true };

    private readonly ConcurrentDictionary<Channel<byte[]>, byte> viewers = new();
    private long published, publishedBytes, superseded;

    public int Viewers => viewers.Count;

    /// <summary>Frames since the server began, however many watched.</summary>
    public long Published => Volatile.Read(ref published);

    public long PublishedBytes => Volatile.Read(ref publishedBytes);

    /// <summary>Frames that a newer one replaced before their viewer took them, over all viewers.</summary>
    public long Superseded => Volatile.Read(ref superseded);

    public void Publish(byte[] frame)
    {
        Interlocked.Increment(ref published);
        Interlocked.Add(ref publishedBytes, frame.Length);
        foreach (var (viewer, _) in viewers) viewer.Writer.TryWrite(frame);
    }

    /// <summary>Frames from now on, beginning with <paramref name="first"/>, until cancelled.</summary>
    /// <param name="first">Asked for after the viewer is entered, so that nothing falls between.</param>
    public async IAsyncEnumerable<byte[]> Watch(Func<byte[]?> first, [EnumeratorCancellation] CancellationToken cancel)
    {
        var queue = Channel.CreateBounded<byte[]>(LatestOnly, _ => Interlocked.Increment(ref superseded));
        viewers[queue] = 0;
        try
        {
            if (first() is { } now) yield return now;
            await foreach (byte[] frame in queue.Reader.ReadAllAsync(cancel)) yield return frame;
        }
        finally
        {
            viewers.TryRemove(queue, out _);
        }
    }
}
