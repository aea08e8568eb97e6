using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace BatchViz.Browser.Tests;

/// <summary>The header of a laptop's window stays in one row, with whatever words are in it.</summary>
public class HeaderTests(LongExperiment browser) : IClassFixture<LongExperiment>
{
    private const int Patience = 60_000;

    static HeaderTests() => SetDefaultExpectTimeout(Patience);

    [Theory]
    [InlineData("en", "Random", "Random plane", "Continue training")]
    [InlineData("zh", "随机", "随机平面", "继续训练")]
    public async Task It_does_not_wrap_with_its_longest_words(string language, string random, string plane, string held)
    {
        var page = await browser.NewPage([], []);
        await page.GotoAsync($"/?lang={language}");
        await Probe.Until(page, "a picture", now => now.Grid is not null);
        await Expect(page.Locator("#plane button")).ToBeEnabledAsync();
        await page.ClickAsync("#plane button");
        await page.Locator(".plane-menu").GetByRole(AriaRole.Menuitem, new() { Name = random }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = plane })).ToBeVisibleAsync();
        await AssertOneRow(page);

        await page.ClickAsync("#hold");
        await Expect(page.Locator("#hold")).ToHaveTextAsync(held);
        await AssertOneRow(page);

        var viewer = await browser.NewPage([], [page]);
        await viewer.GotoAsync("/");
        await Expect(page.Locator(".live .figures")).Not.ToBeEmptyAsync();
        await AssertOneRow(page);
        await page.ClickAsync("#hold");
    }

    private static async Task AssertOneRow(IPage page)
    {
        double height = (await page.Locator(".top").BoundingBoxAsync())!.Height;
        Assert.True(height < 50, $"The header is {height} high.");
        Assert.Empty(
            await page.EvaluateAsync<string[]>(
                """
                () => [...document.querySelectorAll('.top > *, .top button')].filter(e => e.checkVisibility() && e.getBoundingClientRect().right > innerWidth).map(e => e.outerHTML)
                """
            )
        );
    }
}
