using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace BatchViz.Browser.Tests;

public class FirstPageTests(BrowserFixture browser) : IClassFixture<BrowserFixture>
{
    [Fact]
    public async Task The_page_loads_its_scripts_font_and_styles_and_its_circuit_answers()
    {
        List<string> troubles = [];
        var page = await browser.NewPage(troubles);
        await page.GotoAsync("/");

        await Expect(page.Locator("html[data-stage=loaded]")).ToBeAttachedAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Pressed 0×" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Pressed 1×" })).ToBeVisibleAsync();
        Assert.True(await page.EvaluateAsync<bool>("async () => { await document.fonts.ready; return document.fonts.check('16px \"Inter Variable\"') && [...document.fonts].some(f => f.status === 'loaded'); }"));
        Assert.True(await page.EvaluateAsync<bool>("() => !!document.createElement('canvas').getContext('webgl2')"));
        Assert.Empty(troubles);
    }
}
