using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using BatchViz.Engine.Cpu;
using BatchViz.Recording.Export;
using BatchViz.Telemetry;

namespace BatchViz.Recording.Tests.Export;

/// <summary>A run with everything recorded of it in memory. Seconds are no timing here: a thousandth for each update.</summary>
internal sealed record RecordedRun(RunPlan Plan, RecordLayout Layout, float[] Records, IReadOnlyList<EvaluationPoint> Evaluations)
    : IRecordSource
{
    public IReadOnlyList<Keyframe> Keyframes { get; private init; } = [];

    public long Count => Records.Length / Layout.Width;

    public long UpdatesMade
    {
        get => made ?? Count;
        private init => made = value;
    }

    private readonly long? made;

    /// <summary>Trains one of the plan's runs on the real engine, with keyframes and evaluations at the given updates (in order).</summary>
    public static RecordedRun Train(ExperimentPlan plan, RunPlan run, int updates, params int[] keyframesAt)
    {
        using var engine = new CpuEngine();
        using var data = engine.Load(plan.Data);
        using var bundle = engine.CreateBundle(data, plan.BundleOf([run]));
        using var evaluator = engine.CreateEvaluator(data, plan.Network);
        var records = new List<float>();
        var keyframes = new List<Keyframe>();
        var evaluations = new List<EvaluationPoint>();
        foreach (int at in keyframesAt)
        {
            Advance(at);
            keyframes.Add(bundle.Export(0));
            using var weights = bundle.Snapshot(0);
            var train = evaluator.Evaluate(weights, EvaluationSet.All(Split.Train));
            var test = plan.Data.Test is null
                ? new Evaluation(double.NaN, double.NaN)
                : evaluator.Evaluate(weights, EvaluationSet.All(Split.Test));
            evaluations.Add(new((uint)at, (float)train.Loss, (float)test.Loss, (float)test.Accuracy, SecondsAfter(at)));
        }
        Advance(updates);
        return new RecordedRun(run, bundle.Layout, [.. records], evaluations) { Keyframes = keyframes, UpdatesMade = bundle.Updates(0) };

        void Advance(int to)
        {
            int more = to - (int)bundle.Updates(0);
            if (more == 0)
                return;
            var block = new RecordBlock(1, more, bundle.Layout.Width);
            bundle.Advance(more, block);
            records.AddRange(block.Of(0)[..(block.Rows[0] * block.Width)]);
        }
    }

    public static float SecondsAfter(long updates) => updates / 1000f;

    public ReadOnlySpan<float> Record(long record) => Records.AsSpan((int)record * Layout.Width, Layout.Width);

    public void Read(long first, int rows, Span<float> into, CancellationToken cancel) =>
        Records.AsSpan((int)first * Layout.Width, rows * Layout.Width).CopyTo(into);

    public void ReadSeconds(long first, int rows, Span<float> into)
    {
        for (int row = 0; row < rows; row++)
            into[row] = SecondsAfter(first + row + 1);
    }
}
