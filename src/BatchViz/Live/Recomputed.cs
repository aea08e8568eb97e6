using System.Diagnostics;
using BatchViz.Core;
using BatchViz.Core.Specs;

namespace BatchViz.Live;

/// <summary>How far it is: the answer as JSON, or how much of it is done (0 to 1) and what the whole costs, or why it cannot be.</summary>
/// <param name="Seconds">NaN: unknown.</param>
public readonly record struct RecomputedState(byte[]? Json, double Progress, long Updates, double Seconds, string? Refusal);

/// <summary>
/// What viewers ask for and has to be recomputed: once for everyone, with progress while it lasts, and given up when nobody has asked for it
/// in a while.
/// </summary>
/// <param name="cost">Updates to make for it, and about how many seconds they take.</param>
/// <param name="work">The answer as JSON.</param>
/// <param name="abandonedAfter">By default 5 s: pages ask several times a second.</param>
public sealed class Recomputed<TKey>(
    Replays replays, Func<TKey, (long Updates, double Seconds)> cost, Func<TKey, IProgress<double>, CancellationToken, byte[]> work, TimeSpan? abandonedAfter = null)
    where TKey : notnull
{
    private const int Kept = 256;

    private readonly TimeSpan abandonedAfter = abandonedAfter ?? TimeSpan.FromSeconds(5);
    private readonly Lock gate = new();
    private readonly Dictionary<TKey, Entry> entries = [];
    private readonly Queue<(TKey Key, Entry Entry)> order = [];

    /// <summary>Begins the work where nobody has asked for it before, and waits for it a moment.</summary>
    public async Task<RecomputedState> Ask(TKey key, TimeSpan patience)
    {
        var entry = Find(key);
        if (!entry.Work.IsCompleted) await Task.WhenAny(entry.Work, Task.Delay(patience));
        if (!entry.Work.IsCompleted) return new(null, Volatile.Read(ref entry.Progress), entry.Updates, entry.Seconds, null);
        try
        {
            return new(await entry.Work, 1, 0, 0, null);
        }
        catch (Exception e) when (e is SpecException or OperationCanceledException or ObjectDisposedException)
        {
            Forget(key, entry);
            return new(null, 0, 0, 0, e is SpecException ? e.Message : Language.Tr("Too much is being recomputed; ask again in a moment.", "正在重新计算的内容过多，请稍后再试。"));
        }
    }

    private Entry Find(TKey key)
    {
        lock (gate)
        {
            if (entries.TryGetValue(key, out var known) && !known.Work.IsCanceled)
            {
                known.Asked();
                return known;
            }
            var entry = new Entry(abandonedAfter);
            entry.Asked();
            (entry.Updates, entry.Seconds) = cost(key);
            entry.Work = replays.Ask((progress, cancel) =>
            {
                entry.LookForAskers();
                cancel.ThrowIfCancellationRequested();
                return work(key, progress, cancel);
            }, entry.Abandoned.Token, entry);
            entries[key] = entry;
            order.Enqueue((key, entry));
            while (order.Count > Kept) Forget(order.Dequeue());
            return entry;
        }
    }

    private void Forget(TKey key, Entry entry)
    {
        lock (gate) Forget((key, entry));
    }

    private void Forget((TKey Key, Entry Entry) one)
    {
        if (entries.TryGetValue(one.Key, out var now) && now == one.Entry) entries.Remove(one.Key);
    }

    private sealed class Entry(TimeSpan abandonedAfter) : IProgress<double>
    {
        public readonly CancellationTokenSource Abandoned = new();
        public Task<byte[]> Work = null!;
        public double Progress;
        public long Updates;
        public double Seconds;
        private long asked;

        public void Asked() => Volatile.Write(ref asked, Stopwatch.GetTimestamp());

        public void LookForAskers()
        {
            if (Stopwatch.GetElapsedTime(Volatile.Read(ref asked)) > abandonedAfter) Abandoned.Cancel();
        }

        public void Report(double value)
        {
            Volatile.Write(ref Progress, value);
            LookForAskers();
        }
    }
}
