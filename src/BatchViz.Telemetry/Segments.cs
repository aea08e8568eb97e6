namespace BatchViz.Telemetry;

/// <summary>A row of aligned buckets of one level.</summary>
public readonly record struct Segment(int Level, long First, int Count);

/// <summary>Splits spans of records into aligned buckets; see docs/wire-format.md.</summary>
public static class Segments
{
    /// <summary>The canonical split of records [from, to): always the largest aligned bucket of level ≤ top that fits.</summary>
    public static void Split(long from, long to, int top, List<Segment> into)
    {
        into.Clear();
        while (from < to)
        {
            int level = 0;
            while (level < top && (from & (Size(level + 1) - 1)) == 0 && from + Size(level + 1) <= to)
                level++;
            long first = from >> (2 * level);
            // As many of this level as come before a larger one becomes possible, or before the end.
            long fit = (to - from) >> (2 * level);
            if (level < top)
            {
                long aligned = (from + Size(level + 1) - 1) & ~(Size(level + 1) - 1);
                if (aligned > from && aligned + Size(level + 1) <= to)
                    fit = Math.Min(fit, (aligned - from) >> (2 * level));
            }
            int count = (int)Math.Min(fit, ushort.MaxValue);
            into.Add(new Segment(level, first, count));
            from += (long)count << (2 * level);
        }
    }

    /// <summary>
    /// The lowest top level at which [from, to) takes at most <paramref name="atMost"/> buckets; the split is left in
    /// <paramref name="into"/>.
    /// </summary>
    public static void SplitWithin(long from, long to, int atMost, List<Segment> into)
    {
        for (int top = 0; ; top++)
        {
            Split(from, to, top, into);
            int buckets = 0;
            foreach (var segment in into)
                buckets += segment.Count;
            if (buckets <= atMost || top == RunLog.MaxLevel)
                return;
        }
    }

    private static long Size(int level) => 1L << (2 * level);
}
