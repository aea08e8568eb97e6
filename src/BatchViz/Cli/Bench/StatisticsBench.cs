using System.Text.Json.Nodes;
using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using BatchViz.Engine.Cpu;

namespace BatchViz.Cli.Bench;

/// <summary>What per-example norms, gradient variance and noise scale cost with every update: the same updates with and without them, in turns.</summary>
internal static class StatisticsBench
{
    /// <summary>Null where the engine cannot leave them out: in networks so narrow that they come with the gradient.</summary>
    public static StatisticsCell? Measure(KernelPath path, IEngineData data, BenchNet net, int batch, double seconds, CancellationToken stop)
    {
        var spec = EngineBench.Spec(net, OptimizerKind.Sgd, batch, seeds: 1);
        using var with = new CpuEngine(path);
        using var without = new CpuEngine(path) { ExampleStatistics = false };
        if (Measures(without, data, spec)) return null;
        using var measuring = new EngineUpdates(with.CreateBundle(data, spec));
        using var training = new EngineUpdates(without.CreateBundle(data, spec));
        var times = Contest.Run([measuring, training], seconds, stop);
        return new StatisticsCell(net, batch, times[0], times[1]);
    }

    private static bool Measures(IEngine engine, IEngineData data, BundleSpec spec)
    {
        using var bundle = engine.CreateBundle(data, spec);
        var block = new RecordBlock(1, 1, bundle.Layout.Width);
        bundle.Advance(1, block);
        return !float.IsNaN(block.Row(0, 0)[RecordLayout.ExampleNormMean]);
    }
}

/// <summary>Seconds of one update with per-example statistics and without.</summary>
internal sealed record StatisticsCell(BenchNet Net, int Batch, Timing With, Timing Without)
{
    /// <summary>What they add, as a share of the update without them; noise can make it negative.</summary>
    public double Share => With.Minimum / Without.Minimum - 1;

    public JsonObject ToJson() => new()
    {
        ["net"] = Net.Name, ["batch"] = Batch, ["microsecondsPerUpdate"] = With.Minimum * 1e6, ["microsecondsWithout"] = Without.Minimum * 1e6, ["share"] = Share,
    };
}
