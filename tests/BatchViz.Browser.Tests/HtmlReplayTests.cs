using System.Globalization;
using System.Text.Json.Nodes;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace BatchViz.Browser.Tests;

/// <summary>Small, but with more updates than a chart has buckets, and with a name that would like to be markup.</summary>
public sealed class RecordedExperiment() : BrowserFixture(Text)
{
    public const string Name = "</script><b>Moons</b>";

    public const string Text = """
        { "name": "</script><b>Moons</b>", "data": { "kind": "moons", "trainExamples": 500, "testExamples": 200 }, "model": { "hidden": [8, 8], "activation": "tanh" },
          "learningRate": 0.1, "batchSizes": [1, 8, 32, "full"], "budget": { "epochs": 40 } }
        """;
}

/// <summary>An experiment as one file, opened from the disk with the network off.</summary>
public class HtmlReplayTests(RecordedExperiment browser) : IClassFixture<RecordedExperiment>
{
    private const int Patience = 60_000;

    private readonly List<string> troubles = [];

    static HtmlReplayTests() => SetDefaultExpectTimeout(Patience);

    [Fact]
    public async Task It_plays_and_scrubs_and_ends_at_the_experiments_own_figures()
    {
        string path = await ReplayFile.Of(browser.Url);
        Assert.True(new FileInfo(path).Length < 3_000_000);
        var page = await Open(path);

        var first = await Probe.Until(
            page,
            "every run on the picture",
            s => s.Drawn.Count == 4 && s.Drawn.Values.All(p => p.Loss is not null) && s.Charts.Values.All(points => points > 0)
        );
        Assert.True(first.Playing);
        await Probe.Until(page, "the playhead moving", s => s.Playhead > first.Playhead && s.Drawn["b1-s1"].X != first.Drawn["b1-s1"].X);
        Assert.Equal(RecordedExperiment.Name + " · BatchViz", await page.TitleAsync());
        await Expect(page.Locator("[data-stage=live]")).ToHaveTextAsync("recorded");
        Assert.Equal(0, await page.Locator("b").CountAsync());
        var picture = await Picture.Of(page, page.Locator("[data-stage=scene]"));
        Assert.True(picture.Drawn > 0.1 && picture.Levels > 20, $"{picture.Drawn:P1} of the scene is drawn, in {picture.Levels} shades");

        await page.GetByRole(AriaRole.Button, new() { Name = "Pause", Exact = true }).ClickAsync();
        var track = (await page.Locator(".track").BoundingBoxAsync())!;
        await page.Mouse.ClickAsync(track.X + track.Width / 2, track.Y + 20);
        // The playhead is there at once, the runs with the next frame.
        await Probe.Until(
            page,
            "the middle",
            s => !s.Playing && Math.Abs(s.Playhead - 10_000) < 100 && Math.Abs(s.Drawn["b8-s1"].Update - 1_260) < 30
        );

        await page.Keyboard.PressAsync("End");
        var own = JsonNode.Parse(await HostProcess.Run("run", await File(RecordedExperiment.Text), "--json"))!["runs"]!.AsArray();
        var end = await Probe.Until(page, "the end", s => s.Playhead == 20_000 && s.Drawn.All(p => p.Value.Update == s.Heads[p.Key]));
        for (int run = 0; run < own.Count; run++)
        {
            string id = (string)own[run]!["id"]!;
            Assert.Equal((long)own[run]!["updates"]!, end.Heads[id]);
            await page.Keyboard.PressAsync($"{run + 1}");
            await Expect(page.Locator("[data-stage=inspector] .subject")).ToHaveTextAsync($"B = {own[run]!["batchSize"]} · seed 1");
            Assert.Equal(100 * (double)own[run]!["testAccuracy"]!, await Figure(page, "test accuracy"), 0.051);
            double loss = (double)own[run]!["testLoss"]!;
            Assert.Equal(loss, await Figure(page, "test loss"), 0.006 * loss);
        }
        Assert.Empty(troubles);
    }

    [Fact]
    public async Task Theme_and_axis_change_and_detail_that_is_not_in_the_file_is_noted_quietly()
    {
        var page = await Open(await ReplayFile.Of(browser.Url, ReplayFile.Page.Length + 130_000));
        await Probe.Until(page, "curves", s => s.Charts.Values.All(points => points > 0));

        await page.ClickAsync("#theme-toggle");
        await Expect(page.Locator("html[data-theme=light]")).ToBeAttachedAsync();
        await page.SelectOptionAsync("#axis", "updates");
        await Probe.Until(page, "curves by updates", s => s.Charts.Values.All(points => points > 0) && s.Heads["b1-s1"] == 20_000);
        await Expect(page.Locator(".status p")).ToBeHiddenAsync();

        await page.Keyboard.PressAsync("End");
        await page.EvaluateAsync("() => window.batchviz.idle()");
        var plot = (await page.Locator("[data-chart=loss] .u-over").BoundingBoxAsync())!;
        await page.Mouse.MoveAsync(plot.X + 40, plot.Y + 20);
        await page.Mouse.DownAsync();
        await page.Mouse.MoveAsync(plot.X + 60, plot.Y + 20, new() { Steps = 4 });
        await page.Mouse.UpAsync();
        var note = page.Locator(".status p[data-kind=note]");
        await Expect(note).ToContainTextAsync("This file holds detail down to");
        await Probe.Until(page, "the band still drawn", s => s.Charts["loss"] > 0 && s.Problem is null);
        await Expect(note).ToBeHiddenAsync();
        Assert.Empty(troubles);
    }

    /// <summary>From the disk, with the network off; whoever asks for anything else is in trouble.</summary>
    private async Task<IPage> Open(string path)
    {
        var page = await browser.NewPage(troubles, [], pixels: 1);
        await page.Context.SetOfflineAsync(true);
        page.Request += (_, request) =>
        {
            if (!request.Url.StartsWith("file:") && !request.Url.StartsWith("data:"))
                troubles.Add("asks for " + request.Url);
        };
        await page.GotoAsync(new Uri(path).AbsoluteUri);
        await page.EvaluateAsync("() => window.batchviz.ready");
        return page;
    }

    private static async Task<double> Figure(IPage page, string label)
    {
        string text = await page.Locator("[data-stage=inspector] dt", new() { HasTextRegex = new($"^{label}$") })
            .Locator("xpath=following-sibling::dd[1]")
            .InnerTextAsync();
        return double.Parse(text.Split(' ')[0], CultureInfo.InvariantCulture); // its unit stands behind it
    }

    private static async Task<string> File(string text)
    {
        string path = Path.Combine(Directory.CreateTempSubdirectory("batchviz-browser-").FullName, "experiment.json");
        await System.IO.File.WriteAllTextAsync(path, text);
        return path;
    }
}
