using System.Diagnostics;
using BatchViz.Training;

namespace BatchViz.Live;

/// <summary>
/// Limits the processor time of one thread to a share of the time on the wall, with a burst after a pause. A low priority instead is not
/// enough: the scheduler gives even the least important thread a part of a busy core, and what it computes displaces the caches of those
/// that train; and it makes the first second as slow as all others.
/// </summary>
/// <param name="seconds">Of processor time.</param>
/// <param name="limited">Whether the limit holds now.</param>
internal sealed class ProcessorBudget(TokenBucket seconds, Func<bool> limited)
{
    /// <summary>Whether the limit still holds is looked at so often.</summary>
    private static readonly TimeSpan LongestPause = TimeSpan.FromMilliseconds(50);

    private double counted = double.NaN;
    private long refilled = Stopwatch.GetTimestamp();

    /// <summary>
    /// Counts what the calling thread, always the same, has spent since it last came here, and holds it while that is too much.
    /// </summary>
    public void Pay(CancellationToken cancel)
    {
        double spent = LaneClock.Seconds;
        if (!double.IsNaN(counted))
            seconds.Take(spent - counted);
        counted = spent;
        Refill();
        while (seconds.Left < 0 && !cancel.IsCancellationRequested)
        {
            if (!limited())
            {
                seconds.Forgive();
                return;
            }
            cancel.WaitHandle.WaitOne(seconds.Debt < LongestPause ? seconds.Debt : LongestPause);
            Refill();
        }
    }

    private void Refill()
    {
        long now = Stopwatch.GetTimestamp();
        seconds.Refill(Stopwatch.GetElapsedTime(refilled, now));
        refilled = now;
    }
}
