using System.Text.Json.Nodes;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace BatchViz.Browser.Tests;

/// <summary>Five short runs, soon over.</summary>
public sealed class FiveRuns()
    : BrowserFixture(
        """
        { "data": { "kind": "moons" }, "model": { "hidden": [8] }, "learningRate": 0.1, "batchSizes": [1, 8, 32, 128, "full"], "budget": { "epochs": 20 } }
        """
    );

/// <summary>The menu with which an owner chooses the plane that everyone sees.</summary>
public class PlaneMenuTests(FiveRuns browser) : IClassFixture<FiveRuns>
{
    private const int Patience = 60_000;

    private readonly List<string> troubles = [];

    static PlaneMenuTests() => SetDefaultExpectTimeout(Patience);

    [Fact]
    public async Task The_hessian_is_taken_where_the_selected_run_is_at_the_playhead()
    {
        var page = await Open("/");
        await page.Keyboard.PressAsync("Home");
        await Probe.Until(page, "the playhead at the beginning", now => now.Drawn["b32-s1"].Update == 0);
        await page.Locator("[data-stage=hierarchy]").GetByText("B = 32").First.ClickAsync();
        await page.ClickAsync("#plane button");
        var hessian = page.GetByRole(AriaRole.Menuitem, new() { Name = "Hessian" });
        await Expect(hessian).ToContainTextAsync("where B = 32 is at the playhead: update 0.");

        await page.Keyboard.PressAsync("Escape");
        await Expect(page.Locator(".mud-popover-open")).ToHaveCountAsync(0); // an open menu's own keys include End
        await page.Keyboard.PressAsync("End");
        await Probe.Until(page, "the playhead at the end", now => now.Drawn["b32-s1"].Update == 320);
        await page.ClickAsync("#plane button");
        await Expect(hessian).ToContainTextAsync("where B = 32 is at the playhead: update 320.");
        await hessian.ClickAsync();

        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Hessian plane" })).ToBeVisibleAsync();
        var plane = await PlaneOf(page, "hessian");
        Assert.Equal(("b32-s1", 320), ((string)plane["runs"]![0]!, (int)plane["update"]!));
        await Expect(page.Locator("[data-stage=scene]")).ToContainTextAsync("at B = 32 after update 320");
        Assert.Empty(troubles);
    }

    [Fact]
    public async Task Three_runs_are_chosen_by_the_keyboard_from_lists_that_open_over_the_dialog()
    {
        var page = await Open("/");
        await page.Locator("#plane button").FocusAsync();
        await page.Keyboard.PressAsync("Enter");
        foreach (string name in new[] { "PCA", "Random", "Hessian", "Through three runs" })
        {
            await Expect(page.GetByRole(AriaRole.Menuitem, new() { Name = name })).ToBeFocusedAsync();
            if (name != "Through three runs")
                await page.Keyboard.PressAsync("ArrowDown");
        }
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.Locator("#three-runs-2")).ToHaveValueAsync("B = 32");
        await page.Choose("#three-runs-2", "B = 128");
        await Expect(page.Locator("#three-runs-2")).ToHaveValueAsync("B = 128");
        await page.Locator("#three-runs-start").FocusAsync();
        await page.Keyboard.PressAsync("Enter");

        await Expect(page.Locator("[role=dialog]")).ToHaveCountAsync(0);
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Runs plane" })).ToBeVisibleAsync();
        var plane = await PlaneOf(page, "runs");
        Assert.Equal("""["b1-s1","b128-s1","b500-s1"]""", plane["runs"]!.ToJsonString());
        Assert.Empty(troubles);
    }

    [Fact]
    public async Task The_menu_speaks_Chinese()
    {
        var page = await Open("/?lang=zh");
        await page.ClickAsync("#plane button");
        await Expect(page.Locator(".plane-menu")).ToContainTextAsync("经过三个运行");
        foreach (string text in await page.Locator(".owner-controls > button, .plane-menu .choice span").AllInnerTextsAsync())
            Assert.Matches("[\u4e00-\u9fff]", text);
        await Expect(page.Locator("[data-stage=scene]"))
            .ToContainTextAsync(new System.Text.RegularExpressions.Regex("主成分|特征向量|的权重"));
        await page.GetByRole(AriaRole.Menuitem, new() { Name = "经过三个运行" }).ClickAsync();
        await page.Choose("#three-runs-2", "B = 1");
        await page.ClickAsync("#three-runs-start");
        await Expect(page.Locator("#three-runs-problem")).ToHaveTextAsync("经过三个运行的平面需要三个不同的运行。");
        Assert.Empty(troubles);
    }

    private async Task<IPage> Open(string path)
    {
        var page = await browser.NewPage(troubles, []);
        page.SetDefaultTimeout(Patience);
        await page.GotoAsync(path);
        await Expect(page.Locator("#plane button")).ToBeEnabledAsync();
        // The runs must be over, so that a menu does not speak of another update than was seen.
        await Probe.Until(page, "the end of all runs and a picture", now => now.Heads["b1-s1"] == 10_000 && now.Grid is not null);
        return page;
    }

    private static async Task<JsonNode> PlaneOf(IPage page, string kind)
    {
        for (int i = 0; i < 100; i++)
        {
            var plane = JsonNode.Parse(
                await page.EvaluateAsync<string>("() => fetch('/api/experiments/current').then((answer) => answer.text())")
            )!["plane"]!;
            if ((string)plane["kind"]! == kind)
                return plane;
            await Task.Delay(100);
        }
        throw new TimeoutException($"No plane of the kind {kind} was seen.");
    }
}
