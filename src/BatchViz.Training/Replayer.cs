using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using BatchViz.Core.Sampling;
using BatchViz.Core.Specs;
using BatchViz.Recording;
using BatchViz.Telemetry.Wire;
using static BatchViz.Core.Language;

namespace BatchViz.Training;

/// <summary>One example of a batch, at the weights before its update.</summary>
/// <param name="Index">In the training split.</param>
/// <param name="Loss">In units of the loss.</param>
/// <param name="GradientNorm">Euclidean norm of the example's own gradient.</param>
public readonly record struct ReplayedExample(int Index, double Loss, double GradientNorm);

/// <summary>
/// A batch's gradient against that of the mean loss over the whole training split, both at the weights before its update.
/// </summary>
/// <param name="Norm">Euclidean norm of the full gradient.</param>
/// <param name="Cosine">Of the angle between both; NaN where one has no length.</param>
public readonly record struct FullComparison(double Norm, double Cosine, int Examples)
{
    public double Degrees => double.RadiansToDegrees(Math.Acos(Cosine));
}

/// <summary>A batch as it was: the record of its update, and its examples.</summary>
/// <param name="Remainder">Whether it is a short batch at the end of its epoch.</param>
/// <param name="Epoch">The epoch in which it begins, counted from 1.</param>
/// <param name="Record">The columns of the run's layout, recomputed.</param>
/// <param name="Recorded">Whether the record was kept, too, to be compared with.</param>
/// <param name="Difference">The column that is furthest from what was kept; null when all bits are the same, or nothing was kept.</param>
/// <param name="UpdatesReplayed">Updates that were made for it.</param>
public sealed record ReplayedBatch(
    string Run,
    long Update,
    bool Remainder,
    long Epoch,
    float[] Record,
    bool Recorded,
    RecordDifference? Difference,
    FullComparison Full,
    IReadOnlyList<ReplayedExample> Examples,
    long UpdatesReplayed
)
{
    /// <summary>Its relative size; 0 when all bits are the same, or nothing was kept.</summary>
    public double Deviation => Difference?.Relative ?? 0;
}

/// <summary>One number of a record as it was computed once more, and as it was recorded; they are not the same.</summary>
/// <param name="Column">Index in the run's layout.</param>
public readonly record struct RecordDifference(int Column, float Now, float Recorded)
{
    /// <summary>NaN where one of them is not a finite number.</summary>
    public double Absolute => Math.Abs((double)Now - Recorded);

    /// <summary>
    /// As a share of the larger magnitude, so that nothing is divided by a recorded 0: 0 when both are equal, 1 when one of them is 0,
    /// at most 2, of opposite signs. Infinite where one of them is not a finite number and the other is another.
    /// </summary>
    public double Relative
    {
        get
        {
            if (
                BitConverter.SingleToInt32Bits(Now) == BitConverter.SingleToInt32Bits(Recorded)
                || Now == Recorded
                || (float.IsNaN(Now) && float.IsNaN(Recorded))
            )
                return 0;
            return float.IsFinite(Now) && float.IsFinite(Recorded)
                ? Absolute / Math.Max(Math.Abs((double)Now), Math.Abs((double)Recorded))
                : double.PositiveInfinity;
        }
    }

    /// <summary>The largest relative difference of two records, of those the first; null where all bits are the same.</summary>
    /// <param name="missing">Columns that were not recorded.</param>
    public static RecordDifference? Of(ReadOnlySpan<float> now, ReadOnlySpan<float> recorded, params IReadOnlyCollection<int> missing)
    {
        RecordDifference? most = null;
        for (int c = 0; c < now.Length; c++)
        {
            if (missing.Contains(c) || BitConverter.SingleToInt32Bits(now[c]) == BitConverter.SingleToInt32Bits(recorded[c]))
                continue;
            var difference = new RecordDifference(c, now[c], recorded[c]);
            if (most is not { } before || difference.Relative > before.Relative)
                most = difference;
        }
        return most;
    }
}

/// <summary>
/// Recomputes what was not kept: from the keyframe before it, one run alone, bit for bit where the engine is
/// <see cref="IEngine.BitExact"/>.
/// Works for one at a time; keeps the bundles it last used, so that neighbours cost little.
/// </summary>
public sealed class Replayer : IDisposable
{
    private const int RowsAtOnce = 1024,
        BundlesKept = 4,
        ExamplesAtOnce = 64;

    /// <summary>
    /// Processor seconds of a piece of work, about: whoever cancels it, or gives it little time, waits no longer than this.
    /// </summary>
    private const double PieceSeconds = 0.01;

    private readonly Experiment experiment;
    private readonly Lock gate = new();
    private readonly List<(string Run, IBundle Bundle)> bundles = [];
    private readonly FullGradients full;
    private IEvaluator? evaluator;
    private IProbe? probe;
    private bool disposed;

    internal Replayer(Experiment experiment) => (this.experiment, full) = (experiment, new FullGradients(experiment.Plan.Data));

    private IEvaluator Evaluator => evaluator ??= experiment.Engine.CreateEvaluator(experiment.Data, experiment.Plan.Network);

    private IProbe Probe => probe ??= experiment.Engine.CreateProbe(experiment.Data, experiment.Plan.Network);

    /// <summary>What it costs to stand after an update: updates to make, and about how many of the lane's seconds they took.</summary>
    public (long Updates, double Seconds) Cost(Run run, long update)
    {
        if (run.Plan.Fork is { } fork && update < fork.Update)
            return Cost(ParentOf(run), update);
        long from = run.Recorded?.Keyframes.Updates.LastOrDefault(at => at <= update) ?? 0;
        float before = from > 0 ? run.Log.SecondsAt(from - 1) : 0,
            after = update > 0 ? run.Log.SecondsAt(update - 1) : 0;
        return (update - from, after - before is >= 0 and var seconds ? seconds : double.NaN);
    }

    /// <summary>
    /// What <see cref="Batch"/> costs: the updates before it, its examples one by one, and the gradient over the whole training split.
    /// </summary>
    public (long Updates, double Seconds) BatchCost(Run run, long update) =>
        WithGradients(Cost(run, update - 1), full.Examples + 2L * run.Plan.BatchSize);

    /// <summary>What <see cref="Moment"/> costs: the updates up to it, and the gradients there.</summary>
    public (long Updates, double Seconds) MomentCost(Run run, long update) =>
        WithGradients(Cost(run, update), full.Examples + run.Plan.BatchSize + (experiment.ScatterSet.Indices?.Length ?? full.Examples));

    private (long Updates, double Seconds) WithGradients((long Updates, double Seconds) cost, long examples)
    {
        double each = full.SecondsPerExample;
        return (cost.Updates, cost.Seconds + examples * (double.IsNaN(each) ? LaneSecondsPerExample() : each));
    }

    /// <summary>
    /// Of the run that takes least for an example: mostly that of the largest batches, which come closest to a gradient over the split.
    /// </summary>
    private double LaneSecondsPerExample()
    {
        double least = double.NaN;
        foreach (var run in experiment.Runs)
        {
            if (run.Log.Count is not (> 0 and var made))
                continue;
            double each = run.Log.SecondsAt(made - 1) / Math.Max(1, run.Plan.Progress.ExamplesAfter(made));
            least = each < least || double.IsNaN(least) ? each : least;
        }
        return least;
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
        lock (gate)
            return AdvanceTo(run, update, progress, cancel).Export(0);
    }

    /// <summary>The weights after an update; the caller disposes of them.</summary>
    public IWeights WeightsAt(Run run, long update, IProgress<double>? progress, CancellationToken cancel)
    {
        Check(run, update);
        lock (gate)
            return AdvanceTo(run, update, progress, cancel).Snapshot(0);
    }

    /// <summary>
    /// A batch: its examples with their losses and gradient norms at the weights before the update, and the update's record.
    /// </summary>
    public ReplayedBatch Batch(Run run, long update, IProgress<double>? progress, CancellationToken cancel)
    {
        if (update < 1)
            throw new RefusedException(
                Tr($"\"update\" is {update}; updates are counted from 1.", $"\"update\" 为 {update}；更新从 1 计起。")
            );
        Check(run, update);
        lock (gate)
        {
            var owner = run;
            while (owner.Plan.Fork is { } fork && update <= fork.Update)
                owner = ParentOf(owner);
            long replayed = Cost(owner, update - 1).Updates;
            var bundle = AdvanceTo(owner, update - 1, ScaledProgress.Of(progress, 0, 0.5), cancel);
            replayed = Math.Min(replayed, update - 1);
            var (sampler, batch) = BatchOf(bundle);
            int[] indices = batch.Indices!;
            var examples = new ReplayedExample[indices.Length];
            FullComparison comparison;
            using (var weights = bundle.Snapshot(0))
            {
                var norms = new float[indices.Length];
                // A contrastive loss has no losses and gradients of single examples.
                bool apart = !experiment.Plan.Network.Contrastive;
                if (apart)
                    Probe.ExampleGradients(weights, batch, norms, cancel);
                else
                    Array.Fill(norms, float.NaN);
                for (int i = 0; i < indices.Length; i++)
                {
                    cancel.ThrowIfCancellationRequested();
                    if (i % ExamplesAtOnce == 0)
                        progress?.Report(0.5);
                    examples[i] = new ReplayedExample(
                        indices[i],
                        apart ? Evaluator.Evaluate(weights, new EvaluationSet(Split.Train, [indices[i]])).Loss : double.NaN,
                        norms[i]
                    );
                }
                using var own = Probe.Gradient(weights, batch, cancel);
                var whole = full.At(MakerOf(owner, update - 1), update - 1, weights, Probe, ScaledProgress.Of(progress, 0.5, 1), cancel);
                comparison = new FullComparison(whole.Norm, Probe.Cosine(own.Gradient, whole), full.Examples);
            }
            var block = new RecordBlock(1, 1, bundle.Layout.Width);
            bundle.Advance(1, block);
            float[] record = block.Row(0, 0).ToArray(),
                kept = new float[run.Log.Stride];
            if (bundle.Diverged(0))
                Forget(bundle);
            bool known = run.Log.TryRows(update - 1, 1, kept);
            bool remainder = sampler.Progress.ExamplesOf(update) < sampler.Progress.PhaseOf(update).BatchSize;
            return new ReplayedBatch(
                run.Plan.Id,
                update,
                remainder,
                sampler.Progress.EpochOf(update) + 1,
                record,
                known,
                known ? RecordDifference.Of(record, kept, run.Log.Missing) : null,
                comparison,
                examples,
                replayed + 1
            );
        }
    }

    /// <summary>Where a run stands on a plane after an update (0: at its beginning), with the gradients there.</summary>
    /// <exception cref="ObjectDisposedException">Another plane has taken the place of this one.</exception>
    public ReplayedMoment Moment(Run run, long update, IPlane plane, IProgress<double>? progress, CancellationToken cancel)
    {
        if (update < 0)
            throw new RefusedException(
                Tr(
                    $"\"update\" is {update}; moments are counted from 0, before the first update.",
                    $"\"update\" 为 {update}；时刻从 0 计起，即第一次更新之前。"
                )
            );
        Check(run, update);
        lock (gate)
        {
            var bundle = AdvanceTo(run, update, ScaledProgress.Of(progress, 0, 0.5), cancel);
            using var weights = bundle.Snapshot(0);
            var point = Evaluator.Project(plane, weights);
            var (_, next) = BatchOf(bundle);
            bool over = run.Plan.TotalUpdates is { } total && update >= total;
            using var own = over ? null : Probe.Gradient(weights, next, cancel);
            var scatter = experiment.Plan.Network.Contrastive ? null : Probe.PlaneGradients(weights, experiment.ScatterSet, plane, cancel);
            var whole = full.At(MakerOf(run, update), update, weights, Probe, ScaledProgress.Of(progress, 0.6, 1), cancel);
            return new ReplayedMoment(
                run.Plan.Id,
                update,
                point,
                next.Indices!.Length,
                own is null ? null : On(own.Gradient),
                On(whole),
                full.Examples,
                own is null ? double.NaN : Probe.Cosine(own.Gradient, whole),
                scatter
            );
        }

        GradientOnPlane On(IDirection gradient)
        {
            var at = Evaluator.Project(plane, gradient);
            return new GradientOnPlane(at.X, at.Y, gradient.Norm);
        }
    }

    public void Dispose()
    {
        lock (gate)
        {
            disposed = true;
            foreach (var (_, bundle) in bundles)
                bundle.Dispose();
            bundles.Clear();
            full.Dispose();
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
            if (count == 0)
                return;
        }
        int stride = run.Log.Stride,
            width = run.Log.Layout.Width;
        var bundle = AdvanceTo(run, first, progress, cancel);
        var block = new RecordBlock(1, Math.Min(count, RowsAtOnce), width);
        var piece = new PieceOfWork(block.Capacity);
        for (int done = 0; done < count; )
        {
            cancel.ThrowIfCancellationRequested();
            piece.Advance(bundle, count - done, block);
            if (block.Rows[0] == 0)
                throw new RefusedException(
                    Tr(
                        $"{run.Plan.Id} diverged before update {first + done + 1:#,0}.",
                        $"{run.Plan.Id} 在第 {first + done + 1:#,0} 次更新之前已发散。"
                    )
                );
            for (int r = 0; r < block.Rows[0]; r++)
            {
                var to = window.Rows.AsSpan((int)(first + done + r - window.First) * stride, stride);
                block.Row(0, r).CopyTo(to);
                to[width] = run.Log.SecondsAt(first + done + r);
            }
            done += block.Rows[0];
            progress?.Report((double)done / count);
        }
        if (bundle.Diverged(0))
            Forget(bundle);
    }

    /// <summary>A bundle of this run alone that has made so many updates.</summary>
    private IBundle AdvanceTo(Run run, long update, IProgress<double>? progress, CancellationToken cancel)
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        if (run.Plan.Fork is { } fork && update < fork.Update)
            return AdvanceTo(ParentOf(run), update, progress, cancel);
        var bundle = Take(run);
        try
        {
            long newest = run.Recorded?.Keyframes.Updates.LastOrDefault(at => at <= update) ?? 0;
            if (
                bundle.Updates(0) > update
                || bundle.Updates(0) < newest
                || bundle.Updates(0) < (run.Plan.Fork?.Update ?? 0)
                || bundle.Diverged(0)
            )
            {
                if (run.Recorded?.Keyframes.Before(update) is { } keyframe)
                    bundle.Restore(0, keyframe);
                else if (run.Plan.Fork is not null)
                    throw new RefusedException(
                        Tr(
                            $"{run.Plan.Id}: the keyframe at which it leaves its parent cannot be read.",
                            $"{run.Plan.Id}：无法读取它从父运行分叉处的关键帧。"
                        )
                    );
                else if (bundle.Updates(0) > 0)
                    bundle = Recreate(run, bundle);
            }
            long from = bundle.Updates(0);
            var block = new RecordBlock(1, RowsAtOnce, bundle.Layout.Width);
            var piece = new PieceOfWork(block.Capacity);
            while (bundle.Updates(0) < update)
            {
                cancel.ThrowIfCancellationRequested();
                piece.Advance(bundle, update - bundle.Updates(0), block);
                if (bundle.Diverged(0))
                    throw new RefusedException(
                        Tr(
                            $"{run.Plan.Id} diverged at update {bundle.Updates(0) + 1:#,0}.",
                            $"{run.Plan.Id} 在第 {bundle.Updates(0) + 1:#,0} 次更新时发散。"
                        )
                    );
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

    /// <summary>The examples of a bundle's next update.</summary>
    private (Sampler Sampler, EvaluationSet Batch) BatchOf(IBundle bundle) =>
        (bundle.Spec.SamplerOf(0, experiment.Plan.Data.Train.Count), new EvaluationSet(Split.Train, bundle.NextBatch(0)));

    /// <summary>The run that made the weights after an update: a fork begins with its parent's.</summary>
    private string MakerOf(Run run, long update)
    {
        while (run.Plan.Fork is { } fork && update <= fork.Update)
            run = ParentOf(run);
        return run.Plan.Id;
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
        if (bundles.Count == BundlesKept)
            Forget(bundles[0].Bundle);
        var made = experiment.Engine.CreateBundle(experiment.Data, experiment.Plan.BundleOf([run.Plan]));
        bundles.Add((run.Plan.Id, made));
        return made;
    }

    private IBundle Recreate(Run run, IBundle old)
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

    /// <exception cref="RefusedException">The run has not made so many updates.</exception>
    public static void Check(Run run, long updates)
    {
        if (updates > run.Log.Count)
            throw new RefusedException(
                Tr(
                    $"\"update\" is {updates:#,0}, but {run.Plan.Id} has made only {run.Log.Count:#,0} updates.",
                    $"\"update\" 为 {updates:#,0}，但 {run.Plan.Id} 只进行了 {run.Log.Count:#,0} 次更新。"
                )
            );
    }

    /// <summary>
    /// Chooses how many updates are made between two looks at the cancellation, by how long the last ones took. Results do not depend on
    /// it.
    /// </summary>
    private struct PieceOfWork(int most)
    {
        private int updates = 1;

        public void Advance(IBundle bundle, long wanted, RecordBlock block)
        {
            double before = LaneClock.Seconds;
            int asked = (int)Math.Min(wanted, updates);
            bundle.Advance(asked, block);
            double took = LaneClock.Seconds - before;
            updates = (int)Math.Clamp(PieceSeconds * asked / Math.Max(took, 1e-9), 1, Math.Min(most, 4.0 * updates));
        }
    }
}
