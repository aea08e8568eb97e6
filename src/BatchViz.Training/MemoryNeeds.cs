using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using static BatchViz.Core.Language;

namespace BatchViz.Training;

/// <summary>The memory that an experiment will take, as its engine predicts it, before any is taken.</summary>
/// <param name="Total">Bytes of all runs, their snapshots and the landscape.</param>
/// <param name="Largest">Bytes of the batch size that takes the most.</param>
internal sealed record MemoryNeeds(RunMemory[] Runs, double Total, double Largest, long LargestBatchSize)
{
    public static MemoryNeeds Of(ExperimentPlan plan, IEngine engine, ExperimentOptions options, int pathMarks, EvaluationSet evaluationSet)
    {
        var memory = new RunMemory[plan.Runs.Count];
        // Of float weights: a mean and two directions in double precision while a plane is fitted, and the plane before it.
        const int FitVectors = 9;
        double wanted = 0,
            largest = 0,
            snapshot = 0;
        long batchSize = 0;
        foreach (var group in plan.Runs.GroupBy(run => run.Fork is null ? run.BatchSize : -1 - run.Index))
        {
            var spec = plan.BundleOf([.. group]);
            var account = engine.Predict(spec, plan.Data);
            foreach (var run in group)
                memory[run.Index] = new RunMemory(spec.Seeds.Count, account);
            snapshot = (double)account.Weights / spec.Seeds.Count;
            double bytes =
                account.Total
                + engine.PredictEvaluator(plan.Network, plan.Data)
                + (options.Landscape ? pathMarks : 0) * (double)account.Weights;
            wanted += bytes;
            if (bytes > largest)
                (largest, batchSize) = (bytes, spec.BatchSize);
        }
        if (options.Landscape)
        {
            wanted +=
                engine.PredictEvaluator(plan.Network, plan.Data)
                + FitVectors * snapshot
                + engine.PredictEvaluator(plan.Network, plan.Data, evaluationSet, Environment.ProcessorCount);
        }
        return new MemoryNeeds(memory, wanted, largest, batchSize);
    }

    /// <summary>Why it is more than allowed, in a sentence; null where it is not.</summary>
    public string? Problem(ExperimentPlan plan, long allowed) =>
        Total <= allowed
            ? null
            : Tr(
                $"\"model.hidden\" makes {plan.Network.ParameterCount:#,0} weights, which would take {Total / 1e9:0.###} GB of memory over all runs, their snapshots and the landscape ({Largest / 1e9:0.###} GB of them at batch size {LargestBatchSize:#,0}); at most {allowed / 1e9:0.###} GB are allowed.",
                $"\"model.hidden\" 产生 {plan.Network.ParameterCount:#,0} 个权重，所有运行、快照与损失地形共需 {Total / 1e9:0.###} GB 内存（其中批量大小 {LargestBatchSize:#,0} 需 {Largest / 1e9:0.###} GB）；最多允许 {allowed / 1e9:0.###} GB。"
            );
}
