using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using BatchViz.Core.Numerics;
using BatchViz.Core.Specs;
using BatchViz.Engine.Cpu.Tests.Reference;

namespace BatchViz.Engine.Cpu.Tests.Probes;

/// <summary>
/// Double backward, whole Hessians and per-example gradients by PyTorch (tests/fixtures/make_curvature.py) check the probes and their
/// reference.
/// </summary>
public class CurvatureFixtureTests
{
    private static readonly Fixtures All = Fixtures.Read<Fixtures>("curvature.json");

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
            var hessian = new ReferenceHessian(c.Network);
            var examples = RandomCase.ExamplesOf(All.DataOf(c).Train);
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
            using var probed = new Probed(path, All.DataOf(c), c.Network, [.. c.Start.Select(v => (float)v)]);
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
            for (int k = 0; k < 4; k++)
                Assert.Equal(c.Eigenvalues[k], top.Pairs[k].Value, 1e-5 * Vectors.Norm(c.Eigenvalues));

            // The Hessian's norm without its diagonal is at most that of the whole: an upper bound of the estimator's error.
            var trace = probed.Probe.Trace(probed.Weights, Probed.Train, 400, seed: 1);
            double bound = Math.Sqrt(2 * c.Eigenvalues.Sum(v => v * v) / 400);
            Assert.InRange(trace.StandardError, 1e-9, 1.3 * bound);
            Assert.True(
                Math.Abs(trace.Trace - c.Trace) <= 4 * trace.StandardError,
                $"{c}: trace {trace.Trace} ± {trace.StandardError}, not {c.Trace}"
            );

            void Near(double[] expected, double[] actual, string what) =>
                Assert.True(
                    Vectors.Distance(actual, expected) <= 1e-5 * Vectors.Norm(expected),
                    $"{c}: {what} off by {Vectors.Distance(actual, expected) / Vectors.Norm(expected):E1}"
                );
        }
    }

    private sealed record Fixtures : TorchFixtures<Case>;

    private sealed record Case : TorchCase
    {
        public required double[] Vector { get; init; }

        public required double[] Gradient { get; init; }

        public required double[] Product { get; init; }

        public required double[] Eigenvalues { get; init; }

        public required double Trace { get; init; }

        public required double[] Norms { get; init; }

        public required double TraceCovariance { get; init; }

        public override string ToString() => $"{Activation}/{OutputActivation} {Loss}";
    }
}
