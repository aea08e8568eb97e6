using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json.Nodes;
using BatchViz.Core.Specs;
using BatchViz.Data;

namespace BatchViz.Tests.Export;

/// <summary>
/// What is exported is enough to have our numbers in PyTorch: test losses of nets with batch norms, and points of landscapes.
/// </summary>
public sealed class RepeatedInPyTorchTests : IDisposable
{
    private const string BatchNorms = """
        { "data": { "kind": "mnist", "trainExamples": 300, "testExamples": 200 },
          "model": { "kind": "layers", "layers": [
            { "kind": "conv2d", "filters": 4, "kernel": 3, "padding": 1 }, { "kind": "batchNorm" }, { "kind": "activation", "function": "relu" },
            { "kind": "maxPool", "kernel": 2 },
            { "kind": "residual", "layers": [ { "kind": "conv2d", "filters": 4, "kernel": 3, "padding": 1, "bias": false }, { "kind": "batchNorm" } ] },
            { "kind": "flatten" }, { "kind": "dense", "units": 16 }, { "kind": "batchNorm" }, { "kind": "activation", "function": "tanh" },
            { "kind": "dense" } ] },
          "learningRate": 0.05, "batchSizes": [16], "budget": { "updates": 100 }, "landscape": { "resolution": 9, "evaluationExamples": 100 } }
        """;

    private const string Dense = """
        { "data": { "kind": "mnist", "trainExamples": 300, "testExamples": 100 }, "model": { "hidden": [24, 16], "activation": "tanh" },
          "learningRate": 0.1, "batchSizes": [8, 32], "budget": { "updates": 60 }, "landscape": { "resolution": 17, "evaluationExamples": 100 } }
        """;

    private const string Logistic = """
        { "data": { "kind": "moons", "trainExamples": 80 }, "model": { "hidden": [8], "activation": "relu" }, "loss": "logistic",
          "learningRate": 0.1, "batchSizes": [8, 32], "budget": { "updates": 60 }, "landscape": { "resolution": 9, "plane": "random" } }
        """;

    private const string Line = """
        { "data": { "kind": "line", "trainExamples": 60 }, "model": { "hidden": [8], "activation": "relu" }, "loss": "squared",
          "learningRate": 0.01, "batchSizes": [4, 16], "budget": { "updates": 60 }, "landscape": { "resolution": 9 } }
        """;

    private readonly string folder = Directory.CreateTempSubdirectory("batchviz-test-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task A_net_with_batch_norms_has_our_test_loss_in_PyTorch_at_its_end_and_on_the_way()
    {
        await Record(BatchNorms);
        string[][] evaluations =
        [
            .. (await File.ReadAllLinesAsync(Path.Combine(folder, "csv", "b16-s1-evaluations.csv")))[1..].Select(row => row.Split(',')),
        ];
        string update = evaluations[evaluations.Length / 2][1];
        await Program(
            "export",
            Path.Combine(folder, "recorded"),
            "--to",
            "safetensors",
            "--update",
            update,
            "--out",
            Path.Combine(folder, "tensors")
        );
        var plan = new DataFiles(null).Plan(SpecReader.Read(Encoding.UTF8.GetBytes(BatchNorms)), trusted: true);
        var test = plan.Data.Test!;
        float[] features = new float[test.Count * test.Inputs];
        for (int i = 0; i < test.Count; i++)
            test.CopyFeatures(i, features.AsSpan(i * test.Inputs, test.Inputs));
        string inputs = Path.Combine(folder, "features"),
            labels = Path.Combine(folder, "labels");
        await File.WriteAllBytesAsync(inputs, MemoryMarshal.AsBytes<float>(features).ToArray());
        await File.WriteAllBytesAsync(labels, MemoryMarshal.AsBytes<long>(test.Labels!.Select(label => (long)label).ToArray()).ToArray());

        foreach (string[] row in evaluations.Where(row => row[1] == update || row[1] == "100"))
        {
            string file = Path.Combine(folder, "tensors", $"b16-s1-update{row[1]}.safetensors");
            var json = JsonNode.Parse(await Python(Fixture("check_layers.py"), file, inputs, labels))!;

            Assert.Equal(int.Parse(row[1], CultureInfo.InvariantCulture), (int)json["update"]!);
            Assert.Equal(double.Parse(row[5], CultureInfo.InvariantCulture), (double)json["loss"]!, 1e-4);
        }
    }

    [Theory]
    [InlineData(Dense)]
    [InlineData(BatchNorms)]
    [InlineData(Logistic)]
    [InlineData(Line)]
    public async Task The_documented_script_repeats_25_points_of_a_recorded_landscape(string experiment)
    {
        await Record(experiment);
        await Program("export", Path.Combine(folder, "recorded"), "--to", "safetensors", "--out", Path.Combine(folder, "tensors"));

        var json = JsonNode.Parse(
            await Python(Fixture("repeat_grid.py"), Path.Combine(folder, "tensors", "landscape.safetensors"), "--points", "25", "--json")
        )!;

        Assert.Equal(25, (int)json["points"]!);
        Assert.InRange((double)json["off"]!, 0, 1e-4);
    }

    private async Task Record(string experiment)
    {
        string file = Path.Combine(folder, "experiment.json"),
            recorded = Path.Combine(folder, "recorded");
        await File.WriteAllTextAsync(file, experiment);
        await Program("run", file, "--out", recorded);
        await Program("export", recorded, "--to", "csv", "--out", Path.Combine(folder, "csv"));
    }

    private static string Fixture(string script) => Path.Combine(AppContext.BaseDirectory, "fixtures", script);

    private static async Task Program(params string[] arguments)
    {
        var (code, _, error) = await BuiltProgram.Run(null, arguments);
        Assert.True(code == 0, $"{string.Join(' ', arguments)}: {error}");
    }

    private static async Task<string> Python(params string[] arguments)
    {
        using var python = Process.Start(
            new ProcessStartInfo("/usr/bin/python3", arguments) { RedirectStandardOutput = true, RedirectStandardError = true }
        )!;
        var (output, errors) = (python.StandardOutput.ReadToEndAsync(), python.StandardError.ReadToEndAsync());
        await python.WaitForExitAsync();
        Assert.True(python.ExitCode == 0, $"{await errors} (the test needs python3-torch and libopenblas0-pthread)");
        return await output;
    }
}
