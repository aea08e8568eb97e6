using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using BatchViz.Engine.Cpu.Tests.Reference;

namespace BatchViz.Engine.Cpu.Tests;

/// <summary>Surfaces of two weights, whose losses and gradients are known exactly.</summary>
public class SurfaceTests
{
    private static readonly NetworkSpec Network = new(new ModelSpec { Kind = ModelKind.Surface }, LossKind.Surface, [2, 1]);

    [Theory]
    [InlineData(SurfaceKind.DoubleWell)]
    [InlineData(SurfaceKind.Saddle)]
    [InlineData(SurfaceKind.Beale)]
    public void RunsFollowTheFunction(SurfaceKind kind)
    {
        var set = Set(kind);
        using var engine = new CpuEngine();
        using var data = engine.Load(set);
        foreach (var optimizer in Sets.WithoutSearch)
        {
            var spec = Sets.Spec(Network, 3, optimizer, 0.005) with { Sampler = new SamplerSpec { Order = SampleOrder.Sequential } };
            using var bundle = engine.CreateBundle(data, spec);
            var (x, y) = Surfaces.Start(kind);
            double[] w = [x, y];
            Assert.Equal([(float)x, (float)y], bundle.Weights());
            var block = bundle.Block(40);
            bundle.Advance(40, block);
            var reference = new ReferenceOptimizer(spec.Optimizer, spec.LearningRate, 2);
            for (int u = 0; u < 40; u++)
            {
                var shifts = set.Train.Floats!.Chunk(2).Skip(u % 4 * 3).Take(3).ToList();
                double a = shifts.Average(s => (double)s[0]),
                    b = shifts.Average(s => (double)s[1]);
                var (gx, gy) = Surfaces.Gradient(kind, w[0], w[1]);
                double[] gradient = [gx + a, gy + b];
                var record = block.Row(0, u);
                double loss = Surfaces.Value(kind, w[0], w[1]) + a * w[0] + b * w[1];
                Assert.Equal(loss, record[RecordLayout.Loss], 1e-4 * Math.Abs(loss) + 1e-5);
                Assert.Equal(Vectors.Norm(gradient), record[RecordLayout.GradientNorm], 1e-4 * Vectors.Norm(gradient) + 1e-5);
                double length = reference.Step(w, gradient);
                Assert.Equal(length, record[RecordLayout.UpdateNorm], 1e-4 * length + 1e-7);
            }
            Assert.True(Vectors.Distance(bundle.Weights().Doubles(), w) < 1e-4, $"{kind} {optimizer}");
        }
    }

    [Fact]
    public void TheLandscapeIsTheFunction()
    {
        var set = Set(SurfaceKind.Beale);
        using var engine = new CpuEngine();
        using var data = engine.Load(set);
        using var evaluator = engine.CreateEvaluator(data, Network);
        using var plane = evaluator.WeightPlane();
        Assert.Equal((1, 1), plane.UnitLength);
        var losses = new float[25];
        Array.Fill(losses, float.NaN);
        evaluator.Grid(plane, new(-1, 3, -2, 2), 5, EvaluationSet.All(Split.Train), losses, default);
        for (int i = 0; i < 25; i++)
            Assert.Equal((float)Surfaces.Value(SurfaceKind.Beale, -1 + i % 5, -2 + i / 5), losses[i]);

        var model = Network with { Model = Network.Model with { Start = [0.5, -1] } };
        using var bundle = engine.CreateBundle(data, Sets.Spec(model, 1));
        using var w = bundle.Snapshot(0);
        var whole = evaluator.Evaluate(w, EvaluationSet.All(Split.Train));
        Assert.Equal(Surfaces.Value(SurfaceKind.Beale, 0.5, -1), whole.Loss, 12);
        Assert.True(double.IsNaN(whole.Accuracy));
        var part = evaluator.Evaluate(w, new EvaluationSet(Split.Train, [2, 5]));
        float[] f = set.Train.Floats!;
        Assert.Equal(whole.Loss + 0.5 * ((double)f[4] + f[10]) / 2 - ((double)f[5] + f[11]) / 2, part.Loss, 10);
        using var start = engine.CreateBundle(data, Sets.Spec(Network with { Model = Network.Model with { Start = [-1.5, 1] } }, 1));
        using var from = start.Snapshot(0);
        var line = new Evaluation[4];
        evaluator.Line(from, w, -1, 2, 4, EvaluationSet.All(Split.Train), line, default);
        for (int t = -1; t <= 2; t++)
            Assert.Equal(Surfaces.Value(SurfaceKind.Beale, -1.5 + 2 * t, 1 - 2 * t), line[t + 1].Loss, 10);

        var at = evaluator.Project(plane, w);
        Assert.Equal((0.5, -1.0, 0.0), (at.X, at.Y, at.OffPlane));
    }

    private static DataSet Set(SurfaceKind kind)
    {
        var random = new Random(4);
        float[] shifts = [.. Enumerable.Range(0, 24).Select(_ => (float)(random.NextDouble() - 0.5))];
        return new DataSet(
            "surface",
            DataTask.Surface,
            2,
            1,
            new DataSplit
            {
                Count = 12,
                Inputs = 2,
                Floats = shifts,
            },
            null
        )
        {
            Surface = kind,
        };
    }
}
