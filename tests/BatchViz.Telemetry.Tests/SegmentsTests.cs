namespace BatchViz.Telemetry.Tests;

public class SegmentsTests
{
    [Fact]
    public void The_split_is_the_canonical_one_of_the_wire_format()
    {
        var random = new Random(1);
        var segments = new List<Segment>();
        for (int i = 0; i < 3000; i++)
        {
            long from = i < 600 ? i % 70 : random.Next(20_000),
                to = from + (i < 600 ? i / 9 : random.Next(9_000));
            for (int top = 0; top <= 6; top++)
            {
                Segments.Split(from, to, top, segments);
                Assert.Equal(OneBucketAtATime(from, to, top), segments);
            }
        }
    }

    [Theory]
    [InlineData(0, 100_000_000, 15)]
    [InlineData(1, 99_999_999, 15)]
    [InlineData(65_535, 300_001, 0)]
    [InlineData(0, 70_000, 0)]
    public void Long_spans_are_covered_without_holes(long from, long to, int top)
    {
        var segments = new List<Segment>();
        Segments.Split(from, to, top, segments);
        long at = from;
        foreach (var (level, first, count) in segments)
        {
            Assert.Equal(at, first << (2 * level));
            Assert.InRange(count, 1, ushort.MaxValue);
            at += (long)count << (2 * level);
        }
        Assert.Equal(to, at);
    }

    [Fact]
    public void An_empty_span_has_no_segments()
    {
        var segments = new List<Segment> { new(0, 0, 1) };
        Segments.Split(5, 5, 3, segments);
        Assert.Empty(segments);
    }

    [Fact]
    public void A_frame_never_needs_more_than_64_buckets_and_no_coarser_level_than_it_must()
    {
        var random = new Random(2);
        List<Segment> segments = [],
            finer = [];
        for (int i = 0; i < 5000; i++)
        {
            long from = random.NextInt64(1L << random.Next(1, 27)),
                to = from + random.NextInt64(1L << random.Next(1, 27));
            Segments.SplitWithin(from, to, 64, segments);
            Assert.InRange(segments.Sum(s => s.Count), Math.Min(1, to - from), 64);
            int top = segments.Count == 0 ? 0 : segments.Max(s => s.Level);
            if (top == 0)
                continue;
            Segments.Split(from, to, top - 1, finer);
            Assert.True(finer.Sum(s => s.Count) > 64, $"[{from}, {to}) would do with level {top - 1}");
        }
    }

    /// <summary>
    /// docs/wire-format.md, word for word: always the largest aligned bucket of level ≤ top that fits; neighbours of one level share a
    /// segment.
    /// </summary>
    private static List<Segment> OneBucketAtATime(long from, long to, int top)
    {
        var segments = new List<Segment>();
        while (from < to)
        {
            int level = top;
            while (from % (1L << (2 * level)) != 0 || from + (1L << (2 * level)) > to)
                level--;
            if (segments.Count > 0 && segments[^1].Level == level)
                segments[^1] = segments[^1] with { Count = segments[^1].Count + 1 };
            else
                segments.Add(new Segment(level, from >> (2 * level), 1));
            from += 1L << (2 * level);
        }
        return segments;
    }
}
