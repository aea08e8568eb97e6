using System.Text;
using BatchViz.Core.Specs;
using BatchViz.Data;
using BatchViz.Engine.Cpu;
using BatchViz.Live;
using BatchViz.Training;

namespace BatchViz.Tests;

/// <summary>What people ask for is computed once, in a fair order, owners first, and only as long as someone waits.</summary>
public sealed class RecomputeQueueTests : IDisposable
{
    private static readonly TimeSpan Moment = TimeSpan.FromMilliseconds(10),
        Long = TimeSpan.FromMinutes(5);
    private static readonly Asker Ann = new("ann", false),
        Bob = new("bob", false);

    private readonly CpuEngine engine = new();
    private readonly Experiment experiment;
    private readonly RecomputeQueue queue;

    public RecomputeQueueTests()
    {
        // Held: viewers' time is limited only while an experiment trains, and no test depends on time.
        experiment = new Experiment(
            new DataFiles(null).Plan(SpecReader.Read(Encoding.UTF8.GetBytes(SomeHost.Moons)), trusted: true),
            engine,
            new ExperimentOptions { Held = true }
        );
        queue = new RecomputeQueue(experiment, abandonedAfter: TimeSpan.FromMilliseconds(400));
    }

    public void Dispose()
    {
        queue.Dispose();
        experiment.Dispose();
        engine.Dispose();
    }

    [Fact]
    public async Task Whoever_asks_later_gets_the_same_answer_and_progress_meanwhile()
    {
        using var go = new ManualResetEventSlim();
        int made = 0;
        Recomputation What(int key) =>
            new(
                key,
                () => new(key, 1.5),
                (_, progress, cancel) =>
                {
                    progress.Report(0.25);
                    go.Wait(cancel);
                    return new(Encoding.UTF8.GetBytes($"{key} {++made}"), Final: true);
                }
            );

        await Until(async () => (await queue.Ask(What(7), Ann, Moment)).Progress == 0.25);
        var meanwhile = await queue.Ask(What(7), Bob, Moment);
        Assert.Equal((null, new RecomputeCost(7, 1.5), null), (meanwhile.Answer, meanwhile.Cost, meanwhile.Refusal));
        go.Set();
        Assert.Equal("7 1", Text(await queue.Ask(What(7), Bob, Long)));
        Assert.Equal("7 1", Text(await queue.Ask(What(7), Ann, Moment)));
        Assert.Equal("7 1", Text(await queue.Ask(What(7), Asker.Owner, Moment)));
        Assert.Equal("8 2", Text(await queue.Ask(What(8), Ann, Long)));
    }

    [Fact]
    public async Task Work_that_nobody_waits_for_is_given_up_and_begun_anew_when_asked_for_again()
    {
        int begun = 0;
        bool endless = true;
        // It looks at nothing but its cancellation.
        var what = new Recomputation(
            1,
            () => default,
            (_, _, cancel) =>
            {
                Interlocked.Increment(ref begun);
                if (Volatile.Read(ref endless))
                    cancel.WaitHandle.WaitOne();
                cancel.ThrowIfCancellationRequested();
                return new([1], Final: true);
            }
        );

        await Until(async () => (await queue.Ask(what, Ann, Moment)).Answer is null && Volatile.Read(ref begun) > 0);
        // The thread is free for others only once the first wish has been given up.
        Assert.NotNull((await queue.Ask(Quick(2), Bob, Long)).Answer);
        int before = begun;
        Volatile.Write(ref endless, false);
        Assert.Equal([1], (await queue.Ask(what, Ann, Long)).Answer!.Value.Bytes);
        Assert.Equal(before + 1, begun);
    }

    [Fact]
    public async Task What_nobody_waits_for_any_more_is_dropped_before_it_begins()
    {
        using var go = new ManualResetEventSlim();
        bool begun = false;
        var first = queue.Ask(Waiting(1, go), Ann, Long);
        using var left = new CancellationTokenSource();
        var second = queue.Ask(
            new Recomputation(
                2,
                () => default,
                (_, _, _) =>
                {
                    begun = true;
                    return new([], Final: true);
                }
            ),
            Bob,
            Timeout.InfiniteTimeSpan,
            left.Token
        );
        left.Cancel();
        Assert.Null((await second.WaitAsync(Long)).Answer);
        await Until(async () => (await queue.Ask(Quick(2), Bob, TimeSpan.Zero, left.Token)).Cost.Updates == 1); // a new wish: the old one is gone
        go.Set();
        Assert.NotNull((await first).Answer);
        Assert.NotNull((await queue.Ask(Quick(3), Ann, Long)).Answer);
        Assert.False(begun);
    }

    [Fact]
    public async Task An_owner_waits_for_no_viewer_and_takes_over_what_a_viewer_has_asked_for()
    {
        int begun = 0;
        using var go = new ManualResetEventSlim();
        var shared = new Recomputation(
            "shared",
            () => default,
            (replayer, _, cancel) =>
            {
                Interlocked.Increment(ref begun);
                // For a viewer it would last for ever.
                if (replayer != experiment.Replayer)
                    cancel.WaitHandle.WaitOne();
                cancel.ThrowIfCancellationRequested();
                return new([9], Final: true);
            }
        );
        var viewers = queue.Ask(shared, Ann, Timeout.InfiniteTimeSpan);
        await Until(() => Task.FromResult(Volatile.Read(ref begun) == 1));
        var waiting = Enumerable
            .Range(0, 300)
            .Select(i => queue.Ask(Waiting(i, go), new($"viewer {i % 20}", false), Timeout.InfiniteTimeSpan))
            .ToArray();

        Assert.NotNull((await queue.Ask(Quick("own"), Asker.Owner, Long)).Answer);
        Assert.Equal([9], (await queue.Ask(shared, Asker.Owner, Long)).Answer!.Value.Bytes);
        Assert.Equal([9], (await viewers.WaitAsync(Long)).Answer!.Value.Bytes);
        Assert.Equal(2, begun);
        go.Set();
        Assert.All(await Task.WhenAll(waiting).WaitAsync(Long), state => Assert.NotNull(state.Answer));
    }

    [Fact]
    public async Task One_viewers_many_wishes_do_not_keep_another_from_theirs_and_too_many_are_refused()
    {
        var order = new List<string>();
        using var go = new ManualResetEventSlim();
        // As long as a real one, in processor time, since that is what the order is by.
        Recomputation Of(string who, int i) =>
            new(
                (who, i),
                () => default,
                (_, _, _) =>
                {
                    go.Wait();
                    double until = LaneClock.Seconds + 0.001;
                    while (LaneClock.Seconds < until)
                        ;
                    lock (order)
                        order.Add(who);
                    return new([], Final: true);
                }
            );
        var many = Enumerable
            .Range(0, RecomputeQueue.MostOfAViewer)
            .Select(i => queue.Ask(Of("ann", i), Ann, Timeout.InfiniteTimeSpan))
            .ToArray();
        var refused = await queue.Ask(Of("ann", 1000), Ann, Long);
        Assert.Contains("Too much", refused.Refusal);
        var few = Enumerable.Range(0, 5).Select(i => queue.Ask(Of("bob", i), Bob, Timeout.InfiniteTimeSpan)).ToArray();
        go.Set();
        await Task.WhenAll([.. many, .. few]).WaitAsync(Long);
        // In turns from the second on, give or take one: what the first took by the clock is not known to the nanosecond.
        Assert.InRange(order.FindLastIndex(who => who == "bob"), 5, 16);
        Assert.Equal(RecomputeQueue.MostOfAViewer + 5, order.Count);
    }

    [Fact]
    public async Task A_refusal_is_told_in_the_askers_language_and_not_kept()
    {
        var what = new Recomputation(1, () => default, (_, _, _) => throw new RefusedException(Core.Language.Tr("No.", "不行。")));
        Assert.Equal("No.", (await queue.Ask(what, Ann, Long)).Refusal);
        var before = System.Globalization.CultureInfo.CurrentUICulture;
        System.Globalization.CultureInfo.CurrentUICulture = new("zh-Hans");
        Assert.Equal("不行。", (await queue.Ask(what, Ann, Long)).Refusal);
        System.Globalization.CultureInfo.CurrentUICulture = before;
    }

    [Fact]
    public async Task An_answer_that_is_not_final_is_computed_again_once_it_holds_no_more()
    {
        bool holds = true;
        int made = 0;
        var what = new Recomputation(1, () => default, (_, _, _) => new([(byte)++made], Final: false, () => Volatile.Read(ref holds)));
        Assert.Equal([1], (await queue.Ask(what, Ann, Long)).Answer!.Value.Bytes);
        Volatile.Write(ref holds, false);
        await Until(async () => (await queue.Ask(what, Ann, Long)).Answer!.Value.Bytes[0] == 2);
    }

    [Fact]
    public void Answers_are_forgotten_when_there_are_too_many_bytes_of_them_but_never_the_newest()
    {
        var cache = new AnswerCache(100, TimeSpan.Zero);
        cache.Keep(1, new(new byte[60], true));
        cache.Keep(2, new(new byte[30], true));
        Assert.NotNull(cache.Find(1));
        cache.Keep(3, new(new byte[30], true));
        Assert.Equal([true, false, true], new[] { 1, 2, 3 }.Select(key => cache.Find(key) is not null));
        cache.Keep(4, new(new byte[500], true));
        Assert.Equal([false, false, true], new[] { 1, 3, 4 }.Select(key => cache.Find(key) is not null));
    }

    private static string Text(RecomputedState state) => Encoding.UTF8.GetString(state.Answer!.Value.Bytes);

    private static Recomputation Quick(object key) => new(key, () => new(1, 0), (_, _, _) => new([], Final: true));

    private static Recomputation Waiting(int key, ManualResetEventSlim go) =>
        new(
            ("waiting", key),
            () => default,
            (_, _, cancel) =>
            {
                go.Wait(cancel);
                return new([], Final: true);
            }
        );

    private static async Task Until(Func<Task<bool>> condition)
    {
        for (var limit = DateTime.UtcNow + Long; !await condition(); await Task.Delay(5))
            Assert.True(DateTime.UtcNow < limit, "waited in vain");
    }
}
