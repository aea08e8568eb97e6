using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace BatchViz.Browser.Tests;

/// <summary>Over in a moment, so that nothing but the page is at work.</summary>
public sealed class SmallExperiment()
    : BrowserFixture(
        """
        { "data": { "kind": "moons" }, "model": { "hidden": [4] }, "learningRate": 0.1, "batchSizes": [32, "full"], "budget": { "epochs": 5 } }
        """
    );

/// <summary>What an owner does with the components that have a circuit.</summary>
public class OwnerTests(SmallExperiment browser) : IClassFixture<SmallExperiment>
{
    private const int Patience = 60_000;

    private readonly List<string> troubles = [];

    static OwnerTests() => SetDefaultExpectTimeout(Patience);

    [Fact]
    public async Task A_dialog_keeps_the_focus_and_gives_it_back_and_a_list_in_it_closes_alone()
    {
        var page = await Open();
        await page.Locator("#new-experiment").FocusAsync();
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.GetByRole(AriaRole.Tab, new() { Name = "Ready-made" })).ToBeFocusedAsync();
        // Stage's shortcuts rest: this one would hide the panels.
        await page.Keyboard.PressAsync("?");
        await Expect(page.Locator("dialog[open]")).ToHaveCountAsync(0);
        await page.Keyboard.PressAsync("Shift+Tab");
        await Expect(page.Locator("[role=dialog] .close")).ToBeFocusedAsync();
        await page.Keyboard.PressAsync("Tab");
        await Expect(page.GetByRole(AriaRole.Tab, new() { Name = "Ready-made" })).ToBeFocusedAsync();

        await page.GetByRole(AriaRole.Tab, new() { Name = "Settings" }).ClickAsync();
        await page.OpenList("#spec-optimizer-kind", "Adam");
        await page.Keyboard.PressAsync("Escape");
        await Expect(page.Locator(".mud-popover-open")).ToHaveCountAsync(0);
        await Expect(page.Locator("[role=dialog]")).ToHaveCountAsync(1);

        await page.Keyboard.PressAsync("Escape");
        await Expect(page.Locator("[role=dialog]")).ToHaveCountAsync(0);
        await Expect(page.Locator("#new-experiment")).ToBeFocusedAsync();
        Assert.Empty(troubles);
    }

    /// <summary>Over a slow connection MudBlazor is not yet connected to the field that is on the page.</summary>
    [Fact]
    public async Task Enter_in_the_field_of_a_list_never_sends_the_form()
    {
        var page = await Open();
        bool[] prevented = await page.EvaluateAsync<bool[]>(
            """
            () => ['<input role="combobox" readonly>', '<input>'].map((field) => {
              const form = document.createElement('form'), enter = new KeyboardEvent('keydown', { key: 'Enter', bubbles: true, cancelable: true });
              form.innerHTML = field;
              document.body.append(form);
              form.firstChild.dispatchEvent(enter);
              form.remove();
              return enter.defaultPrevented;
            })
            """
        );
        Assert.Equal([true, false], prevented);
    }

    [Fact]
    public async Task An_experiment_is_started_from_the_keyboard_held_and_continued()
    {
        var page = await Open();
        await page.ClickAsync("#new-experiment");
        await page.GetByRole(AriaRole.Tab, new() { Name = "JSON" }).ClickAsync();
        await page.FillAsync(
            "#spec-json",
            """
            { "name": "A long one", "data": { "kind": "moons" }, "model": { "hidden": [128, 128] }, "learningRate": 0.01, "batchSizes": [32, 128], "budget": { "updates": 2000000 } }
            """
        );
        await page.GetByRole(AriaRole.Tab, new() { Name = "Settings" }).ClickAsync();
        await Expect(page.GetByLabel("Hidden layers")).ToHaveValueAsync("128, 128");
        await page.GetByLabel("Seeds").FillAsync("3");
        await page.GetByLabel("Seeds").PressAsync("Enter");

        await Expect(page.Locator("[role=dialog]")).ToHaveCountAsync(0);
        await Expect(page).ToHaveTitleAsync("A long one · BatchViz");
        await page.GetByRole(AriaRole.Button, new() { Name = "Hold training" }).ClickAsync();
        await Expect(page.Locator("#hold")).ToHaveTextAsync("Continue training");
        await ToBe(page, "held");
        await page.ClickAsync("#hold");
        await Expect(page.Locator("#hold")).ToHaveTextAsync("Hold training");
        await ToBe(page, "running");

        await page.GetByRole(AriaRole.Button, new() { Name = "PCA plane" }).ClickAsync();
        await page.GetByRole(AriaRole.Menuitem, new() { Name = "Random" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Random plane" })).ToBeVisibleAsync();
        Assert.Empty(troubles);
    }

    [Fact]
    public async Task The_main_tasks_are_done_by_keyboard_alone()
    {
        var page = await browser.NewPage(troubles, []);
        page.SetDefaultTimeout(Patience);
        await page.GotoAsync("/?lang=en");
        await Expect(page.Locator("#new-experiment")).ToBeEnabledAsync();
        var keys = page.Keyboard;
        await keys.PressAsync("Tab");
        await Expect(page.Locator(".skip")).ToBeFocusedAsync();

        // A ready experiment is started, held at its head, stepped and let go.
        await TabTo(page, "#new-experiment");
        await keys.PressAsync("Enter");
        await Expect(page.Locator("[role=dialog]")).ToHaveCountAsync(1);
        await TabTo(page, "[role=dialog] .presets input");
        await keys.PressAsync("Space");
        await Expect(page.Locator("input[value=mnist]")).ToBeCheckedAsync();
        await TabTo(page, "#start");
        await keys.PressAsync("Enter");
        await Expect(page.Locator("[role=dialog]")).ToHaveCountAsync(0);
        await Expect(page).ToHaveTitleAsync("MNIST · BatchViz");
        await Probe.Until(page, "training", now => now.Heads.Count == 5 && now.Heads.Values.All(head => head > 0));
        await TabTo(page, "#hold");
        await keys.PressAsync("Enter");
        await Expect(page.Locator("#hold")).ToHaveTextAsync("Continue training");
        var held = await Still(page);
        await keys.PressAsync("End");
        await keys.PressAsync("ArrowRight");
        await Probe.Until(page, "one more update of every run", now => now.Heads.All(head => head.Value == held.Heads[head.Key] + 1));
        await keys.PressAsync("Enter"); // the focus is still on the button
        await Probe.Until(page, "training again", now => now.Heads.All(head => head.Value > held.Heads[head.Key] + 1));
        await Expect(page.Locator("#hold")).ToHaveTextAsync("Hold training");
        await keys.PressAsync("Enter");
        await Expect(page.Locator("#hold")).ToHaveTextAsync("Continue training");

        // Played, paused, scrubbed; a run, an axis, the camera.
        await keys.PressAsync("Home");
        await Probe.Until(page, "the start", now => now.Playhead == 0 && !now.Playing);
        await keys.PressAsync("k");
        await Probe.Until(page, "playing", now => now.Playing && now.Playhead > 0);
        await keys.PressAsync("k");
        var paused = await Probe.Until(page, "paused", now => !now.Playing);
        await TabTo(page, ".track");
        await keys.PressAsync("PageUp");
        await Probe.Until(page, "further on", now => now.Playhead > paused.Playhead && !now.Playing);
        await keys.PressAsync("3");
        Assert.Equal("b32-s1", await page.EvaluateAsync<string>("() => window.batchviz.state().selected"));
        string axis = await page.Locator("#axis").InputValueAsync();
        await keys.PressAsync("a");
        await Expect(page.Locator("#axis")).Not.ToHaveValueAsync(axis);
        await TabTo(page, "[data-stage=scene] canvas");
        double distance = (await Probe.Of(page)).Camera!.Distance;
        await keys.PressAsync("+");
        await Probe.Until(page, "closer", now => now.Camera!.Distance < distance * 0.99);

        // A batch is opened; from there a fork, which is undone.
        await TabTo(page, ".track");
        await keys.PressAsync("Enter");
        await Expect(page.GetByRole(AriaRole.Region, new() { Name = "This batch" })).ToContainTextAsync("replayed");
        await TabTo(page, ".timeline .fork-here");
        await keys.PressAsync("Enter");
        await Expect(page.Locator("#fork-run")).ToHaveValueAsync("b32-s1");
        await TabTo(page, "#fork-batch");
        await keys.TypeAsync("64");
        await TabTo(page, "#fork-start");
        await keys.PressAsync("Enter");
        await Expect(page.Locator("[role=dialog]")).ToHaveCountAsync(0);
        await Probe.Until(page, "the fork", now => now.Heads.Count == 6);
        await keys.PressAsync("Control+z");
        await Expect(page.Locator("[data-run^=b32-s1-u]")).ToContainTextAsync("undone");

        await keys.PressAsync("?");
        await Expect(page.GetByRole(AriaRole.Dialog, new() { Name = "Keyboard" })).ToBeVisibleAsync();
        await keys.PressAsync("Escape");
        await Expect(page.Locator("dialog[open]")).ToHaveCountAsync(0);
        Assert.Empty(troubles);
    }

    /// <summary>Goes on by the Tab key, as far as it takes.</summary>
    private static async Task TabTo(IPage page, string place)
    {
        for (int i = 0; i < 150; i++)
        {
            await page.Keyboard.PressAsync("Tab");
            if (await page.EvaluateAsync<bool>("place => document.activeElement?.matches(place) === true", place))
                return;
        }
        Assert.Fail($"Tab does not lead to {place}.");
    }

    private static async Task<Probe> Still(IPage page)
    {
        var now = await Probe.Of(page);
        for (int same = 0; same < 5; )
        {
            await page.WaitForTimeoutAsync(200);
            var later = await Probe.Of(page);
            same = later.Heads.SequenceEqual(now.Heads) ? same + 1 : 0;
            now = later;
        }
        return now;
    }

    [Fact]
    public async Task Each_link_makes_of_its_holder_what_it_says()
    {
        var page = await Open();
        await page.ClickAsync("#share");
        string viewer = await page.GetByLabel("Viewer link", new() { Exact = true }).InputValueAsync();

        Assert.StartsWith($"{browser.Url}/join/", viewer);
        await page.GetByRole(AriaRole.Button, new() { Name = "Show the owner link" }).ClickAsync();
        string owner = await page.Locator("#owner-link").InputValueAsync();
        Assert.NotEqual(viewer, owner);

        await page.GotoAsync(viewer);
        await Expect(page.Locator("html[data-stage=loaded]")).ToBeAttachedAsync();
        await Expect(page.Locator("#share")).ToHaveCountAsync(0);
        await page.GotoAsync(owner);
        await Expect(page.Locator("#share")).ToBeEnabledAsync();
        Assert.Empty(troubles);
    }

    private async Task<IPage> Open()
    {
        var page = await browser.NewPage(troubles, []);
        page.SetDefaultTimeout(Patience);
        await page.GotoAsync("/");
        // A page that does not play does not draw, and drawing by software is slow.
        await page.GetByRole(AriaRole.Button, new() { Name = "Pause", Exact = true }).ClickAsync();
        await Expect(page.Locator("#new-experiment")).ToBeEnabledAsync();
        return page;
    }

    /// <summary>The manifest follows the training by a frame or two.</summary>
    private static async Task ToBe(IPage page, string state)
    {
        for (var limit = DateTime.UtcNow.AddSeconds(10); await State(page) != state; await Task.Delay(50))
            Assert.True(DateTime.UtcNow < limit, $"the experiment is {await State(page)}, not {state}");
    }

    private static Task<string> State(IPage page) =>
        page.EvaluateAsync<string>("async () => (await (await fetch('/api/experiments/current')).json()).state");
}
