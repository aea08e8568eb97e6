using System.Diagnostics;
using BatchViz.Api;
using BatchViz.Core;
using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using BatchViz.Lab;

namespace BatchViz.Live;

/// <summary>Lines between two runs' newest weights: one of each pair, computed once for everyone, and anew when the runs have gone on.</summary>
public sealed class Lines(Experiment experiment, Replays replays)
{
    private const int Kept = 64;

    /// <summary>How long a line stands while its runs train on: whoever waits for it must get it before it is computed again.</summary>
    private static readonly TimeSpan Stands = TimeSpan.FromSeconds(2);

    private readonly Lock gate = new();
    private readonly Dictionary<(int A, int B), Entry> entries = [];

    /// <param name="Json">The line, or null while it is computed.</param>
    /// <param name="Settled">Both runs have ended: it stays as it is.</param>
    /// <param name="Refusal">Why there is none, in a sentence.</param>
    public readonly record struct State(byte[]? Json, double Progress, bool Settled, string? Refusal);

    private sealed class Entry : IProgress<double>
    {
        public Task<byte[]> Work = null!;
        public double Progress;
        public (long, long) Updates;
        public bool Settled;
        public long Done;

        public void Report(double value) => Volatile.Write(ref Progress, value);
    }

    /// <summary>Begins the work where there is no line of these weights yet, and waits for it a moment.</summary>
    public async Task<State> Ask(int a, int b, TimeSpan patience)
    {
        var entry = Find(a, b);
        if (!entry.Work.IsCompleted) await Task.WhenAny(entry.Work, Task.Delay(patience));
        if (!entry.Work.IsCompleted) return new(null, Volatile.Read(ref entry.Progress), false, null);
        try
        {
            return new(await entry.Work, 1, entry.Settled, null);
        }
        catch (Exception e) when (e is SpecException or OperationCanceledException or ObjectDisposedException)
        {
            lock (gate) entries.Remove((a, b));
            return new(null, 0, false, e is SpecException ? e.Message : Language.Tr("Too much is being recomputed; ask again in a moment.", "正在重新计算的内容过多，请稍后再试。"));
        }
    }

    private Entry Find(int indexA, int indexB)
    {
        Run a = experiment.Runs[indexA], b = experiment.Runs[indexB];
        lock (gate)
        {
            bool settled = a.Log.Ended && b.Log.Ended;
            var updates = (LossLine.NewestOf(a), LossLine.NewestOf(b));
            if (entries.TryGetValue((indexA, indexB), out var known))
            {
                bool stands = !known.Work.IsCompleted || Stopwatch.GetElapsedTime(Volatile.Read(ref known.Done)) < Stands;
                if (stands || (known.Updates == updates && known.Settled == settled)) return known;
            }
            if (entries.Count >= Kept) entries.Remove(entries.MinBy(kept => kept.Value.Work.IsCompleted ? kept.Value.Done : long.MaxValue).Key);
            var entry = new Entry { Updates = updates, Settled = settled };
            entry.Work = replays.Ask((progress, cancel) =>
            {
                var line = LossLine.Between(experiment, a, b, progress, cancel);
                Volatile.Write(ref entry.Done, Stopwatch.GetTimestamp());
                return ApiJson.Bytes(LineOf(a, b, line));
            }, CancellationToken.None, entry);
            return entries[(indexA, indexB)] = entry;
        }
    }

    private Line LineOf(Run a, Run b, LossLine line) => new(
        a.Plan.Id, b.Plan.Id, [line.UpdateA, line.UpdateB], [.. Enumerable.Range(0, LossLine.Points).Select(LossLine.T)],
        Curve(line.Train), line.Test is { } test ? Curve(test) : null, experiment.EvaluationExamples, experiment.TestExamples);

    private static LineCurve Curve(Evaluation[] values) => new([.. values.Select(value => value.Loss)], [.. values.Select(value => value.Accuracy)]);
}
