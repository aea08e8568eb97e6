using System.Text.Json;
using BatchViz.Core.Sampling;
using BatchViz.Core.Specs;
using BatchViz.Core.Tests.House;
using FsCheck;
using FsCheck.Fluent;

namespace BatchViz.Core.Tests.Sampling;

/// <summary>Forks, and forks of forks, against batches counted one by one.</summary>
public class ForkingTests
{
    private const int Updates = 150;

    private static readonly Config Thorough = Config.QuickThrowOnFailure.WithMaxTest(400);

    [Fact]
    public void Every_update_has_its_size_its_epoch_its_examples_and_its_weight() =>
        Check(fork =>
        {
            var (progress, sampler, root) = (fork.Progress, fork.Sampler, fork.Root);
            int n = root.TrainExamples;
            var orders = new Sampler(root.Order, new TrainingProgress(RemainderPolicy.Keep, n, n), root.Seed);
            var epochs = new Dictionary<long, int[]>();
            var indices = new int[progress.LargestBatch];
            long update = 0,
                used = 0;
            double passes = 0;
            foreach (var (epoch, whole, positions, after) in fork.Batches().Take(Updates))
            {
                update++;
                used += positions.Length;
                Assert.Equal(positions.Length, progress.ExamplesOf(update));
                Assert.Equal(used, progress.ExamplesAfter(update));
                Assert.Equal(epoch, progress.EpochOf(update));
                Assert.Equal(after, progress.EpochsAfter(update), 1e-9);
                Assert.True(progress.EpochsAfter(update) > passes);
                passes = progress.EpochsAfter(update);
                Assert.Equal(whole, progress.PhaseOf(update).BatchSize);
                Assert.Equal(
                    root.Remainder == RemainderPolicy.Reweight ? (float)positions.Length / whole : 1,
                    sampler.GradientWeight(update, positions.Length)
                );
                int count = sampler.Fill(update, indices);
                if (root.Order == SampleOrder.Replacement)
                    Assert.Equal(positions.Length, count);
                else
                    Assert.Equal(positions.Select(Example), indices[..count]);
            }

            int Example(long position)
            {
                var (epoch, at) = Math.DivRem(position, n);
                if (!epochs.TryGetValue(epoch, out int[]? order))
                    orders.Fill(epoch + 1, epochs[epoch] = order = new int[n]);
                return order[at];
            }
        });

    [Fact]
    public void Before_it_a_fork_is_its_parent() =>
        Check(fork =>
        {
            var (last, parent) = (fork.Forks[^1], new Forking(fork.Root, [.. fork.Forks.SkipLast(1)]));
            TrainingProgress own = fork.Progress,
                before = parent.Progress;
            Sampler sampler = fork.Sampler,
                other = parent.Sampler;
            int[] a = new int[own.LargestBatch],
                b = new int[before.LargestBatch];
            for (long update = 1; update <= last.Update; update++)
            {
                Assert.Equal(before.ExamplesAfter(update), own.ExamplesAfter(update));
                Assert.Equal(before.EpochsAfter(update), own.EpochsAfter(update));
                Assert.Equal((before.EpochOf(update), before.ExamplesOf(update)), (own.EpochOf(update), own.ExamplesOf(update)));
                Assert.Equal(b[..other.Fill(update, b)], a[..sampler.Fill(update, a)]);
            }
            if (last.Update == 0)
                Assert.Equal(new TrainingProgress(own.Remainder, own.TrainExamples, last.BatchSize).Phases, own.Phases);
            if (fork.Root.Schedule is null && before.PhaseOf(last.Update + 1).BatchSize == last.BatchSize)
                Assert.Equal(before.Phases, own.Phases);
        });

    [Fact]
    public void Updates_within_is_the_inverse_of_examples_after() =>
        Check(fork =>
        {
            var progress = fork.Progress;
            for (long examples = 0; examples <= progress.ExamplesAfter(Updates); examples++)
            {
                long updates = progress.UpdatesWithin(examples);
                Assert.InRange(examples, progress.ExamplesAfter(updates), progress.ExamplesAfter(updates + 1) - 1);
            }
        });

    /// <summary>Within an epoch updates are taken for equally long, which a short batch at its end is not.</summary>
    [Fact]
    public void Updates_in_epochs_ascend_and_are_exact_where_an_order_ends() =>
        Check(fork =>
        {
            var progress = fork.Progress;
            long before = 1;
            for (double epochs = 0.01; epochs < progress.EpochsAfter(Updates); epochs += 0.03)
            {
                long updates = progress.UpdatesInEpochs(epochs);
                Assert.InRange(updates, before, long.MaxValue);
                Assert.InRange(epochs, updates < 2 ? 0 : progress.EpochsAfter(updates - 2), progress.EpochsAfter(updates + 1));
                before = updates;
            }
            var last = progress.Phases[^1];
            if (progress.Remainder == RemainderPolicy.Carry)
                return;
            for (int passes = 1; passes <= 5; passes++)
            {
                long updates = last.Update + passes * last.UpdatesPerEpoch;
                Assert.Equal(updates, progress.UpdatesInEpochs(last.Epochs + passes));
                Assert.Equal(last.Epochs + passes, progress.EpochsAfter(updates), 1e-9);
            }
        });

    [Fact]
    public void A_fork_leaves_out_the_rest_of_an_epoch_and_ends_the_growth()
    {
        var growing = new TrainingProgress(RemainderPolicy.Keep, 1000, 32, new BatchScheduleSpec(2, 2));
        Assert.Equal([(0, 0.0, 0, 0, 32, 32), (2, 1.32, 42, 1320, 100, 10)], Phases(growing.ForkedAt(42, 100)));
        Assert.Equal([(0, 0.0, 0, 0, 32, 32)], Phases(growing.ForkedAt(42, 32)));
        Assert.Equal([(0, 0.0, 0, 0, 32, 32), (2, 2, 64, 2000, 32, 32)], Phases(growing.ForkedAt(64, 32)));
        Assert.Equal([(0, 0.0, 0, 0, 64, 16)], Phases(growing.ForkedAt(0, 64)));
        Assert.Equal(
            [(0, 0.0, 0, 0, 4, 3), (1, 1.2, 3, 12, 5, 2)],
            Phases(new TrainingProgress(RemainderPolicy.Carry, 10, 4).ForkedAt(3, 5))
        );
        Assert.Throws<ArgumentOutOfRangeException>(() => growing.ForkedAt(-1, 32));
        Assert.Throws<ArgumentOutOfRangeException>(() => growing.ForkedAt(1, 1001));

        static IEnumerable<(long, double, long, long, int, long)> Phases(TrainingProgress progress) =>
            progress.Phases.Select(p => (p.Epoch, p.Epochs, p.Update, p.Examples, p.BatchSize, p.UpdatesPerEpoch));
    }

    /// <summary>The page counts by the same table (model.test.ts).</summary>
    [Fact]
    public void The_table_that_the_page_is_tested_with_is_right()
    {
        using var table = JsonDocument.Parse(Repository.Read("tests/fixtures/forks.json"));
        foreach (var run in table.RootElement.EnumerateArray())
        {
            var remainder = SpecVocabulary.Remainders.Single(word => word.Word == run.GetProperty("remainder").GetString()).Value;
            var progress = new TrainingProgress(
                remainder,
                run.GetProperty("trainExamples").GetInt32(),
                run.GetProperty("batchSize").GetInt32()
            );
            foreach (var fork in run.GetProperty("forks").EnumerateArray())
                progress = progress.ForkedAt(fork.GetProperty("update").GetInt64(), fork.GetProperty("batchSize").GetInt32());
            var phases = run.GetProperty("phases").EnumerateArray().ToArray();
            Assert.Equal(
                progress.Phases.Select(p => (p.Update, p.Examples, p.BatchSize)),
                phases.Select(p =>
                    (p.GetProperty("update").GetInt64(), p.GetProperty("examples").GetInt64(), p.GetProperty("batchSize").GetInt32())
                )
            );
            for (int i = 0; i < phases.Length; i++)
                Assert.Equal(phases[i].GetProperty("epoch").GetDouble(), progress.Phases[i].Epochs, 1e-12);
            long update = 0;
            foreach (var row in run.GetProperty("examplesAndEpochs").EnumerateArray())
            {
                Assert.Equal(row[0].GetInt64(), progress.ExamplesAfter(update));
                Assert.Equal(row[1].GetDouble(), progress.EpochsAfter(update++), 1e-12);
            }
        }
    }

    private static void Check(Action<Forking> property) => Prop.ForAll(Forking.Any, property).Check(Thorough);
}
