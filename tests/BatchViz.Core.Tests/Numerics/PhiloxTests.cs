using BatchViz.Core.Numerics;

namespace BatchViz.Core.Tests.Numerics;

public class PhiloxTests
{
    /// <summary>philox4x32 10 of kat_vectors in the Random123 distribution.</summary>
    [Theory]
    [InlineData(0ul, 0ul, 0u, 0u, 0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u)]
    [InlineData(0xffffffff_fffffffful, 0xffffffff_fffffffful, 0xffffffffu, 0xffffffffu, 0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu)]
    [InlineData(0x85a308d3_243f6a88ul, 0x03707344_13198a2eul, 0xa4093822u, 0x299f31d0u, 0xd16cfe09u, 0x94fdccebu, 0x5001e420u, 0x24126ea1u)]
    public void Blocks_are_those_of_Random123(ulong index, ulong step, uint seed, uint purpose, uint a, uint b, uint c, uint d)
    {
        var stream = new Philox(seed, (Purpose)purpose, step);
        Assert.Equal((a, b, c, d), stream.Block(index));
    }

    [Fact]
    public void Words_are_the_blocks_in_order()
    {
        var stream = new Philox(7, Purpose.Draw, 3);
        var (a, b, c, d) = stream.Block(5);
        Assert.Equal([a, b, c, d], Enumerable.Range(20, 4).Select(i => stream.Word((ulong)i)));
    }

    [Fact]
    public void Uniform_numbers_fill_their_interval_evenly()
    {
        var stream = new Philox(1, Purpose.Data);
        var bins = new int[100];
        for (ulong i = 0; i < 100_000; i++)
            bins[(int)(stream.Uniform(i) * 100)]++;
        AssertEven(bins, 100_000);
    }

    [Fact]
    public void Whole_numbers_below_a_bound_are_even_and_stay_below()
    {
        var stream = new Philox(1, Purpose.Draw);
        var bins = new int[7];
        for (ulong i = 0; i < 70_000; i++)
            bins[stream.Below(i, 7)]++;
        AssertEven(bins, 70_000);
        Assert.Equal(0, stream.Below(0, 1));
        Assert.InRange(stream.Below(0, int.MaxValue), 0, int.MaxValue - 1);
    }

    [Fact]
    public void Gaussian_numbers_have_the_moments_of_the_normal_distribution()
    {
        var stream = new Philox(2, Purpose.InitialWeights);
        const int N = 200_000;
        double first = 0,
            second = 0,
            third = 0,
            fourth = 0;
        int beyond = 0;
        for (ulong i = 0; i < N; i++)
        {
            double x = stream.Gaussian(i);
            (first, second, third, fourth) = (first + x, second + x * x, third + x * x * x, fourth + x * x * x * x);
            if (Math.Abs(x) > 1.959964)
                beyond++;
        }
        // Four standard errors of each.
        Assert.InRange(first / N, -0.009, 0.009);
        Assert.InRange(second / N, 0.987, 1.013);
        Assert.InRange(third / N, -0.035, 0.035);
        Assert.InRange(fourth / N, 2.91, 3.09);
        Assert.InRange(beyond / (double)N, 0.048, 0.052);
    }

    [Fact]
    public void Purposes_seeds_steps_and_indices_are_independent_streams()
    {
        var streams = (
            from seed in new uint[] { 1, 2 }
            from purpose in Enum.GetValues<Purpose>()
            from step in new ulong[] { 0, 1, 1ul << 32 }
            select new Philox(seed, purpose, step)
        ).ToArray();
        var words = streams.SelectMany(s => Enumerable.Range(0, 64).Select(i => s.Word((ulong)i))).ToArray();
        // 3072 words out of 2³²: one collision is expected in a thousand such draws.
        Assert.InRange(words.Distinct().Count(), words.Length - 1, words.Length);
        foreach (var (a, b) in streams.Zip(streams.Skip(1)))
        {
            double correlation = Enumerable.Range(0, 4000).Average(i => 12 * (a.Uniform((ulong)i) - 0.5) * (b.Uniform((ulong)i) - 0.5));
            Assert.InRange(correlation, -0.075, 0.075);
        }
    }

    /// <summary>χ² within five standard deviations of its mean.</summary>
    private static void AssertEven(int[] bins, int total)
    {
        double expected = total / (double)bins.Length,
            freedom = bins.Length - 1;
        double chiSquared = bins.Sum(b => (b - expected) * (b - expected) / expected);
        Assert.InRange(chiSquared, freedom - 5 * Math.Sqrt(2 * freedom), freedom + 5 * Math.Sqrt(2 * freedom));
    }

    [Theory]
    [InlineData(0ul, 1)]
    [InlineData(3ul, 4)]
    [InlineData(4294967290ul, 23)]
    public void SeveralWordsAreThoseOfTheirBlocks(ulong first, int count)
    {
        var stream = new Philox(77, Purpose.Shuffle, 0x1_0000_0003);
        var words = new ulong[count];
        stream.Words(first, words);
        for (int i = 0; i < count; i++)
        {
            var (a, b, _, _) = stream.Block(first + (ulong)i);
            Assert.Equal(((ulong)a << 32) | b, words[i]);
            Assert.Equal(stream.Below(first + (ulong)i, 1000), Philox.BelowOf(words[i], 1000));
        }
    }
}
