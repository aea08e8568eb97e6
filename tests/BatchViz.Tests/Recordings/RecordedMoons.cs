using System.Text;
using BatchViz.Core.Specs;
using BatchViz.Data;

namespace BatchViz.Tests.Recordings;

/// <summary>A small real recording, made by <c>batchviz run --out</c>; so fast that only buckets of its records are kept.</summary>
public sealed class RecordedMoons : IAsyncLifetime
{
    public const string Experiment = """
        { "name": "Two moons, B > 1", "data": { "kind": "moons", "trainExamples": 200 }, "model": { "hidden": [8], "activation": "tanh" },
          "learningRate": 0.1, "batchSizes": [2, 7], "budget": { "epochs": 40 } }
        """;

    private readonly string root = Directory.CreateTempSubdirectory("batchviz-recorded-").FullName;

    public string Folder => Path.Combine(root, "moons");

    public static ExperimentPlan Plan => new DataFiles(null).Plan(SpecReader.Read(Encoding.UTF8.GetBytes(Experiment)), trusted: true);

    public async Task InitializeAsync()
    {
        string file = Path.Combine(root, "moons.json");
        await File.WriteAllTextAsync(file, Experiment);
        var (code, _, error) = await BuiltProgram.Run(root, "run", file, "--out", Folder);
        Assert.True(code == 0, error);
    }

    public Task DisposeAsync()
    {
        Directory.Delete(root, recursive: true);
        return Task.CompletedTask;
    }
}
