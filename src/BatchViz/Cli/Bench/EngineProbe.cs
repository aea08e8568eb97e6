using System.Diagnostics;

namespace BatchViz.Cli.Bench;

/// <summary>One of the engine's probes. One unit is one call.</summary>
/// <param name="probe">Measures once; gives the cost that it counts for itself, in gradients.</param>
internal sealed class EngineProbe(string name, Func<double> probe) : IContestant
{
    public string Name => name;

    /// <summary>What the last call counted: losses, gradients and Hessian products over the set, by their matrix products.</summary>
    public double CountedGradients { get; private set; }

    public double Round(double seconds)
    {
        long start = Stopwatch.GetTimestamp();
        int calls = 0;
        double taken;
        do
        {
            CountedGradients = probe();
            calls++;
            taken = Stopwatch.GetElapsedTime(start).TotalSeconds;
        }
        while (taken < seconds);
        return taken / calls;
    }
}
