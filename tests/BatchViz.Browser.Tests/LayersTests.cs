using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace BatchViz.Browser.Tests;

/// <summary>BatchNorm, with epochs that end with one example.</summary>
public sealed class NormedExperiment()
    : BrowserFixture(
        """
        { "name": "Normed", "data": { "kind": "moons", "trainExamples": 129, "testExamples": 100 }, "model": { "preset": "mlp-batchnorm" }, "learningRate": 0.1,
          "batchSizes": [16, 64], "budget": { "epochs": 8 }, "probes": ["noise-scale"], "landscape": { "resolution": 17 } }
        """
    );

/// <summary>Nets whose examples see one another: what they have not is said in words, never left blank.</summary>
public class LayersTests(NormedExperiment browser) : IClassFixture<NormedExperiment>
{
    private readonly List<string> troubles = [];

    static LayersTests() => SetDefaultExpectTimeout(60_000);

    [Theory]
    [InlineData(
        "en",
        "Not defined in train mode: with BatchNorm",
        "not defined in train mode",
        "in train mode, min to max",
        "in evaluation mode",
        "One example alone: a batch norm"
    )]
    [InlineData(
        "zh",
        "训练模式下无定义：有 BatchNorm 时",
        "无定义 训练模式下",
        "（训练模式），最小至最大",
        "评估模式",
        "单独一个样本：只有一个值的批归一化"
    )]
    public async Task A_batch_norm_says_its_mode_and_what_is_not_defined_in_it(
        string language,
        string why,
        string reading,
        string train,
        string evaluation,
        string alone
    )
    {
        // Update 9 ends the first epoch of B = 16 with one example.
        var page = await Open($"/?lang={language}#v=1&axis=updates&t=9&run=b16-s1&charts=noise,noise-exact,loss,cosine");
        await Expect(page.Locator("[data-chart=noise] .empty")).ToContainTextAsync(why);
        await Expect(page.Locator("[data-chart=noise] .for-readers")).ToContainTextAsync(why);
        await Expect(page.Locator("[data-chart=loss]")).ToContainTextAsync(train);
        foreach (
            string place in new[]
            {
                "[data-chart=loss]",
                "[data-chart=noise-exact]",
                "[data-chart=cosine]",
                ".caption",
                ".gradient-legend",
                "section.batch caption",
            }
        )
            await Expect(page.Locator(place).First).ToContainTextAsync(evaluation);
        await Probe.Until(page, "the exact noise scale", now => now.Charts["noise-exact"] > 0);
        await Expect(page.Locator("section.batch")).ToContainTextAsync(reading);
        await Expect(page.Locator("section.batch")).ToContainTextAsync(alone);
        await Expect(page.Locator("[data-stage=inspector]")).Not.ToContainTextAsync("NaN");
        Assert.Empty(troubles);
    }

    [Fact]
    public async Task Two_towers_are_started_from_the_dialog_and_have_everything_but_gradients_of_single_examples()
    {
        var page = await Open("/?lang=en#v=1&charts=noise,loss,layers");
        await page.Locator("#new-experiment:not([disabled])").ClickAsync();
        await page.GetByRole(AriaRole.Tab, new() { Name = "Settings" }).ClickAsync();
        await page.Choose("#spec-model-preset", "Two towers, paired data");
        await page.FillAsync("#spec-batchSizes", "1, 20");
        await Expect(page.Locator("[role=dialog] .note[role=status]"))
            .ToHaveTextAsync(
                "B = 1 has batches of one pair, whose InfoNCE loss and gradient are 0: there is nothing to tell the pair from."
            );
        await Expect(page.Locator("#spec-cost")).ToContainTextAsync("of training");
        await page.ClickAsync("#start");
        await Expect(page.Locator("[role=dialog]")).ToHaveCountAsync(0);
        await Expect(page.GetByText("two-tower net of", new() { Exact = false }).First).ToBeVisibleAsync();
        await Probe.Until(page, "a path of the second run", now => now.Grid is not null && now.Heads.GetValueOrDefault("b20-s1") > 24);

        await page.EvaluateAsync("() => { location.hash = 'v=1&axis=updates&t=22&run=b20-s1&charts=noise,loss,layers'; }");
        await Expect(page.Locator("[data-chart=noise] .empty")).ToContainTextAsync("Not defined: a contrastive loss");
        await Expect(page.Locator(".gradient-legend")).ToContainTextAsync("gradient of the next batch, B = 20");
        await Expect(page.Locator(".gradient-legend")).ToContainTextAsync("1 σ of a batch's gradient is not defined: a contrastive loss");
        await Expect(page.Locator("section.batch")).ToContainTextAsync("Its examples");
        await Expect(page.Locator("section.batch")).Not.ToContainTextAsync("not finite");
        await Probe.Until(page, "curves", now => now.Charts["loss"] > 0 && now.Charts["layers"] > 0);
        Assert.Empty(troubles);
    }

    private async Task<IPage> Open(string path)
    {
        var page = await browser.NewPage(troubles, []);
        page.SetDefaultTimeout(60_000);
        await page.GotoAsync(browser.Url + path);
        await Probe.Until(page, "a landscape", now => now.Grid is not null);
        return page;
    }
}
