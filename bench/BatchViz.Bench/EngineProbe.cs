using System.Diagnostics;
using BatchViz.Training;

namespace BatchViz.Bench;

/// <summary>One of the engine's probes. One unit is one call.</summary>
/// <param name="probe">Measures once; gives the cost that it counts for itself, in gradients.</param>
internal sealed class EngineProbe(string name, Func<double> probe) : IContestant
{
    public string Name => name;

    /// <summary>What the last call counted: losses, gradients and Hessian products over the set, by their matrix products.</summary>
    public double CountedGradients { get; private set; }

    /// <summary>Least processor seconds of one call over the rounds so far.</summary>
    public double ProcessorMinimum { get; private set; } = double.PositiveInfinity;

    public double Round(double seconds)
    {
        double begin = LaneClock.Seconds;
        long start = Stopwatch.GetTimestamp();
        int calls = 0;
        double taken;
        do
        {
            CountedGradients = probe();
            calls++;
            taken = Stopwatch.GetElapsedTime(start).TotalSeconds;
        } while (taken < seconds);
        ProcessorMinimum = Math.Min(ProcessorMinimum, (LaneClock.Seconds - begin) / calls);
        return taken / calls;
    }
}
