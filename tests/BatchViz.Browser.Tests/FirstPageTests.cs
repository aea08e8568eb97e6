using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace BatchViz.Browser.Tests;

/// <summary>The program started with nothing, and its first page opened with nothing clicked.</summary>
public class FirstPageTests(DefaultExperiment browser) : IClassFixture<DefaultExperiment>
{
    /// <summary>Five epochs of 60,000 examples, one at a time.</summary>
    private const long AllUpdates = 300_000;

    private const string Sample =
        "() => [...document.querySelectorAll('[data-stage=legend] li button')].map(li => getComputedStyle(li).getPropertyValue('--run').trim()).filter(Boolean)";

    [Fact]
    public async Task All_five_runs_move_the_surface_is_drawn_and_the_curves_grow_without_a_click_or_a_console_error()
    {
        List<string> troubles = [];
        var page = await browser.NewPage(troubles, [], pixels: 1);
        await page.GotoAsync("/");

        var first = await Probe.Until(
            page,
            "all five runs on the picture",
            s => s.Drawn.Count == 5 && s.Drawn.Values.All(p => p.Update > 0 && p.Loss is not null)
        );
        Assert.Equal(["b1-s1", "b8-s1", "b32-s1", "b128-s1", "b512-s1"], first.Heads.Keys);
        var later = await Probe.Until(
            page,
            "every path moving",
            s =>
                s.Drawn.All(p =>
                    p.Value.Update > first.Drawn[p.Key].Update && (p.Value.X != first.Drawn[p.Key].X || p.Value.Y != first.Drawn[p.Key].Y)
                )
        );
        Assert.True(later.Playhead > first.Playhead);
        // How many points loss and gradient are drawn with falls each time that their buckets become coarser; of accuracies there is one
        // each evaluation.
        await Probe.Until(
            page,
            "curves growing",
            s =>
                s.Charts["loss"] > 0
                && s.Charts["gradient"] > 0
                && (s.Charts["accuracy"] > first.Charts["accuracy"] || s.Heads["b1-s1"] == AllUpdates)
        );
        await Probe.Until(page, "a surface", s => s.Grid is { Resolution: >= 17 });

        var scene = page.Locator("[data-stage=scene]");
        string[] colours = await page.EvaluateAsync<string[]>(Sample);
        Assert.Equal(5, colours.Length);
        var picture = await Picture.Of(page, scene, colours);
        Assert.True(picture.Drawn > 0.1, $"only {picture.Drawn:P1} of the scene is drawn");
        Assert.True(picture.Levels > 20, $"only {picture.Levels} shades in the scene");
        Assert.All(picture.Near, (pixels, run) => Assert.True(pixels > 5, $"run {run}: {pixels} pixels of its colour"));

        Assert.True(
            await page.EvaluateAsync<bool>(
                "async () => { await document.fonts.ready; return [...document.fonts].some(f => f.family.includes('Inter') && f.status === 'loaded'); }"
            )
        );
        Assert.Empty(troubles);
    }

    [Fact]
    public async Task The_circuit_of_an_owner_answers_and_its_dialogs_open_and_close()
    {
        List<string> troubles = [];
        var page = await browser.NewPage(troubles, []);
        await page.GotoAsync("/");

        await page.GetByRole(AriaRole.Button, new() { Name = "Share…" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Dialog)).ToBeVisibleAsync();
        await page.Keyboard.PressAsync("Escape");
        await Expect(page.GetByRole(AriaRole.Dialog)).ToHaveCountAsync(0);
        await page.GetByRole(AriaRole.Button, new() { Name = "New experiment…" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Dialog)).ToBeVisibleAsync();
        await page.Keyboard.PressAsync("Escape");
        await Expect(page.GetByRole(AriaRole.Dialog)).ToHaveCountAsync(0);
        Assert.Empty(troubles);
    }
}
