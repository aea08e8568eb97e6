using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using BatchViz.Engine.Cpu.Tests.Reference;

namespace BatchViz.Engine.Cpu.Tests;

/// <summary>Losses, planes and grids of dense networks against the reference.</summary>
public class EvaluatorTests
{
    private static readonly EvaluationSet Train = EvaluationSet.All(Split.Train);

    [Theory, ClassData(typeof(Paths))]
    public void LossAndAccuracyAgreeWithTheReference(KernelPath path)
    {
        using var engine = new CpuEngine(path);
        for (int seed = 1; seed <= 60; seed++)
        {
            var random = RandomCase.Make(seed);
            using var data = engine.Load(random.Data);
            using var bundle = engine.CreateBundle(data, random.Spec());
            bundle.StartAt(random.Start);
            using var weights = bundle.Snapshot(0);
            using var evaluator = engine.CreateEvaluator(data, random.Network);
            Check(Train, random.Examples);
            int[] some = [.. Enumerable.Range(0, random.Examples.Count).Where(i => i % 3 == 0).Reverse()];
            Check(new EvaluationSet(Split.Train, some), [.. some.Select(i => random.Examples[i])]);

            void Check(EvaluationSet set, List<Example> examples)
            {
                var net = new ReferenceNet(random.Network);
                var w = random.Start.Doubles();
                var evaluation = evaluator.Evaluate(weights, set);
                double loss = net.LossOf(w, examples);
                Assert.True(Math.Abs(evaluation.Loss - loss) <= 1e-5 * loss + 1e-7, $"{random}: {evaluation.Loss}, not {loss}");
                if (random.Data.Task == DataTask.Regression)
                    Assert.True(double.IsNaN(evaluation.Accuracy));
                else
                    Assert.Equal(examples.Average(e => Class(net.Output(w, e.Features)) == e.Label ? 1.0 : 0), evaluation.Accuracy, 12);
            }

            static int Class(double[] output) => output.Length == 1 ? (output[0] > 0 ? 1 : 0) : Array.IndexOf(output, output.Max());
        }
    }

    /// <summary>More examples than a chunk, from the test split.</summary>
    [Fact]
    public void ChunksAddUp()
    {
        var set = Sets.Images(700);
        using var engine = new CpuEngine();
        using var data = engine.Load(set);
        var net = Sets.Net(set, LossKind.CrossEntropy, [9]);
        using var bundle = engine.CreateBundle(data, Sets.Spec(net, 7));
        bundle.AdvanceBits(100);
        using var w = bundle.Snapshot(0);
        using var evaluator = engine.CreateEvaluator(data, net);
        var reference = new ReferenceNet(net);
        double loss = reference.LossOf(w.Canonical().Doubles(), RandomCase.ExamplesOf(set.Train));
        Assert.Equal(loss, evaluator.Evaluate(w, EvaluationSet.All(Split.Test)).Loss, 1e-5 * loss);
    }

    [Fact]
    public void LossesThatAreNotFiniteAreToldAsSuch()
    {
        var set = Sets.Images();
        using var engine = new CpuEngine();
        using var data = engine.Load(set);
        var net = Sets.Net(set, LossKind.CrossEntropy, []);
        using var bundle = engine.CreateBundle(data, Sets.Spec(net, 7));
        var keyframe = bundle.Export(0);
        Array.Fill(keyframe.Weights, float.NaN);
        bundle.Restore(0, keyframe);
        using var w = bundle.Snapshot(0);
        using var evaluator = engine.CreateEvaluator(data, net);
        var evaluation = evaluator.Evaluate(w, Train);
        Assert.True(double.IsNaN(evaluation.Loss));
        Assert.Equal(0, evaluation.Accuracy);
    }

    [Fact]
    public void TheGramMatrixIsThatOfTheDisplacements()
    {
        using var stage = new Stage(Sets.Images(), [13], 5);
        double[][] w = [.. stage.Weights.Select(v => v.Canonical().Doubles())];
        var mean = Mean(w);
        double[] gram = stage.Evaluator.CentredGram(stage.Weights);
        for (int i = 0; i < 5; i++)
        {
            for (int j = 0; j < 5; j++)
            {
                double exact = Enumerable.Range(0, mean.Length).Sum(p => (w[i][p] - mean[p]) * (w[j][p] - mean[p]));
                Assert.Equal(exact, gram[i * 5 + j], 1e-12 * gram[0]);
            }
        }
    }

    [Fact]
    public void ACombinationPlaneHasUnitDirectionsThroughTheMean()
    {
        using var stage = new Stage(Sets.Images(), [13], 5);
        double[] a = [1, -2, 0.5, 0, 3],
            b = [0, 1, 1, -1, 2];
        using var plane = stage.Evaluator.CombinationPlane(stage.Weights, a, b);
        Assert.Equal(1, plane.UnitLength.X, 1e-6);
        Assert.Equal(1, plane.UnitLength.Y, 1e-6);

        double[][] w = [.. stage.Weights.Select(v => v.Canonical().Doubles())];
        var mean = Mean(w);
        double[] d1 = Direction(a),
            d2 = Direction(b);
        for (int k = 0; k < 5; k++)
        {
            // Least squares on two directions that are not orthogonal.
            double[] s = [.. w[k].Zip(mean, (v, m) => v - m)];
            double c = Dot(d1, d2),
                p = Dot(s, d1),
                q = Dot(s, d2),
                x = (p - c * q) / (1 - c * c),
                y = (q - c * p) / (1 - c * c);
            double off = Vectors.Norm(Enumerable.Range(0, s.Length).Select(i => s[i] - x * d1[i] - y * d2[i]));
            var point = stage.Evaluator.Project(plane, stage.Weights[k]);
            Assert.Equal(x, point.X, 1e-5);
            Assert.Equal(y, point.Y, 1e-5);
            Assert.Equal(off, point.OffPlane, 1e-5);
        }

        double[] Direction(double[] coefficients)
        {
            var d = new double[mean.Length];
            for (int k = 0; k < 5; k++)
            {
                for (int i = 0; i < d.Length; i++)
                    d[i] += coefficients[k] * (w[k][i] - mean[i]);
            }
            double length = Vectors.Norm(d);
            return [.. d.Select(v => v / length)];
        }
    }

    /// <summary>Three weights span a plane, so the plane through them contains them.</summary>
    [Fact]
    public void ThreeWeightsLieInTheirPlane()
    {
        using var stage = new Stage(Sets.Images(), [13], 3);
        using var plane = stage.Evaluator.CombinationPlane(stage.Weights, [1, -1, 0], [1, 1, -2]);
        foreach (var w in stage.Weights)
            Assert.InRange(stage.Evaluator.Project(plane, w).OffPlane, 0, 1e-5);
    }

    [Fact]
    public void APlaneWithoutDirectionsStillAnswers()
    {
        using var stage = new Stage(Sets.Images(), [13], 1);
        using var plane = stage.Evaluator.CombinationPlane(stage.Weights, [1], [1]);
        var point = stage.Evaluator.Project(plane, stage.Weights[0]);
        Assert.Equal((0.0, 0.0, 0.0), (point.X, point.Y, point.OffPlane));
    }

    /// <summary>Li et al. 2018: each row of a direction has the norm of the origin's row; biases do not move.</summary>
    [Fact]
    public void RandomDirectionsAreFilterNormalised()
    {
        var set = Sets.Images();
        using var stage = new Stage(set, [13], 2);
        using var plane = (Planes.CpuPlane)stage.Evaluator.RandomPlane(stage.Weights, 7);
        using var again = (Planes.CpuPlane)stage.Evaluator.RandomPlane(stage.Weights, 7);
        using var other = (Planes.CpuPlane)stage.Evaluator.RandomPlane(stage.Weights, 8);
        float[][] v = Stage.VectorsOf(plane);
        Assert.Equal(v[1], Stage.VectorsOf(again)[1]);
        Assert.NotEqual(v[1], Stage.VectorsOf(other)[1]);
        Assert.NotEqual(v[1], v[2]);
        var net = new ReferenceNet(stage.Network);
        for (int d = 1; d <= 2; d++)
        {
            for (int l = 0; l < 2; l++)
            {
                for (int o = 0; o < stage.Network.Sizes[l + 1]; o++)
                {
                    double Row(float[] w) =>
                        Vectors.Norm(Enumerable.Range(0, stage.Network.Sizes[l]).Select(i => (double)w[net.Weight(l, o, i)]));
                    Assert.Equal(Row(v[0]), Row(v[d]), 1e-5 * Row(v[0]));
                    Assert.Equal(0, v[d][net.Bias(l, o)]);
                }
            }
        }
        Assert.Equal(Vectors.Norm(v[1].Doubles()), plane.UnitLength.X, 1e-9);
        Assert.Equal(Vectors.Norm(v[2].Doubles()), plane.UnitLength.Y, 1e-9);
        // Gaussian: about 68 % of a row's entries lie within one standard deviation of it.
        double[] first =
        [
            .. Enumerable
                .Range(0, 13)
                .SelectMany(o =>
                {
                    double[] row = [.. Enumerable.Range(0, 49).Select(i => (double)v[1][net.Weight(0, o, i)])];
                    return row.Select(x => Math.Abs(x) / (Vectors.Norm(row) / 7));
                }),
        ];
        Assert.InRange(first.Count(x => x < 1) / (double)first.Length, 0.62, 0.74);
    }

    [Theory, ClassData(typeof(Paths))]
    public void GridsAgreeWithTheReferencePointByPoint(KernelPath path)
    {
        foreach (
            var (hidden, activation, loss) in new[]
            {
                (Array.Empty<int>(), Activation.Relu, LossKind.CrossEntropy),
                ([17], Activation.Relu, LossKind.CrossEntropy),
                ([16, 9], Activation.Tanh, LossKind.Squared),
                ([8, 8], Activation.Gelu, LossKind.Logistic),
            }
        )
        {
            // 300 examples: a whole chunk and a short one.
            var data = loss == LossKind.CrossEntropy ? Sets.Images(300) : Sets.Plane(300);
            using var stage = new Stage(data, hidden, 3, path, loss, activation);
            using var plane = (Planes.CpuPlane)stage.Evaluator.RandomPlane(stage.Weights, 3);
            float[][] v = Stage.VectorsOf(plane);
            var region = new GridRegion(-0.7, 0.9, -1, 0.5);
            float[] losses = Stage.Gaps(5);
            stage.Evaluator.Grid(plane, region, 5, Train, losses, default);
            var net = new ReferenceNet(stage.Network);
            var examples = RandomCase.ExamplesOf(data.Train);
            for (int row = 0; row < 5; row++)
            {
                for (int column = 0; column < 5; column++)
                {
                    double x = -0.7 + 1.6 * column / 4,
                        y = -1 + 1.5 * row / 4;
                    double exact = net.LossOf(
                        [.. Enumerable.Range(0, v[0].Length).Select(i => v[0][i] + x * v[1][i] + y * v[2][i])],
                        examples
                    );
                    Assert.Equal(exact, losses[row * 5 + column], 1e-5 * exact + 1e-6);
                }
            }
        }
    }

    [Fact]
    public void GridsReuseCoarserOnesAndComeOutTheSame()
    {
        using var stage = new Stage(Sets.Images(), [12], 3);
        using var plane = stage.Evaluator.RandomPlane(stage.Weights, 3);
        var region = new GridRegion(-0.37, 1.21, -1.03, 0.77);
        float[] coarse = Stage.Gaps(5),
            whole = Stage.Gaps(9),
            nested = Stage.Gaps(9);
        stage.Evaluator.Grid(plane, region, 5, Train, coarse, default);
        for (int i = 0; i < 25; i++)
            nested[i / 5 * 2 * 9 + i % 5 * 2] = coarse[i];
        stage.Evaluator.Grid(plane, region, 9, Train, whole, default);
        stage.Evaluator.Grid(plane, region, 9, Train, nested, default);
        Assert.Equal(whole, nested);

        // What is there is kept, whatever it says; another set is another landscape.
        float[] marked = Stage.Gaps(3);
        marked[4] = -5;
        stage.Evaluator.Grid(plane, region, 3, Train, marked, default);
        Assert.Equal(-5, marked[4]);
        Assert.DoesNotContain(float.NaN, marked);
        float[] other = Stage.Gaps(9);
        stage.Evaluator.Grid(plane, region, 9, new EvaluationSet(Split.Train, [1, 2, 3]), other, default);
        Assert.NotEqual(whole, other);
    }

    [Fact]
    public void ACancelledGridKeepsItsRowsAndGoesOnLater()
    {
        using var stage = new Stage(Sets.Images(), [12], 3);
        using var plane = stage.Evaluator.RandomPlane(stage.Weights, 3);
        var region = new GridRegion(-1, 1, -1, 1);
        float[] whole = Stage.Gaps(9),
            parts = Stage.Gaps(9);
        stage.Evaluator.Grid(plane, region, 9, Train, whole, default);
        using var cancelled = new CancellationTokenSource();
        cancelled.Cancel();
        Assert.Throws<OperationCanceledException>(() => stage.Evaluator.Grid(plane, region, 9, Train, parts, cancelled.Token));
        Assert.All(parts, p => Assert.True(float.IsNaN(p)));
        whole.AsSpan(0, 27).CopyTo(parts);
        stage.Evaluator.Grid(plane, region, 9, Train, parts, default);
        Assert.Equal(whole, parts);
    }

    [Fact]
    public void WhatIsNotFiniteInAGridIsInfinite()
    {
        using var stage = new Stage(Sets.Plane(), [4], 2, loss: LossKind.Squared);
        using var plane = stage.Evaluator.RandomPlane(stage.Weights, 3);
        float[] losses = Stage.Gaps(3);
        stage.Evaluator.Grid(plane, new(-1e30, 1e30, -1e30, 1e30), 3, Train, losses, default);
        Assert.True(float.IsFinite(losses[4]));
        Assert.All(losses.Where((_, i) => i != 4), l => Assert.Equal(float.PositiveInfinity, l));
    }

    /// <summary>w·x + b on a line: two weights, so the plane is the weights themselves.</summary>
    [Fact]
    public void TheWeightPlaneOfTwoWeightsIsTheWeights()
    {
        var split = new DataSplit
        {
            Count = 3,
            Inputs = 1,
            Floats = [1, 2, -1],
            Targets = [1, 0, 2],
        };
        var set = new DataSet("line", DataTask.Regression, 1, 1, split, null);
        using var engine = new CpuEngine();
        using var data = engine.Load(set);
        var net = new NetworkSpec(new ModelSpec { Start = [0.25, -2] }, LossKind.Squared, [1, 1]);
        using var evaluator = engine.CreateEvaluator(data, net);
        using var plane = evaluator.WeightPlane();
        float[] losses = Stage.Gaps(3);
        evaluator.Grid(plane, new(0, 2, -1, 1), 3, Train, losses, default);
        for (int i = 0; i < 9; i++)
        {
            double w = i % 3,
                b = -1 + i / 3;
            Assert.Equal(((w + b - 1) * (w + b - 1) + (2 * w + b) * (2 * w + b) + (-w + b - 2) * (-w + b - 2)) / 6, losses[i], 1e-6);
        }
        using var bundle = engine.CreateBundle(data, Sets.Spec(net, 1));
        using var at = bundle.Snapshot(0);
        var point = evaluator.Project(plane, at);
        Assert.Equal((0.25, -2.0, 0.0), (point.X, point.Y, point.OffPlane));

        using var larger = new Stage(Sets.Plane(), [4], 1, loss: LossKind.Squared);
        Assert.Throws<InvalidOperationException>(() => larger.Evaluator.WeightPlane());
        Assert.Throws<ArgumentException>(() => larger.Evaluator.Evaluate(at, Train));
        Assert.Throws<ArgumentException>(() => larger.Evaluator.Project(plane, larger.Weights[0]));
    }

    private static double[] Mean(double[][] w) => [.. Enumerable.Range(0, w[0].Length).Select(i => w.Average(v => v[i]))];

    private static double Dot(double[] a, double[] b) => a.Zip(b, (x, y) => x * y).Sum();
}
