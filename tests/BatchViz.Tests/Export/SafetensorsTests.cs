using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using BatchViz.Core.Data;
using BatchViz.Core.Specs;
using BatchViz.Data;
using BatchViz.Recording.Export;
using BatchViz.Recording.Tests.Export;

namespace BatchViz.Tests.Export;

/// <summary>PyTorch repeats exported batches: from the same weights, the same examples have the losses that the engine recorded.</summary>
public sealed class SafetensorsTests : IDisposable
{
    private const int Updates = 60,
        Batches = 25;

    /// <summary>The second keyframe's batches end with the run, and with a short batch.</summary>
    private static readonly int[] KeyframesAt = [0, 40];

    private const string Mnist = """
        "data": { "kind": "mnist", "trainExamples": 1000, "testExamples": 100 }
        """;

    private static readonly string[] Experiments =
    [
        $$"""
            { {{Mnist}}, "model": { "hidden": [64], "activation": "relu" },
              "learningRate": 0.1, "batchSizes": [1, 64], "budget": { "updates": {{Updates}} } }
            """,
        $$"""
            { {{Mnist}}, "model": { "hidden": [32, 16], "activation": "tanh" }, "loss": "squared",
              "learningRate": 0.05, "batchSizes": [24], "budget": { "updates": {{Updates}} } }
            """,
        $$"""
            { {{Mnist}}, "model": { "hidden": [32], "activation": "tanh", "bias": false }, "optimizer": { "kind": "momentum" },
              "learningRate": 0.02, "batchSizes": [48], "batchSchedule": { "factor": 2, "everyEpochs": 1 }, "budget": { "updates": {{Updates}} } }
            """,
        $$"""
            { "data": { "kind": "moons", "trainExamples": 203 }, "model": { "hidden": [8, 8], "activation": "tanh" }, "loss": "logistic",
              "learningRate": 0.1, "batchSizes": [8], "sampler": { "order": "replacement" }, "budget": { "updates": {{Updates}} } }
            """,
        $$"""
            { "data": { "kind": "line", "trainExamples": 50 }, "model": { "hidden": [8], "activation": "relu" }, "loss": "squared",
              "learningRate": 0.01, "batchSizes": [16], "sampler": { "remainder": "carry" }, "budget": { "updates": {{Updates}} } }
            """,
    ];

    private readonly string folder = Directory.CreateTempSubdirectory("batchviz-safetensors").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task PyTorch_repeats_batches_from_exported_weights_with_the_recorded_losses()
    {
        var cases = Experiments.SelectMany(Export).ToList();

        var repeated = await Repeat(cases);

        Assert.Equal(cases.Count, repeated.Length);
        foreach (var (index, result) in repeated.Index())
        {
            int update = KeyframesAt[index % KeyframesAt.Length];
            Assert.Equal((update, Math.Min(Batches, Updates - update)), (result.Update, result.Batches));
            Assert.True(result.Examples > 0);
            Assert.True(result.Off <= 1e-4, $"{cases[index].File}: a loss is off by {result.Off}");
        }
    }

    private sealed record Case(string File, string Features, string Targets);

    private sealed record Repeated(string Run, int Update, int Batches, long Examples, double Off);

    /// <summary>Trains every run of an experiment, exports it, and writes its data beside it.</summary>
    private List<Case> Export(string experiment, int number)
    {
        var plan = new DataFiles(null).Plan(SpecReader.Read(Encoding.UTF8.GetBytes(experiment)), trusted: true);
        string own = Path.Combine(folder, $"{number}"),
            features = Path.Combine(own, "features"),
            targets = Path.Combine(own, "targets");
        Directory.CreateDirectory(own);
        File.WriteAllBytes(features, Features(plan.Data.Train));
        File.WriteAllBytes(
            targets,
            plan.Data.Train.Labels is { } labels
                ? MemoryMarshal.AsBytes<long>(labels.Select(label => (long)label).ToArray()).ToArray()
                : MemoryMarshal.AsBytes<float>(plan.Data.Train.Targets!).ToArray()
        );
        var cases = new List<Case>();
        foreach (var run in plan.Runs)
        {
            var recorded = RecordedRun.Train(plan, run, Updates, KeyframesAt);
            var sampler = plan.BundleOf([run]).SamplerOf(0, plan.Data.Train.Count);
            cases.AddRange(
                SafetensorsExport
                    .Write(recorded, plan.Spec, plan.Network, recorded.Keyframes, sampler, Batches, own)
                    .Select(file => new Case(file, features, targets))
            );
        }
        return cases;
    }

    private static byte[] Features(DataSplit split)
    {
        float[] features = new float[split.Count * split.Inputs];
        for (int i = 0; i < split.Count; i++)
            split.CopyFeatures(i, features.AsSpan(i * split.Inputs, split.Inputs));
        return MemoryMarshal.AsBytes<float>(features).ToArray();
    }

    /// <summary>One start of PyTorch for all cases.</summary>
    private async Task<Repeated[]> Repeat(List<Case> cases)
    {
        string list = Path.Combine(folder, "cases.json"),
            script = Path.Combine(AppContext.BaseDirectory, "fixtures", "check_safetensors.py");
        await File.WriteAllTextAsync(list, JsonSerializer.Serialize(cases, JsonSerializerOptions.Web));
        using var python = Process.Start(
            new ProcessStartInfo("/usr/bin/python3", [script, list]) { RedirectStandardOutput = true, RedirectStandardError = true }
        )!;
        var (output, errors) = (python.StandardOutput.ReadToEndAsync(), python.StandardError.ReadToEndAsync());
        await python.WaitForExitAsync();
        Assert.True(python.ExitCode == 0, $"{await errors} (the test needs python3-torch and libopenblas0-pthread)");
        return JsonSerializer.Deserialize<Repeated[]>(await output, JsonSerializerOptions.Web)!;
    }
}
