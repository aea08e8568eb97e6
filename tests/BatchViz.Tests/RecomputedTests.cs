using System.Text;
using BatchViz.Core.Specs;
using BatchViz.Live;

namespace BatchViz.Tests;

/// <summary>What viewers ask for is computed once, and only as long as someone waits.</summary>
public class RecomputedTests
{
    private static readonly TimeSpan Moment = TimeSpan.FromMilliseconds(10), Long = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task Whoever_asks_later_gets_the_same_answer_and_progress_meanwhile()
    {
        using var replays = new Replays();
        using var go = new ManualResetEventSlim();
        int made = 0;
        var recomputed = new Recomputed<int>(replays, key => (key, 1.5), (key, progress, cancel) =>
        {
            progress.Report(0.25);
            go.Wait(cancel);
            return Encoding.UTF8.GetBytes($"{key} {++made}");
        });

        await Until(async () => (await recomputed.Ask(7, Moment)).Progress == 0.25);
        var meanwhile = await recomputed.Ask(7, Moment);
        Assert.Equal((null, 7, 1.5, null), (meanwhile.Json, meanwhile.Updates, meanwhile.Seconds, meanwhile.Refusal));
        go.Set();
        Assert.Equal("7 1", Encoding.UTF8.GetString((await recomputed.Ask(7, Long)).Json!));
        Assert.Equal("7 1", Encoding.UTF8.GetString((await recomputed.Ask(7, Moment)).Json!));
        Assert.Equal("8 2", Encoding.UTF8.GetString((await recomputed.Ask(8, Long)).Json!));
    }

    [Fact]
    public async Task Work_that_nobody_waits_for_is_given_up_and_begun_anew_when_asked_for_again()
    {
        using var replays = new Replays();
        int begun = 0;
        bool endless = true;
        var recomputed = new Recomputed<int>(replays, _ => (0, 0), (_, progress, cancel) =>
        {
            for (begun++; Volatile.Read(ref endless); Thread.Sleep(5))
            {
                progress.Report(0.5);
                cancel.ThrowIfCancellationRequested();
            }
            return [1];
        }, abandonedAfter: TimeSpan.FromMilliseconds(200));

        Assert.Null((await recomputed.Ask(1, Moment)).Json);
        // The thread is free for others only once the first wish has been given up.
        var other = replays.Ask((_, _) => true, default);
        Assert.True(await other.WaitAsync(Long));
        Volatile.Write(ref endless, false);
        Assert.Equal([1], (await recomputed.Ask(1, Long)).Json);
        Assert.Equal(2, begun);
    }

    [Fact]
    public async Task A_refusal_is_told_in_the_askers_language_and_not_kept()
    {
        using var replays = new Replays();
        var recomputed = new Recomputed<int>(replays, _ => (0, 0), (_, _, _) => throw new SpecException(Core.Language.Tr("No.", "不行。")));
        Assert.Equal("No.", (await recomputed.Ask(1, Long)).Refusal);
        var before = System.Globalization.CultureInfo.CurrentUICulture;
        System.Globalization.CultureInfo.CurrentUICulture = new("zh-Hans");
        Assert.Equal("不行。", (await recomputed.Ask(1, Long)).Refusal);
        System.Globalization.CultureInfo.CurrentUICulture = before;
    }

    private static async Task Until(Func<Task<bool>> condition)
    {
        for (var limit = DateTime.UtcNow + Long; !await condition();) Assert.True(DateTime.UtcNow < limit, "waited in vain");
    }
}
