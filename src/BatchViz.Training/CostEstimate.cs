using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using BatchViz.Core.Sampling;
using BatchViz.Core.Specs;

namespace BatchViz.Training;

/// <summary>What an experiment will cost, before it is started.</summary>
/// <param name="MemoryBytes">Of all runs, their snapshots and the landscape.</param>
/// <param name="TrainingSeconds">Until all lanes are done, without evaluations, probes and the landscape.</param>
/// <param name="EvaluationSeconds">That lanes spend on path points, test figures and the ends' besides.</param>
/// <param name="Lanes">That train at the same time.</param>
/// <param name="MeasuredUpdates">Of the trial; 0 where the budget itself is in seconds.</param>
/// <param name="Notes">What it may do and yet surprises, in sentences.</param>
public sealed record CostEstimate(
    double MemoryBytes,
    double TrainingSeconds,
    double EvaluationSeconds,
    int Lanes,
    long MeasuredUpdates,
    IReadOnlyList<string> Notes
)
{
    /// <summary>Processor seconds of a trial, for each batch size.</summary>
    private const double TrialSeconds = 0.04;

    private const int TrialExamples = 64;

    /// <summary>Trains throwaway bundles for a moment each. Nothing of it is kept.</summary>
    /// <exception cref="RefusedException">It would not fit into memory; none has been taken.</exception>
    public static CostEstimate Of(ExperimentPlan plan, IEngine engine, ExperimentOptions options, CancellationToken cancel)
    {
        var memory = MemoryNeeds.Of(plan, engine, options, Experiment.PathMarksOf(plan, options), Experiment.EvaluationSetOf(plan));
        if (memory.Problem(plan, options.MemoryBytes) is { } problem)
            throw new RefusedException(problem);
        var groups = plan.Runs.GroupBy(run => run.BatchSize).Select(group => group.ToArray()).ToArray();
        int lanes = Math.Clamp(options.LanesAtOnce, 1, groups.Length);
        using var data = engine.Load(plan.Data);
        double perEvaluation = PerEvaluation(plan, engine, data, cancel);
        double evaluations = Makespan(
            [.. groups.Select(runs => runs.Length * perEvaluation * EvaluatedExamples(plan, runs[0], options))],
            lanes
        );
        if (plan.Spec.Budget.Seconds is { } each)
            return new(memory.Total, Makespan([.. groups.Select(_ => each)], lanes), evaluations, lanes, 0, PlanNotes.Of(plan));

        long measured = 0;
        var seconds = new double[groups.Length];
        for (int i = 0; i < groups.Length; i++)
        {
            var spec = plan.BundleOf(groups[i]);
            var progress = groups[i][0].Progress;
            long updates = groups[i][0].TotalUpdates!.Value;
            double first = PerUpdate(spec with { BatchSchedule = null });
            seconds[i] = first * updates;
            if (spec.BatchSchedule is null || progress.LargestBatch <= spec.BatchSize)
                continue;
            // An update takes a + b·B: a for the step, b for each example.
            double last = PerUpdate(spec with { BatchSchedule = null, BatchSize = progress.LargestBatch });
            double perExample = Math.Max(0, (last - first) / (progress.LargestBatch - spec.BatchSize));
            seconds[i] += perExample * Math.Max(0, progress.ExamplesAfter(updates) - (double)updates * spec.BatchSize);
        }
        return new(memory.Total, Makespan(seconds, lanes), evaluations, lanes, measured, PlanNotes.Of(plan));

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

    /// <summary>
    /// Examples that a run takes forward besides training: at its marks those of the evaluation set and of the test set, at its end both
    /// splits whole.
    /// </summary>
    public static long EvaluatedExamples(ExperimentPlan plan, RunPlan run, ExperimentOptions options)
    {
        long evaluation = Math.Min(plan.Data.Train.Count, plan.Spec.Landscape.EvaluationExamples),
            test = Math.Min(plan.Data.Test?.Count ?? 0, plan.Spec.Landscape.EvaluationExamples);
        MeasurementSchedule path =
                new(run.TotalUpdates, options.Landscape ? Experiment.PathMarksOf(plan, options) : Experiment.EvaluationMarks),
            tests = new(run.TotalUpdates, Experiment.EvaluationMarks);
        long last = run.TotalUpdates ?? 1 << 20,
            examples = plan.Data.Test?.Count ?? 0;
        if (options.MeasureEnds)
            examples += plan.Data.Train.Count;
        for (long at = 0; at <= last; at = Math.Min(path.Next(at), tests.Next(at)))
            examples += evaluation + (tests.Due(at) ? test : 0);
        return examples;
    }

    /// <summary>Seconds that one example takes forward.</summary>
    private static double PerEvaluation(ExperimentPlan plan, IEngine engine, IEngineData data, CancellationToken cancel)
    {
        using var evaluator = engine.CreateEvaluator(data, plan.Network);
        using var bundle = engine.CreateBundle(data, plan.BundleOf([plan.Runs[0]]));
        using var weights = bundle.Snapshot(0);
        var some =
            plan.Data.Train.Count <= TrialExamples || plan.Data.Task == DataTask.Surface
                ? EvaluationSet.All(Split.Train)
                : new EvaluationSet(Split.Train, [.. Enumerable.Range(0, TrialExamples)]);
        evaluator.Evaluate(weights, some); // touches memory for the first time
        double spent = 0;
        long examples = 0;
        while (spent < TrialSeconds)
        {
            cancel.ThrowIfCancellationRequested();
            double before = LaneClock.Seconds;
            evaluator.Evaluate(weights, some);
            spent += LaneClock.Seconds - before;
            examples += some.Indices?.Length ?? plan.Data.Train.Count;
        }
        return spent / examples;
    }

    private static bool AllDiverged(IBundle bundle) => Enumerable.Range(0, bundle.Members).All(bundle.Diverged);

    /// <summary>Lanes take the next batch size when they are done with one: no less than the longest, nor than an equal share.</summary>
    private static double Makespan(double[] seconds, int lanes) => Math.Max(seconds.Max(), seconds.Sum() / lanes);
}
