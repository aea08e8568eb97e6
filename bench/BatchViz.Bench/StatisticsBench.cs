using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using BatchViz.Engine.Cpu;

namespace BatchViz.Bench;

/// <summary>
/// What per-example norms, gradient variance and noise scale cost with every update: the same updates with and without them, in turns.
/// </summary>
internal static class StatisticsBench
{
    /// <summary>Null where the engine cannot leave them out: in networks so narrow that they come with the gradient.</summary>
    public static StatisticsCell? Measure(
        KernelPath path,
        IEngineData data,
        BenchNet net,
        int batch,
        double seconds,
        CancellationToken stop
    )
    {
        var spec = EngineBench.Spec(net, OptimizerKind.Sgd, batch, seeds: 1);
        using var with = new CpuEngine(path);
        using var without = new CpuEngine(path) { ExampleStatistics = false };
        if (Measures(without, data, spec))
            return null;
        using var measuring = new EngineUpdates(with.CreateBundle(data, spec));
        using var training = new EngineUpdates(without.CreateBundle(data, spec));
        Contest.Run([measuring, training], seconds, stop);
        return new StatisticsCell(net, batch, measuring.ProcessorMinimum, training.ProcessorMinimum);
    }

    private static bool Measures(IEngine engine, IEngineData data, BundleSpec spec)
    {
        using var bundle = engine.CreateBundle(data, spec);
        var block = new RecordBlock(1, 1, bundle.Layout.Width);
        bundle.Advance(1, block);
        return !float.IsNaN(block.Row(0, 0)[RecordLayout.ExampleNormMean]);
    }
}

/// <summary>
/// Processor seconds of one update with per-example statistics and without, which other programs disturb less than time on the wall.
/// </summary>
internal sealed record StatisticsCell(BenchNet Net, int Batch, double With, double Without)
{
    /// <summary>What they add, as a share of the update without them; noise can make it negative.</summary>
    public double Share => With / Without - 1;

    public StatisticsReportCell Report() => new(Net.Name, Batch, With * 1e6, Without * 1e6, Share);
}
