using BatchViz.Core.Engines;

namespace BatchViz.Telemetry.Tests;

/// <summary>Run logs filled with known numbers.</summary>
internal static class Logs
{
    /// <summary>The column after those of the layout.</summary>
    public const int Seconds = RecordLayout.FixedColumns + 1;

    /// <summary>A log of one layer: the columns of the layout and the seconds.</summary>
    /// <summary>A layout that stays as it is when columns are added.</summary>
    public static RecordLayout Layout(int layers) => new(layers, recorded: []);

    public static RunLog New() => new(Layout(1));

    /// <summary>Appends records whose column c holds <paramref name="value"/>(c, record index).</summary>
    public static void Append(RunLog log, int rows, Func<int, long, float> value)
    {
        int width = log.Layout.Width;
        long from = log.Count;
        var records = new float[rows * width];
        for (int r = 0; r < rows; r++)
        for (int c = 0; c < width; c++)
            records[r * width + c] = value(c, from + r);
        log.Append(records, rows, from, from + rows);
    }

    /// <summary>Mostly ordinary numbers, sometimes NaN or an infinity.</summary>
    public static float Value(Random random) =>
        random.Next(12) switch
        {
            0 => float.NaN,
            1 => float.PositiveInfinity,
            2 => float.NegativeInfinity,
            _ => (float)(random.NextDouble() * 200 - 100),
        };

    /// <summary>A bucket of a log, from its pyramid or from its records; null where neither is kept in memory.</summary>
    public static Bucket? At(RunLog log, int column, int level, long index)
    {
        var bucket = new Bucket[1];
        if (log.TryBuckets(level, index, column, bucket))
            return bucket[0];
        int rows = 1 << (2 * level);
        var values = new float[rows * log.Stride];
        if (!log.TryRows(index * rows, rows, values))
            return null;
        return Brute([.. Enumerable.Range(0, rows).Select(r => values[r * log.Stride + column])]);
    }

    /// <summary>What a bucket must be, from its records alone.</summary>
    public static Bucket Brute(ReadOnlySpan<float> values)
    {
        float min = float.NaN,
            max = float.NaN;
        int nonFinite = 0;
        foreach (float v in values)
        {
            if (!float.IsFinite(v))
                nonFinite++;
            else
                (min, max) = (float.IsNaN(min) ? v : Math.Min(min, v), float.IsNaN(max) ? v : Math.Max(max, v));
        }
        return new Bucket(min, max, values[^1], (byte)Math.Min(255, nonFinite));
    }
}
