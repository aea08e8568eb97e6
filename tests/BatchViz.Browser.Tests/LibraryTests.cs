using Deque.AxeCore.Playwright;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace BatchViz.Browser.Tests;

/// <summary>
/// The page with the recordings, by mouse and by keyboard. Each test begins an experiment of its own name to have something to work on.
/// </summary>
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
        await Expect(Row(page, "To be found")).ToContainTextAsync("Finished");
        await Expect(Row(page, "Other")).ToContainTextAsync("On the air");

        await page.GetByRole(AriaRole.Searchbox).FillAsync("found finished");
        await Expect(page.Locator(".recordings h2")).ToHaveCountAsync(1);
        await page.GetByRole(AriaRole.Searchbox).FillAsync("nowhere");
        await Expect(page.Locator(".nothing")).ToContainTextAsync("No recording has “nowhere”");
        await page.GetByRole(AriaRole.Button, new() { Name = "Show all" }).ClickAsync();

        await Row(page, "To be found").GetByRole(AriaRole.Button, new() { Name = "Rename" }).ClickAsync();
        await page.GetByLabel("Name", new() { Exact = true }).FillAsync("Found");
        await page.Keyboard.PressAsync("Enter");
        await Expect(Row(page, "Found").GetByRole(AriaRole.Button, new() { Name = "Rename" })).ToBeFocusedAsync();

        await Row(page, "Found").GetByRole(AriaRole.Button, new() { Name = "Delete" }).ClickAsync();
        await Expect(page.Locator("#notices")).ToContainTextAsync("Deleted “Found”.");
        var undo = page.GetByRole(AriaRole.Button, new() { Name = "Undo" });
        await Expect(undo).ToBeFocusedAsync();
        await Expect(Row(page, "Found")).ToHaveCountAsync(0);
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Open Found" })).ToBeFocusedAsync();
        await Expect(undo).ToHaveCountAsync(0);

        await page.Keyboard.PressAsync("Enter");
        await Expect(page.Locator("html[data-stage=loaded]")).ToBeAttachedAsync();
        await Expect(page).ToHaveTitleAsync("To be found · BatchViz");
        await Probe.Until(page, "the recording", state => state.Drawn.Count == 2);
        Assert.Empty(troubles);
    }

    [Fact]
    public async Task Several_are_selected_and_deleted_and_all_come_back()
    {
        foreach (string name in new[] { "First of two", "Second of two", "Not one of them" })
            await Begin(name);
        var page = await Open();
        foreach (string name in new[] { "First of two", "Second of two" })
            await page.GetByRole(AriaRole.Checkbox, new() { Name = $"Select {name}" }).CheckAsync();
        await Expect(page.Locator(".selection")).ToContainTextAsync("2 selected");
        await page.ClickAsync("#delete-selected");
        await Expect(page.Locator("#notices")).ToContainTextAsync("Deleted 2 recordings.");
        foreach (string name in new[] { "First of two", "Second of two" })
            await Expect(Row(page, name)).ToHaveCountAsync(0);
        await Expect(page.Locator(".selection")).ToHaveCountAsync(0);

        await page.GetByRole(AriaRole.Button, new() { Name = "Undo" }).ClickAsync();
        foreach (string name in new[] { "First of two", "Second of two" })
            await Expect(Row(page, name)).ToHaveCountAsync(1);
        Assert.Empty(troubles);
    }

    [Fact]
    public async Task The_grid_is_sorted_and_grouped_and_columns_are_hidden()
    {
        foreach (string name in new[] { "Zebra", "Aardvark" })
            await Begin(name);
        var page = await Open();
        var names = page.Locator(".recordings h2");
        await page.GetByRole(AriaRole.Columnheader, new() { Name = "Recording" }).Locator(".sortable-column-header").ClickAsync();
        await Expect(page.GetByRole(AriaRole.Columnheader, new() { Name = "Recording" })).ToHaveAttributeAsync("aria-sort", "ascending");
        await Expect(names.First).ToHaveTextAsync("Aardvark");
        Assert.Equal((await names.AllInnerTextsAsync()).Order(StringComparer.OrdinalIgnoreCase), await names.AllInnerTextsAsync());

        await page.GetByRole(AriaRole.Columnheader, new() { Name = "State" })
            .GetByRole(AriaRole.Button, new() { Name = "Column options" })
            .ClickAsync();
        await page.GetByRole(AriaRole.Menuitem, new() { Name = "Group" }).ClickAsync();
        await Expect(page.Locator(".group-name")).ToHaveTextAsync(["On the air", "Finished"]);

        var size = page.Locator(".recordings th").Filter(new() { HasTextRegex = new System.Text.RegularExpressions.Regex(@"^\s*Size") });
        await size.GetByRole(AriaRole.Button, new() { Name = "Column options" }).ClickAsync();
        await page.GetByRole(AriaRole.Menuitem, new() { Name = "Hide" }).ClickAsync();
        await Expect(size).ToHaveCountAsync(0);
        await page.ClickAsync("#columns button");
        var choice = page.GetByRole(AriaRole.Menuitemcheckbox, new() { Name = "Size", Exact = true });
        await Expect(choice).Not.ToBeCheckedAsync();
        await choice.ClickAsync();
        await Expect(size).ToHaveCountAsync(1);
        await Expect(choice).ToBeCheckedAsync();
        Assert.Empty(troubles);
    }

    [Fact]
    public async Task Exports_are_offered_in_a_menu_that_the_keyboard_opens_and_closes()
    {
        await Begin("Exported");
        var page = await Open();
        await page.GetByRole(AriaRole.Button, new() { Name = "Export Exported" }).FocusAsync();
        await page.Keyboard.PressAsync("Enter");
        var formats = page.GetByRole(AriaRole.Menuitem);
        await Expect(formats).ToHaveCountAsync(5);
        Assert.EndsWith("/export/bviz", await formats.First.GetAttributeAsync("href"));
        await page.Keyboard.PressAsync("Escape");
        await Expect(formats).ToHaveCountAsync(0);
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Export Exported" })).ToBeFocusedAsync();
        Assert.Empty(troubles);
    }

    [Fact]
    public async Task A_run_is_forked_from_the_dashboard()
    {
        await Begin("Forked");
        var page = await browser.NewPage(troubles, []);
        await page.GotoAsync("/");
        await page.GetByRole(AriaRole.Button, new() { Name = "Pause", Exact = true }).ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Fork…" }).ClickAsync();
        await page.GetByLabel("After update").FillAsync("30");
        await page.GetByLabel("Batch size", new() { Exact = true }).FillAsync("64");
        await Expect(page.Locator("#fork-problem")).ToContainTextAsync("b32-s1-u30: ");
        await page.Keyboard.PressAsync("Enter");

        await Expect(page.Locator("[role=dialog]")).ToHaveCountAsync(0);
        await page.WaitForFunctionAsync(
            """
            async () => (await (await fetch('/api/experiments/current')).json()).runs.some(run => run.id === 'b32-s1-u30' && run.batchSize === 64 && run.state === 'finished')
            """
        );
        await Probe.Until(page, "the fork is on the page", now => now.Heads.TryGetValue("b32-s1-u30", out long head) && head > 30);
        await Expect(page.Locator("[data-stage=hierarchy]")).ToContainTextAsync("B = 64");
        Assert.Empty(troubles);
    }

    [Fact]
    public async Task A_recording_goes_out_as_one_file_and_comes_in_again()
    {
        await Begin("Travels");
        var page = await Open();
        await Expect(Row(page, "Travels")).ToHaveCountAsync(1);
        string folder = Directory.CreateTempSubdirectory("batchviz-import-").FullName,
            file = Path.Combine(folder, "travels.bviz"),
            other = Path.Combine(folder, "other.bviz");
        var download = await page.RunAndWaitForDownloadAsync(() =>
            page.EvaluateAsync(
                """
                async () => {
                  const recording = (await (await fetch("/api/recordings")).json()).find(entry => entry.name === "Travels");
                  location.href = `/api/recordings/${recording.id}/export/bviz`;
                }
                """
            )
        );
        await download.SaveAsAsync(file);
        await page.SetInputFilesAsync("#import", file);
        await Expect(Row(page, "Travels")).ToHaveCountAsync(2);

        await File.WriteAllTextAsync(other, "no recording");
        await page.SetInputFilesAsync("#import", other);
        await Expect(page.GetByRole(AriaRole.Alert)).ToContainTextAsync("The file is no .bviz");
        await Expect(Row(page, "Travels")).ToHaveCountAsync(2);
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
        await Expect(Row(page, "Looked at").First).ToBeVisibleAsync();

        Assert.Empty((await page.RunAxe()).Violations.Select(v => $"{v.Id}: {string.Join(", ", v.Nodes.Select(n => n.Html).Take(3))}"));
        Assert.True(
            await page.EvaluateAsync<bool>("() => document.documentElement.scrollWidth <= innerWidth"),
            "the page scrolls sideways"
        );
    }

    private static ILocator Row(IPage page, string name) =>
        page.Locator(".recordings tr", new() { Has = page.GetByRole(AriaRole.Heading, new() { Name = name, Exact = true }) });

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
        await page.FillAsync(
            "#spec-json",
            $$"""
            { "name": "{{name}}", "data": { "kind": "moons" }, "model": { "hidden": [4] }, "learningRate": 0.1, "batchSizes": [32, "full"], "budget": { "epochs": 5 } }
            """
        );
        await page.ClickAsync("#start");
        await Expect(page).ToHaveTitleAsync($"{name} · BatchViz");
        await Expect(page.Locator("#hold")).ToBeDisabledAsync();
    }
}
