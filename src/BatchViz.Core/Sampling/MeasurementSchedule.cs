using System.Numerics;

namespace BatchViz.Core.Sampling;

/// <summary>
/// The update counts at which a run is looked at: 0 and the last one always, logarithmic at first (two an octave), then regular;
/// logarithmic throughout when the end is not known. A pure function of update counts, so it never depends on the clock.
/// </summary>
public sealed class MeasurementSchedule
{
    /// <summary>Without a known end, marks stay within the bound up to 2²⁷ updates.</summary>
    private const int UnknownOctaves = 27;

    private readonly long? total;
    private readonly long stride,
        perOctave;

    /// <param name="total">The run's last update, or null when unknown.</param>
    /// <param name="atMost">Bound on the number of marks, at least 80.</param>
    public MeasurementSchedule(long? total, int atMost)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(atMost, 80);
        this.total = total;
        perOctave = 2;
        if (total is { } n)
        {
            int logarithmic = 2 + 2 * (int)Math.Ceiling(Math.Log2(Math.Max(2, n / (double)(atMost - 66))));
            stride = Math.Max(1, (n + atMost - logarithmic - 3) / (atMost - logarithmic - 2));
        }
        else
        {
            while (2 * perOctave * (UnknownOctaves + 1 - BitOperations.Log2((ulong)(2 * perOctave))) + 2 <= atMost)
                perOctave *= 2;
        }
    }

    public bool Due(long update) => Next(update - 1) == update;

    /// <summary>The first mark after <paramref name="update"/> (−1 gives 0); long.MaxValue past the end.</summary>
    public long Next(long update)
    {
        if (update < 0)
            return 0;
        if (total is not { } end)
            return NextInOctave(update);
        if (update >= end)
            return long.MaxValue;
        long regular = Math.Min((update / stride + 1) * stride, end),
            logarithmic = NextInOctave(update);
        return logarithmic < stride ? Math.Min(logarithmic, regular) : regular;
    }

    /// <summary>
    /// The first after <paramref name="update"/> of the marks that divide each octave evenly: for two an octave 1, 2, 3, 4, 6, 8, 12, 16,
    /// 24 …
    /// </summary>
    private long NextInOctave(long update)
    {
        if (update < 1)
            return 1;
        long octave = 1L << BitOperations.Log2((ulong)update),
            step = Math.Max(1, octave / perOctave);
        return octave + ((update - octave) / step + 1) * step;
    }
}
