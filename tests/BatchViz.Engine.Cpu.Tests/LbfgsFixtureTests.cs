using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using BatchViz.Engine.Cpu.Tests.Reference;

namespace BatchViz.Engine.Cpu.Tests;

/// <summary>Trainings by torch.optim.LBFGS on a full batch (tests/fixtures/make_lbfgs.py) check the reference and the engine.</summary>
public class LbfgsFixtureTests
{
    private static readonly Fixtures All = Fixtures.Read<Fixtures>("lbfgs.json");

    [Fact]
    public void EveryActivationLossAndSearchIsThere()
    {
        Assert.Equal(18, All.Cases.Select(c => (c.Activation, c.Loss, c.Search)).Distinct().Count());
        Assert.All(All.Cases, c => Assert.Equal(20, c.Losses.Length));
        Assert.Contains(All.Cases, c => c.Evaluations[^1] > 2 * c.Losses.Length);
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
            var search = new ReferenceSearch(spec.Optimizer);
            int evaluations = 0;
            for (int u = 0; u < c.Losses.Length; u++)
            {
                double loss = net.Gradient(w, examples).Loss;
                Assert.True(Math.Abs(loss - c.Losses[u]) <= 1e-8 * loss, $"{c}, update {u + 1}: {loss}, not {c.Losses[u]}");
                search.Step(w, x => net.Gradient(x, examples), c.Rate);
                // With a fixed step PyTorch saves the gradient at its end for the next call.
                evaluations += c.Search.Length > 0 ? search.Gradients : 1;
                Assert.Equal(c.Evaluations[u], evaluations);
            }
            Assert.True(Vectors.Distance(w, c.End) <= 1e-7 * Vectors.Norm(w), $"{c}: ends {Vectors.Distance(w, c.End):E1} off");
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
            bundle.Advance(4, block);
            double off = Vectors.Distance(bundle.Weights().Doubles(), c.Fourth);
            Assert.True(off <= 1e-4 * Vectors.Distance(c.Start, c.Fourth), $"{c}: {off:E1} off after four updates");
            double before = 0;
            for (int u = 0; u < 4; u++)
            {
                Assert.Equal(c.Losses[u], block.Row(0, u)[RecordLayout.Loss], 1e-4 * c.Losses[u]);
                double gradients = block.Row(0, u)[bundle.Layout.Gradients];
                if (c.Search.Length > 0)
                    Assert.Equal(c.Evaluations[u] - before, gradients);
                before = c.Evaluations[u];
            }
            // Rounding grows from update to update; the losses stay close all the same.
            bundle.Advance(c.Losses.Length - 4, block);
            for (int u = 4; u < c.Losses.Length; u++)
                Assert.Equal(c.Losses[u], block.Row(0, u - 4)[RecordLayout.Loss], 2e-2 * c.Losses[u]);
        }
    }

    private static BundleSpec Spec(Case c)
    {
        var optimizer = new OptimizerSpec
        {
            Kind = OptimizerKind.Lbfgs,
            Memory = All.History,
            LineSearch = c.Search.Length > 0 ? LineSearch.StrongWolfe : LineSearch.None,
            Trials = 26,
        };
        return new BundleSpec(c.Network, optimizer, new SamplerSpec { Order = SampleOrder.Sequential }, All.Labels.Length, c.Rate, [1]);
    }

    private sealed record Fixtures : TorchFixtures<Case>
    {
        public required int History { get; init; }
    }

    private sealed record Case : TorchTraining
    {
        /// <summary>PyTorch's name of it; empty: none.</summary>
        public required string Search { get; init; }

        /// <summary>Of loss and gradient, so far, after each update.</summary>
        public required int[] Evaluations { get; init; }

        /// <summary>The weights after the fourth update.</summary>
        public required double[] Fourth { get; init; }

        public override string ToString() => $"{string.Join('-', Sizes)} {Activation} {Loss} {Search}";
    }
}
