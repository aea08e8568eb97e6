using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace BatchViz.Browser.Tests;

/// <summary>Eight runs of a small network that have ended: more records than memory keeps.</summary>
public sealed class EndedExperiment()
    : BrowserFixture(
        """
        { "name": "Eight runs", "data": { "kind": "moons", "trainExamples": 500 }, "model": { "hidden": [8, 8], "activation": "tanh" }, "learningRate": 0.05,
          "batchSizes": [1, 2, 4, 8], "seeds": [1, 2], "budget": { "updates": 200000 } }
        """
    )
{
    public const long Updates = 200_000;
}

/// <summary>What came before: for those who come late, and down to a single batch.</summary>
public partial class HistoryTests(EndedExperiment browser) : IClassFixture<EndedExperiment>
{
    private const string Bytes =
        "() => performance.getEntriesByType('resource').filter(e => e.name.includes('/api/experiments/')).reduce((sum, e) => sum + e.transferSize, 0)";

    [Fact]
    public async Task Whoever_comes_late_gets_eight_runs_in_less_than_a_megabyte()
    {
        List<string> troubles = [];
        await Open(troubles);
        // What was there before the first page came is not the question: a page that comes when all is done.
        var late = await browser.NewPage(troubles, []);
        await late.GotoAsync("/");
        await Whole(late);
        await late.EvaluateAsync("() => document.querySelector('[aria-label=\"To the end\"]').click()");
        await late.EvaluateAsync("() => window.batchviz.idle()");
        double bytes = await late.EvaluateAsync<double>(Bytes);
        Assert.InRange(bytes, 50_000, 1_000_000);
        var shown = await Probe.Of(late);
        Assert.True(shown.Charts["loss"] >= 8 * 128, $"{shown.Charts["loss"]} points in the loss chart");
        Assert.Empty(troubles);
    }

    [Fact]
    public async Task Zoomed_in_the_exact_record_stands_under_the_cursor_and_its_batch_in_the_inspector()
    {
        List<string> troubles = [];
        var page = await Open(troubles);
        await page.Locator("[data-run=b4-s2]").ClickAsync();
        var over = page.Locator("[data-chart=loss] .u-over");
        for (int zoom = 0; zoom < 3; zoom++)
        {
            var box = (await over.BoundingBoxAsync())!;
            float x = box.X + box.Width * 0.4f,
                y = box.Y + box.Height / 2;
            await page.Mouse.MoveAsync(x, y);
            await page.Mouse.DownAsync();
            await page.Mouse.MoveAsync(x + 16, y, new() { Steps = 4 });
            await page.Mouse.UpAsync();
            await page.EvaluateAsync("() => window.batchviz.idle()");
        }
        var readout = page.Locator("[data-chart=loss] output");
        await Expect(readout).ToHaveTextAsync(Record());
        var match = Record().Match(await readout.InnerTextAsync());
        long update = long.Parse(match.Groups[1].Value.Replace(",", ""), CultureInfo.InvariantCulture);
        double loss = await page.EvaluateAsync<double>(
            """
            async update => {
              const { generation } = window.batchviz.state();
              for (; ;) {
                const answer = await fetch(`/api/experiments/${generation}/batches/5/${update}`);
                if (answer.status === 200) return (await answer.json()).record.loss;
                await new Promise(done => setTimeout(done, 100));
              }
            }
            """,
            update
        );
        double shown = double.Parse(Ascii(match.Groups[2].Value), CultureInfo.InvariantCulture);
        Assert.Equal(loss, shown, Math.Abs(loss) * 6e-4);

        await page.Mouse.ClickAsync((float)(await over.BoundingBoxAsync())!.X + 100, (float)(await over.BoundingBoxAsync())!.Y + 20);
        var batch = page.GetByRole(AriaRole.Region, new() { Name = "This batch" });
        await Expect(batch).ToContainTextAsync("replayed", new() { Timeout = 20_000 });
        await Expect(batch.Locator("tbody tr")).ToHaveCountAsync(4);
        await page.Keyboard.PressAsync("Home");
        await batch.GetByRole(AriaRole.Button, new() { Name = "This batch" }).PressAsync("Enter");
        await Expect(batch.Locator("table")).ToBeHiddenAsync();
        Assert.Empty(troubles);
    }

    /// <summary>"1.234×10⁻⁵" as a number is written for machines.</summary>
    private static string Ascii(string figure)
    {
        string plain = figure.Replace("−", "-").Replace(",", "").Replace("×10", "e").Replace("⁻", "-");
        return string.Concat(plain.Select(c => "⁰¹²³⁴⁵⁶⁷⁸⁹".IndexOf(c) is >= 0 and var digit ? (char)('0' + digit) : c));
    }

    private async Task<IPage> Open(List<string> troubles)
    {
        var page = await browser.NewPage(troubles, []);
        await page.GotoAsync("/");
        await Whole(page);
        await page.GetByRole(AriaRole.Button, new() { Name = "To the end" }).ClickAsync();
        await page.EvaluateAsync("() => window.batchviz.idle()");
        return page;
    }

    private static Task<Probe> Whole(IPage page) =>
        Probe.Until(
            page,
            "all of every run",
            s =>
                s.Heads.Count == 8
                && s.Heads.Values.All(head => head == EndedExperiment.Updates)
                && s.Grid is not null
                && s.Charts.GetValueOrDefault("gradient") > 0
        );

    [GeneratedRegex("update ([0-9,]+) · (.+)$")]
    private static partial Regex Record();
}
