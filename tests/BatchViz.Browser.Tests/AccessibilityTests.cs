using Deque.AxeCore.Commons;
using Deque.AxeCore.Playwright;
using Microsoft.Playwright;

namespace BatchViz.Browser.Tests;

public class AccessibilityTests(DefaultExperiment browser) : IClassFixture<DefaultExperiment>
{
    [Theory]
    [InlineData(1440, 900, ColorScheme.Dark)]
    [InlineData(1440, 900, ColorScheme.Light)]
    [InlineData(390, 844, ColorScheme.Dark)]
    public async Task Axe_finds_no_serious_violation_on_the_page(int width, int height, ColorScheme scheme)
    {
        var page = await browser.NewPage([], [], width, height, scheme);
        await page.GotoAsync("/");
        await Probe.Until(page, "a picture", s => s.Drawn.Count == 5 && s.Grid is not null);

        AssertNothingSerious(await page.RunAxe());
        Assert.True(await page.EvaluateAsync<bool>("() => document.documentElement.scrollWidth <= innerWidth"), "the page scrolls sideways");
    }

    [Theory]
    [InlineData("New experiment…")]
    [InlineData("Share…")]
    public async Task Axe_finds_no_serious_violation_in_a_dialog(string button)
    {
        var page = await browser.NewPage([], []);
        await page.GotoAsync("/");
        await page.GetByRole(AriaRole.Button, new() { Name = button }).ClickAsync();
        await page.GetByRole(AriaRole.Dialog).WaitForAsync();

        AssertNothingSerious(await page.RunAxe());
    }

    private static void AssertNothingSerious(AxeResult result)
    {
        Assert.NotEmpty(result.Passes);
        Assert.Empty(result.Violations.Where(v => v.Impact is "serious" or "critical")
            .Select(v => $"{v.Id}: {string.Join(", ", v.Nodes.Select(n => n.Html).Take(3))}"));
    }
}
