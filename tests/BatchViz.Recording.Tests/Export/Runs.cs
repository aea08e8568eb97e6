using System.Runtime.InteropServices;
using System.Text;
using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using BatchViz.Core.Specs;

namespace BatchViz.Recording.Tests.Export;

/// <summary>Runs to export.</summary>
internal static class Runs
{
    /// <summary>Two moons at B = 8 of 203 examples, short batches kept: 26 updates an epoch.</summary>
    public static RecordedRun Moons(int updates) =>
        Train(
            """
            { "data": { "kind": "moons", "trainExamples": 203, "testExamples": 100 }, "model": { "hidden": [8], "activation": "tanh" },
              "learningRate": 0.1, "batchSizes": [8], "budget": { "epochs": 1000 } }
            """,
            updates,
            0,
            1,
            updates / 2,
            updates
        );

    /// <summary>A rate so large that the run diverges; no test accuracy.</summary>
    public static RecordedRun Diverging() =>
        Train(
            """
            { "data": { "kind": "line", "trainExamples": 64 }, "learningRate": 100, "batchSizes": [8], "budget": { "updates": 300 } }
            """,
            300,
            0
        );

    /// <summary>Records of any bits whatever, which no engine made.</summary>
    public static RecordedRun Noise(int updates)
    {
        var moons = Moons(2);
        var records = new float[updates * moons.Layout.Width];
        new Random(4).NextBytes(MemoryMarshal.AsBytes(records.AsSpan()));
        return new RecordedRun(moons.Plan, moons.Layout, records, moons.Evaluations);
    }

    private static RecordedRun Train(string experiment, int updates, params int[] keyframes)
    {
        var spec = SpecReader.Read(Encoding.UTF8.GetBytes(experiment));
        var plan = SpecResolver.Resolve(spec, DataSource.Load(spec.Data, name => throw new FileNotFoundException(name)));
        return RecordedRun.Train(plan, plan.Runs[0], updates, keyframes);
    }
}

/// <summary>A folder for one test.</summary>
internal sealed class ExportFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("batchviz-export").FullName;

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
