using System.Buffers.Binary;
using System.Net;
using System.Text.Json.Nodes;
using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using BatchViz.Data;
using BatchViz.Engine.Cpu;
using BatchViz.Live;
using BatchViz.Training;

namespace BatchViz.Tests;

/// <summary>What pages are told of moments, batches, boundaries and examples.</summary>
public class MomentsApiTests(ProbedHost probed) : IClassFixture<ProbedHost>
{
    private string Base => $"/api/experiments/{probed.Host.Experiments.Current!.Generation}";

    private DataSet Data => probed.Experiment.Plan.Data;

    [Fact]
    public async Task A_moment_has_the_gradients_at_its_point_of_the_current_plane()
    {
        await Until(() => probed.Experiment.LandscapeSettled);
        long plane = probed.Experiment.Landscape!.PlaneId;
        var moment = await Json($"{Base}/moments/2/100/{plane}", immutable: true);
        var expected = probed.Experiment.Replayer.Moment(probed.Experiment.Runs[2], 100, probed.Experiment.Landscape.Plane!, null, default);

        Assert.Equal(
            (probed.Experiment.Runs[2].Plan.Id, 100, plane),
            ((string)moment["run"]!, (int)moment["update"]!, (long)moment["plane"]!)
        );
        Assert.Equal(
            (expected.Point.X, expected.Point.Y, expected.Point.OffPlane),
            ((double)moment["point"]!["x"]!, (double)moment["point"]!["y"]!, (double)moment["point"]!["offPlane"]!)
        );
        Assert.Equal((7, 200), ((int)moment["nextBatchSize"]!, (int)moment["full"]!["examples"]!));
        Assert.Equal(expected.Batch, Gradient(moment["batch"]!));
        Assert.Equal(expected.Full, Gradient(moment["full"]!));
        Assert.Equal(expected.Cosine, (double)moment["cosine"]!);
        Assert.Equal(
            [expected.Scatter!.XX, expected.Scatter.XY, expected.Scatter.YY],
            moment["covariance"]!.AsArray().Select(v => (double)v!)
        );
        Assert.Equal(200, (int)moment["covarianceExamples"]!);

        long end = probed.Experiment.Runs[2].Log.Count;
        var last = await Json($"{Base}/moments/2/{end}/{plane}", immutable: true);
        Assert.Null(last["batch"]);
        Assert.Null(last["cosine"]);
        Assert.Equal(
            $"\"update\" is {end + 1}, but b7-s1 has made only {end} updates.",
            await Refusal($"{Base}/moments/2/{end + 1}/{plane}")
        );
        using var gone = await probed.Host.Client.GetAsync($"{Base}/moments/2/100/{plane + 1000}");
        Assert.Equal(HttpStatusCode.NoContent, gone.StatusCode);
        using var none = await probed.Host.Client.GetAsync($"{Base}/moments/99/100/{plane}");
        Assert.Equal(HttpStatusCode.NotFound, none.StatusCode);
    }

    /// <summary>A page may ask for what is only about to be there; a browser would write a 404 on its console as an error.</summary>
    [Fact]
    public async Task What_is_not_there_yet_is_no_error_and_what_never_will_be_is_one()
    {
        var landscape = probed.Experiment.Landscape!;
        foreach (string path in new[] { "tiles/0/loss/0/9999", $"grids/{landscape.GridId}/7", $"paths/{landscape.PlaneId + 1000}/0" })
        {
            using var yet = await probed.Host.Client.GetAsync($"{Base}/{path}");
            Assert.Equal(HttpStatusCode.NoContent, yet.StatusCode);
        }
        foreach (string path in new[] { "tiles/99/loss/0/0", "tiles/0/nonsense/0/0", $"paths/{landscape.PlaneId}/99" })
        {
            using var never = await probed.Host.Client.GetAsync($"{Base}/{path}");
            Assert.Equal(HttpStatusCode.NotFound, never.StatusCode);
        }
    }

    [Fact]
    public async Task A_batch_says_whether_it_is_a_remainder_and_how_far_it_leads_from_the_full_gradient()
    {
        // 200 examples: 28 batches of 7, then one of 4.
        var batch = await Json($"{Base}/batches/2/58", immutable: true);
        Assert.Equal((true, 2, 4), ((bool)batch["remainder"]!, (int)batch["epoch"]!, (int)batch["batchSize"]!));
        double cosine = (double)batch["full"]!["cosine"]!;
        Assert.Equal((double)batch["full"]!["degrees"]!, Math.Acos(cosine) * 180 / Math.PI, 1e-9);
        Assert.InRange(cosine, -1, 0.9999);
        Assert.Equal(200, (int)batch["full"]!["examples"]!);
        Assert.True((double)batch["full"]!["norm"]! > 0);
        Assert.False((bool)(await Json($"{Base}/batches/2/57", immutable: true))["remainder"]!);
    }

    [Fact]
    public async Task A_boundary_is_the_networks_probabilities_over_its_inputs()
    {
        var boundary = await Json($"{Base}/boundary/4/32?n=9", immutable: true);
        double[] region = [.. boundary["region"]!.AsArray().Select(v => (double)v!)];
        byte[] bytes = Convert.FromBase64String((string)boundary["values"]!);
        Assert.Equal((9, "probability", 81 * 4), ((int)boundary["resolution"]!, (string)boundary["kind"]!, bytes.Length));
        using var weights = probed.Experiment.Replayer.WeightsAt(probed.Experiment.Runs[4], 32, null, default);
        using var evaluator = probed.Experiment.Engine.CreateEvaluator(new CpuEngine().Load(Data), probed.Experiment.Plan.Network);
        // The third line's second point.
        float[] at = [(float)(region[0] + (region[1] - region[0]) / 8), (float)(region[2] + (region[3] - region[2]) / 4)],
            z = new float[probed.Experiment.Plan.Network.Sizes[^1]];
        evaluator.Outputs(weights, at, z);
        double probability = 1 / (1 + Math.Exp(z.Length == 1 ? -z[0] : z[0] - z[1]));
        Assert.Equal(probability, BinaryPrimitives.ReadSingleLittleEndian(bytes.AsSpan(4 * (2 * 9 + 1))), 1e-6);
        Assert.Equal(
            65 * 65 * 4,
            Convert.FromBase64String((string)(await Json($"{Base}/boundary/4/32", immutable: true))["values"]!).Length
        );
        Assert.Contains("from 2 to 257", await Refusal($"{Base}/boundary/4/32?n=1000000"));
    }

    [Fact]
    public async Task Examples_come_with_their_values_and_points_with_their_classes()
    {
        var answer = await Json($"{Base}/examples/train/3+0", immutable: true);
        Assert.Equal((2, 2), ((int)answer["inputs"]!, (int)answer["classes"]!));
        Assert.Null(answer["image"]);
        var example = answer["examples"]![0]!;
        Assert.Equal((3, Data.Train.Labels![3]), ((int)example["index"]!, (int)example["target"]!));
        Assert.Null(example["pixels"]);
        Assert.Equal(Data.Train.Floats!.AsSpan(6, 2).ToArray(), example["values"]!.AsArray().Select(v => (float)v!));
        Assert.Equal(0, (int)answer["examples"]![1]!["index"]!);

        var points = await Json($"{Base}/points/test", immutable: true);
        Assert.Equal(60, (int)points["total"]!);
        Assert.Equal(Data.Test!.Labels!, points["target"]!.AsArray().Select(v => (int)v!));
        Assert.Equal(Data.Test.Floats!.Where((_, i) => i % 2 == 1), points["y"]!.AsArray().Select(v => (float)v!));

        Assert.Contains("no example \"200\"", await Refusal($"{Base}/examples/train/1+200"));
        Assert.Contains("no example \"-1\"", await Refusal($"{Base}/examples/train/-1"));
        Assert.Contains("at most 64", await Refusal($"{Base}/examples/train/{string.Join('+', Enumerable.Range(0, 65))}"));
        using var no = await probed.Host.Client.GetAsync($"{Base}/points/validation");
        Assert.Equal(HttpStatusCode.NotFound, no.StatusCode);
    }

    [Fact]
    public void Many_points_are_thinned_and_a_surface_has_none()
    {
        var many = Generators.Make(
            new DataSpec
            {
                Kind = DataKind.Spirals,
                TrainExamples = 5000,
                TestExamples = 10,
            }
        );
        var points = JsonNode.Parse(ExamplesJson.Points(many, Split.Train))!;
        Assert.Equal(
            (2000, 2000, 2000, 5000),
            (points["x"]!.AsArray().Count, points["y"]!.AsArray().Count, points["target"]!.AsArray().Count, (int)points["total"]!)
        );
        Assert.Equal(many.Train.Floats![2 * 4997], (float)points["x"]![1999]!);

        var line = Generators.Make(
            new DataSpec
            {
                Kind = DataKind.Line,
                TrainExamples = 20,
                TestExamples = 10,
            }
        );
        Assert.Contains("has 1", Assert.Throws<RefusedException>(() => ExamplesJson.Points(line, Split.Train)).Message);
        Assert.Equal(
            line.Train.Targets![4],
            (float)JsonNode.Parse(ExamplesJson.Examples(line, Split.Train, ["4"]))!["examples"]![0]!["target"]![0]!
        );

        var surface = Generators.Make(new DataSpec { Kind = DataKind.DoubleWell, TrainExamples = 20 });
        Assert.Contains("not points", Assert.Throws<RefusedException>(() => ExamplesJson.Points(surface, Split.Train)).Message);
        Assert.Contains("no test split", Assert.Throws<RefusedException>(() => ExamplesJson.Examples(surface, Split.Test, ["0"])).Message);
        Assert.Null(JsonNode.Parse(ExamplesJson.Examples(surface, Split.Train, ["0"]))!["examples"]![0]!["target"]);
    }

    /// <summary>The whole of MNIST: the gradient goes over sixty thousand images, piece by piece.</summary>
    [Fact]
    public async Task On_MNIST_the_full_gradient_is_that_of_all_images_and_examples_are_pictures()
    {
        var data = new DataFiles(null).Load(new DataSpec { Kind = DataKind.Mnist }, trusted: true);
        var example = JsonNode.Parse(ExamplesJson.Examples(data, Split.Train, ["59999"]))!;
        Assert.Equal("[28,28]", example["image"]!.ToJsonString());
        Assert.Equal(10, (int)example["classes"]!);
        Assert.Equal(
            data.Train.Bytes!.AsSpan(59999 * 784).ToArray(),
            Convert.FromBase64String((string)example["examples"]![0]!["pixels"]!)
        );
        Assert.Null(example["examples"]![0]!["values"]);

        var spec = SpecReader.Read(
            System.Text.Encoding.UTF8.GetBytes(
                """
                { "data": { "kind": "mnist" }, "model": { "hidden": [32] }, "learningRate": 0.1, "batchSizes": [64], "budget": { "updates": 40 }, "landscape": { "resolution": 9 } }
                """
            )
        );
        using var engine = new CpuEngine();
        using var experiment = new Experiment(SpecResolver.Resolve(spec, data), engine);
        experiment.Start();
        await Until(() => experiment.Finished && experiment.LandscapeSettled);
        var told = new List<double>();
        var moment = experiment.Replayer.Moment(experiment.Runs[0], 20, experiment.Landscape!.Plane!, new Progress(told), default);

        using var weights = experiment.Replayer.WeightsAt(experiment.Runs[0], 20, null, default);
        using var held = engine.Load(data);
        using var probe = engine.CreateProbe(held, experiment.Plan.Network);
        using var evaluator = engine.CreateEvaluator(held, experiment.Plan.Network);
        using var full = probe.Gradient(weights, EvaluationSet.All(Split.Train));
        var on = evaluator.Project(experiment.Landscape.Plane!, full.Gradient);
        Assert.Equal(60000, moment.FullExamples);
        Assert.Equal(full.Gradient.Norm, moment.Full.Norm, 1e-5 * full.Gradient.Norm);
        Assert.Equal(on.X, moment.Full.X, 1e-5 * full.Gradient.Norm);
        Assert.Equal(on.Y, moment.Full.Y, 1e-5 * full.Gradient.Norm);
        Assert.True(told.Count > 29 && told.SequenceEqual(told.Order()) && told[^1] == 1, string.Join(' ', told));

        // The covariance is of 8,192 of them.
        var all = probe.PlaneGradients(weights, EvaluationSet.All(Split.Train), experiment.Landscape.Plane!);
        Assert.Equal((8192, 60000), (moment.Scatter!.Examples, all.Examples));
        Assert.Equal(1, moment.Scatter.XX / all.XX, 0.15);
        Assert.Equal(1, moment.Scatter.YY / all.YY, 0.15);
        Assert.Equal(on.X, all.X, 1e-5 * full.Gradient.Norm);
    }

    private static GradientOnPlane Gradient(JsonNode json) => new((double)json["x"]!, (double)json["y"]!, (double)json["norm"]!);

    /// <summary>Asks until it is there, as a page does.</summary>
    private async Task<JsonNode> Json(string path, bool immutable)
    {
        for (int i = 0; i < 200; i++)
        {
            using var answer = await probed.Host.Client.GetAsync(path);
            if (answer.StatusCode == HttpStatusCode.OK)
            {
                Assert.Equal(immutable, answer.Headers.CacheControl!.ToString().Contains("immutable", StringComparison.Ordinal));
                return JsonNode.Parse(await answer.Content.ReadAsStringAsync())!;
            }
            Assert.Equal(HttpStatusCode.Accepted, answer.StatusCode);
            await Task.Delay(100);
        }
        throw new TimeoutException(path);
    }

    private async Task<string> Refusal(string path)
    {
        using var answer = await probed.Host.Client.GetAsync(path);
        Assert.Equal((HttpStatusCode.Conflict, "no-store"), (answer.StatusCode, answer.Headers.CacheControl!.ToString()));
        return (string)JsonNode.Parse(await answer.Content.ReadAsStringAsync())!["error"]!;
    }

    private static async Task Until(Func<bool> condition)
    {
        for (int i = 0; i < 300 && !condition(); i++)
            await Task.Delay(100);
        Assert.True(condition(), "Waited half a minute in vain.");
    }

    private sealed class Progress(List<double> told) : IProgress<double>
    {
        public void Report(double value) => told.Add(value);
    }
}
