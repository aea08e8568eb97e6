using BatchViz.Core.Sampling;

namespace BatchViz.Core.Tests.Sampling;

public class MarksTests
{
    public static IEnumerable<object[]> Totals =>
        from total in new long[]
        {
            1,
            2,
            3,
            13,
            14,
            78,
            79,
            80,
            81,
            100,
            511,
            512,
            513,
            1000,
            4097,
            59_999,
            300_000,
            9_999_999,
            100_000_000,
        }
        from atMost in new[] { 80, 100, 512 }
        select new object[] { total, atMost };

    [Theory]
    [MemberData(nameof(Totals))]
    public void There_are_few_marks_with_the_first_and_the_last_update_among_them(long total, int atMost)
    {
        var all = All(new MeasurementSchedule(total, atMost), total);
        Assert.InRange(all.Count, Math.Min(total + 1, atMost / 3), atMost);
        Assert.Equal(0, all[0]);
        Assert.Equal(total, all[^1]);
    }

    [Theory]
    [MemberData(nameof(Totals))]
    public void Marks_are_logarithmic_then_regular(long total, int atMost)
    {
        var all = All(new MeasurementSchedule(total, atMost), total);
        long largest = all.Zip(all.Skip(1), (a, b) => b - a).Max();
        Assert.True(largest <= Math.Max(1, 4 * total / atMost), $"a gap of {largest}");
        foreach (var (a, b) in all.Zip(all.Skip(1)))
            Assert.True(b - a <= Math.Max(1, a), $"{a} → {b}");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(79)]
    [InlineData(5000)]
    [InlineData(null)]
    public void An_update_is_due_when_it_is_the_next_mark(int? total)
    {
        var marks = new MeasurementSchedule(total, 80);
        long next = 0;
        for (long u = 0; u <= (total ?? 20_000) + 3; u++)
        {
            Assert.Equal(u == next, marks.Due(u));
            if (u == next)
                next = marks.Next(u);
        }
    }

    [Fact]
    public void Past_the_end_nothing_is_due() => Assert.Equal(long.MaxValue, new MeasurementSchedule(10, 80).Next(10));

    [Theory]
    [InlineData(80)]
    [InlineData(512)]
    public void Without_a_known_end_marks_stay_few_up_to_a_hundred_million(int atMost)
    {
        var marks = new MeasurementSchedule(null, atMost);
        Assert.InRange(All(marks, 100_000_000).Count, atMost / 2, atMost);
    }

    private static List<long> All(MeasurementSchedule marks, long upTo)
    {
        var all = new List<long>();
        for (long u = marks.Next(-1); u <= upTo; u = marks.Next(u))
            all.Add(u);
        return all;
    }
}
