using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace BatchViz.Browser.Tests;

/// <summary>A small experiment that ends soon.</summary>
public sealed class ShortExperiment()
    : BrowserFixture(
        """
        { "name": "Short", "data": { "kind": "moons", "trainExamples": 200, "testExamples": 100 }, "model": { "hidden": [8], "activation": "tanh" },
          "learningRate": 0.1, "batchSizes": [1, 8, "full"], "budget": { "epochs": 20 } }
        """
    );

/// <summary>The address says what the page shows: there and back, undone and redone.</summary>
public class PermalinkTests(ShortExperiment browser) : IClassFixture<ShortExperiment>
{
    private readonly List<string> troubles = [];

    static PermalinkTests() => SetDefaultExpectTimeout(30_000);

    [Fact]
    public async Task The_same_link_opened_twice_gives_the_same_picture_paused_at_its_moment()
    {
        var page = await Open("/");
        await page.EvaluateAsync("() => document.querySelector('[data-run=b8-s1]').click()");
        await page.SelectOptionAsync("#axis", "updates");
        await page.Keyboard.PressAsync("Home");
        for (int i = 0; i < 3; i++)
            await page.Keyboard.PressAsync("ArrowRight");
        await page.ClickAsync("#theme-toggle");
        await page.WaitForFunctionAsync("() => /[#&]t=3(&|$)/.test(location.hash) && location.hash.includes('theme=light')");
        string link = page.Url;

        byte[] first = await Shot(link),
            second = await Shot(link);
        // Chromium rounds the edges of icons now this way, now that.
        if (await Picture.Difference(page = await Open(link), first, second) is > 1 and var difference)
        {
            string folder = Directory.CreateTempSubdirectory("permalink-").FullName;
            await File.WriteAllBytesAsync(Path.Combine(folder, "first.png"), first);
            await File.WriteAllBytesAsync(Path.Combine(folder, "second.png"), second);
            Assert.Fail($"The two pictures differ by up to {difference} of 255: {folder}");
        }
        var shown = await Probe.Until(page, "the link's moment", now => now.Playhead == 3 && !now.Playing);
        Assert.Equal(3, shown.Drawn["b8-s1"].Update);
        await Expect(page.Locator("html[data-theme=light]")).ToBeAttachedAsync();
        await Expect(page.Locator("[data-stage=inspector] .subject")).ToContainTextAsync("B = 8");
        Assert.Equal(link, page.Url);
        Assert.Empty(troubles);
    }

    [Fact]
    public async Task Another_fragment_is_another_moment_of_the_same_page_and_the_skip_link_is_none()
    {
        var page = await Open("/?lang=en");
        await Expect(page.Locator("#new-experiment")).ToBeEnabledAsync(); // the circuit is there
        await page.EvaluateAsync("() => { location.hash = 'v=1&run=b8-s1&axis=updates&t=3'; }");
        await Expect(page.Locator("[data-stage=inspector] .subject")).ToContainTextAsync("B = 8");
        await Probe.Until(page, "the moment of the link", now => now.Playhead == 3 && !now.Playing);
        await page.Locator(".skip").FocusAsync();
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.Locator("#scene")).ToBeFocusedAsync();
        await page.WaitForFunctionAsync("() => location.hash.includes('t=3')");
        await Expect(page.Locator("[data-stage=inspector] .subject")).ToContainTextAsync("B = 8");
        await Expect(page.Locator(".status p")).ToBeHiddenAsync();
        await Expect(page.Locator("[data-stage=transport] button")).Not.ToHaveCountAsync(0);
        Assert.Empty(troubles);
    }

    [Fact]
    public async Task Nonsense_in_a_link_is_named_and_the_rest_is_shown()
    {
        var page = await Open("/#v=1&axis=parsecs&run=b8-s1");
        await Expect(page.Locator(".status p")).ToContainTextAsync("axis=parsecs");
        await Expect(page.Locator("[data-stage=inspector] .subject")).ToContainTextAsync("B = 8");
        Assert.Empty(troubles);
    }

    [Fact]
    public async Task A_choice_is_taken_back_and_made_again_by_keyboard_and_by_button()
    {
        var page = await Open("/");
        await page.Keyboard.PressAsync("2");
        await Expect(page.Locator("[data-stage=inspector] .subject")).ToContainTextAsync("B = 8");
        await page.SelectOptionAsync("#axis", "epochs");
        await page.Locator("[data-stage=scene] canvas").FocusAsync();
        await page.Keyboard.PressAsync("Control+z");
        await Expect(page.Locator("#axis")).ToHaveValueAsync("examples");
        await page.Keyboard.PressAsync("Control+z");
        await Expect(page.Locator("[data-run=b8-s1][aria-pressed=true], [data-run=b8-s1][aria-selected=true]")).ToHaveCountAsync(0);
        await page.Locator("[data-stage=history] button").Nth(1).ClickAsync();
        await page.Keyboard.PressAsync("Control+Shift+z");
        await Expect(page.Locator("#axis")).ToHaveValueAsync("epochs");
        await Expect(page.Locator("[data-stage=inspector] .subject")).ToContainTextAsync("B = 8");
        await Expect(page.Locator("[data-stage=history] button").Nth(1)).ToBeDisabledAsync();
        Assert.Empty(troubles);
    }

    /// <summary>The whole page as pixels, without the place that says how many are watching.</summary>
    private async Task<byte[]> Shot(string link)
    {
        var page = await Open(link);
        await Expect(page.Locator("section.batch")).ToContainTextAsync("replayed"); // it comes a moment after the playhead stands still
        await page.EvaluateAsync("() => window.batchviz.idle()");
        await page.WaitForTimeoutAsync(1_000); // its examples are asked for when it is there
        await page.EvaluateAsync("() => window.batchviz.idle()");
        return await page.ScreenshotAsync(
            new()
            {
                Mask = [page.Locator("[data-stage=live]")],
                Animations = ScreenshotAnimations.Disabled,
                Caret = ScreenshotCaret.Hide,
            }
        );
    }

    private async Task<IPage> Open(string address)
    {
        var page = await browser.NewPage(troubles, [], pixels: 1);
        await page.GotoAsync(address);
        await page.EvaluateAsync("() => window.batchviz.ready");
        await Probe.Until(
            page,
            "the experiment's end and its landscape",
            s => s.Grid is { Resolution: >= 65 } && s.Drawn.Count == 3 && s.Heads["b1-s1"] == 4_000
        );
        await Expect(page.Locator("[data-run=b8-s1]")).ToBeVisibleAsync(); // the first frame is drawn
        return page;
    }
}
