using System.Diagnostics;
using BatchViz.Lab;

namespace BatchViz.Live;

/// <summary>
/// Limits the processor time of one thread to a share of the time on the wall (a token bucket). A low priority alone is not enough: the
/// scheduler gives even the least important thread a part of a busy core, and what it computes displaces the caches of those that train.
/// </summary>
/// <param name="share">Processor seconds a second.</param>
/// <param name="burst">Processor seconds that may be spent at once after a pause.</param>
/// <param name="limited">Whether the limit holds now.</param>
internal sealed class ProcessorBudget(double share, double burst, Func<bool> limited)
{
    private static readonly TimeSpan LongestPause = TimeSpan.FromMilliseconds(50);

    private double left;
    private double counted = double.NaN;
    private long refilled = Stopwatch.GetTimestamp();

    /// <summary>Counts what the calling thread, always the same, has spent since it last came here, and holds it while that is too much.</summary>
    public void Pay(CancellationToken cancel)
    {
        double spent = LaneClock.Seconds;
        if (!double.IsNaN(counted)) left -= spent - counted;
        counted = spent;
        while (Refill() < 0 && !cancel.IsCancellationRequested)
        {
            if (!limited())
            {
                left = 0;
                return;
            }
            var pause = TimeSpan.FromSeconds(-left / share);
            cancel.WaitHandle.WaitOne(pause < LongestPause ? pause : LongestPause);
        }
    }

    private double Refill()
    {
        long now = Stopwatch.GetTimestamp();
        left = Math.Min(burst, left + share * Stopwatch.GetElapsedTime(refilled, now).TotalSeconds);
        refilled = now;
        return left;
    }
}
