using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using BatchViz.Engine.Cpu;
using BatchViz.Live;
using BatchViz.Training;

namespace BatchViz.Tests;

/// <summary>A small experiment with probes and a test split, trained to its end.</summary>
public sealed class ProbedHost : IAsyncLifetime
{
    public const string Spec = """
        { "name": "Probed", "data": { "kind": "moons", "trainExamples": 200, "testExamples": 60 }, "model": { "hidden": [8], "activation": "tanh" }, "optimizer": { "kind": "momentum" },
          "learningRate": 0.1, "batchSizes": [1, 7, 50], "seeds": [1, 2], "budget": { "epochs": 8 }, "probes": ["gradient", "sharpness"], "landscape": { "evaluationExamples": 128 } }
        """;

    public RunningHost Host { get; } = new();

    public Experiment Experiment => Host.Experiments.Current!.Experiment;

    public async Task InitializeAsync()
    {
        await Host.InitializeAsync();
        await Host.Experiments.Start(Encoding.UTF8.GetBytes(Spec));
        await Experiment.Ended.WaitAsync(TimeSpan.FromMinutes(1));
    }

    public Task DisposeAsync() => Host.DisposeAsync();
}

/// <summary>What pages are told of planes, lines, probes and the machine.</summary>
public class PlanesApiTests(ProbedHost probed) : IClassFixture<ProbedHost>
{
    private string Base => $"/api/experiments/{probed.Host.Experiments.Current!.Generation}";

    [Fact]
    public async Task A_line_has_at_its_ends_the_losses_of_the_two_runs()
    {
        var (a, b) = (probed.Experiment.Runs[0], probed.Experiment.Runs[4]);

        using var answer = await Patiently($"{Base}/lines/0/4");

        Assert.Contains("immutable", answer.Headers.CacheControl!.ToString());
        var line = JsonNode.Parse(await answer.Content.ReadAsStringAsync())!;
        Assert.Equal(("b1-s1", "b50-s1"), ((string)line["a"]!, (string)line["b"]!));
        Assert.Equal([a.Log.Count, b.Log.Count], Numbers(line["updates"]!).Select(update => (long)update));
        double[] t = Numbers(line["t"]!);
        Assert.Equal((61, -1, 0, 1, 2), (t.Length, t[0], t[20], t[40], t[60]));
        Assert.Equal((128, 60), ((int)line["trainExamples"]!, (int)line["testExamples"]!));
        using var evaluator = probed.Experiment.Engine.CreateEvaluator(Data, probed.Experiment.Plan.Network);
        foreach (var (name, set) in new[] { ("train", probed.Experiment.EvaluationSet), ("test", EvaluationSet.All(Split.Test)) })
        {
            foreach (var (run, at) in new[] { (a, 20), (b, 40) })
            {
                var there = evaluator.Evaluate(run.Snapshots[run.Snapshots.Count - 1].Weights, set);
                Assert.Equal(there.Loss, Numbers(line[name]!["loss"]!)[at], 1e-5);
                Assert.Equal(there.Accuracy, Numbers(line[name]!["accuracy"]!)[at], 1e-9);
            }
        }
    }

    [Fact]
    public async Task The_same_weights_have_one_line_and_a_run_has_none_with_itself()
    {
        using var first = await Patiently($"{Base}/lines/1/2");
        using var again = await probed.Host.Client.GetAsync($"{Base}/lines/1/2");
        Assert.Equal(
            (HttpStatusCode.OK, await first.Content.ReadAsStringAsync()),
            (again.StatusCode, await again.Content.ReadAsStringAsync())
        );

        using var same = await probed.Host.Client.GetAsync($"{Base}/lines/1/1");
        Assert.Equal(
            (HttpStatusCode.Conflict, """{"error":"A line needs two different runs."}"""),
            (same.StatusCode, await same.Content.ReadAsStringAsync())
        );
        using var none = await probed.Host.Client.GetAsync($"{Base}/lines/1/6");
        Assert.Equal(HttpStatusCode.NotFound, none.StatusCode);
    }

    [Fact]
    public async Task Probes_are_told_point_by_point_and_null_where_not_asked_for()
    {
        var run = probed.Experiment.Runs[3];

        var points = JsonNode.Parse(await probed.Host.Client.GetStringAsync($"{Base}/probes/3"))!["points"]!.AsArray();

        Assert.True(run.Probes.Count > 3);
        Assert.Equal(
            run.Probes.ToArray().Select(point => (point.Update, point.GradientNorm, point.BatchCosine, point.Sharpness)),
            points.Select(point =>
                ((long)point!["update"]!, (double)point["gradientNorm"]!, (double)point["batchCosine"]!, (double)point["sharpness"]!)
            )
        );
        foreach (string name in new[] { "adaptiveSharpness", "eigenvalues", "trace", "gradientCurvature", "noiseScale", "fisherRao" })
            Assert.All(points, point => Assert.Null(point![name]));
    }

    [Fact]
    public async Task The_manifest_accounts_for_memory_and_bytes_and_names_the_probes()
    {
        var manifest = await Manifest();

        Assert.Equal(["gradient", "sharpness"], manifest["probes"]!.AsArray().Select(probe => (string)probe!));
        Assert.Null(manifest["machine"]);
        foreach (var run in manifest["runs"]!.AsArray())
        {
            var memory = run!["memory"]!;
            Assert.Equal(2, (int)memory["seeds"]!);
            Assert.Equal(memory["predicted"]!.ToJsonString(), memory["reserved"]!.ToJsonString());
            string[] parts = ["weights", "optimizerState", "activations", "gradients", "batch", "workspace"];
            Assert.Equal((long)memory["reserved"]!["total"]!, parts.Sum(part => (long)memory["reserved"]![part]!));
            // 2-8-1 with momentum: 33 weights of which 9 are read backward, 2 × 2 times 33 by the optimiser; 9 activations twice, 2 inputs.
            Assert.Equal(4 * (33 + 9 + 4 * 33 + (int)run["batchSize"]! * (2 * 9 + 2)), (long)run["bytesPerUpdate"]!);
        }
        probed.Host.Experiments.Ceilings = new Ceilings(100, 10);
        try
        {
            await Until(async () =>
                (await Manifest())["machine"] is { } machine
                && machine.ToJsonString() == $$"""{"fmaGflops":100,"memoryGBs":10,"cores":{{Environment.ProcessorCount}}}"""
            );
        }
        finally
        {
            probed.Host.Experiments.Ceilings = null;
        }
    }

    [Fact]
    public async Task The_manifest_says_when_the_landscape_changes_no_more()
    {
        JsonNode manifest = null!;
        await Until(async () => (bool)(manifest = await Manifest())["settled"]!);
        Assert.Equal(65, (int)manifest["plane"]!["resolution"]!);
        probed.Host.Experiments.FitPlane("random");
        await Until(async () => (bool)(manifest = await Manifest())["settled"]! && (string)manifest["plane"]!["kind"]! == "random");
        Assert.Equal(65, (int)manifest["plane"]!["resolution"]!);
    }

    [Fact]
    public async Task The_manifest_says_in_numbers_where_a_plane_lies()
    {
        await probed.Host.Experiments.FitPlaneAt("hessian", ["b7-s2"], 11);
        JsonNode plane = null!;
        await Until(async () => (plane = (await Manifest())["plane"]!) is { } now && (string)now["kind"]! == "hessian");
        Assert.Equal(
            """[["b7-s2"],[11],11]""",
            $"[{plane["runs"]!.ToJsonString()},{plane["updates"]!.ToJsonString()},{plane["update"]!.ToJsonString()}]"
        );
        Assert.Equal(2, plane["eigenvalues"]!.AsArray().Count);

        await probed.Host.Experiments.FitPlaneAt("runs", ["b1-s2", "b7-s1", "b50-s2"], 0);
        await Until(async () => (string)(plane = (await Manifest())["plane"]!)["kind"]! == "runs");
        Assert.Equal("""["b1-s2","b7-s1","b50-s2"]""", plane["runs"]!.ToJsonString());
        Assert.Equal("[1600,232,32]", plane["updates"]!.ToJsonString());
        Assert.Null(plane["update"]);

        var refused = await Assert.ThrowsAsync<RefusedException>(() => probed.Host.Experiments.FitPlaneAt("hessian", ["b7-s2"], 233));
        Assert.Equal("\"update\" is 233, but b7-s2 has made only 232 updates.", refused.Message);
        Assert.Contains(
            "A plane is",
            (await Assert.ThrowsAsync<RefusedException>(() => probed.Host.Experiments.FitPlaneAt("flat", ["b7-s2"], 1))).Message
        );
    }

    private IEngineData Data => new CpuEngine().Load(probed.Experiment.Plan.Data);

    private async Task<JsonNode> Manifest() => JsonNode.Parse(await probed.Host.Client.GetStringAsync("/api/experiments/current"))!;

    /// <summary>Asks until it is there, as a page does.</summary>
    private async Task<HttpResponseMessage> Patiently(string path)
    {
        for (int i = 0; ; i++)
        {
            var answer = await probed.Host.Client.GetAsync(path);
            if (answer.StatusCode != HttpStatusCode.Accepted || i == 200)
                return answer;
            answer.Dispose();
            await Task.Delay(100);
        }
    }

    private static double[] Numbers(JsonNode array) => [.. array.AsArray().Select(number => (double)number!)];

    private static async Task Until(Func<Task<bool>> condition)
    {
        for (int i = 0; i < 300; i++)
        {
            if (await condition())
                return;
            await Task.Delay(100);
        }
        Assert.Fail("Waited half a minute in vain.");
    }
}
