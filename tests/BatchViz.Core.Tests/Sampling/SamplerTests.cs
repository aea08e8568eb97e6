using BatchViz.Core.Sampling;
using BatchViz.Core.Specs;

namespace BatchViz.Core.Tests.Sampling;

public class SamplerTests
{
    public static IEnumerable<object[]> Choices =>
        from order in Enum.GetValues<SampleOrder>()
        from remainder in Enum.GetValues<RemainderPolicy>()
        select new object[] { order, remainder };

    public static TheoryData<RemainderPolicy> Remainders => [.. Enum.GetValues<RemainderPolicy>()];

    [Theory]
    [MemberData(nameof(Choices))]
    public void Examples_used_are_the_sum_of_the_batches(SampleOrder order, RemainderPolicy remainder)
    {
        foreach (var (n, batch) in Sizes())
        {
            var sampler = Make(order, remainder, n, batch);
            var indices = new int[batch];
            long used = 0;
            for (long update = 1; update <= 3 * (n / batch) + 7; update++)
            {
                int count = sampler.Fill(update, indices);
                Assert.InRange(count, 1, batch);
                Assert.All(indices[..count], i => Assert.InRange(i, 0, n - 1));
                used += count;
                Assert.Equal(used, sampler.Progress.ExamplesAfter(update));
            }
        }
    }

    [Theory]
    [MemberData(nameof(Remainders))]
    public void Updates_within_is_the_inverse_of_examples_after(RemainderPolicy remainder)
    {
        foreach (var (n, batch) in Sizes())
        {
            var progress = new TrainingProgress(remainder, n, batch);
            for (long examples = 0; examples <= 3L * n + 5; examples++)
            {
                long updates = progress.UpdatesWithin(examples);
                Assert.True(
                    progress.ExamplesAfter(updates) <= examples && progress.ExamplesAfter(updates + 1) > examples,
                    $"{remainder}, N = {n}, B = {batch}, {examples} examples: {updates} updates"
                );
            }
        }
    }

    [Theory]
    [MemberData(nameof(Choices))]
    public void Any_update_can_be_asked_for_in_any_order(SampleOrder order, RemainderPolicy remainder)
    {
        const int N = 37;
        foreach (int batch in new[] { 1, 5, 36, 37 })
        {
            var one = Make(order, remainder, N, batch);
            var updates = Enumerable.Range(1, 120).ToArray();
            var inOrder = updates.Select(u => Batch(one, u)).ToArray();
            var random = new Random(batch);
            var shuffled = (int[])updates.Clone();
            random.Shuffle(shuffled);
            var other = Make(order, remainder, N, batch);
            foreach (int u in shuffled)
                Assert.Equal(inOrder[u - 1], Batch(other, u));
        }
    }

    [Theory]
    [InlineData(SampleOrder.Shuffle, RemainderPolicy.Keep)]
    [InlineData(SampleOrder.Shuffle, RemainderPolicy.Reweight)]
    [InlineData(SampleOrder.Shuffle, RemainderPolicy.Carry)]
    [InlineData(SampleOrder.Sequential, RemainderPolicy.Keep)]
    [InlineData(SampleOrder.Sequential, RemainderPolicy.Carry)]
    public void Every_epoch_uses_each_example_once_in_the_order_of_its_seed_whatever_the_batch_size(
        SampleOrder order,
        RemainderPolicy remainder
    )
    {
        const int N = 23;
        int[][] epochs = [.. Enumerable.Range(0, 4).Select(e => Batch(Make(order, RemainderPolicy.Keep, N, N), e + 1))];
        foreach (int batch in new[] { 1, 2, 7, 22, 23 })
        {
            var sampler = Make(order, remainder, N, batch);
            int[] stream = [.. Enumerable.Range(1, 4 * 23 + 4).SelectMany(u => Batch(sampler, u)).Take(4 * N)];
            for (int e = 0; e < 4; e++)
            {
                Assert.Equal(Enumerable.Range(0, N), epochs[e].Order());
                Assert.Equal(epochs[e], stream[(e * N)..((e + 1) * N)]);
            }
        }
        Assert.Equal(order == SampleOrder.Sequential, epochs[0].SequenceEqual(epochs[1]));
    }

    [Fact]
    public void Drop_leaves_out_what_is_left_of_an_epoch()
    {
        var sampler = Make(SampleOrder.Shuffle, RemainderPolicy.Drop, 10, 4);
        int[] epoch = Batch(Make(SampleOrder.Shuffle, RemainderPolicy.Keep, 10, 10), 2);
        Assert.Equal(epoch[..4], Batch(sampler, 3));
        Assert.Equal(epoch[4..8], Batch(sampler, 4));
    }

    [Fact]
    public void Wrap_fills_the_last_batch_from_the_front_of_its_own_epoch()
    {
        var sampler = Make(SampleOrder.Shuffle, RemainderPolicy.Wrap, 10, 4);
        int[] epoch = Batch(Make(SampleOrder.Shuffle, RemainderPolicy.Keep, 10, 10), 2);
        Assert.Equal([epoch[8], epoch[9], epoch[0], epoch[1]], Batch(sampler, 6));
    }

    [Fact]
    public void Only_reweight_scales_the_gradient_of_a_short_batch()
    {
        foreach (var remainder in Enum.GetValues<RemainderPolicy>())
            Assert.Equal(
                remainder == RemainderPolicy.Reweight ? 0.5f : 1f,
                Make(SampleOrder.Shuffle, remainder, 10, 4).GradientWeight(3, 2)
            );
        Assert.Equal(1f, Make(SampleOrder.Shuffle, RemainderPolicy.Reweight, 10, 4).GradientWeight(1, 4));
    }

    [Fact]
    public void Draws_with_replacement_are_uniform_and_repeat_themselves()
    {
        var sampler = Make(SampleOrder.Replacement, RemainderPolicy.Keep, 10, 10);
        var counts = new int[10];
        bool repeated = false;
        for (int u = 1; u <= 5000; u++)
        {
            int[] batch = Batch(sampler, u);
            foreach (int i in batch)
                counts[i]++;
            repeated |= batch.Distinct().Count() < 10;
        }
        Assert.True(repeated);
        Assert.All(counts, c => Assert.InRange(c, 4660, 5340));
    }

    [Fact]
    public void Seeds_shuffle_differently() =>
        Assert.NotEqual(Batch(new Sampler(new(), 50, 50, 1), 1), Batch(new Sampler(new(), 50, 50, 2), 1));

    [Fact]
    public void Updates_far_away_are_reached_at_once()
    {
        var sampler = Make(SampleOrder.Shuffle, RemainderPolicy.Carry, 60_000, 512);
        Assert.Equal(512, Batch(sampler, 100_000_000).Length);
        Assert.Equal(51_200_000_000, sampler.Progress.ExamplesAfter(100_000_000));
    }

    [Fact]
    public void A_batch_is_not_empty_and_not_larger_than_the_data()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new Sampler(new(), 10, 0, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Sampler(new(), 10, 11, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Sampler(new(), 10, 5, 1).Fill(0, new int[5]));
    }

    [Theory]
    [InlineData(RemainderPolicy.Keep, 2.0, 6)]
    [InlineData(RemainderPolicy.Drop, 2.0, 4)]
    [InlineData(RemainderPolicy.Wrap, 2.0, 6)]
    [InlineData(RemainderPolicy.Carry, 2.0, 5)]
    [InlineData(RemainderPolicy.Keep, 0.01, 1)]
    public void A_budget_in_epochs_is_so_many_updates(RemainderPolicy remainder, double epochs, long updates) =>
        Assert.Equal(updates, new TrainingProgress(remainder, 10, 4).UpdatesIn(new BudgetSpec { Epochs = epochs }));

    [Fact]
    public void Only_a_budget_in_seconds_has_no_known_end()
    {
        var progress = new TrainingProgress(RemainderPolicy.Keep, 10, 4);
        Assert.Null(progress.UpdatesIn(new BudgetSpec { Seconds = 1 }));
        Assert.Equal(9, progress.UpdatesIn(new BudgetSpec { Updates = 9 }));
        Assert.Equal(4, progress.UpdatesIn(new BudgetSpec { Examples = 15 }));
    }

    private static IEnumerable<(int N, int Batch)> Sizes() =>
        from n in new[] { 1, 2, 7, 12, 50 }
        from batch in new[] { 1, 2, 3, 5, 7, 49, 50 }
        where batch <= n
        select (n, batch);

    private static Sampler Make(SampleOrder order, RemainderPolicy remainder, int n, int batch) =>
        new(new SamplerSpec { Order = order, Remainder = remainder }, n, batch, seed: 5);

    private static int[] Batch(Sampler sampler, long update)
    {
        var indices = new int[sampler.Progress.BatchSize];
        return indices[..sampler.Fill(update, indices)];
    }
}
