using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace BatchViz.Browser.Tests;

/// <summary>Playhead and training are two things: who moves which, and who may.</summary>
public class ControlTests(LongExperiment browser) : IClassFixture<LongExperiment>
{
    private static readonly string[] Controlling = ["Hold", "Continue", "StepOnce", "Stop", "FitPlane", "Start"];

    [Fact]
    public async Task Pause_stops_the_playhead_and_not_the_training_and_hold_stops_the_training()
    {
        List<string> troubles = [];
        var page = await Open(troubles);

        await page.GetByRole(AriaRole.Button, new() { Name = "Pause", Exact = true }).ClickAsync();
        var paused = await Probe.Until(page, "paused", s => !s.Playing);
        var later = await Probe.Until(page, "training going on", s => s.Heads.All(h => h.Value > paused.Heads[h.Key]));
        Assert.Equal(paused.Playhead, later.Playhead);
        Assert.Equal(paused.Drawn["b32-s1"].Update, later.Drawn["b32-s1"].Update);

        var held = await Hold(page);
        await page.WaitForTimeoutAsync(1500);
        Assert.Equal(held.Heads, (await Probe.Of(page)).Heads);

        // At the head of a held experiment, › trains one more update of every run, and only one.
        await page.GetByRole(AriaRole.Button, new() { Name = "To the end" }).ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "One update on" }).ClickAsync();
        await Probe.Until(page, "one more update of every run", s => s.Heads.All(h => h.Value == held.Heads[h.Key] + 1));
        await page.WaitForTimeoutAsync(1000);
        Assert.All((await Probe.Of(page)).Heads, h => Assert.Equal(held.Heads[h.Key] + 1, h.Value));

        await page.GetByRole(AriaRole.Button, new() { Name = "Continue training" }).ClickAsync();
        await Probe.Until(page, "training again", s => s.Heads.All(h => h.Value > held.Heads[h.Key] + 1));
        await Probe.Until(
            page,
            "the playhead following the head again",
            s => s.Live && s.Drawn.All(d => d.Value.Update > held.Heads[d.Key] + 1)
        );
        Assert.Empty(troubles);
    }

    [Fact]
    public async Task A_viewer_sees_the_same_figures_and_can_change_nothing()
    {
        List<string> troubles = [];
        var owner = await Open(troubles);
        var viewer = await browser.NewPage(troubles, [owner]);
        await viewer.GotoAsync(browser.ViewerLink);
        await Probe.Until(viewer, "the viewer's picture", s => s.Drawn.Count == 5 && s.Grid is not null);
        Assert.Equal("viewer", await viewer.EvaluateAsync<string>("async () => (await (await fetch('/api/session')).json()).role"));
        await Expect(viewer.GetByRole(AriaRole.Button, new() { Name = "Hold training" })).ToHaveCountAsync(0);
        await Expect(viewer.Locator("script[src*=blazor]")).ToHaveCountAsync(0);

        var held = await Hold(owner);
        foreach (var page in new[] { owner, viewer })
        {
            await page.GetByRole(AriaRole.Button, new() { Name = "To the end" }).ClickAsync();
            await Probe.Until(
                page,
                "the head",
                s => s.Heads.All(h => h.Value == held.Heads[h.Key]) && s.Drawn.All(d => d.Value.Update == s.Heads[d.Key])
            );
        }
        // A path ends at its last measured point; both pages have to settle on the same plane and its finest grid first.
        var (ours, theirs) = (await Probe.Of(owner), await Probe.Of(viewer));
        for (
            int i = 0;
            i < 100 && (ours.Grid != theirs.Grid || ours.Grid?.Resolution != 65 || !ours.Drawn.SequenceEqual(theirs.Drawn));
            i++
        )
        {
            await Task.Delay(200);
            (ours, theirs) = (await Probe.Of(owner), await Probe.Of(viewer));
        }
        Assert.Equal(ours.Grid, theirs.Grid);
        Assert.Equal(ours.Drawn, theirs.Drawn);
        // The batch at the head is recomputed for both, and it and its digits arrive at one a moment before the other.
        foreach (var page in new[] { owner, viewer })
        {
            var batch = page.GetByRole(AriaRole.Region, new() { Name = "This batch" });
            await Expect(batch).ToContainTextAsync("replayed", new() { Timeout = 60_000 });
            await Expect(batch.GetByRole(AriaRole.Columnheader, new() { Name = "label" })).ToBeVisibleAsync(new() { Timeout = 60_000 });
        }
        string[] figures =
        [
            .. (await Task.WhenAll(new[] { owner, viewer }.Select(p => p.Locator("[data-stage=inspector]").InnerTextAsync()))),
        ];
        Assert.Contains("Fork here…\n", figures[0], StringComparison.Ordinal); // the owner's alone
        Assert.Equal(figures[0].Replace("Fork here…\n", "", StringComparison.Ordinal), figures[1]);

        Assert.Equal(
            403,
            await viewer.EvaluateAsync<int>(
                "async () => (await fetch('/hubs/control/negotiate?negotiateVersion=1', { method: 'POST' })).status"
            )
        );
        foreach (string method in Controlling)
        {
            string error = await viewer.EvaluateAsync<string>(
                """
                method => new Promise((resolve, reject) => {
                  const socket = new WebSocket(location.origin.replace('http', 'ws') + '/hubs/watch'), end = '\x1e';
                  socket.onopen = () => socket.send('{"protocol":"json","version":1}' + end);
                  socket.onerror = () => reject(new Error('no connection'));
                  socket.onmessage = event => {
                    for (const text of event.data.split(end).filter(Boolean)) {
                      const message = JSON.parse(text);
                      if (message.type === undefined) socket.send(JSON.stringify({ type: 1, invocationId: '1', target: method, arguments: method === 'FitPlane' ? ['random'] : method === 'Start' ? ['{}'] : [] }) + end);
                      if (message.type === 3) { socket.close(); resolve(message.error ?? ''); }
                    }
                  };
                })
                """,
                method
            );
            Assert.NotEqual("", error);
        }
        await viewer.WaitForTimeoutAsync(1000);
        var after = await Probe.Of(viewer);
        Assert.Equal(held.Heads, after.Heads);
        Assert.Equal(theirs.Grid, after.Grid);
        troubles.RemoveAll(t => t.Contains("403", StringComparison.Ordinal));
        Assert.Empty(troubles);
        await owner.GetByRole(AriaRole.Button, new() { Name = "Continue training" }).ClickAsync();
    }

    [Fact]
    public async Task Whoever_comes_late_has_the_whole_history_and_the_axis_switch_keeps_the_moment()
    {
        List<string> troubles = [];
        var page = await Open(troubles);
        await page.GetByRole(AriaRole.Button, new() { Name = "To the end" }).ClickAsync();
        var late = await browser.NewPage(troubles, []);
        await late.GotoAsync("/");
        await Probe.Until(late, "history up to the head", s => s.Charts.GetValueOrDefault("loss") > 100 && s.Drawn.Count == 5);

        await late.GetByRole(AriaRole.Button, new() { Name = "Pause", Exact = true }).ClickAsync();
        var before = await Probe.Of(late);
        foreach (string axis in new[] { "updates", "epochs", "seconds", "flops", "examples" })
        {
            await late.Locator("[data-stage=axis] select").SelectOptionAsync(axis);
            await late.WaitForTimeoutAsync(200);
        }
        var after = await Probe.Of(late);
        Assert.Equal(before.Playhead, after.Playhead, before.Playhead * 0.02 + 1);
        Assert.Empty(troubles);
    }

    private async Task<IPage> Open(List<string> troubles)
    {
        var page = await browser.NewPage(troubles, []);
        await page.GotoAsync("/");
        await Probe.Until(page, "training", s => s.Drawn.Count == 5 && s.Heads.Values.All(h => h > 0));
        // Another test may have failed while it held the training.
        var on = page.GetByRole(AriaRole.Button, new() { Name = "Continue training" });
        if (await on.IsVisibleAsync())
            await on.ClickAsync();
        return page;
    }

    private static async Task<Probe> Hold(IPage page)
    {
        await page.GetByRole(AriaRole.Button, new() { Name = "Hold training" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Continue training" })).ToBeVisibleAsync();
        return await Probe.Until(page, "held, with the updates that were under way", s => s.Held);
    }
}
