using BatchViz.Core.Engines;
using BatchViz.Core.Specs;

namespace BatchViz.Lab;

/// <summary>What an experiment will cost, before it is started.</summary>
/// <param name="MemoryBytes">Of all runs, their snapshots and the landscape.</param>
/// <param name="TrainingSeconds">Until all lanes are done, without evaluations, probes and the landscape.</param>
/// <param name="Lanes">That train at the same time.</param>
/// <param name="MeasuredUpdates">Of the trial; 0 where the budget itself is in seconds.</param>
/// <param name="Notes">What it may do and yet surprises, in sentences.</param>
public sealed record CostEstimate(double MemoryBytes, double TrainingSeconds, int Lanes, long MeasuredUpdates, IReadOnlyList<string> Notes)
{
    /// <summary>Processor seconds of a trial, for each batch size.</summary>
    private const double TrialSeconds = 0.04;

    /// <summary>Trains throwaway bundles for a moment each. Nothing of it is kept.</summary>
    /// <exception cref="SpecException">It would not fit into memory; none has been taken.</exception>
    public static CostEstimate Of(ExperimentPlan plan, IEngine engine, ExperimentOptions options, CancellationToken cancel)
    {
        var memory = MemoryNeeds.Of(plan, engine, options, Experiment.PathMarksOf(plan, options), Experiment.EvaluationSetOf(plan));
        if (memory.Problem(plan, options.MemoryBytes) is { } problem) throw new SpecException(problem);
        var groups = plan.Runs.GroupBy(run => run.BatchSize).Select(group => group.ToArray()).ToArray();
        int lanes = Math.Clamp(options.LanesAtOnce, 1, groups.Length);
        if (plan.Spec.Budget.Seconds is { } each) return new(memory.Total, Makespan([.. groups.Select(_ => each)], lanes), lanes, 0, PlanNotes.Of(plan));

        using var data = engine.Load(plan.Data);
        long measured = 0;
        var seconds = new double[groups.Length];
        for (int i = 0; i < groups.Length; i++)
        {
            var spec = plan.BundleOf(groups[i]);
            var progress = groups[i][0].Progress;
            long updates = groups[i][0].TotalUpdates!.Value;
            double first = PerUpdate(spec with { BatchSchedule = null });
            seconds[i] = first * updates;
            if (spec.BatchSchedule is null || progress.LargestBatch <= spec.BatchSize) continue;
            // An update takes a + b·B: a for the step, b for each example.
            double last = PerUpdate(spec with { BatchSchedule = null, BatchSize = progress.LargestBatch });
            double perExample = Math.Max(0, (last - first) / (progress.LargestBatch - spec.BatchSize));
            seconds[i] += perExample * Math.Max(0, progress.ExamplesAfter(updates) - (double)updates * spec.BatchSize);
        }
        return new(memory.Total, Makespan(seconds, lanes), lanes, measured, PlanNotes.Of(plan));

        double PerUpdate(BundleSpec spec)
        {
            using var bundle = engine.CreateBundle(data, spec);
            const int Rows = 256;
            var block = new RecordBlock(bundle.Members, Rows, bundle.Layout.Width);
            cancel.ThrowIfCancellationRequested();
            // The first update touches memory for the first time.
            bundle.Advance(1, block);
            double spent = 0;
            long made = 0;
            for (int next = 1; spent < TrialSeconds && !AllDiverged(bundle); next = Math.Min(Rows, next * 2))
            {
                cancel.ThrowIfCancellationRequested();
                double before = LaneClock.Seconds;
                bundle.Advance(next, block);
                spent += LaneClock.Seconds - before;
                made += next;
            }
            measured += made;
            return made > 0 ? spent / made : 0;
        }
    }

    private static bool AllDiverged(IBundle bundle) => Enumerable.Range(0, bundle.Members).All(bundle.Diverged);

    /// <summary>Lanes take the next batch size when they are done with one: no less than the longest, nor than an equal share.</summary>
    private static double Makespan(double[] seconds, int lanes) => Math.Max(seconds.Max(), seconds.Sum() / lanes);
}
