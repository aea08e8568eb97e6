using System.Text.RegularExpressions;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace BatchViz.Browser.Tests;

/// <summary>The dialog in which an experiment is described, with its files and its cost.</summary>
public partial class ExperimentDialogTests(SmallExperiment browser) : IClassFixture<SmallExperiment>
{
    private const int Patience = 60_000;

    private readonly List<string> troubles = [];

    static ExperimentDialogTests() => SetDefaultExpectTimeout(Patience);

    [Fact]
    public async Task An_imported_file_is_in_the_fields_has_a_cost_and_is_exported_as_it_stands()
    {
        var page = await Open("/?lang=en");
        await page.SetInputFilesAsync("#spec-import", new FilePayload
        {
            Name = "mine.json", MimeType = "application/json",
            Buffer = """{ "name": "Mine", "data": { "kind": "circles" }, "learningRate": 0.2, "batchSizes": [2, 16], "budget": { "epochs": 3 } }"""u8.ToArray(),
        });
        await Expect(page.Locator("#spec-batchSizes")).ToHaveValueAsync("2, 16");
        await page.FillAsync("#spec-batchSizes", "4, 16");
        await Expect(page.Locator("#spec-cost")).ToHaveTextAsync(new Regex("^About .+ of training on .*lanes?, measured on [0-9,]+ updates; .+ of memory\\.$"));

        var download = await page.RunAndWaitForDownloadAsync(() => page.ClickAsync("#spec-export"));
        string exported = await File.ReadAllTextAsync(await download.PathAsync());
        Assert.Equal("Mine.json", download.SuggestedFilename);
        Assert.Contains("\"batchSizes\": [4, 16]", exported);
        Assert.Empty(troubles);
    }

    [Fact]
    public async Task By_the_keyboard_alone_a_value_is_refused_mended_and_started()
    {
        var page = await Open("/?lang=en");
        await page.GetByRole(AriaRole.Tab, new() { Name = "Settings" }).FocusAsync();
        await page.Keyboard.PressAsync("Enter");
        await page.Locator("#spec-seeds").FocusAsync();
        await page.Keyboard.PressAsync("Control+A");
        await page.Keyboard.TypeAsync("1, x");
        await Expect(page.Locator("#spec-seeds-problem")).ToContainTextAsync("\"seeds[1]\" is \"x\"");
        await Expect(page.Locator("#start")).ToBeDisabledAsync();
        await page.Keyboard.PressAsync("Backspace");
        await page.Keyboard.TypeAsync("2");
        await Expect(page.Locator("#start")).ToBeEnabledAsync();
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.Locator("dialog[open]")).ToHaveCountAsync(0);
        Assert.Empty(troubles);
    }

    [Fact]
    public async Task An_owners_dialogs_are_Chinese_at_once()
    {
        var page = await Open("/?lang=zh");
        foreach (string tab in new[] { "现成实验", "设置" })
        {
            await page.GetByRole(AriaRole.Tab, new() { Name = tab }).ClickAsync();
            await NoEnglish(page.Locator("dialog[open]"));
        }
        await page.Keyboard.PressAsync("Escape");
        foreach (string id in new[] { "#fork", "#share" })
        {
            await page.ClickAsync(id);
            await NoEnglish(page.Locator("dialog[open]"));
            await page.Keyboard.PressAsync("Escape");
        }
        await page.GotoAsync(browser.Url + "/recordings");
        await Expect(page.Locator("h1")).ToHaveTextAsync("录制");
        await NoEnglish(page.Locator(".list .head"));
        Assert.Empty(troubles);
    }

    /// <summary>Of ready experiments: people's names for things stay as they are.</summary>
    private static readonly string[] Names = ["Rate scaled with", "Grow the batch", "Rate kept constant"];

    private static async Task NoEnglish(ILocator place)
    {
        string text = await place.InnerTextAsync();
        Assert.True(text.Length > 0);
        string[] english = [.. EnglishRun().Matches(text).Select(match => match.Value).Except(Names)];
        Assert.True(english.Length == 0, string.Join(" | ", english));
    }

    [GeneratedRegex("[A-Za-z]{2,} [A-Za-z]{2,} [A-Za-z]{2,}")]
    private static partial Regex EnglishRun();

    private async Task<IPage> Open(string path)
    {
        var page = await browser.NewPage(troubles, []);
        page.SetDefaultTimeout(Patience);
        await page.GotoAsync(browser.Url + path);
        await page.Locator("#new-experiment:not([disabled])").ClickAsync();
        await Expect(page.Locator("dialog[open]")).ToHaveCountAsync(1);
        return page;
    }
}
