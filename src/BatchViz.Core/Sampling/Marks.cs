namespace BatchViz.Core.Sampling;

/// <summary>
/// The update counts at which a run is looked at: 0 and the last one always, logarithmic at first (two an octave), then regular;
/// logarithmic throughout when the end is not known. A pure function of update counts, so it never depends on the clock.
/// </summary>
public sealed class Marks
{
    private const double UnknownGrowth = 1.05;

    private readonly long? total;
    private readonly long stride;

    /// <param name="total">The run's last update, or null when unknown.</param>
    /// <param name="atMost">Bound on the number of marks, at least 80.</param>
    public Marks(long? total, int atMost)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(atMost, 80);
        this.total = total;
        int logarithmic = 2 + 2 * (int)Math.Ceiling(Math.Log2(Math.Max(2, (total ?? 0) / (double)(atMost - 66))));
        stride = total is { } n ? Math.Max(1, (n + atMost - logarithmic - 3) / (atMost - logarithmic - 2)) : 0;
    }

    public bool Due(long update) => Next(update - 1) == update;

    /// <summary>The first mark after <paramref name="update"/> (−1 gives 0); long.MaxValue past the end.</summary>
    public long Next(long update)
    {
        if (update < 0) return 0;
        if (total is { } end)
        {
            if (update >= end) return long.MaxValue;
            long regular = (update / stride + 1) * stride;
            return Math.Min(Math.Min(regular, NextHalfOctave(update)), end) is var next && next < stride ? next : Math.Min(regular, end);
        }
        return Math.Max(update + 1, (long)Math.Ceiling(update * UnknownGrowth));
    }

    /// <summary>The first of 1, 2, 3, 4, 6, 8, 12, 16, 24 … after <paramref name="update"/>.</summary>
    private static long NextHalfOctave(long update)
    {
        long power = 1;
        while (power * 2 <= update) power *= 2;
        if (update < 1) return 1;
        return update < power + power / 2 ? power + power / 2 : power * 2;
    }
}
