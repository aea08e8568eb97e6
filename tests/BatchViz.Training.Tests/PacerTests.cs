using BatchViz.Core.Sampling;
using BatchViz.Core.Specs;

namespace BatchViz.Training.Tests;

public class PacerTests
{
    private const int N = 100,
        Window = 64;

    [Theory]
    [InlineData(Pace.Examples, 1)]
    [InlineData(Pace.Examples, 2)]
    [InlineData(Pace.Examples, 5)]
    [InlineData(Pace.Updates, 2)]
    public void Lanes_stay_within_the_window_and_all_come_to_their_end(Pace pace, int atOnce)
    {
        TrainingProgress[] lanes =
        [
            .. new[] { 1, 3, 8, 50, 64 }.Select(b => new TrainingProgress(RemainderPolicy.Keep, N, b)),
            new(RemainderPolicy.Keep, N, 2, new BatchScheduleSpec(2, 7, 64)),
        ];
        var pacer = new Pacer(pace, lanes, Window, atOnce, held: false);
        var gate = new Lock();
        var made = new long[lanes.Length];
        var ended = new bool[lanes.Length];
        int working = 0,
            most = 0;
        string? wrong = null;
        long Position(int l) => pace == Pace.Updates ? made[l] : lanes[l].ExamplesAfter(made[l]);
        var threads = lanes
            .Select(
                (lane, l) =>
                    new Thread(() =>
                    {
                        long total = pace == Pace.Updates ? 400 : lane.UpdatesWithin(6000);
                        while (made[l] < total)
                        {
                            int granted = pacer.Enter(l, Math.Min(total - made[l], 1000));
                            lock (gate)
                            {
                                most = Math.Max(most, ++working);
                                long slowest = Enumerable.Range(0, lanes.Length).Where(i => !ended[i]).Min(Position);
                                long after = pace == Pace.Updates ? made[l] + granted : lane.ExamplesAfter(made[l] + granted);
                                if (granted < 1 || after > slowest + Window)
                                    wrong ??= $"lane {l} may go to {after} while the slowest is at {slowest}";
                            }
                            Thread.Yield();
                            lock (gate)
                            {
                                made[l] += granted;
                                working--;
                            }
                            pacer.Exit(l, granted);
                        }
                        lock (gate)
                            ended[l] = true;
                        pacer.End(l);
                    })
            )
            .ToArray();
        foreach (var t in threads)
            t.Start();
        Assert.All(threads, t => Assert.True(t.Join(Timeouts.Hang), "a lane waits for ever"));
        Assert.Null(wrong);
        Assert.InRange(most, 1, atOnce);
    }

    [Fact]
    public void Any_order_of_commands_lets_every_lane_finish()
    {
        for (int seed = 0; seed < 20; seed++)
        {
            TrainingProgress[] lanes = [.. new[] { 1, 5, 20, 100 }.Select(b => new TrainingProgress(RemainderPolicy.Keep, N, b))];
            var pacer = new Pacer(Pace.Examples, lanes, 100, 2, held: true);
            var threads = lanes
                .Select(
                    (lane, l) =>
                        new Thread(() =>
                        {
                            for (long left = lane.UpdatesWithin(2000); left > 0; )
                            {
                                int granted = pacer.Enter(l, left);
                                left -= granted;
                                pacer.Exit(l, granted);
                            }
                            pacer.End(l);
                        })
                )
                .ToArray();
            foreach (var t in threads)
                t.Start();
            var random = new Random(seed);
            for (int i = 0; i < 300; i++)
            {
                if (random.Next(3) == 0)
                    pacer.Hold();
                else if (random.Next(2) == 0)
                    pacer.Continue();
                else
                    pacer.Single();
            }
            pacer.Continue();
            Assert.All(threads, t => Assert.True(t.Join(Timeouts.Hang), $"a lane waits for ever (seed {seed})"));
        }
    }

    [Fact]
    public void Stop_frees_lanes_that_wait()
    {
        var pacer = new Pacer(Pace.Examples, [new(RemainderPolicy.Keep, N, 1), new(RemainderPolicy.Keep, N, 2)], 2, 1, held: true);
        var granted = new int[] { -1, -1 };
        var threads = granted.Select((_, l) => new Thread(() => granted[l] = pacer.Enter(l, 5))).ToArray();
        foreach (var t in threads)
            t.Start();
        pacer.Stop();
        Assert.All(threads, t => Assert.True(t.Join(Timeouts.Hang)));
        Assert.Equal([0, 0], granted);
    }

    [Fact]
    public void A_held_pacer_is_still_only_when_the_updates_under_way_and_the_single_ones_are_made()
    {
        var pacer = new Pacer(Pace.Examples, [new(RemainderPolicy.Keep, N, 1), new(RemainderPolicy.Keep, N, 2)], 2, 2, held: false);
        Assert.Equal(2, pacer.Enter(0, 5));
        Assert.False(pacer.Still);
        pacer.Hold();
        Assert.True(pacer.Held);
        Assert.False(pacer.Still);
        pacer.Exit(0, 2);
        Assert.True(pacer.Still);

        pacer.Single();
        foreach (int lane in new[] { 0, 1 })
        {
            Assert.False(pacer.Still);
            Assert.Equal(1, pacer.Enter(lane, 5));
            Assert.False(pacer.Still);
            pacer.Exit(lane, 1);
        }
        Assert.True(pacer.Still);

        pacer.End(0);
        pacer.Single(); // asked of the one that has not ended
        Assert.False(pacer.Still);
        Assert.Equal(1, pacer.Enter(1, 5));
        pacer.Exit(1, 1);
        Assert.True(pacer.Still);
        pacer.Continue();
        Assert.False(pacer.Still);
    }

    [Fact]
    public void Lanes_that_waited_for_others_when_all_were_stopped_can_end()
    {
        var pacer = new Pacer(Pace.Examples, [new(RemainderPolicy.Keep, N, 1), new(RemainderPolicy.Keep, N, 2)], 2, 2, held: false);
        Assert.Equal(2, pacer.Enter(0, 5));
        pacer.Exit(0, 2);
        int granted = -1;
        var ahead = new Thread(() => granted = pacer.Enter(0, 5));
        ahead.Start();
        Assert.True(SpinWait.SpinUntil(() => ahead.ThreadState.HasFlag(ThreadState.WaitSleepJoin), Timeouts.Hang));
        pacer.Stop();
        Assert.True(ahead.Join(Timeouts.Hang));
        Assert.Equal(0, granted);
        pacer.End(0);
        pacer.End(1);
    }

    [Fact]
    public void A_lane_with_more_examples_to_a_batch_than_the_window_still_moves()
    {
        var pacer = new Pacer(Pace.Examples, [new(RemainderPolicy.Keep, N, 1), new(RemainderPolicy.Keep, N, 100)], 10, 2, held: false);
        Assert.Equal(1, pacer.Enter(1, 5));
        pacer.Exit(1, 1);
        Assert.Equal(10, pacer.Enter(0, 500));
    }
}
