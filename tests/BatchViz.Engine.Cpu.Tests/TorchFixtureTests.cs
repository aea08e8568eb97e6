using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using BatchViz.Engine.Cpu.Tests.Reference;

namespace BatchViz.Engine.Cpu.Tests;

/// <summary>Short trainings by PyTorch (tests/fixtures/make_fixtures.py) check the reference and the engine.</summary>
public class TorchFixtureTests
{
    private static readonly Fixtures All = Fixtures.Read<Fixtures>("dense.json");

    [Fact]
    public void EveryActivationLossAndOptimizerIsThere()
    {
        Assert.Equal(5 * 3 * 8 + 5 * 8, All.Cases.Length);
        // Nets at most 16 wide go one way through the engine, wider ones another.
        Assert.Equal(40, All.Cases.Where(c => c.Sizes.Max() > 16).Select(c => (c.Activation, c.Optimizer)).Distinct().Count());
        Assert.Equal(3, All.Cases.Where(c => c.Sizes.Max() > 16).Select(c => c.Loss).Distinct().Count());
        Assert.Equal(120, All.Cases.Select(c => (c.Activation, c.Loss, c.Optimizer)).Distinct().Count());
        Assert.Equal(16, All.Cases.Select(c => (c.Optimizer, c.WeightDecay)).Distinct().Count());
        Assert.All(All.Cases, c => Assert.Equal(100, c.Losses.Length));
    }

    [Fact]
    public void TheReferenceFollowsPyTorch()
    {
        foreach (var c in All.Cases)
        {
            var spec = Spec(c);
            var net = new ReferenceNet(spec.Network);
            var examples = RandomCase.ExamplesOf(All.DataOf(c).Train);
            var w = c.Start.Select(v => (double)(float)v).ToArray();
            var optimizer = new ReferenceOptimizer(spec.Optimizer, spec.LearningRate, w.Length);
            for (int u = 0; u < c.Losses.Length; u++)
            {
                var (loss, gradient) = net.Gradient(w, [.. examples.Skip(u % 4 * All.Batch).Take(All.Batch)]);
                Assert.True(
                    Math.Abs(loss - c.Losses[u]) <= 1e-8 * Math.Abs(loss) + 1e-10,
                    $"{c}, update {u + 1}: {loss}, not {c.Losses[u]}"
                );
                if (u == 0)
                    Assert.True(Vectors.Distance(gradient, c.Gradient) <= 1e-9 * Vectors.Norm(gradient), $"{c}: gradient");
                optimizer.Step(w, gradient);
            }
            Assert.True(Vectors.Distance(w, c.End) <= 1e-8 * Vectors.Norm(w), $"{c}: ends {Vectors.Distance(w, c.End):E1} off");
        }
    }

    [Theory, ClassData(typeof(Paths))]
    public void TheEngineFollowsPyTorch(KernelPath path)
    {
        using var engine = new CpuEngine(path);
        foreach (var c in All.Cases)
        {
            using var data = engine.Load(All.DataOf(c));
            using var bundle = engine.CreateBundle(data, Spec(c));
            bundle.StartAt([.. c.Start.Select(v => (float)v)]);
            var block = bundle.Block(c.Losses.Length);
            bundle.Advance(c.Losses.Length, block);
            Assert.Equal(c.Losses.Length, block.Rows[0]);
            Assert.Equal(Vectors.Norm(c.Gradient), block.Row(0, 0)[RecordLayout.GradientNorm], 1e-5 * Vectors.Norm(c.Gradient));
            for (int u = 0; u < c.Losses.Length; u++)
            {
                double loss = block.Row(0, u)[RecordLayout.Loss],
                    relative = u == 0 ? 1e-5 : 1e-3;
                Assert.True(
                    Math.Abs(loss - c.Losses[u]) <= relative * Math.Abs(c.Losses[u]) + 1e-6,
                    $"{c}, update {u + 1}: {loss}, not {c.Losses[u]}"
                );
            }
            double off = Vectors.Distance(bundle.Weights().Doubles(), c.End);
            Assert.True(
                off <= 1e-3 * Vectors.Distance(c.Start, c.End),
                $"{c}: ends {off:E1} off after moving {Vectors.Distance(c.Start, c.End):E1}"
            );
        }
    }

    private static BundleSpec Spec(Case c) =>
        new(
            c.Network,
            new OptimizerSpec { Kind = Enum.Parse<OptimizerKind>(c.Optimizer), WeightDecay = c.WeightDecay },
            new SamplerSpec { Order = SampleOrder.Sequential },
            All.Batch,
            c.Rate,
            [1]
        );

    private sealed record Fixtures : TorchFixtures<Case>
    {
        public required int Batch { get; init; }
    }

    private sealed record Case : TorchTraining
    {
        public required string Optimizer { get; init; }

        public required double WeightDecay { get; init; }

        /// <summary>Of the first batch.</summary>
        public required double[] Gradient { get; init; }

        public override string ToString() => $"{string.Join('-', Sizes)} {Activation} {Loss} {Optimizer} λ={WeightDecay}";
    }
}
