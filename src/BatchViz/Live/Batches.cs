using BatchViz.Cli;
using BatchViz.Core.Specs;
using BatchViz.Lab;

namespace BatchViz.Live;

/// <summary>Single batches that viewers ask for: recomputed once for everyone, with progress while it lasts.</summary>
public sealed class Batches(Experiment experiment, Replays replays)
{
    private const int Kept = 256;

    private readonly Lock gate = new();
    private readonly Dictionary<(int Run, long Update), Entry> entries = [];
    private readonly Queue<(int Run, long Update)> order = [];

    /// <summary>How far it is: the batch as JSON, or how much of it is done (0 to 1), or why it cannot be.</summary>
    public readonly record struct State(byte[]? Json, double Progress, long Updates, double Seconds, string? Refusal);

    private sealed class Entry : IProgress<double>
    {
        public Task<byte[]> Work = null!;
        public double Progress;
        public long Updates;
        public double Seconds;

        public void Report(double value) => Volatile.Write(ref Progress, value);
    }

    /// <summary>Begins the work where nobody has asked for the batch before, and waits for it a moment.</summary>
    public async Task<State> Ask(int run, long update, TimeSpan patience)
    {
        var entry = Find(run, update);
        if (!entry.Work.IsCompleted) await Task.WhenAny(entry.Work, Task.Delay(patience));
        if (!entry.Work.IsCompleted) return new(null, Volatile.Read(ref entry.Progress), entry.Updates, entry.Seconds, null);
        try
        {
            return new(await entry.Work, 1, 0, 0, null);
        }
        catch (Exception e) when (e is SpecException or OperationCanceledException or ObjectDisposedException)
        {
            Forget(run, update);
            return new(null, 0, 0, 0, e is SpecException ? e.Message : "Too many batches are being recomputed; ask again in a moment.");
        }
    }

    private Entry Find(int index, long update)
    {
        lock (gate)
        {
            if (entries.TryGetValue((index, update), out var known)) return known;
            var run = experiment.Runs[index];
            var entry = new Entry();
            if (update >= 1 && update <= run.Log.Count) (entry.Updates, entry.Seconds) = experiment.Replayer.Cost(run, update - 1);
            entry.Work = replays.Ask((progress, cancel) => System.Text.Encoding.UTF8.GetBytes(ReplayCommand.Json(run, experiment.Replayer.Batch(run, update, progress, cancel)).ToJsonString()), CancellationToken.None, entry);
            entries[(index, update)] = entry;
            order.Enqueue((index, update));
            while (order.Count > Kept) entries.Remove(order.Dequeue());
            return entry;
        }
    }

    private void Forget(int run, long update)
    {
        lock (gate) entries.Remove((run, update));
    }
}
