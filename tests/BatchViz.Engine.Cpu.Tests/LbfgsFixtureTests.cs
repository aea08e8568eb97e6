using System.Text.Json;
using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using BatchViz.Engine.Cpu.Tests.Reference;

namespace BatchViz.Engine.Cpu.Tests;

/// <summary>Trainings by torch.optim.LBFGS on a full batch (tests/fixtures/make_lbfgs.py) check the reference and the engine.</summary>
public class LbfgsFixtureTests
{
    private static readonly Fixtures All = JsonSerializer.Deserialize<Fixtures>(
        File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "fixtures", "lbfgs.json")), new JsonSerializerOptions { PropertyNameCaseInsensitive = true })!;

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
            var examples = RandomCase.ExamplesOf(Data(c).Train);
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
            using var data = engine.Load(Data(c));
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
                if (c.Search.Length > 0) Assert.Equal(c.Evaluations[u] - before, gradients);
                before = c.Evaluations[u];
            }
            // Rounding grows from update to update; the losses stay close all the same.
            bundle.Advance(c.Losses.Length - 4, block);
            for (int u = 4; u < c.Losses.Length; u++) Assert.Equal(c.Losses[u], block.Row(0, u - 4)[RecordLayout.Loss], 2e-2 * c.Losses[u]);
        }
    }

    private static DataSet Data(Case c)
    {
        int count = All.Labels.Length;
        bool regression = c.Loss == LossKind.Squared.ToString();
        var split = new DataSplit
        {
            Count = count, Inputs = c.Sizes[0], Floats = [.. All.Features.Select(v => (float)v)],
            Labels = regression ? null : c.Loss == LossKind.Logistic.ToString() ? All.Binary : All.Labels,
            Targets = regression ? [.. All.Values.Select(v => (float)v)] : null,
        };
        int outputs = c.Loss == LossKind.Logistic.ToString() ? 2 : c.Sizes[^1];
        return new DataSet("fixtures", regression ? DataTask.Regression : DataTask.Classification, c.Sizes[0], outputs, split, null);
    }

    private static BundleSpec Spec(Case c)
    {
        var model = new ModelSpec { Hidden = c.Sizes[1..^1], Activation = Enum.Parse<Activation>(c.Activation) };
        var optimizer = new OptimizerSpec { Kind = OptimizerKind.Lbfgs, Memory = All.History, LineSearch = c.Search.Length > 0 ? LineSearch.StrongWolfe : LineSearch.None, Trials = 26 };
        return new BundleSpec(new NetworkSpec(model, Enum.Parse<LossKind>(c.Loss), c.Sizes), optimizer,
            new SamplerSpec { Order = SampleOrder.Sequential }, All.Labels.Length, c.Rate, [1]);
    }

    private sealed record Fixtures(int History, double[] Features, int[] Labels, int[] Binary, double[] Values, Case[] Cases);

    private sealed record Case(string Activation, string Loss, string Search, double Rate, int[] Sizes, double[] Start, double[] Losses, int[] Evaluations, double[] Fourth, double[] End)
    {
        public override string ToString() => $"{string.Join('-', Sizes)} {Activation} {Loss} {Search}";
    }
}
