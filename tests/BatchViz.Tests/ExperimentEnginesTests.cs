using System.Text;
using System.Text.Json.Nodes;
using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using BatchViz.Engine.Torch;
using BatchViz.Engines;
using BatchViz.Live;
using BatchViz.Recording;

namespace BatchViz.Tests;

/// <summary>Each experiment has the engine that it names, a recording the one that it was made with, side by side in one process.</summary>
public sealed class ExperimentEnginesTests : IDisposable
{
    private readonly string recordings = Directory.CreateTempSubdirectory("batchviz-engines-").FullName;

    public void Dispose() => Directory.Delete(recordings, recursive: true);

    private sealed class Host(string recordings) : SomeHost(signIn: false, recordings);

    [Theory]
    [InlineData("cpu", null, null, null, false, "the experiment names it")]
    [InlineData("cpu", null, "torch:cpu", "bf16", false, "the experiment names it")]
    [InlineData(null, null, "cpu", null, false, "asked for with --engine cpu")]
    [InlineData("torch:cuda:7", "bf16", "cpu", "float32", true, "asked for with --engine cpu")]
    public void The_experiment_goes_before_a_server_and_after_the_command_line_of_one_that_runs_by_itself(
        string? named,
        string? precision,
        string? asked,
        string? askedPrecision,
        bool overrides,
        string reason
    )
    {
        var spec = Spec(named, precision);
        var engines = new ExperimentEngines(asked, PrecisionOf(askedPrecision), overrides: overrides);
        var (engine, why) = engines.For(spec);
        using (engine)
        {
            Assert.Equal(("cpu", Precision.Float32), (engine.Name, engine.Precision));
            Assert.Equal(reason, why);
        }
        Assert.Equal(overrides ? asked : named, engines.Kept(spec).Engine);
    }

    [TorchFact]
    public async Task Two_experiments_and_a_recording_each_have_their_own_engine()
    {
        var host = new Host(recordings);
        await host.InitializeAsync();
        try
        {
            var experiments = host.Experiments;
            await experiments.Start(Json("Narrow", "torch:cpu", "bf16"));
            var narrow = experiments.Current!;
            Assert.Equal(
                ("torch", Precision.BFloat16, "the experiment names it"),
                (narrow.Experiment.Engine.Name, narrow.Experiment.Engine.Precision, narrow.Experiment.EngineReason)
            );
            await narrow.Experiment.Ended.WaitAsync(TimeSpan.FromSeconds(60));
            Assert.Equal(("torch", "bf16", "torch:cpu"), Shown(host));
            string key = narrow.Recording.Key!;

            await experiments.Start(Json("Plain", "cpu", null));
            var plain = experiments.Current!;
            Assert.Equal("cpu", plain.Experiment.Engine.Name);
            await plain.Experiment.Ended.WaitAsync(TimeSpan.FromSeconds(60));
            Assert.Equal(("cpu", "float32", "cpu"), Shown(host));

            // The first one's manifest has both what was asked for and what trained.
            var entry = Assert.Single(experiments.Recordings(), entry => entry.Key == key);
            Assert.Equal(("torch", "cpu BF16"), (entry.Manifest!.Engine.Name, entry.Manifest.Engine.Variant));
            Assert.Equal(("torch:cpu", "bf16"), ((string?)entry.Manifest.Spec["engine"], (string?)entry.Manifest.Spec["precision"]));
            await experiments.Open(key);
            Assert.Equal(
                ("torch", Precision.BFloat16),
                (experiments.Current!.Experiment.Engine.Name, experiments.Current.Experiment.Engine.Precision)
            );
        }
        finally
        {
            await host.DisposeAsync();
        }
    }

    [TorchFact]
    public async Task What_an_experiment_costs_is_told_of_each_engine_that_is_here()
    {
        using var experiments = new ExperimentHost(new ExperimentEngines(), new Data.DataFiles(null), new Training.ExperimentOptions());
        var estimates = new List<EngineEstimate>();
        await foreach (var estimate in experiments.Estimates(Spec(null, "bf16"), default))
            estimates.Add(estimate);
        Assert.Equal(
            EngineList.All().Where(entry => entry.WhyNot is null).Select(entry => entry.Name),
            estimates.Select(estimate => estimate.Engine)
        );
        Assert.Equal("\"precision\" is \"bf16\", but the embedded engine computes in float32.", estimates[0].Problem);
        Assert.True(estimates[1] is { Cost: { TrainingSeconds: > 0, MemoryBytes: > 0 }, Problem: null });
    }

    private static (string?, string?, string?) Shown(SomeHost host)
    {
        var manifest = JsonNode.Parse(host.Experiments.Current!.ManifestJson)!;
        return ((string?)manifest["engine"]!["name"], (string?)manifest["engine"]!["precision"], (string?)manifest["spec"]!["engine"]);
    }

    private static Precision? PrecisionOf(string? word) =>
        word is null ? null : SpecVocabulary.Precisions.Single(known => known.Word == word).Value;

    private static byte[] Json(string name, string engine, string? precision) =>
        Encoding.UTF8.GetBytes(SpecWriter.Write(Spec(engine, precision) with { Name = name }).ToJsonString());

    private static ExperimentSpec Spec(string? engine, string? precision) =>
        SpecReader.Read(Encoding.UTF8.GetBytes(SomeHost.Moons)) with
        {
            BatchSizes = [new BatchSize(50)],
            Budget = new BudgetSpec { Epochs = 2 },
            Landscape = new LandscapeSpec { Resolution = 9 },
            Engine = engine,
            Precision = PrecisionOf(precision),
        };
}

/// <summary>A test that needs libtorch: skipped, with the reason, on systems that have none (tests/run tells it once).</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class TorchFactAttribute : FactAttribute
{
    public TorchFactAttribute() => Skip = TorchEngine.WhyNot("cpu") is { } why ? $"TorchSharp is not tested here: {why}" : null;
}
