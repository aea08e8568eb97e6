using BatchViz.Engine.Cpu;
using BatchViz.Live;
using BatchViz.Training;

namespace BatchViz.Cli;

/// <summary>
/// Measures the machine's ceilings once, in the background, when the first landscape is there and nobody waits for a picture any more.
/// </summary>
internal static class MachineCeilings
{
    private const double Seconds = 0.2;

    /// <summary>
    /// Where the arrays would be more of the memory than this, nothing is measured, and the page says that it is not known.
    /// </summary>
    private const double MostOfMemory = 0.1;

    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(500);

    public static void Measure(ExperimentHost experiments, KernelPath path, CancellationToken stop)
    {
        if (MemoryCeiling.Bytes > MostOfMemory * GC.GetGCMemoryInfo().TotalAvailableMemoryBytes)
            return;
        // A thread's nice value stays with it, so this one is no thread of the pool.
        new Thread(() =>
        {
            LaneClock.YieldToOthers(nice: 10);
            while (
                experiments.Current?.Experiment is not { } experiment
                || !(experiment.LandscapeSettled || experiment.Landscape is { Resolution: >= 17 })
            )
                if (stop.WaitHandle.WaitOne(LookEvery))
                    return;
            try
            {
                experiments.Ceilings = new Ceilings(FmaCeiling.Gflops(path, Seconds), MemoryCeiling.GigabytesPerSecond(path, Seconds));
            }
            catch (OutOfMemoryException)
            {
                // As where there is little memory.
            }
        })
        {
            IsBackground = true,
            Name = "ceilings",
        }.Start();
    }
}
