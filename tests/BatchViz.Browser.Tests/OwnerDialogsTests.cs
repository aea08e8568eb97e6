using Deque.AxeCore.Commons;
using Deque.AxeCore.Playwright;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace BatchViz.Browser.Tests;

/// <summary>Whatever opens over an owner's page: axe finds nothing in it, it lies within the window, and Esc closes it.</summary>
public class OwnerDialogsTests(FiveRuns browser) : IClassFixture<FiveRuns>
{
    [Theory]
    [InlineData(1440, 900, ColorScheme.Dark, "en")]
    [InlineData(820, 1180, ColorScheme.Light, "zh")]
    [InlineData(390, 844, ColorScheme.Dark, "zh")]
    public async Task Over_the_dashboard(int width, int height, ColorScheme scheme, string language)
    {
        var page = await Open($"/?lang={language}", width, height, scheme);
        await Expect(page.Locator("#plane button")).ToBeEnabledAsync();
        await Probe.Until(page, "the end of all runs and a picture", now => now.Heads["b1-s1"] == 10_000 && now.Grid is not null);

        await Press(page, "#plane button");
        // Whether it lies in a landmark can only be told of the whole page, at which axe looks for seconds.
        AssertNone(await page.RunAxe(), "the page with a menu");
        await Judge(page, ".mud-popover-open", "the menu of planes");
        await Press(page, "#plane button");
        await page.Locator(".mud-popover-open [role=menuitem]").Nth(3).ClickAsync();
        await Judge(page, "[role=dialog]", "three runs");

        await Press(page, "#fork");
        await Judge(page, "[role=dialog]", "a fork");

        await Press(page, "#share");
        await Press(page, "#show-owner-link");
        await Judge(page, "[role=dialog]", "links");

        for (int tab = 0; tab < 3; tab++)
        {
            await Press(page, "#new-experiment");
            await page.Locator("[role=dialog] [role=tab]").Nth(tab).ClickAsync();
            await Expect(page.Locator("[role=dialog] [role=tab]").Nth(tab)).ToHaveAttributeAsync("aria-selected", "true");
            await Judge(page, "[role=dialog]", $"a new experiment, tab {tab}");
        }
    }

    [Theory]
    [InlineData(1440, 900, ColorScheme.Light, "en")]
    [InlineData(390, 844, ColorScheme.Dark, "zh")]
    public async Task Over_the_recordings(int width, int height, ColorScheme scheme, string language)
    {
        var page = await Open($"/recordings?lang={language}", width, height, scheme);
        var row = page.Locator(".recordings tbody tr").First;
        await Expect(row).ToBeVisibleAsync();

        if (width > 600) // a telephone shows cards, which have no columns
        {
            await Press(page, "#columns button");
            await Judge(page, ".mud-popover-open", "columns");
        }
        await Press(page, ".recordings .actions .mud-menu button");
        AssertNone(await page.RunAxe(), "the page with exports");
        await Judge(page, ".mud-popover-open", "exports");
        await Press(page, "[id^=rename-]");
        await Judge(page, "[role=dialog]", "another name");

        await row.Locator("input[type=checkbox]").CheckAsync();
        await Expect(page.Locator(".selection")).ToBeVisibleAsync();
        AssertNone(await page.RunAxe(), "the page with a selection");
    }

    /// <summary>As a click does, also on a telephone, where the button lies in a menu of its own.</summary>
    private static Task Press(IPage page, string button) => page.Locator(button).First.DispatchEventAsync("click");

    private static async Task Judge(IPage page, string opened, string what)
    {
        var box = page.Locator(opened).First;
        await Expect(box).ToBeInViewportAsync(new() { Ratio = 0.99f });
        AssertNone(await box.RunAxe(), what);
        await page.Keyboard.PressAsync("Escape");
        await Expect(page.Locator(opened)).ToHaveCountAsync(0);
    }

    private static void AssertNone(AxeResult result, string what)
    {
        Assert.NotEmpty(result.Passes);
        string found = string.Join(
            '\n',
            result.Violations.Select(v => $"{v.Id} ({v.Impact}): {string.Join(", ", v.Nodes.Select(n => n.Html).Take(3))}")
        );
        Assert.True(found == "", $"{what}: {found}");
    }

    private async Task<IPage> Open(string path, int width, int height, ColorScheme scheme)
    {
        var page = await browser.NewPage([], [], width, height, scheme);
        page.SetDefaultTimeout(60_000);
        await page.GotoAsync(path);
        return page;
    }
}
