using System.Text.Json.Nodes;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace BatchViz.Browser.Tests;

/// <summary>The engine of an experiment, from the dialog to the Inspector.</summary>
public class EngineChoiceTests(SmallExperiment browser) : IClassFixture<SmallExperiment>
{
    private const int Patience = 60_000;

    private readonly List<string> troubles = [];

    static EngineChoiceTests() => SetDefaultExpectTimeout(Patience);

    [Fact]
    public Task An_experiment_is_started_on_the_embedded_engine() => Start("cpu", "float32", "embedded");

    [TorchFact]
    public Task An_experiment_is_started_on_TorchSharp() => Start("torch:cpu", "bf16", "TorchSharp");

    private async Task Start(string engine, string precision, string description)
    {
        var page = await browser.NewPage(troubles, []);
        page.SetDefaultTimeout(Patience);
        await page.GotoAsync(browser.Url + "/?lang=en");
        await page.Locator("#new-experiment:not([disabled])").ClickAsync();
        await page.GetByRole(AriaRole.Tab, new() { Name = "Settings" }).ClickAsync();
        var chosen = page.Locator($"[data-engine='{engine}']");
        await Expect(chosen.Locator(".note")).ToContainTextAsync("of training");

        // By the keyboard: to the choice that is checked, then from one engine to the next, past those that are not here.
        await page.Locator("#spec-engine input:checked").FocusAsync();
        for (int pressed = 0; pressed < 4 && !await chosen.Locator("input").IsCheckedAsync(); pressed++)
        {
            await page.Keyboard.PressAsync("ArrowDown");
            await Expect(page.Locator("#spec-engine input:focus")).ToBeCheckedAsync();
        }
        await Expect(page.Locator("#spec-engine")).ToHaveAttributeAsync("data-value", engine);
        await page.Choose("#spec-precision", precision == "bf16" ? "BF16" : precision);
        await Expect(page.Locator("#start")).ToBeEnabledAsync();
        await page.ClickAsync("#start");
        await Expect(page.Locator("[role=dialog]")).ToHaveCountAsync(0);

        var inspector = page.Locator("[data-stage=inspector]");
        await Expect(inspector).ToContainTextAsync($"engine{description}");
        await Expect(inspector).ToContainTextAsync($"precision{precision}");
        await Expect(inspector).ToContainTextAsync("chosen becausethe experiment names it");
        await page.WaitForFunctionAsync("() => window.batchviz !== undefined");
        await Probe.Until(page, "the experiment trains", now => now.Grid is not null);
        Assert.Empty(troubles);
    }
}

/// <summary>A test that needs libtorch: skipped, with the program's own reason, where it finds none.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class TorchFactAttribute : FactAttribute
{
    private static readonly Lazy<string?> Why = new(() =>
    {
        var report = JsonNode.Parse(HostProcess.Run("engines", "--json").GetAwaiter().GetResult())!;
        return (string?)report["engines"]!.AsArray().Single(engine => (string?)engine!["name"] == "torch:cpu")!["whyNot"];
    });

    public TorchFactAttribute() => Skip = Why.Value is { } why ? $"TorchSharp is not tested here: {why}" : null;
}
