using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace BatchViz.Browser.Tests;

/// <summary>Four short runs, two seeds of each batch size.</summary>
public sealed class SeededExperiment()
    : BrowserFixture(
        """
        { "name": "Seeded", "data": { "kind": "moons", "trainExamples": 200 }, "model": { "hidden": [4], "activation": "tanh" }, "learningRate": 0.05,
          "batchSizes": [4, 16], "seeds": [1, 2], "budget": { "updates": 2000 } }
        """
    );

/// <summary>Hierarchy, inspector, and where the panels lie; by keyboard.</summary>
public class PanelTests(SeededExperiment browser) : IClassFixture<SeededExperiment>
{
    [Fact]
    public async Task The_tree_is_walked_closed_hidden_and_coloured_by_keyboard_alone()
    {
        List<string> troubles = [];
        var page = await Open(troubles);
        var tree = page.GetByRole(AriaRole.Tree);
        await Expect(tree.GetByRole(AriaRole.Treeitem)).ToHaveCountAsync(7);
        await tree.Locator("[tabindex='0']").FocusAsync();
        await Press(page, "ArrowDown", "ArrowDown", "Enter");
        await Expect(page.Locator("[data-run=b4-s1][aria-selected=true]")).ToBeFocusedAsync();
        await Press(page, "Space");
        await Expect(page.Locator("[data-run=b4-s1][data-visibility=hidden]")).ToHaveCountAsync(1);
        await Press(page, "Shift+Space");
        await Expect(tree.Locator("[data-run][data-visibility=hidden]")).ToHaveCountAsync(3);
        await Press(page, "Shift+Space");
        await Expect(tree.Locator("[data-run][data-visibility=hidden]")).ToHaveCountAsync(0);

        string before = await Colour(page);
        await Press(page, "c", "ArrowRight", "Enter");
        await Expect(page.Locator("[data-run=b4-s1]")).ToBeFocusedAsync();
        await page.EvaluateAsync("() => window.batchviz.idle()");
        Assert.NotEqual(before, await Colour(page));

        await Press(page, "ArrowLeft", "ArrowLeft");
        await Expect(page.Locator("[data-run=b4-s1]")).ToBeHiddenAsync();
        await Expect(tree.GetByRole(AriaRole.Treeitem, new() { Name = "B = 4", Exact = true })).ToBeFocusedAsync();
        await Press(page, "End");
        await Expect(page.Locator("[data-run=b16-s2]")).ToBeFocusedAsync();
        Assert.Empty(troubles);
    }

    [Fact]
    public async Task Panels_hide_grow_and_are_remembered()
    {
        List<string> troubles = [];
        var page = await Open(troubles);
        await Press(page, "]");
        await Expect(page.Locator(".inspector")).ToBeHiddenAsync();
        var splitter = page.GetByRole(AriaRole.Separator, new() { Name = "Hierarchy" });
        double width = (await page.Locator(".hierarchy").BoundingBoxAsync())!.Width;
        await splitter.FocusAsync();
        await Press(page, "ArrowRight", "ArrowRight");
        Assert.Equal(width + 32, (await page.Locator(".hierarchy").BoundingBoxAsync())!.Width, 1.0);
        await page.ReloadAsync();
        await Probe.Until(page, "a picture", s => s.Grid is not null);
        await Expect(page.Locator(".inspector")).ToBeHiddenAsync();
        Assert.Equal(width + 32, (await page.Locator(".hierarchy").BoundingBoxAsync())!.Width, 1.0);
        await Press(page, "]", "p");
        await Expect(page.Locator("html[data-projector]")).ToHaveCountAsync(1);
        Assert.Equal("19px", await page.EvaluateAsync<string>("() => getComputedStyle(document.documentElement).fontSize"));
        Assert.Empty(troubles);
    }

    [Fact]
    public async Task F6_goes_round_the_panels_and_back()
    {
        var page = await Open([]);
        List<string> visited = [];
        for (int i = 0; i < 6; i++)
        {
            await Press(page, "F6");
            visited.Add(
                await page.EvaluateAsync<string>(
                    "() => document.activeElement.closest('.top, .scene, .timeline, .hierarchy, .charts, .inspector').className.split(' ')[0]"
                )
            );
        }
        Assert.Equal(["charts", "hierarchy", "inspector", "scene", "timeline", "top"], visited.Order());
        await Press(page, "Shift+F6");
        Assert.Equal(
            visited[4],
            await page.EvaluateAsync<string>(
                "() => document.activeElement.closest('.top, .scene, .timeline, .hierarchy, .charts, .inspector').className.split(' ')[0]"
            )
        );
    }

    [Fact]
    public async Task An_owner_changes_a_setting_by_asking_for_a_fork_at_the_playhead()
    {
        var page = await Open([]);
        await page.EvaluateAsync("() => document.addEventListener('batchviz:fork', event => { window.asked = event.detail; })");
        await page.Locator("[data-run=b16-s2]").ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "To the end" }).ClickAsync();
        await page.EvaluateAsync("() => window.batchviz.idle()");
        await page.GetByRole(AriaRole.Button, new() { Name = "Change the batch size from here…" }).ClickAsync();
        Assert.Equal(
            """{"run":"b16-s2","update":2000,"set":{"batchSize":16}}""",
            await page.EvaluateAsync<string>("() => JSON.stringify(window.asked)")
        );
        var viewer = await browser.NewPage([], []);
        await viewer.GotoAsync(browser.ViewerLink);
        await viewer.GotoAsync("/?lang=en");
        await Probe.Until(viewer, "a picture", s => s.Grid is not null);
        await Expect(viewer.GetByRole(AriaRole.Button, new() { Name = "from here…" })).ToHaveCountAsync(0);
    }

    [Fact]
    public async Task A_phone_says_which_sheet_is_there_and_every_target_is_large_enough()
    {
        var page = await Open([], 390, 844);
        await page.Locator(".tabs").GetByRole(AriaRole.Button, new() { Name = "Inspector" }).ClickAsync();
        await Expect(page.Locator(".tabs [aria-current=true]")).ToHaveTextAsync("Inspector");
        await Expect(page.Locator(".inspector .subject")).ToBeInViewportAsync();
        await page.Locator(".tabs").GetByRole(AriaRole.Button, new() { Name = "Hierarchy" }).ClickAsync();
        await Expect(page.Locator(".tabs [aria-current=true]")).ToHaveTextAsync("Hierarchy");
        await Expect(page.Locator("[data-run=b4-s1]")).ToBeInViewportAsync();
        Assert.Empty(
            await page.EvaluateAsync<string[]>(
                """
                () => [...document.querySelectorAll('.top button, .tabs button, .hierarchy button')].filter(b => b.getClientRects().length > 0 && b.getBoundingClientRect().height < 40).map(b => b.outerHTML)
                """
            )
        );
        Assert.Equal(
            "",
            await page.EvaluateAsync<string>(
                """
                () => document.querySelector('.page').scrollWidth <= innerWidth ? '' : `${document.querySelector('.page').scrollWidth} wide: ` + [...document.querySelectorAll('.page *')]
                  .filter(e => e.getClientRects().length > 0 && e.getBoundingClientRect().right > innerWidth + 1).map(e => `${e.tagName}.${e.getAttribute('class')}`).join(' ')
                """
            )
        );
    }

    private static Task<string> Colour(IPage page) =>
        page.EvaluateAsync<string>("() => getComputedStyle(document.querySelector('[data-run=b4-s1]')).getPropertyValue('--run')");

    private static async Task Press(IPage page, params string[] keys)
    {
        foreach (string key in keys)
        {
            await page.Keyboard.PressAsync(key);
            await page.EvaluateAsync("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))");
        }
    }

    private async Task<IPage> Open(List<string> troubles, int width = 1440, int height = 900)
    {
        var page = await browser.NewPage(troubles, [], width, height);
        await page.GotoAsync("/?lang=en");
        await Probe.Until(page, "four runs", s => s.Heads.Count == 4 && s.Grid is not null);
        await page.EvaluateAsync("() => document.querySelector('[aria-label^=\"To the end\"]').click()"); // a page that plays is never idle
        return page;
    }
}
