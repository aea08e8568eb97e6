using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using BatchViz.Engine.Cpu.Tests.Reference;

namespace BatchViz.Engine.Cpu.Tests.Probes;

/// <summary>Both sharpnesses: bounds, brute force, and what they are (not) invariant under.</summary>
public class SharpnessTests
{
    /// <summary>0.5·x² + steep·0.5·y² around (0.4, −0.2) as a net: two inputs, one output, no bias.</summary>
    private static readonly DataSet Bowl = new(
        "bowl",
        DataTask.Regression,
        2,
        1,
        new DataSplit
        {
            Count = 2,
            Inputs = 2,
            Floats = [1, 0, 0, 3],
            Targets = [0.4f, -0.6f],
        },
        null
    );

    private static readonly NetworkSpec Line = new(new ModelSpec { Bias = false }, LossKind.Squared, [2, 1]);

    [Theory, ClassData(typeof(Paths))]
    public void OnTwoWeightsBothFindWhatBruteForceFinds(KernelPath path)
    {
        var net = new ReferenceNet(Line);
        var examples = RandomCase.ExamplesOf(Bowl.Train);
        foreach (var (x, y) in new[] { (0.7f, 0.1f), (-1.2f, 0.3f), (0.41f, -0.9f), (2f, -0.2f) })
        {
            using var probed = new Probed(path, Bowl, Line, [x, y]);
            double at = net.LossOf([x, y], examples);
            foreach (double epsilon in new[] { 1e-3, 0.05, 0.5 })
            {
                double worst = Worst(200, (s, t) => (epsilon * (Math.Abs(x) + 1) * s, epsilon * (Math.Abs(y) + 1) * t));
                var found = probed.Probe.Sharpness(probed.Weights, Probed.Train, epsilon, steps: 10);
                Assert.Equal(100 * (worst - at) / (1 + at), found.Sharpness, 1e-3 * found.Sharpness + 1e-3);
                Assert.Equal(new ProbeCost(1, 10, 0), found.Cost);
            }
            foreach (double rho in new[] { 0.01, 0.2, 0.7 })
            {
                double worst = Worst(
                    2000,
                    (s, t) => (rho * Math.Abs(x) * t * Math.Cos(Math.PI * s), rho * Math.Abs(y) * t * Math.Sin(Math.PI * s))
                );
                var found = probed.Probe.AdaptiveSharpness(probed.Weights, Probed.Train, rho, steps: 30);
                Assert.Equal(worst - at, found.Sharpness, 2e-3 * (worst - at) + 1e-6);
                // One step is that of ASAM: never more than the worst.
                var first = probed.Probe.AdaptiveSharpness(probed.Weights, Probed.Train, rho, steps: 1);
                var g = net.Gradient([x, y], examples).Gradient;
                double length = Math.Sqrt(x * x * g[0] * g[0] + y * y * g[1] * g[1]);
                double asam = net.LossOf([x + rho * x * x * g[0] / length, y + rho * y * y * g[1] / length], examples) - at;
                Assert.Equal(asam, first.Sharpness, 1e-4 * asam + 1e-6);
                Assert.Equal(new ProbeCost(1, 1, 0), first.Cost);
            }

            double Worst(int n, Func<double, double, (double X, double Y)> way)
            {
                double worst = at;
                for (int i = -n; i <= n; i++)
                {
                    foreach (int j in new[] { -n, -n / 2, 0, n / 2, n })
                    {
                        foreach (var (s, t) in new[] { ((double)i / n, (double)j / n), ((double)j / n, (double)i / n) })
                        {
                            var (dx, dy) = way(s, t);
                            worst = Math.Max(worst, net.LossOf([x + dx, y + dy], examples));
                        }
                    }
                }
                return worst;
            }
        }
    }

    [Theory, ClassData(typeof(Paths))]
    public void SharpnessGrowsWithItsRadiusAndIsNeverNegative(KernelPath path)
    {
        for (int seed = 1; seed <= 75; seed += 2)
        {
            var random = RandomCase.Make(seed, widest: 17);
            using var probed = new Probed(path, random);
            double before = 0,
                adaptiveBefore = 0;
            foreach (double radius in new[] { 1e-4, 1e-3, 5e-3, 2e-2 })
            {
                var found = probed.Probe.Sharpness(probed.Weights, Probed.Train, radius, steps: 6);
                var adaptive = probed.Probe.AdaptiveSharpness(probed.Weights, Probed.Train, radius, steps: 4);
                Assert.True(found.Sharpness >= before - 1e-4, $"{random}: {found.Sharpness} at {radius}, {before} before");
                Assert.True(
                    adaptive.Sharpness >= adaptiveBefore - 1e-6,
                    $"{random}: adaptive {adaptive.Sharpness} at {radius}, {adaptiveBefore} before"
                );
                Assert.True(found.WorstLoss >= found.Loss && adaptive.WorstLoss >= adaptive.Loss);
                Assert.Equal(100 * (found.WorstLoss - found.Loss) / (1 + found.Loss), found.Sharpness, 1e-9);
                (before, adaptiveBefore) = (found.Sharpness, adaptive.Sharpness);
            }
            Assert.Equal(
                probed.Evaluator.Evaluate(probed.Weights, Probed.Train).Loss,
                probed.Probe.Sharpness(probed.Weights, Probed.Train, 1e-3, 1).Loss,
                1e-6
            );
        }
    }

    /// <summary>At a minimum the gradient says nothing; the ascent must find the walls all the same.</summary>
    [Fact]
    public void MinimaHaveASharpness()
    {
        using var probed = new Probed(CpuEngine.Available[^1], Bowl, Line, [0.4f, -0.2f]);
        double corner = 0.25 * 1.4 * 1.4 + 0.25 * 9 * 1.2 * 1.2;
        Assert.Equal(100 * 0.01 * corner, probed.Probe.Sharpness(probed.Weights, Probed.Train, 0.1, steps: 10).Sharpness, 1e-2 * corner);
    }

    /// <summary>
    /// ReLU nets compute the same function when a layer is multiplied by α and the next divided by it (Dinh et al. 2017).
    /// </summary>
    [Theory, ClassData(typeof(Paths))]
    public void RescalingLayersChangesKeskarsSharpnessAndNothingElse(KernelPath path)
    {
        var set = Sets.Images();
        foreach (bool bias in new[] { true, false })
        {
            var net = Sets.Net(set, LossKind.CrossEntropy, [12]);
            net = net with { Model = net.Model with { Bias = bias } };
            using var probed = new Probed(path, set, net);
            float[] w = probed.Weights.Canonical();
            var (adaptive, keskar, fisher) = Measure();
            int first = 12 * (net.Sizes[0] + (bias ? 1 : 0)),
                last = 10 * 12;
            // A power of two rounds nothing; only the small last bias, which is 0 here, would be rescaled by neither.
            probed.MoveTo([
                .. w.Select(
                    (v, i) =>
                        i < first ? 8 * v
                        : i < first + last ? v / 8
                        : v
                ),
            ]);
            var (adaptiveAfter, keskarAfter, fisherAfter) = Measure();
            Assert.True(adaptive > 1e-3);
            Assert.Equal(adaptive, adaptiveAfter, 1e-4 * adaptive);
            Assert.Equal(fisher, fisherAfter, 1e-5 * fisher);
            Assert.True(keskarAfter > 1.5 * keskar, $"{keskar} became {keskarAfter}");

            (double Adaptive, double Keskar, double Fisher) Measure() =>
                (
                    probed.Probe.AdaptiveSharpness(probed.Weights, Probed.Train, 0.3, 5).Sharpness,
                    probed.Probe.Sharpness(probed.Weights, Probed.Train, 1e-3, 5).Sharpness,
                    bias ? 1 : probed.Probe.FisherRao(probed.Weights, Probed.Train).Norm
                );
        }
    }
}
