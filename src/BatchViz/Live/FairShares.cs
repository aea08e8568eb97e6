using System.Diagnostics;

namespace BatchViz.Live;

/// <summary>
/// What each viewer has had of the processor lately, so that whoever had least comes next. Not safe for several threads at once.
/// </summary>
internal sealed class FairShares
{
    /// <summary>After this long half of it is forgotten.</summary>
    private static readonly TimeSpan HalfLife = TimeSpan.FromSeconds(10);

    private const double Negligible = 1e-3;

    private readonly Dictionary<string, double> seconds = [];
    private long halved = Stopwatch.GetTimestamp();

    public double Of(string viewer) => seconds.GetValueOrDefault(viewer);

    public void Charge(string viewer, double spent)
    {
        seconds[viewer] = Of(viewer) + spent;
        if (Stopwatch.GetElapsedTime(halved) < HalfLife)
            return;
        halved = Stopwatch.GetTimestamp();
        foreach (var (each, had) in seconds.ToArray())
        {
            if (had < Negligible)
                seconds.Remove(each);
            else
                seconds[each] = had / 2;
        }
    }
}
