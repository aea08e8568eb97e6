using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using BatchViz.Recording;
using BatchViz.Recording.Wire;

namespace BatchViz.Lab;

/// <summary>One example of a batch, at the weights before its update.</summary>
/// <param name="Index">In the training split.</param>
/// <param name="Loss">In units of the loss.</param>
/// <param name="GradientNorm">Euclidean norm of the example's own gradient.</param>
public readonly record struct ReplayedExample(int Index, double Loss, double GradientNorm);

/// <summary>A batch as it was: the record of its update, and its examples.</summary>
/// <param name="Record">The columns of the run's layout, recomputed.</param>
/// <param name="Recorded">Whether the record was kept, too, to be compared with.</param>
/// <param name="Deviation">Largest relative difference of a column from what was kept; 0 when all bits are the same, or nothing was kept.</param>
/// <param name="UpdatesReplayed">Updates that were made for it.</param>
public sealed record ReplayedBatch(string Run, long Update, float[] Record, bool Recorded, double Deviation, IReadOnlyList<ReplayedExample> Examples, long UpdatesReplayed);

/// <summary>
/// Recomputes what was not kept: from the keyframe before it, one run alone, bit for bit where the engine is <see cref="IEngine.BitExact"/>.
/// Works for one at a time; keeps the bundles it last used, so that neighbours cost little.
/// </summary>
public sealed class Replayer : IDisposable
{
    private const int RowsAtOnce = 1024, BundlesKept = 4;

    private readonly Experiment experiment;
    private readonly Lock gate = new();
    private readonly List<(string Run, IBundle Bundle)> bundles = [];
    private IEvaluator? evaluator;
    private IProbe? probe;
    private bool disposed;

    internal Replayer(Experiment experiment) => this.experiment = experiment;

    /// <summary>What it costs to stand after an update: updates to make, and about how many of the lane's seconds they took.</summary>
    public (long Updates, double Seconds) Cost(Run run, long update)
    {
        if (run.Plan.Fork is { } fork && update < fork.Update) return Cost(ParentOf(run), update);
        long from = run.Recorded?.Keyframes.Updates.LastOrDefault(at => at <= update) ?? 0;
        float before = from > 0 ? run.Log.SecondsAt(from - 1) : 0, after = update > 0 ? run.Log.SecondsAt(update - 1) : 0;
        return (update - from, after - before is >= 0 and var seconds ? seconds : double.NaN);
    }

    /// <summary>Records [first, first + count) of a run, seconds among them.</summary>
    /// <param name="progress">From 0 to 1.</param>
    public RecordWindow Rows(Run run, long first, int count, IProgress<double>? progress, CancellationToken cancel)
    {
        Check(run, first + count);
        return Window(run, first, count, progress, cancel);
    }

    /// <summary>Like <see cref="Rows"/>, also of updates whose records the run has lost and not yet made again.</summary>
    internal RecordWindow RowsAhead(Run run, long first, int count, CancellationToken cancel) => Window(run, first, count, null, cancel);

    private RecordWindow Window(Run run, long first, int count, IProgress<double>? progress, CancellationToken cancel)
    {
        lock (gate)
        {
            var window = new RecordWindow(first, count, new float[count * run.Log.Stride]);
            Fill(run, window, first, count, progress, cancel);
            return window;
        }
    }

    /// <summary>Weights, optimiser state and position after an update.</summary>
    public Keyframe At(Run run, long update, IProgress<double>? progress, CancellationToken cancel)
    {
        Check(run, update);
        lock (gate) return Stand(run, update, progress, cancel).Export(0);
    }

    /// <summary>The weights after an update; the caller disposes of them.</summary>
    public IWeights WeightsAt(Run run, long update, IProgress<double>? progress, CancellationToken cancel)
    {
        Check(run, update);
        lock (gate) return Stand(run, update, progress, cancel).Snapshot(0);
    }

    /// <summary>A batch: its examples with their losses and gradient norms at the weights before the update, and the update's record.</summary>
    public ReplayedBatch Batch(Run run, long update, IProgress<double>? progress, CancellationToken cancel)
    {
        if (update < 1) throw new SpecException($"\"update\" is {update}; updates are counted from 1.");
        Check(run, update);
        lock (gate)
        {
            var owner = run;
            while (owner.Plan.Fork is { } fork && update <= fork.Update) owner = ParentOf(owner);
            long replayed = Cost(owner, update - 1).Updates;
            var bundle = Stand(owner, update - 1, progress, cancel);
            replayed = Math.Min(replayed, update - 1);
            int n = experiment.Plan.Data.Train.Count;
            var sampler = bundle.Spec.SamplerOf(0, n);
            var indices = new int[sampler.Progress.LargestBatch];
            indices = indices[..sampler.Fill(update, indices)];
            var examples = new ReplayedExample[indices.Length];
            using (var weights = bundle.Snapshot(0))
            {
                evaluator ??= experiment.Engine.CreateEvaluator(experiment.Data, experiment.Plan.Network);
                probe ??= experiment.Engine.CreateProbe(experiment.Data, experiment.Plan.Network);
                var norms = new float[indices.Length];
                probe.ExampleGradients(weights, new EvaluationSet(Split.Train, indices), norms, cancel);
                for (int i = 0; i < indices.Length; i++)
                {
                    cancel.ThrowIfCancellationRequested();
                    examples[i] = new ReplayedExample(indices[i], evaluator.Evaluate(weights, new EvaluationSet(Split.Train, [indices[i]])).Loss, norms[i]);
                }
            }
            var block = new RecordBlock(1, 1, bundle.Layout.Width);
            bundle.Advance(1, block);
            float[] record = block.Row(0, 0).ToArray(), kept = new float[run.Log.Stride];
            if (bundle.Diverged(0)) Forget(bundle);
            bool known = run.Log.TryRows(update - 1, 1, kept);
            return new ReplayedBatch(run.Plan.Id, update, record, known, known ? Deviation(record, kept) : 0, examples, replayed + 1);
        }
    }

    public void Dispose()
    {
        lock (gate)
        {
            disposed = true;
            foreach (var (_, bundle) in bundles) bundle.Dispose();
            bundles.Clear();
            evaluator?.Dispose();
            probe?.Dispose();
        }
    }

    private void Fill(Run run, RecordWindow window, long first, int count, IProgress<double>? progress, CancellationToken cancel)
    {
        if (run.Plan.Fork is { } fork && first < fork.Update)
        {
            int before = (int)Math.Min(count, fork.Update - first);
            Fill(ParentOf(run), window, first, before, progress, cancel);
            (first, count) = (first + before, count - before);
            if (count == 0) return;
        }
        int stride = run.Log.Stride, width = run.Log.Layout.Width;
        var bundle = Stand(run, first, progress, cancel);
        var block = new RecordBlock(1, Math.Min(count, RowsAtOnce), width);
        for (int done = 0; done < count;)
        {
            cancel.ThrowIfCancellationRequested();
            bundle.Advance(Math.Min(count - done, block.Capacity), block);
            if (block.Rows[0] == 0) throw new SpecException($"{run.Plan.Id} diverged before update {first + done + 1:#,0}.");
            for (int r = 0; r < block.Rows[0]; r++)
            {
                var to = window.Rows.AsSpan((int)(first + done + r - window.First) * stride, stride);
                block.Row(0, r).CopyTo(to);
                to[width] = run.Log.SecondsAt(first + done + r);
            }
            done += block.Rows[0];
            progress?.Report((double)done / count);
        }
        if (bundle.Diverged(0)) Forget(bundle);
    }

    /// <summary>A bundle of this run alone that has made so many updates.</summary>
    private IBundle Stand(Run run, long update, IProgress<double>? progress, CancellationToken cancel)
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        if (run.Plan.Fork is { } fork && update < fork.Update) return Stand(ParentOf(run), update, progress, cancel);
        var bundle = Take(run);
        try
        {
            long newest = run.Recorded?.Keyframes.Updates.LastOrDefault(at => at <= update) ?? 0;
            if (bundle.Updates(0) > update || bundle.Updates(0) < newest || bundle.Updates(0) < (run.Plan.Fork?.Update ?? 0) || bundle.Diverged(0))
            {
                if (run.Recorded?.Keyframes.Before(update) is { } keyframe) bundle.Restore(0, keyframe);
                else if (run.Plan.Fork is not null) throw new SpecException($"{run.Plan.Id}: the keyframe at which it leaves its parent cannot be read.");
                else if (bundle.Updates(0) > 0) bundle = Anew(run, bundle);
            }
            long from = bundle.Updates(0);
            var block = new RecordBlock(1, RowsAtOnce, bundle.Layout.Width);
            while (bundle.Updates(0) < update)
            {
                cancel.ThrowIfCancellationRequested();
                bundle.Advance((int)Math.Min(update - bundle.Updates(0), RowsAtOnce), block);
                if (bundle.Diverged(0)) throw new SpecException($"{run.Plan.Id} diverged at update {bundle.Updates(0) + 1:#,0}.");
                progress?.Report((double)(bundle.Updates(0) - from) / (update - from));
            }
            return bundle;
        }
        catch
        {
            Forget(bundle);
            throw;
        }
    }

    private IBundle Take(Run run)
    {
        int at = bundles.FindIndex(kept => kept.Run == run.Plan.Id);
        if (at >= 0)
        {
            var kept = bundles[at];
            bundles.RemoveAt(at);
            bundles.Add(kept);
            return kept.Bundle;
        }
        if (bundles.Count == BundlesKept) Forget(bundles[0].Bundle);
        var made = experiment.Engine.CreateBundle(experiment.Data, experiment.Plan.BundleOf([run.Plan]));
        bundles.Add((run.Plan.Id, made));
        return made;
    }

    private IBundle Anew(Run run, IBundle old)
    {
        Forget(old);
        return Take(run);
    }

    private void Forget(IBundle bundle)
    {
        bundles.RemoveAll(kept => kept.Bundle == bundle);
        bundle.Dispose();
    }

    private Run ParentOf(Run run) => experiment.Runs.Single(other => other.Plan.Id == run.Plan.Fork!.Parent);

    /// <exception cref="SpecException">The run has not made so many updates.</exception>
    public static void Check(Run run, long updates)
    {
        if (updates > run.Log.Count) throw new SpecException($"\"update\" is {updates:#,0}, but {run.Plan.Id} has made only {run.Log.Count:#,0} updates.");
    }

    private static double Deviation(ReadOnlySpan<float> now, ReadOnlySpan<float> kept)
    {
        double most = 0;
        for (int c = 0; c < now.Length; c++)
        {
            if (BitConverter.SingleToInt32Bits(now[c]) == BitConverter.SingleToInt32Bits(kept[c])) continue;
            double difference = Math.Abs((double)now[c] - kept[c]) / Math.Max(1e-30, Math.Abs((double)kept[c]));
            most = double.IsNaN(difference) ? double.PositiveInfinity : Math.Max(most, difference);
        }
        return most;
    }
}
