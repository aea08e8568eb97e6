using Deque.AxeCore.Playwright;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace BatchViz.Browser.Tests;

/// <summary>The page with the recordings, by mouse and by keyboard. Each test begins an experiment of its own name to have something to work on.</summary>
public class LibraryTests(SmallExperiment browser) : IClassFixture<SmallExperiment>
{
    private const int Patience = 60_000;

    private readonly List<string> troubles = [];

    static LibraryTests() => SetDefaultExpectTimeout(Patience);

    [Fact]
    public async Task A_recording_is_found_renamed_deleted_brought_back_and_opened()
    {
        await Begin("To be found");
        await Begin("Other");
        var page = await Open();
        await Expect(Card(page, "To be found")).ToContainTextAsync("Finished");
        await Expect(Card(page, "Other")).ToContainTextAsync("On the air");

        await page.GetByRole(AriaRole.Searchbox).FillAsync("found finished");
        await Expect(page.Locator(".cards > li")).ToHaveCountAsync(1);
        await page.GetByRole(AriaRole.Searchbox).FillAsync("nowhere");
        await Expect(page.Locator(".nothing")).ToContainTextAsync("No recording has “nowhere”");
        await page.GetByRole(AriaRole.Button, new() { Name = "Show all" }).ClickAsync();

        await Card(page, "To be found").GetByRole(AriaRole.Button, new() { Name = "Rename" }).ClickAsync();
        await page.GetByLabel("New name of To be found").FillAsync("Found");
        await page.Keyboard.PressAsync("Enter");
        await Expect(Card(page, "Found").GetByRole(AriaRole.Button, new() { Name = "Rename" })).ToBeFocusedAsync();

        await Card(page, "Found").GetByRole(AriaRole.Button, new() { Name = "Delete" }).ClickAsync();
        await Expect(page.Locator(".undo")).ToContainTextAsync("Deleted “Found”.");
        await Expect(page.Locator("#undo")).ToBeFocusedAsync();
        await Expect(Card(page, "Found")).ToHaveCountAsync(0);
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Open Found" })).ToBeFocusedAsync();

        await page.Keyboard.PressAsync("Enter");
        await Expect(page.Locator("html[data-stage=loaded]")).ToBeAttachedAsync();
        await Expect(page).ToHaveTitleAsync("To be found · BatchViz");
        await Probe.Until(page, "the recording", state => state.Drawn.Count == 2);
        Assert.Empty(troubles);
    }

    [Fact]
    public async Task A_refusal_is_shown_on_the_card_and_renaming_can_be_left_with_Escape()
    {
        await Begin("On the air now");
        var page = await Open();
        var card = Card(page, "On the air now");
        await card.GetByRole(AriaRole.Button, new() { Name = "Delete" }).ClickAsync();
        await Expect(card.GetByRole(AriaRole.Alert)).ToHaveTextAsync("“On the air now” is on the air; it can be deleted when another experiment is.");

        await card.GetByRole(AriaRole.Button, new() { Name = "Rename" }).FocusAsync();
        await page.Keyboard.PressAsync("Enter");
        await Expect(card.GetByRole(AriaRole.Textbox)).ToBeFocusedAsync();
        await page.Keyboard.TypeAsync("something else");
        await page.Keyboard.PressAsync("Escape");
        await Expect(card.GetByRole(AriaRole.Heading)).ToHaveTextAsync("On the air now");
        await Expect(card.GetByRole(AriaRole.Button, new() { Name = "Rename" })).ToBeFocusedAsync();
        Assert.Empty(troubles);
    }

    [Fact]
    public async Task Exports_are_offered_in_a_menu_that_the_keyboard_opens_and_closes()
    {
        await Begin("Exported");
        var page = await Open();
        var card = Card(page, "Exported");
        await card.GetByRole(AriaRole.Button, new() { Name = "Export Exported" }).FocusAsync();
        await page.Keyboard.PressAsync("Enter");
        var formats = card.GetByRole(AriaRole.Group).GetByRole(AriaRole.Link);
        await Expect(formats).ToHaveCountAsync(5);
        Assert.EndsWith("/export/bviz", await formats.First.GetAttributeAsync("href"));
        await page.Keyboard.PressAsync("Escape");
        await Expect(formats.First).ToBeHiddenAsync();
    }

    [Fact]
    public async Task A_run_is_forked_from_the_dashboard_and_refused_settings_say_why()
    {
        await Begin("Forked");
        var page = await browser.NewPage(troubles, []);
        await page.GotoAsync("/");
        await page.GetByRole(AriaRole.Button, new() { Name = "Pause", Exact = true }).ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Fork…" }).ClickAsync();
        await page.GetByLabel("After update").FillAsync("30");
        await page.GetByLabel("Batch size", new() { Exact = true }).FillAsync("none");
        await Expect(page.Locator("#fork-problem")).ToContainTextAsync("\"batchSize\" is \"none\"");
        await Expect(page.Locator("#fork-start")).ToBeDisabledAsync();
        await page.GetByLabel("Batch size", new() { Exact = true }).FillAsync("64");
        await Expect(page.Locator("#fork-problem")).ToContainTextAsync("b32-s1-u30: ");
        await page.Keyboard.PressAsync("Enter");

        await Expect(page.Locator("dialog[open]")).ToHaveCountAsync(0);
        await page.WaitForFunctionAsync("""
            async () => (await (await fetch('/api/experiments/current')).json()).runs.some(run => run.id === 'b32-s1-u30' && run.batchSize === 64 && run.state === 'finished')
            """);
        await Probe.Until(page, "the fork is on the page", now => now.Heads.TryGetValue("b32-s1-u30", out long head) && head > 30);
        await Expect(page.Locator("[data-stage=hierarchy]")).ToContainTextAsync("B = 64");
        Assert.Empty(troubles);
    }

    [Fact]
    public async Task A_recording_goes_out_as_one_file_and_comes_in_again()
    {
        await Begin("Travels");
        var page = await Open();
        await Expect(Card(page, "Travels")).ToHaveCountAsync(1);
        string folder = Directory.CreateTempSubdirectory("batchviz-import-").FullName, file = Path.Combine(folder, "travels.bviz"), other = Path.Combine(folder, "other.bviz");
        var download = await page.RunAndWaitForDownloadAsync(() => page.EvaluateAsync("""
            async () => {
              const recording = (await (await fetch("/api/recordings")).json()).find(entry => entry.name === "Travels");
              location.href = `/api/recordings/${recording.id}/export/bviz`;
            }
            """));
        await download.SaveAsAsync(file);
        await page.SetInputFilesAsync("#import", file);
        await Expect(Card(page, "Travels")).ToHaveCountAsync(2);

        await File.WriteAllTextAsync(other, "no recording");
        await page.SetInputFilesAsync("#import", other);
        await Expect(page.GetByRole(AriaRole.Alert)).ToContainTextAsync("The file is no .bviz");
        await Expect(Card(page, "Travels")).ToHaveCountAsync(2);
        Directory.Delete(folder, recursive: true);
    }

    [Theory]
    [InlineData(1440, 900, ColorScheme.Dark)]
    [InlineData(1440, 900, ColorScheme.Light)]
    [InlineData(390, 844, ColorScheme.Dark)]
    public async Task Axe_finds_no_violation_and_nothing_scrolls_sideways(int width, int height, ColorScheme scheme)
    {
        await Begin("Looked at");
        var page = await Open(width, height, scheme);
        await Expect(Card(page, "Looked at").First).ToBeVisibleAsync();

        Assert.Empty((await page.RunAxe()).Violations.Select(v => $"{v.Id}: {string.Join(", ", v.Nodes.Select(n => n.Html).Take(3))}"));
        Assert.True(await page.EvaluateAsync<bool>("() => document.documentElement.scrollWidth <= innerWidth"), "the page scrolls sideways");
    }

    private static ILocator Card(IPage page, string name) => page.GetByRole(AriaRole.Article, new() { Name = name, Exact = true });

    private async Task<IPage> Open(int width = 1440, int height = 900, ColorScheme scheme = ColorScheme.Dark)
    {
        var page = await browser.NewPage(troubles, [], width, height, scheme);
        page.SetDefaultTimeout(Patience);
        await page.GotoAsync("/");
        await page.GetByRole(AriaRole.Link, new() { Name = "Recordings" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Recordings" })).ToBeVisibleAsync();
        return page;
    }

    /// <summary>Puts a small experiment of a name on the air, and waits for its end.</summary>
    private async Task Begin(string name)
    {
        var page = await browser.NewPage(troubles, []);
        page.SetDefaultTimeout(Patience);
        await page.GotoAsync("/");
        await page.GetByRole(AriaRole.Button, new() { Name = "New experiment…" }).ClickAsync();
        await page.GetByRole(AriaRole.Tab, new() { Name = "JSON" }).ClickAsync();
        await page.FillAsync("#spec-json", $$"""
            { "name": "{{name}}", "data": { "kind": "moons" }, "model": { "hidden": [4] }, "learningRate": 0.1, "batchSizes": [32, "full"], "budget": { "epochs": 5 } }
            """);
        await page.ClickAsync("#start");
        await Expect(page).ToHaveTitleAsync($"{name} · BatchViz");
        await Expect(page.Locator("#hold")).ToBeDisabledAsync();
    }
}
