using BatchViz.Core.Sampling;
using BatchViz.Core.Specs;
using FsCheck;
using FsCheck.Fluent;

namespace BatchViz.Core.Tests.Sampling;

/// <summary>Progress and sampler against batches counted one by one, over all remainder policies, orders and batch schedules.</summary>
public class GrowingTests
{
    private const int Updates = 150;

    private static readonly Config Thorough = Config.QuickThrowOnFailure.WithMaxTest(400);

    [Fact]
    public void Every_update_has_its_size_its_epoch_and_its_weight() =>
        Check(run =>
        {
            var (progress, sampler) = (run.Progress, run.Sampler);
            long update = 0,
                used = 0;
            foreach (var (epoch, whole, positions) in run.Batches().Take(Updates))
            {
                update++;
                used += positions.Length;
                Assert.Equal(positions.Length, progress.ExamplesOf(update));
                Assert.Equal(used, progress.ExamplesAfter(update));
                Assert.Equal(epoch, progress.EpochOf(update));
                Assert.Equal(whole, progress.PhaseOf(update).BatchSize);
                Assert.InRange(whole, run.BatchSize, progress.LargestBatch);
                float weight = run.Remainder == RemainderPolicy.Reweight ? (float)positions.Length / whole : 1;
                Assert.Equal(weight, sampler.GradientWeight(update, positions.Length));
            }
        });

    [Fact]
    public void Every_example_is_used_as_the_policy_says() =>
        Check(run =>
        {
            var sampler = run.Sampler;
            int n = run.TrainExamples;
            var orders = new Sampler(new SamplerSpec { Order = run.Order }, n, n, run.Seed);
            var indices = new int[sampler.Progress.LargestBatch];
            var epochs = new Dictionary<long, int[]>();
            long update = 0;
            foreach (var (_, _, positions) in run.Batches().Take(Updates))
            {
                int count = sampler.Fill(++update, indices);
                if (run.Order == SampleOrder.Replacement)
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
    public void Any_update_can_be_asked_for_at_once() =>
        Check(run =>
        {
            var inOrder = run.Sampler;
            int[] a = new int[run.Progress.LargestBatch],
                b = new int[a.Length];
            for (int update = 1; update <= Updates; update++)
            {
                int count = inOrder.Fill(update, a);
                if (update % 7 != 0)
                    continue;
                Assert.Equal(count, run.Sampler.Fill(update, b));
                Assert.Equal(a[..count], b[..count]);
            }
        });

    [Fact]
    public void Updates_within_is_the_inverse_of_examples_after() =>
        Check(run =>
        {
            var progress = run.Progress;
            for (long examples = 0; examples <= 12L * run.TrainExamples; examples++)
            {
                long updates = progress.UpdatesWithin(examples);
                Assert.InRange(examples, progress.ExamplesAfter(updates), progress.ExamplesAfter(updates + 1) - 1);
            }
        });

    [Fact]
    public void Whole_epochs_have_so_many_updates() =>
        Check(run =>
        {
            var progress = run.Progress;
            for (int epochs = 1; epochs <= 12; epochs++)
            {
                long updates = run.Batches().TakeWhile(batch => batch.Epoch < epochs).Count();
                // With batches that cross the border, the last one that begins before it reaches beyond.
                if (run.Remainder == RemainderPolicy.Carry)
                    Assert.InRange(progress.UpdatesInEpochs(epochs), updates - 1, Math.Max(1, updates));
                else
                    Assert.Equal(updates, progress.UpdatesInEpochs(epochs));
                if (run.Remainder != RemainderPolicy.Carry)
                    Assert.Equal(epochs, progress.EpochsAfter(updates));
            }
        });

    [Fact]
    public void Epochs_ascend_with_every_update_and_agree_with_the_examples_where_none_is_left_out_or_doubled() =>
        Check(run =>
        {
            var progress = run.Progress;
            for (long update = 1; update <= Updates; update++)
            {
                Assert.True(progress.EpochsAfter(update) > progress.EpochsAfter(update - 1));
                Assert.InRange(progress.EpochsAfter(update - 1), progress.EpochOf(update), progress.EpochOf(update) + 1 - 1e-9);
                if (run.Remainder is not (RemainderPolicy.Drop or RemainderPolicy.Wrap))
                    Assert.Equal((double)progress.ExamplesAfter(update) / run.TrainExamples, progress.EpochsAfter(update));
            }
        });

    [Fact]
    public void Phases_are_those_of_the_growth()
    {
        var progress = new TrainingProgress(RemainderPolicy.Keep, 1000, 32, new BatchScheduleSpec(2, 2, 200));
        Assert.Equal(
            [(0, 0, 0, 32, 32), (2, 64, 2000, 64, 16), (4, 96, 4000, 128, 8), (6, 112, 6000, 200, 5)],
            progress.Phases.Select(p => (p.Epoch, p.Update, p.Examples, p.BatchSize, p.UpdatesPerEpoch))
        );
        // 1, 1.5 → 2, 2.25 → 2, 3.375 → 3, 5.06 → 5: sizes that do not change make no phase.
        Assert.Equal(
            [(0, 1), (1, 2), (3, 3), (4, 5)],
            new TrainingProgress(RemainderPolicy.Keep, 5, 1, new BatchScheduleSpec(1.5, 1)).Phases.Select(p => (p.Epoch, p.BatchSize))
        );
        Assert.Single(new TrainingProgress(RemainderPolicy.Keep, 1000, 200, new BatchScheduleSpec(2, 2, 200)).Phases);
        Assert.Throws<ArgumentException>(() => new TrainingProgress(RemainderPolicy.Carry, 10, 2, new BatchScheduleSpec(2, 2)));
    }

    private static void Check(Action<Growing> property) => Prop.ForAll(Growing.Any, property).Check(Thorough);
}
