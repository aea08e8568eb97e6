using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using BatchViz.Engine.Cpu.Tests.Reference;

namespace BatchViz.Engine.Cpu.Tests;

/// <summary>Grids of all kinds of networks, their threads, and lines between two points.</summary>
public class GridTests
{
    private static readonly EvaluationSet Train = EvaluationSet.All(Split.Train);

    /// <summary>
    /// Every activation, loss and depth, with targets of several values and more than 16 classes, with and without biases.
    /// </summary>
    [Theory, ClassData(typeof(Paths))]
    public void GridsOfAllNetworksAgreeWithTheReference(KernelPath path)
    {
        using var engine = new CpuEngine(path);
        for (int seed = 1; seed <= 75; seed++)
        {
            var random = RandomCase.Make(seed);
            using var data = engine.Load(random.Data);
            using var evaluator = engine.CreateEvaluator(data, random.Network);
            using var bundle = engine.CreateBundle(data, random.Spec());
            bundle.StartAt(random.Start);
            using var weights = bundle.Snapshot(0);
            using var plane = evaluator.RandomPlane([weights], 3);
            float[][] v = Stage.VectorsOf(plane);
            int[] some = [.. Enumerable.Range(0, random.Examples.Count).Where(i => i % 3 == 0).Reverse()];
            var net = new ReferenceNet(random.Network);
            foreach (
                var (set, examples) in new[]
                {
                    (Train, random.Examples),
                    (new EvaluationSet(Split.Train, some), [.. some.Select(i => random.Examples[i])]),
                }
            )
            {
                float[] losses = Stage.Gaps(3);
                evaluator.Grid(plane, new(-0.5, 0.75, -1, 0.25), 3, set, losses, default);
                for (int i = 0; i < 9; i++)
                {
                    double x = -0.5 + 0.625 * (i % 3),
                        y = -1 + 0.625 * (i / 3);
                    double exact = net.LossOf(
                        [.. Enumerable.Range(0, v[0].Length).Select(p => v[0][p] + x * v[1][p] + y * v[2][p])],
                        examples
                    );
                    Assert.True(Math.Abs(losses[i] - exact) <= 1e-5 * exact + 1e-6, $"{random} at {x}, {y}: {losses[i]}, not {exact}");
                }
            }
        }
    }

    [Theory, ClassData(typeof(Paths))]
    public void APointsBitsDependNeitherOnThreadsNorOnRefinement(KernelPath path)
    {
        foreach (
            var (set, hidden, loss, activation) in new[]
            {
                (Sets.Plane(301), new[] { 8, 8 }, LossKind.Squared, Activation.Tanh),
                (Sets.Images(300), [40, 9], LossKind.CrossEntropy, Activation.Relu),
            }
        )
        {
            var region = new GridRegion(-0.37, 1.21, -1.03, 0.77);
            using var stage = new Stage(set, hidden, 2, path, loss, activation);
            using var plane = stage.Evaluator.RandomPlane(stage.Weights, 3);
            int[] first = [];
            foreach (int threads in new[] { 1, 2, 3, 7 })
            {
                // A new plane each time, so that the products are shared anew.
                using var again = stage.Evaluator.RandomPlane(stage.Weights, 3);
                float[] losses = Stage.Gaps(33);
                stage.Evaluator.Grid(again, region, 33, Train, losses, default, threads);
                int[] bits = Vectors.Bits(losses);
                if (threads == 1)
                    first = bits;
                Assert.Equal(first, bits);
            }

            float[] coarse = [],
                fine;
            for (int n = 9; n <= 33; n = 2 * n - 1, coarse = fine)
            {
                fine = Stage.Gaps(n);
                int side = (n + 1) / 2;
                for (int i = 0; i < coarse.Length; i++)
                    fine[i / side * 2 * n + i % side * 2] = coarse[i];
                stage.Evaluator.Grid(plane, region, n, Train, fine, default, threads: 2);
            }
            Assert.Equal(first, Vectors.Bits(coarse));

            // A single missing point, alone.
            float[] one = [.. coarse];
            one[33 * 20 + 7] = float.NaN;
            stage.Evaluator.Grid(plane, region, 33, Train, one, default);
            Assert.Equal(first, Vectors.Bits(one));
        }
    }

    /// <summary>So many examples that products are not kept: the mean of both halves, whose products are.</summary>
    [Fact]
    public void LargeSetsAddUp()
    {
        using var stage = new Stage(Sets.Plane(170_001), [64], 1, loss: LossKind.Logistic);
        using var plane = stage.Evaluator.RandomPlane(stage.Weights, 3);
        var region = new GridRegion(-1, 1, -1, 1);
        float[] whole = Stage.Gaps(3),
            front = Stage.Gaps(3),
            back = Stage.Gaps(3);
        stage.Evaluator.Grid(plane, region, 3, Train, whole, default, threads: 2);
        stage.Evaluator.Grid(plane, region, 3, new EvaluationSet(Split.Train, [.. Enumerable.Range(0, 70_000)]), front, default);
        stage.Evaluator.Grid(plane, region, 3, new EvaluationSet(Split.Train, [.. Enumerable.Range(70_000, 100_001)]), back, default);
        for (int i = 0; i < 9; i++)
            Assert.Equal((70_000.0 * front[i] + 100_001.0 * back[i]) / 170_001, whole[i], 1e-6 * whole[i]);
    }

    /// <summary>Whenever it is cancelled, a row is there or missing as a whole, and the rest can be had later.</summary>
    [Fact]
    public void ACancelledGridOfSeveralThreadsHasWholeRows()
    {
        using var stage = new Stage(Sets.Images(), [40], 2);
        using var plane = stage.Evaluator.RandomPlane(stage.Weights, 3);
        var region = new GridRegion(-1, 1, -1, 1);
        float[] whole = Stage.Gaps(33),
            parts = Stage.Gaps(33);
        stage.Evaluator.Grid(plane, region, 33, Train, whole, default);
        for (int wait = 0; wait < 4; wait++)
        {
            using var cancelled = new CancellationTokenSource(TimeSpan.FromMilliseconds(wait));
            try
            {
                stage.Evaluator.Grid(plane, region, 33, Train, parts, cancelled.Token, threads: 3);
            }
            catch (OperationCanceledException) { }
            foreach (float[] row in parts.Chunk(33))
                Assert.True(row.All(float.IsNaN) || !row.Any(float.IsNaN));
        }
        stage.Evaluator.Grid(plane, region, 33, Train, parts, default, threads: 3);
        Assert.Equal(whole, parts);
        Assert.Throws<ArgumentOutOfRangeException>(() => stage.Evaluator.Grid(plane, region, 33, Train, parts, default, threads: 0));
    }

    [Theory, ClassData(typeof(Paths))]
    public void LinesAgreeWithTheReference(KernelPath path)
    {
        using var engine = new CpuEngine(path);
        for (int seed = 1; seed <= 60; seed++)
        {
            var random = RandomCase.Make(seed);
            using var data = engine.Load(random.Data);
            using var evaluator = engine.CreateEvaluator(data, random.Network);
            using var bundle = engine.CreateBundle(data, random.Spec());
            bundle.StartAt(random.Start);
            using var from = bundle.Snapshot(0);
            bundle.StartAt([.. random.Start.Select((w, i) => 0.7f * w + (i % 7 - 3) * 0.1f)]);
            using var to = bundle.Snapshot(0);
            double[] a = from.Canonical().Doubles(),
                b = to.Canonical().Doubles();
            var values = new Evaluation[7];
            evaluator.Line(from, to, -1, 2, 7, Train, values, default);
            var net = new ReferenceNet(random.Network);
            for (int i = 0; i < 7; i++)
            {
                double t = -1 + 0.5 * i;
                double[] w = [.. a.Zip(b, (p, q) => (1 - t) * p + t * q)];
                double loss = net.LossOf(w, random.Examples);
                Assert.True(Math.Abs(values[i].Loss - loss) <= 1e-5 * loss + 1e-6, $"{random} at {t}: {values[i].Loss}, not {loss}");
                if (random.Data.Task == DataTask.Regression)
                {
                    Assert.True(double.IsNaN(values[i].Accuracy));
                    continue;
                }
                int right = 0,
                    undecided = 0;
                foreach (var example in random.Examples)
                {
                    double[] output = net.Output(w, example.Features),
                        ordered = output.Length == 1 ? [Math.Abs(output[0]), 0] : [.. output.OrderDescending()];
                    if (ordered[0] - ordered[1] < 1e-4 * (1 + Math.Abs(ordered[0])))
                        undecided++;
                    else if ((output.Length == 1 ? (output[0] > 0 ? 1 : 0) : Array.IndexOf(output, output.Max())) == example.Label)
                        right++;
                }
                Assert.InRange(values[i].Accuracy * random.Examples.Count, right - 1e-6, right + undecided + 1e-6);
            }
        }
    }

    /// <summary>More examples than a chunk; both splits; the ends are what Evaluate says of them.</summary>
    [Fact]
    public void ALineEndsAtItsPoints()
    {
        var images = Sets.Images(2300);
        var set = images with { Test = Sets.Images(190).Train };
        using var stage = new Stage(set, [33], 2);
        foreach (var split in new[] { Split.Train, Split.Test })
        {
            var values = new Evaluation[5];
            stage.Evaluator.Line(stage.Weights[0], stage.Weights[1], 0, 1, 5, EvaluationSet.All(split), values, default);
            foreach (var (at, end) in new[] { (values[0], stage.Weights[0]), (values[4], stage.Weights[1]) })
            {
                var exact = stage.Evaluator.Evaluate(end, EvaluationSet.All(split));
                Assert.Equal(exact.Loss, at.Loss, 1e-5 * exact.Loss);
                Assert.Equal(exact.Accuracy, at.Accuracy, 3e-3);
            }
        }
        var one = new Evaluation[1];
        using var cancelled = new CancellationTokenSource();
        cancelled.Cancel();
        Assert.Throws<OperationCanceledException>(() =>
            stage.Evaluator.Line(stage.Weights[0], stage.Weights[1], 0, 1, 1, Train, one, cancelled.Token)
        );
        Assert.Throws<ArgumentException>(() => stage.Evaluator.Line(stage.Weights[0], stage.Weights[1], 0, 1, 2, Train, one, default));
        Assert.Throws<ArgumentOutOfRangeException>(() =>
            stage.Evaluator.Line(stage.Weights[0], stage.Weights[1], 0, 1, 0, Train, [], default)
        );
    }
}
