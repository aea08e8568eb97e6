using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace BatchViz.Browser.Tests;

public sealed class DoomedServer()
    : BrowserFixture(
        """
        { "data": { "kind": "moons" }, "model": { "hidden": [4] }, "learningRate": 0.1, "batchSizes": [32], "budget": { "epochs": 5 } }
        """
    );

/// <summary>The server goes while pages are open.</summary>
public class LostServerTests(DoomedServer browser) : IClassFixture<DoomedServer>
{
    static LostServerTests() => SetDefaultExpectTimeout(60_000);

    [Fact]
    public async Task One_calm_sentence_says_so_and_nothing_lies_over_the_page()
    {
        var stage = await browser.NewPage([], []);
        await stage.GotoAsync("/");
        // With its circuit, the button does something.
        await stage.ClickAsync("#new-experiment");
        await Expect(stage.GetByRole(AriaRole.Dialog)).ToHaveCountAsync(1);
        await stage.Keyboard.PressAsync("Escape");
        var recordings = await browser.NewPage([], [stage]);
        await recordings.GotoAsync("/recordings");
        await recordings.GetByRole(AriaRole.Button, new() { Name = "Rename" }).ClickAsync();
        await Expect(recordings.GetByRole(AriaRole.Dialog)).ToBeVisibleAsync();

        browser.KillHost();

        await Expect(recordings.Locator("#circuit-lost")).ToHaveTextAsync("The server is out of reach; trying again.");
        await Expect(recordings.Locator("#circuit-lost")).ToBeVisibleAsync();
        await Expect(stage.GetByText("The connection is lost; trying again.")).ToBeVisibleAsync();
        await Expect(stage.Locator("#circuit-lost:not([hidden])")).ToHaveCountAsync(1);
        await Expect(stage.Locator("#circuit-lost")).ToBeHiddenAsync();
        foreach (var page in new[] { stage, recordings })
            await Expect(page.Locator("#components-reconnect-modal")).ToHaveCountAsync(0);
    }
}
