using Deque.AxeCore.Commons;
using Deque.AxeCore.Playwright;
using Microsoft.Playwright;

namespace BatchViz.Browser.Tests;

/// <summary>No violation of any weight, on every page, for owners and viewers, in both themes and both languages.</summary>
public class AccessibilityTests(FiveRuns browser) : IClassFixture<FiveRuns>
{
    [Theory]
    [InlineData(1440, 900, ColorScheme.Dark, "en", true)]
    [InlineData(1440, 900, ColorScheme.Light, "zh", true)]
    [InlineData(1920, 1080, ColorScheme.Light, "en", false)]
    [InlineData(390, 844, ColorScheme.Dark, "zh", false)]
    [InlineData(844, 390, ColorScheme.Light, "en", true)]
    public async Task Axe_finds_no_violation_on_the_page(int width, int height, ColorScheme scheme, string language, bool owner)
    {
        var page = await Open($"?lang={language}", owner, width, height, scheme);
        await Probe.Until(page, "a picture", s => s.Drawn.Count == 5 && s.Grid is not null);

        AssertNone(await page.RunAxe());
        Assert.Equal(
            0,
            await page.EvaluateAsync<int>(
                """
                () => [...document.querySelectorAll('.top > *, .corner button, main > section, .tabs button')]
                  .filter(e => e.getClientRects().length > 0 && !e.matches('.owner-controls') && e.getBoundingClientRect().right > innerWidth + 1).length
                """
            )
        );
    }

    [Theory]
    [InlineData("recordings", ColorScheme.Dark)]
    [InlineData("recordings?lang=zh", ColorScheme.Light)]
    [InlineData("join/0000", ColorScheme.Dark)]
    [InlineData("join/0000", ColorScheme.Light)]
    public async Task Axe_finds_no_violation_on_the_other_pages(string path, ColorScheme scheme)
    {
        var page = await Open(path, owner: true, scheme: scheme);
        await page.Locator("h1").First.WaitForAsync();

        AssertNone(await page.RunAxe());
    }

    [Theory]
    [InlineData("New experiment…", ColorScheme.Dark)]
    [InlineData("Share…", ColorScheme.Light)]
    [InlineData("Keyboard shortcuts (?)", ColorScheme.Light)]
    public async Task Axe_finds_no_violation_in_a_dialog(string button, ColorScheme scheme)
    {
        var page = await Open("?lang=en", owner: true, scheme: scheme);
        await page.GetByRole(AriaRole.Button, new() { Name = button }).ClickAsync();
        await page.GetByRole(AriaRole.Dialog).WaitForAsync();

        AssertNone(await page.RunAxe());
    }

    [Fact]
    public async Task Axe_finds_no_violation_in_the_menus_of_panels_and_colours()
    {
        var page = await Open("?lang=en", owner: true);
        await page.GetByRole(AriaRole.Button, new() { Name = "Panels and projector" }).ClickAsync();
        AssertNone(await page.RunAxe());
        await page.Keyboard.PressAsync("Escape");
        await page.Locator("[data-run=b8-s1] .colour").ClickAsync();
        AssertNone(await page.RunAxe());
    }

    private async Task<IPage> Open(string path, bool owner, int width = 1440, int height = 900, ColorScheme scheme = ColorScheme.Dark)
    {
        var page = await browser.NewPage([], [], width, height, scheme);
        if (!owner)
            await page.GotoAsync(browser.ViewerLink);
        await page.GotoAsync($"/{path}");
        return page;
    }

    private static void AssertNone(AxeResult result)
    {
        Assert.NotEmpty(result.Passes);
        Assert.Empty(result.Violations.Select(v => $"{v.Id} ({v.Impact}): {string.Join(", ", v.Nodes.Select(n => n.Html).Take(3))}"));
    }
}
