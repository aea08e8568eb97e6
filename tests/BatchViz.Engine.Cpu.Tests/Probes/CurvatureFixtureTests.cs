using System.Text.Json;
using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using BatchViz.Core.Numerics;
using BatchViz.Core.Specs;
using BatchViz.Engine.Cpu.Tests.Reference;

namespace BatchViz.Engine.Cpu.Tests.Probes;

/// <summary>Double backward, whole Hessians and per-example gradients by PyTorch (tests/fixtures/make_curvature.py) check the probes and their reference.</summary>
public class CurvatureFixtureTests
{
    private static readonly Fixtures All = JsonSerializer.Deserialize<Fixtures>(
        File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "fixtures", "curvature.json")), new JsonSerializerOptions { PropertyNameCaseInsensitive = true })!;

    [Fact]
    public void EveryActivationAndLossIsThere()
    {
        Assert.Equal(20, All.Cases.Select(c => (c.Activation, c.Loss, c.OutputActivation)).Distinct().Count());
        Assert.All(All.Cases, c => Assert.True(Vectors.Norm(c.Product) > 1e-3));
    }

    [Fact]
    public void TheReferenceAgreesWithPyTorch()
    {
        foreach (var c in All.Cases)
        {
            var hessian = new ReferenceHessian(Network(c));
            var examples = RandomCase.ExamplesOf(Data(c).Train);
            double[] product = hessian.Product(c.Start, examples, c.Vector);
            Assert.True(hessian.NearestKink > 1e-4, $"{c}: a kink is too near");
            Assert.True(Vectors.Distance(product, c.Product) <= 1e-6 * Vectors.Norm(c.Product), $"{c}: product");
            double[] matrix = hessian.Matrix(c.Start, examples);
            var (values, _) = SymmetricEigen.Decompose(matrix, c.Start.Length);
            Assert.True(Vectors.Distance(values, c.Eigenvalues) <= 1e-6 * Vectors.Norm(c.Eigenvalues), $"{c}: eigenvalues");
            Assert.Equal(c.Eigenvalues.Sum(), c.Trace, 1e-8);
        }
    }

    [Theory, ClassData(typeof(Paths))]
    public void TheProbesAgreeWithPyTorch(KernelPath path)
    {
        foreach (var c in All.Cases)
        {
            using var probed = new Probed(path, Data(c), Network(c), [.. c.Start.Select(v => (float)v)]);
            Near(c.Gradient, probed.Gradient().Doubles(), "gradient");
            Near(c.Product, probed.HessianProduct([.. c.Vector.Select(v => (float)v)]).Doubles(), "product");

            var norms = new float[c.Norms.Length];
            var examples = probed.Probe.ExampleGradients(probed.Weights, Probed.Train, norms);
            Near(c.Norms, norms.Doubles(), "norms of the examples' gradients");
            Assert.Equal(c.TraceCovariance, examples.TraceCovariance, 1e-5 * examples.MeanSquare);
            double square = c.Gradient.Sum(g => g * g);
            Assert.Equal(c.TraceCovariance / square, examples.NoiseScale, 1e-4 * examples.MeanSquare / square);

            using var top = probed.Probe.Eigenvalues(probed.Weights, Probed.Train, 4, 60, seed: 1);
            Assert.Equal(4, top.Pairs.Count);
            for (int k = 0; k < 4; k++) Assert.Equal(c.Eigenvalues[k], top.Pairs[k].Value, 1e-5 * Vectors.Norm(c.Eigenvalues));

            // The Hessian's norm without its diagonal is at most that of the whole: an upper bound of the estimator's error.
            var trace = probed.Probe.Trace(probed.Weights, Probed.Train, 400, seed: 1);
            double bound = Math.Sqrt(2 * c.Eigenvalues.Sum(v => v * v) / 400);
            Assert.InRange(trace.StandardError, 1e-9, 1.3 * bound);
            Assert.True(Math.Abs(trace.Trace - c.Trace) <= 4 * trace.StandardError, $"{c}: trace {trace.Trace} ± {trace.StandardError}, not {c.Trace}");

            void Near(double[] expected, double[] actual, string what)
                => Assert.True(Vectors.Distance(actual, expected) <= 1e-5 * Vectors.Norm(expected), $"{c}: {what} off by {Vectors.Distance(actual, expected) / Vectors.Norm(expected):E1}");
        }
    }

    private static DataSet Data(Case c)
    {
        bool regression = c.Loss == LossKind.Squared.ToString();
        var split = new DataSplit
        {
            Count = All.Labels.Length, Inputs = c.Sizes[0], Floats = [.. All.Features.Select(v => (float)v)],
            Labels = regression ? null : c.Loss == LossKind.Logistic.ToString() ? All.Binary : All.Labels,
            Targets = regression ? [.. All.Values.Select(v => (float)v)] : null,
        };
        int outputs = c.Loss == LossKind.Logistic.ToString() ? 2 : c.Sizes[^1];
        return new DataSet("fixtures", regression ? DataTask.Regression : DataTask.Classification, c.Sizes[0], outputs, split, null);
    }

    private static NetworkSpec Network(Case c)
    {
        var model = new ModelSpec
        {
            Hidden = c.Sizes[1..^1], Activation = Enum.Parse<Activation>(c.Activation), OutputActivation = Enum.Parse<Activation>(c.OutputActivation),
        };
        return new NetworkSpec(model, Enum.Parse<LossKind>(c.Loss), c.Sizes);
    }

    private sealed record Fixtures(double[] Features, int[] Labels, int[] Binary, double[] Values, Case[] Cases);

    private sealed record Case(
        string Activation, string Loss, string OutputActivation, int[] Sizes, double[] Start, double[] Vector, double[] Gradient,
        double[] Product, double[] Eigenvalues, double Trace, double[] Norms, double TraceCovariance)
    {
        public override string ToString() => $"{Activation}/{OutputActivation} {Loss}";
    }
}
