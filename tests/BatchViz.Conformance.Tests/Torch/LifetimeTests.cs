using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using BatchViz.Engine.Torch;
using TorchSharp;

namespace BatchViz.Conformance.Tests.Torch;

/// <summary>What TorchSharp holds of the device's memory.</summary>
public sealed class LifetimeTests
{
    [TorchTheory]
    [InlineData("dense Tanh", 10_000)]
    [InlineData("batch norm", 1_000)]
    [InlineData("hard examples", 500)]
    [InlineData("Lbfgs, StrongWolfe", 200)]
    public void The_number_of_live_tensors_stays_the_same_over_all_updates(string name, int updates)
    {
        var problem = Problem.Named(name);
        using var engine = new TorchEngine();
        using var data = engine.Load(problem.Data);
        using var bundle = engine.CreateBundle(data, problem.Spec);
        var block = new RecordBlock(2, 100, bundle.Layout.Width);
        bundle.Advance(40, block);
        long before = torch.Tensor.TotalCount;
        for (int made = 0; made < updates; made += 100)
        {
            bundle.Advance(100, block);
            Assert.Equal(before, torch.Tensor.TotalCount);
        }
        Assert.False(bundle.Diverged(0));
    }

    [TorchFact]
    public void What_is_disposed_of_is_given_back()
    {
        var problem = Problem.Named("batch norm");
        using var engine = new TorchEngine();
        // What the engine keeps for all, once.
        Once(engine, problem);
        long before = torch.Tensor.TotalCount;
        Once(engine, problem);
        Assert.Equal(before, torch.Tensor.TotalCount);
    }

    private static void Once(TorchEngine engine, Problem problem)
    {
        using var data = engine.Load(problem.Data);
        using var bundle = engine.CreateBundle(data, problem.Spec);
        var block = new RecordBlock(2, 3, bundle.Layout.Width);
        bundle.Advance(3, block);
        using IWeights a = bundle.Snapshot(0),
            b = bundle.Snapshot(1);
        bundle.Restore(1, bundle.Export(0));
        bundle.NextBatch(0);
        bundle.Advance(2, block);
        using var c = bundle.Snapshot(0);
        using var evaluator = engine.CreateEvaluator(data, problem.Network);
        var set = EvaluationSet.All(Split.Train);
        evaluator.Evaluate(a, set);
        using var plane = evaluator.PlaneThrough(a, b, c);
        using var random = evaluator.RandomPlane([a, b], 1);
        evaluator.Grid(plane, new GridRegion(-1, 1, -1, 1), 3, set, [.. Enumerable.Repeat(float.NaN, 9)], default);
        evaluator.Line(a, b, 0, 1, 3, set, new Evaluation[3], default);
        evaluator.Project(plane, c);
        using var probe = engine.CreateProbe(data, problem.Network);
        using var gradient = probe.Gradient(a, set);
        using var product = probe.HessianProduct(a, set, gradient.Gradient);
        using var pairs = probe.Eigenvalues(a, set, 2, 8, 1);
        probe.Trace(a, set, 2, 1);
        probe.Sharpness(a, set, 1e-3, 2);
        probe.AdaptiveSharpness(a, set, 1e-2, 2);
        probe.ExampleGradients(a, set, []);
        probe.PlaneGradients(a, set, plane);
        Assert.Throws<RefusedException>(() => evaluator.PlaneThrough(a, a, b));
    }
}
