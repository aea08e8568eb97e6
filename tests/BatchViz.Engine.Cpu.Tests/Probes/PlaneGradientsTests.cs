using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using BatchViz.Engine.Cpu.Planes;
using BatchViz.Engine.Cpu.Tests.Reference;

namespace BatchViz.Engine.Cpu.Tests.Probes;

/// <summary>Gradients on planes against finite differences of the reference's losses, and outputs against the reference's.</summary>
public class PlaneGradientsTests
{
    [Theory, ClassData(typeof(Paths))]
    public void MeanAndCovarianceOnASkewPlaneAreThoseOfTheExamplesSlopes(KernelPath path)
    {
        int checks = 0;
        for (int seed = 1; seed <= 75; seed++)
        {
            var random = RandomCase.Make(seed);
            var net = new ReferenceNet(random.Network);
            double[] w = random.Start.Doubles();
            net.Gradient(w, random.Examples);
            // A step of the differences must not cross a kink, and a plane needs room.
            if (net.NearestKink < 1e-3 || w.Length < 3)
                continue;
            using var probed = new Probed(path, random);
            using var plane = Skew(random.Network, random.Start, seed);
            var scatter = new Scatter(plane, random.Examples.Select(e => (Func<double[], double>)(at => net.LossOf(at, [e]))), w);
            var found = probed.Probe.PlaneGradients(probed.Weights, Probed.Train, plane);
            scatter.Check(found, random.ToString());
            Assert.Equal(net.LossOf(w, random.Examples), found.Loss, 1e-5 * found.Loss + 1e-7);
            Assert.Equal(random.Examples.Count, found.Examples);

            using var gradient = probed.Probe.Gradient(probed.Weights, Probed.Train);
            var mean = probed.Evaluator.Project(plane, gradient.Gradient);
            Assert.Equal(mean.X, found.X, scatter.Tolerance);
            Assert.Equal(mean.Y, found.Y, scatter.Tolerance);
            checks++;
        }
        Assert.True(checks >= 45, $"only {checks} cases were away from kinks");
    }

    [Fact]
    public void SetsOfSeveralChunksAndPartsOfASplitAreMeasuredWhole()
    {
        var set = Sets.Images();
        var network = Sets.Net(set, LossKind.CrossEntropy, [16, 5], Activation.Tanh);
        using var probed = new Probed(CpuEngine.Available[^1], set, network);
        var w = new float[network.ParameterCount];
        probed.Weights.CopyTo(w);
        var net = new ReferenceNet(network);
        var examples = RandomCase.ExamplesOf(set.Train);
        using var plane = Skew(network, w, 5);
        int[] some = [.. Enumerable.Range(0, examples.Count).Where(i => i % 2 == 0 || i < 9), 3, 3];
        Assert.True(some.Length > 128);
        var scatter = new Scatter(plane, some.Select(i => (Func<double[], double>)(at => net.LossOf(at, [examples[i]]))), w.Doubles());
        scatter.Check(probed.Probe.PlaneGradients(probed.Weights, new EvaluationSet(Split.Train, some), plane), "images");
    }

    [Fact]
    public void OnASurfaceEveryExampleHasItsOwnShift()
    {
        foreach (var kind in new[] { DataKind.DoubleWell, DataKind.Beale })
        {
            var data = Generators.Make(
                new DataSpec
                {
                    Kind = kind,
                    TrainExamples = 40,
                    Noise = 0.3,
                }
            );
            var network = new NetworkSpec(new ModelSpec { Kind = ModelKind.Surface, Start = [0.7, -0.4] }, LossKind.Surface, [2, 1]);
            using var probed = new Probed(CpuEngine.Available[^1], data, network, [0.7f, -0.4f]);
            double Loss(double[] at, int i) =>
                Surfaces.Value(data.Surface!.Value, at[0], at[1])
                + data.Train.Floats![2 * i] * at[0]
                + data.Train.Floats[2 * i + 1] * at[1];
            using var whole = probed.Evaluator.WeightPlane();
            using var skew = Skew(network, [0.7f, -0.4f], 3);
            foreach (var plane in new[] { whole, skew })
            {
                var scatter = new Scatter(
                    plane,
                    Enumerable.Range(0, 40).Select(i => (Func<double[], double>)(at => Loss(at, i))),
                    [0.7f, -0.4f]
                );
                scatter.Check(probed.Probe.PlaneGradients(probed.Weights, Probed.Train, plane), $"{kind}");
            }
            using var gradient = probed.Probe.Gradient(probed.Weights, Probed.Train);
            float[] g = gradient.Gradient.Canonical();
            var on = probed.Evaluator.Project(whole, gradient.Gradient);
            Assert.Equal((g[0], g[1], 0), (on.X, on.Y, on.OffPlane));
            var refusal = Assert.Throws<RefusedException>(() => probed.Evaluator.Outputs(probed.Weights, [0, 0], new float[1]));
            Assert.Contains("no inputs", refusal.Message);
        }
    }

    [Fact]
    public void AVectorIsWhatItsComponentsMakeAndARestAtARightAngle()
    {
        var set = Sets.Images(20);
        var network = Sets.Net(set, LossKind.CrossEntropy, [4]);
        using var probed = new Probed(CpuEngine.Available[^1], set, network);
        using var plane = Skew(network, new float[network.ParameterCount], 11);
        float[][] vectors = Stage.VectorsOf(plane);
        float[] v = Probed.Vector(new Random(2), (int)network.ParameterCount);
        using var direction = probed.Probe.Direction(v);
        var on = probed.Evaluator.Project(plane, direction);
        double[] rest = [.. v.Select((value, i) => value - on.X * vectors[1][i] - on.Y * vectors[2][i])];
        Assert.Equal(0, Vectors.Dot(rest, vectors[1].Doubles()), 1e-6);
        Assert.Equal(0, Vectors.Dot(rest, vectors[2].Doubles()), 1e-6);
        Assert.Equal(Vectors.Norm(rest), on.OffPlane, 1e-6);

        using var along = probed.Probe.Direction([.. vectors[1].Select((value, i) => 3 * value - 2 * vectors[2][i])]);
        var inside = probed.Evaluator.Project(plane, along);
        Assert.Equal(3, inside.X, 1e-5);
        Assert.Equal(-2, inside.Y, 1e-5);
        Assert.InRange(inside.OffPlane, 0, 1e-5);
    }

    [Theory, ClassData(typeof(Paths))]
    public void OutputsAreThoseOfTheReferenceAtAnyInputs(KernelPath path)
    {
        for (int seed = 1; seed <= 60; seed++)
        {
            var random = RandomCase.Make(seed, widest: 17);
            var net = new ReferenceNet(random.Network);
            int inputs = random.Network.Sizes[0],
                outputs = random.Network.Sizes[^1],
                count = seed % 9 == 0 ? 300 : 1 + seed % 7;
            float[] at = Probed.Vector(new Random(seed), count * inputs),
                found = new float[count * outputs];
            using var probed = new Probed(path, random);
            probed.Evaluator.Outputs(probed.Weights, at, found);
            double[] expected = [.. at.Doubles().Chunk(inputs).SelectMany(x => net.Output(random.Start.Doubles(), x))];
            double off = Vectors.Distance(found.Doubles(), expected);
            Assert.True(off <= 1e-5 * Vectors.Norm(expected) + 1e-6, $"{random}: outputs off by {off:E1}");
        }
    }

    /// <summary>A plane of two directions of unequal length that are at no right angle.</summary>
    private static CpuPlane Skew(NetworkSpec network, float[] origin, int seed)
    {
        var layout = WeightLayout.Of(network);
        var random = new Random(seed);
        float[] a = Probed.Vector(random, (int)layout.Parameters),
            b = Probed.Vector(random, (int)layout.Parameters);
        float scale = 1 / MathF.Sqrt(a.Length);
        return new CpuPlane(
            layout,
            Padded(layout, origin),
            Padded(layout, [.. a.Select(v => 2 * scale * v)]),
            Padded(layout, [.. b.Select((v, i) => scale * (0.5f * v + 0.4f * a[i]))])
        );
    }

    private static unsafe double[] Padded(WeightLayout layout, float[] canonical)
    {
        var padded = new float[layout.Floats];
        fixed (float* to = padded)
            layout.Pack(canonical, to);
        return padded.Doubles();
    }

    /// <summary>Mean and covariance of losses' slopes on a plane, by central differences in double precision.</summary>
    private sealed class Scatter
    {
        private const double Step = 1e-5;

        private readonly double x,
            y,
            xx,
            xy,
            yy,
            size;

        public Scatter(IPlane plane, IEnumerable<Func<double[], double>> losses, double[] w)
        {
            double[] d1 = Stage.VectorsOf(plane)[1].Doubles(),
                d2 = Stage.VectorsOf(plane)[2].Doubles();
            double p = Vectors.Dot(d1, d1),
                q = Vectors.Dot(d1, d2),
                r = Vectors.Dot(d2, d2);
            var points = losses
                .Select(loss =>
                {
                    double a = Slope(loss, w, d1),
                        b = Slope(loss, w, d2);
                    return (X: (a * r - b * q) / (p * r - q * q), Y: (b * p - a * q) / (p * r - q * q));
                })
                .ToArray();
            (x, y) = (points.Average(e => e.X), points.Average(e => e.Y));
            xx = points.Average(e => (e.X - x) * (e.X - x));
            xy = points.Average(e => (e.X - x) * (e.Y - y));
            yy = points.Average(e => (e.Y - y) * (e.Y - y));
            size = Math.Sqrt(points.Average(e => e.X * e.X + e.Y * e.Y));
        }

        public double Tolerance => 2e-5 * size + 1e-6;

        public void Check(PlaneGradientsProbe found, string what)
        {
            double square = 5e-5 * size * size + 1e-6 * size + 1e-9;
            Assert.True(
                Math.Abs(x - found.X) <= Tolerance && Math.Abs(y - found.Y) <= Tolerance,
                $"{what}: mean ({found.X}, {found.Y}), not ({x}, {y})"
            );
            Assert.True(
                Math.Abs(xx - found.XX) <= square && Math.Abs(xy - found.XY) <= square && Math.Abs(yy - found.YY) <= square,
                $"{what}: covariance ({found.XX}, {found.XY}, {found.YY}), not ({xx}, {xy}, {yy})"
            );
        }

        private static double Slope(Func<double[], double> loss, double[] w, double[] d) =>
            (loss([.. w.Select((v, i) => v + Step * d[i])]) - loss([.. w.Select((v, i) => v - Step * d[i])])) / (2 * Step);
    }
}
