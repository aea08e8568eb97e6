using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using System.Xml.Linq;
using Deque.AxeCore.Playwright;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace BatchViz.Browser.Tests;

/// <summary>Three batch sizes with three seeds each, and probes; soon over.</summary>
public sealed class SeedsAndProbes()
    : BrowserFixture(
        """
        { "name": "=Moons", "data": { "kind": "moons", "trainExamples": 500, "testExamples": 500 }, "model": { "hidden": [8, 8], "activation": "tanh" }, "learningRate": 0.1,
          "batchSizes": [4, 32, 256], "seeds": [1, 2, 3], "budget": { "epochs": 40 }, "probes": ["gradient", "sharpness", "eigenvalues", "noise-scale"] }
        """
    )
{
    public const double Examples = 20_000;
}

/// <summary>The charts: what they show, who is in them, and what can be taken away from them.</summary>
public class ChartTests(SeedsAndProbes browser) : IClassFixture<SeedsAndProbes>
{
    private readonly List<string> troubles = [];

    [Fact]
    public async Task Every_kind_of_chart_has_something_to_show_and_a_sentence_for_those_who_do_not_see_it()
    {
        var page = await Open("loss");
        var chooser = page.GetByRole(AriaRole.Combobox, new() { Name = "Chart 1" });
        string[] names = await chooser.Locator("option").EvaluateAllAsync<string[]>("options => options.map(option => option.value)");
        // The chooser offers what the registry has, however many they are.
        Assert.Equal(names.Distinct(), names);
        Assert.Superset(
            new HashSet<string>(["loss", "accuracy", "gradient", "infinity-norm", "noise", "layers", "histogram"]),
            names.ToHashSet()
        );
        foreach (string name in names)
        {
            await chooser.SelectOptionAsync(name);
            await Shown(page, name);
            await Expect(page.Locator($"[data-chart={name}] .for-readers")).ToContainTextAsync("B = ");
        }
        Assert.Empty(troubles);
    }

    [Fact]
    public async Task There_are_one_to_four_charts_and_those_that_are_not_there_fetch_nothing()
    {
        var page = await Open("accuracy");
        await Choose(page, "accuracy", "Add a chart");
        await Choose(page, "accuracy", "Add a chart");
        await Choose(page, "accuracy", "Add a chart");
        await Expect(page.Locator("figure.chart")).ToHaveCountAsync(4);
        await page.Locator("[data-chart=accuracy] .more").ClickAsync();
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Add a chart" })).ToHaveCountAsync(0);
        await page.GetByRole(AriaRole.Button, new() { Name = "Remove this chart" }).ClickAsync();
        await Expect(page.Locator("figure.chart")).ToHaveCountAsync(3);
        await Expect(page.Locator("[data-chart=accuracy]")).ToHaveCountAsync(0);

        // What is on the page is remembered, where the address says nothing else; of two that show measured values only, a zoom asks for no
        // records.
        await page.EvaluateAsync("() => localStorage.setItem('batchviz.charts', 'accuracy,test-loss')");
        await page.GotoAsync("/?lang=en");
        await Shown(page, "test-loss");
        await page.Keyboard.PressAsync("End");
        await page.EvaluateAsync("() => window.batchviz.idle()");
        const string Tiles =
            "() => performance.getEntriesByType('resource').filter(entry => /\\/tiles\\/\\d+\\/[^/]*updateRatio/.test(entry.name)).length";
        int before = await page.EvaluateAsync<int>(Tiles);
        await Zoom(page, "accuracy");
        await page.EvaluateAsync("() => window.batchviz.idle()");
        Assert.Equal(before, await page.EvaluateAsync<int>(Tiles));
        await page.GetByRole(AriaRole.Combobox, new() { Name = "Chart 1" }).SelectOptionAsync("ratio");
        await Shown(page, "ratio");
        await page.WaitForFunctionAsync($"before => ({Tiles})() > before", before); // a chart of records asks for them
        Assert.Empty(troubles);
    }

    [Fact]
    public async Task Seeds_become_their_mean_and_its_interval()
    {
        string[] charts = ["accuracy", "sharpness", "throughput", "layers"];
        var page = await Open(string.Join(',', charts));
        var lines = (
            await Probe.Until(page, "points in all charts", now => charts.All(chart => now.Charts.GetValueOrDefault(chart) > 0))
        ).Charts;
        await Expect(page.Locator("[data-chart=layers] .note"))
            .ToHaveTextAsync(new System.Text.RegularExpressions.Regex("^B = 4 · seed 1 · "));
        await page.Locator("[data-chart=accuracy] .more").ClickAsync();
        await page.GetByLabel("Seeds as mean and interval").CheckAsync();
        await page.Keyboard.PressAsync("Escape");
        foreach (string chart in charts)
            await Expect(page.Locator($"[data-chart={chart}] .note"))
                .ToContainTextAsync("mean of the seeds that are alive, area: its 95 % t interval");
        await Expect(page.Locator("[data-chart=layers] .note")).ToContainTextAsync("B = 4, 3 seeds");
        var bands = (
            await Probe.Until(
                page,
                "one curve of three",
                now => charts[..3].All(chart => now.Charts[chart] < lines[chart]) && now.Charts["layers"] > 0
            )
        ).Charts;
        foreach (string chart in charts[..3])
            Assert.Equal(lines[chart] / 3.0, bands[chart], Math.Max(1, lines[chart] * 0.02));
        Assert.Empty(troubles);
    }

    [Fact]
    public async Task The_line_between_two_ends_is_what_the_server_computes_and_its_values_can_be_taken_away()
    {
        var page = await Open("line");
        await page.GetByLabel("Run at t = 0").SelectOptionAsync("b4-s2");
        await page.GetByLabel("Run at t = 1").SelectOptionAsync("b32-s3");
        await Expect(page.Locator("[data-chart=line] .for-readers")).ToContainTextAsync("from B = 4 · seed 2");
        await Shown(page, "line");
        string[][] rows = Rows(await Saved(page, "line", "Save the values as CSV"));
        var line = JsonNode.Parse(
            await page.EvaluateAsync<string>(
                "async () => (await fetch(`/api/experiments/${window.batchviz.state().generation}/lines/1/5`)).text()"
            )
        )!;
        Assert.Equal(["t", "train loss", "train accuracy", "test loss", "test accuracy"], rows[0]);
        Assert.Equal(line["t"]!.AsArray().Count, rows.Length - 1);
        for (int i = 1; i < rows.Length; i++)
        {
            Assert.Equal((double)line["train"]!["loss"]![i - 1]!, Number(rows[i][1]));
            Assert.Equal((double)line["test"]!["accuracy"]![i - 1]!, Number(rows[i][4]));
        }
        Assert.Empty(troubles);
    }

    [Fact]
    public async Task The_boundary_is_that_of_the_selected_run_where_the_playhead_stands_and_stays_while_it_moves()
    {
        var page = await Open("boundary");
        var note = page.Locator("[data-chart=boundary] .note");
        // Alone on the page it is wide: one run of each batch size, and then the others.
        await Expect(note).ToHaveTextAsync("at the playhead; a selected run has the place to itself");
        var several = Rows(await Saved(page, "boundary", "Save the values as CSV"))[1..]
            .GroupBy(row => row[0])
            .ToDictionary(rows => rows.Key, rows => rows.Count());
        Assert.All(["b4-s1", "b32-s1", "b256-s1"], run => Assert.Equal(65 * 65, several[run]));
        await Expect(page.Locator("[data-chart=boundary] .for-readers")).ToContainTextAsync("B = 256 · seed 1 after 80 updates");
        await page.Locator("[data-run=b32-s2]").ClickAsync();
        await Expect(note).ToHaveTextAsync("B = 32 · seed 2 after 640 updates");
        string[][] rows = Rows(await Saved(page, "boundary", "Save the values as CSV"));
        Assert.Equal(["run", "update", "x1", "x2", "probability"], rows[0]);
        Assert.Equal(65 * 65, rows.Length - 1);
        Assert.All(rows[1..], row => Assert.Equal(("b32-s2", "640"), (row[0], row[1])));
        Assert.All(rows[1..], row => Assert.InRange(Number(row[4]), 0, 1));
        // Two half-circles: the upper left is one class, the lower right the other.
        Assert.True(Number(Nearest(rows, -0.8, 1)[4]) < 0.5 == Number(Nearest(rows, 1.8, -0.5)[4]) > 0.5, "both classes have a side");

        await page.Keyboard.PressAsync("Home");
        await Expect(note).ToHaveTextAsync("B = 32 · seed 2 after 0 updates");
        await page.Keyboard.PressAsync("k");
        await Probe.Until(page, "the playhead on its way", now => now.Playhead > 1000);
        await Expect(note).ToHaveTextAsync("B = 32 · seed 2 after 0 updates");
        Assert.Empty(troubles);
    }

    private static string[] Nearest(string[][] rows, double x, double y) =>
        rows[1..].MinBy(row => Math.Pow(Number(row[2]) - x, 2) + Math.Pow(Number(row[3]) - y, 2))!;

    [Fact]
    public async Task A_chart_is_saved_as_a_picture_a_drawing_and_a_table()
    {
        var page = await Open("loss");
        await Shown(page, "loss");

        byte[] png = await Saved(page, "loss", "Save as PNG");
        Assert.Equal(new byte[] { 0x89, (byte)'P', (byte)'N', (byte)'G' }, png[..4]);
        Assert.Equal([0, 0, 1920 >> 8, 1920 & 255, 0, 0, 1080 >> 8, 1080 & 255], png[16..24].Select(b => (int)b));
        Assert.True(png.Length > 20_000, $"{png.Length} bytes: there are curves on it");

        var svg = XDocument.Parse(Encoding.UTF8.GetString(await Saved(page, "loss", "Save as SVG"))).Root!;
        Assert.True(svg.Descendants().Count(e => e.Name.LocalName == "path") > 9 * 3, "nine runs' curves");
        Assert.DoesNotContain(svg.Descendants(), e => e.Name.LocalName is "image" or "foreignObject" or "script");
        Assert.Contains(svg.Descendants(), e => e.Name.LocalName == "text" && e.Value == "B = 256");
        Assert.Contains("leads", svg.Descendants().First(e => e.Name.LocalName == "desc").Value);

        byte[] file = await Saved(page, "loss", "Save the values as CSV");
        Assert.NotEqual(0xEF, file[0]); // no byte order mark
        string[][] rows = Rows(file);
        Assert.Equal(["series", "run", "update", "examples", "min", "max", "last"], rows[0]);
        Assert.All(
            rows[1..].Where(row => row[0] == "batch loss"),
            row => Assert.True(Number(row[4]) <= Number(row[6]) && Number(row[6]) <= Number(row[5]))
        );
        Assert.Equal(9, rows[1..].Where(row => Number(row[3]) == SeedsAndProbes.Examples).Select(row => row[1]).Distinct().Count());
        Assert.Empty(troubles);
    }

    [Fact]
    public async Task The_legend_hides_and_isolates_by_pointer_and_by_keyboard()
    {
        var page = await Open("loss");
        var (small, large) = (
            page.GetByRole(AriaRole.Button, new() { Name = "Runs of B = 4" }),
            page.GetByRole(AriaRole.Button, new() { Name = "Runs of B = 256" })
        );
        await small.ClickAsync();
        await Expect(small).ToHaveAttributeAsync("aria-pressed", "false");
        Assert.Equal(["b4-s1", "b4-s2", "b4-s3"], await Hidden(page));
        await small.PressAsync("Enter");
        Assert.Empty(await Hidden(page));
        await small.PressAsync("Shift+Enter");
        await Expect(large).ToHaveAttributeAsync("aria-pressed", "false");
        Assert.Equal(6, (await Hidden(page)).Length);
        await small.PressAsync("Shift+Enter");
        Assert.Empty(await Hidden(page));
        await large.DblClickAsync();
        Assert.Equal(["b4-s1", "b4-s2", "b4-s3", "b32-s1", "b32-s2", "b32-s3"], await Hidden(page));
        await large.ClickAsync(new() { Modifiers = [KeyboardModifier.Alt] });
        Assert.Empty(await Hidden(page));
        Assert.Empty(troubles);
    }

    [Fact]
    public async Task One_cursor_lies_over_all_charts_and_tells_every_runs_value()
    {
        var page = await Open("loss,accuracy,sharpness");
        var box = (await page.Locator("[data-chart=loss] .u-over").BoundingBoxAsync())!;
        await page.Mouse.MoveAsync(box.X + box.Width / 2, box.Y + 20);
        var values = page.Locator("[data-chart=loss] .cursor-values");
        await Expect(values.Locator("li:visible")).ToHaveCountAsync(9);
        await Expect(values).ToContainTextAsync("10k examples seen");
        foreach (string chart in (string[])["loss", "accuracy", "sharpness"])
            await Expect(page.Locator($"[data-chart={chart}] .hair")).ToBeVisibleAsync();
        await Expect(page.Locator("[data-chart=accuracy] .cursor-values")).ToBeHiddenAsync();
        Assert.Equal(9, (await Probe.Until(page, "a mark on every path", now => now.CursorMarks.Count > 0)).CursorMarks.Count);
        await page.Mouse.MoveAsync(5, 5);
        await Expect(values).ToBeHiddenAsync();
        await Probe.Until(page, "no marks", now => now.CursorMarks.Count == 0);

        var slider = page.GetByRole(AriaRole.Slider, new() { Name = "Test accuracy by examples seen, cursor" });
        await page.Keyboard.PressAsync("Home");
        await slider.FocusAsync();
        for (int i = 0; i < 5; i++)
            await page.Keyboard.PressAsync("PageUp");
        await Expect(slider)
            .ToHaveAttributeAsync("aria-valuetext", new System.Text.RegularExpressions.Regex("^10k examples seen; B = 4 · seed 1 .+ %"));
        await page.Keyboard.PressAsync("Enter");
        var moved = await Probe.Until(page, "the playhead at the cursor", now => now.Playhead > 0);
        Assert.Equal(SeedsAndProbes.Examples / 2, moved.Playhead, 1.0);
        // There the marks on the paths are where the runs are.
        moved = await Probe.Until(
            page,
            "the heads at the marks",
            now => now.Marks.Count == 9 && now.Marks.All(mark => Apart(mark.Value, now.CursorMarks.GetValueOrDefault(mark.Key)) < 0.5)
        );

        // The timeline sets the same cursor, and so does a path, where the pointer is on one of its points.
        var track = (await page.Locator(".track").BoundingBoxAsync())!;
        await page.Mouse.MoveAsync(track.X + track.Width * 0.2533f, track.Y + 30);
        var early = await Probe.Until(
            page,
            "the timeline's moment",
            now => now.Cursor is > 0.25 * SeedsAndProbes.Examples and < 0.26 * SeedsAndProbes.Examples && now.CursorMarks.Count == 9
        );
        // The picture may still be on its way there: the pointer goes where the mark has come to rest.
        await page.EvaluateAsync("() => window.batchviz.idle()");
        double[] on = (await Probe.Of(page)).CursorMarks["b4-s1"];
        await page.Mouse.MoveAsync((float)on[0], (float)on[1]);
        var pointed = await Probe.Until(page, "a path's moment", now => now.Cursor is not null && now.Cursor != early.Cursor);
        Assert.InRange(pointed.Cursor!.Value, 1, SeedsAndProbes.Examples / 2);
        await page.Mouse.MoveAsync(5, 5);
        await Probe.Until(page, "no cursor", now => now.Cursor is null);
        Assert.Empty(troubles);
    }

    private static double Apart(double[] a, double[]? b) => b is null ? double.PositiveInfinity : double.Hypot(a[0] - b[0], a[1] - b[1]);

    [Fact]
    public async Task A_chart_speaks_chinese_and_its_open_menu_has_no_barrier()
    {
        var page = await Open("loss,line", "/?lang=zh");
        await Expect(page.GetByRole(AriaRole.Combobox, new() { Name = "图表 1" })).ToHaveValueAsync("loss");
        await page.Locator("[data-chart=loss] .more").ClickAsync();
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "保存为 SVG" })).ToBeVisibleAsync();
        var found = await page.Locator("[data-stage=charts]").RunAxe();
        Assert.NotEmpty(found.Passes);
        Assert.Empty(
            found.Violations.Select(violation => $"{violation.Id}: {string.Join(", ", violation.Nodes.Select(node => node.Html).Take(3))}")
        );
        Assert.DoesNotMatch("[A-Za-z]{6,}", (await page.Locator("[data-chart=loss] .for-readers").TextContentAsync())!);
    }

    private async Task<IPage> Open(string charts, string path = "/")
    {
        var page = await browser.NewPage(troubles, []);
        await page.AddInitScriptAsync($"if (!localStorage.getItem('batchviz.charts')) localStorage.setItem('batchviz.charts', '{charts}')");
        await page.GotoAsync(path);
        await Probe.Until(
            page,
            "runs that have ended",
            now => now.Heads.Count == 9 && now.Heads.Values.Sum() == 3 * (5000 + 640 + 80) && now.Grid is not null
        );
        await page.Keyboard.PressAsync("End");
        await page.EvaluateAsync("() => window.batchviz.idle()");
        return page;
    }

    private static Task<Probe> Shown(IPage page, string chart) =>
        Probe.Until(page, $"points in {chart}", now => now.Charts.GetValueOrDefault(chart) > 0, 20);

    private static async Task Choose(IPage page, string chart, string item)
    {
        await page.Locator($"[data-chart={chart}] .more").ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = item }).ClickAsync();
    }

    private static async Task Zoom(IPage page, string chart)
    {
        var box = (await page.Locator($"[data-chart={chart}] .u-over").BoundingBoxAsync())!;
        await page.Mouse.MoveAsync(box.X + 30, box.Y + 20);
        await page.Mouse.DownAsync();
        await page.Mouse.MoveAsync(box.X + 60, box.Y + 20, new() { Steps = 3 });
        await page.Mouse.UpAsync();
    }

    private static async Task<byte[]> Saved(IPage page, string chart, string item)
    {
        var file = await page.RunAndWaitForDownloadAsync(() => Choose(page, chart, item));
        Assert.StartsWith($"Moons-{chart}.", file.SuggestedFilename);
        return await File.ReadAllBytesAsync(await file.PathAsync());
    }

    private static Task<string[]> Hidden(IPage page) => page.EvaluateAsync<string[]>("() => window.batchviz.state().hidden");

    private static string[][] Rows(byte[] file) => [.. Encoding.UTF8.GetString(file).TrimEnd().Split("\r\n").Select(row => row.Split(','))];

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);
}
