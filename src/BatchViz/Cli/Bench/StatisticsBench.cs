using System.Text.Json.Nodes;
using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using BatchViz.Engine.Cpu;

namespace BatchViz.Cli.Bench;

/// <summary>What per-example norms, gradient variance and noise scale cost with every update: the same updates with and without them, in turns.</summary>
internal static class StatisticsBench
{
    public static StatisticsCell Measure(KernelPath path, IEngineData data, BenchNet net, int batch, double seconds, CancellationToken stop)
    {
        var spec = EngineBench.Spec(net, OptimizerKind.Sgd, batch, seeds: 1);
        using var with = new CpuEngine(path);
        using var without = new CpuEngine(path) { ExampleStatistics = false };
        using var measuring = new EngineUpdates(with.CreateBundle(data, spec));
        using var training = new EngineUpdates(without.CreateBundle(data, spec));
        var times = Contest.Run([measuring, training], seconds, stop);
        return new StatisticsCell(net, batch, times[0], times[1]);
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
