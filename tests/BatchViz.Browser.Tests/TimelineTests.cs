using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace BatchViz.Browser.Tests;

/// <summary>Short batches at each epoch's end, a rate that falls twice, and soon over.</summary>
public sealed class StepsAndRemainders()
    : BrowserFixture(
        """
        { "name": "Moons", "data": { "kind": "moons", "trainExamples": 500, "testExamples": 100 }, "model": { "hidden": [8, 8], "activation": "tanh" }, "learningRate": 0.1,
          "schedule": { "kind": "step", "factor": 0.5, "everyEpochs": 10 }, "batchSizes": [8, 32], "budget": { "epochs": 30 } }
        """
    )
{
    public const int Examples = 500,
        Epochs = 30;
}

/// <summary>Two runs on digits of a few updates.</summary>
public sealed class FewDigits()
    : BrowserFixture(
        """
        { "name": "Digits", "data": { "kind": "mnist" }, "model": { "hidden": [16] }, "learningRate": 0.1, "batchSizes": [16, 64], "budget": { "updates": 40 } }
        """
    );

/// <summary>The timeline: its window, its range, what is marked on it, and the way down to one batch and from there to a fork.</summary>
public class TimelineTests(StepsAndRemainders browser) : IClassFixture<StepsAndRemainders>
{
    private const double All = StepsAndRemainders.Examples * StepsAndRemainders.Epochs;

    private readonly List<string> troubles = [];

    [Fact]
    public async Task A_wheel_leads_down_to_single_batches_and_a_click_opens_one_of_them()
    {
        var page = await Open("b32-s1");
        await page.GetByRole(AriaRole.Button, new() { Name = "This batch" }).ClickAsync(); // folded: the click on the track unfolds it
        // Update 160 is the last of epoch 10: 500 = 15 · 32 + 20.
        await ZoomTo(page, 4_990);
        await Expect(page.Locator(".caption-line")).ToContainTextAsync("each bar is the loss of one batch");
        await ClickTrack(page, 4_990);
        var state = await Probe.Until(
            page,
            "the end of epoch 10",
            now => now.Playhead == 5_000 && !now.Playing && now.Drawn["b32-s1"].Update == 160
        );
        Assert.True(state.Zoom![1] - state.Zoom[0] < 2_000, "down to single batches");

        var batch = page.GetByRole(AriaRole.Region, new() { Name = "This batch" });
        await Expect(batch).ToContainTextAsync("Short batch: 20 of 32, the remainder of epoch 10.", new() { Timeout = 20_000 });
        var recomputed = JsonNode.Parse(
            await page.EvaluateAsync<string>(
                "async () => (await fetch(`/api/experiments/${window.batchviz.state().generation}/batches/1/160`)).text()"
            )
        )!;
        double degrees = (double)recomputed["full"]!["degrees"]!;
        await Expect(batch.Locator("dl")).ToContainTextAsync($"{degrees.ToString("0.0", CultureInfo.InvariantCulture)}°");
        var examples = recomputed["examples"]!
            .AsArray()
            .OrderByDescending(e => (double)e!["loss"]!)
            .Select(e => (int)e!["index"]!)
            .ToArray();
        await Expect(batch.Locator("tbody th"))
            .ToHaveTextAsync(examples.Take(8).Select(index => index.ToString("#,0", CultureInfo.InvariantCulture)));
        await Expect(batch.Locator(".scatter")).ToHaveAttributeAsync("aria-label", "20 examples of this batch among 500");
        await batch.GetByRole(AriaRole.Button, new() { Name = "Show all 20" }).ClickAsync();
        await Expect(batch.Locator("tbody tr")).ToHaveCountAsync(20);

        // The next one is whole again.
        await page.Keyboard.PressAsync("ArrowRight");
        await Expect(batch).ToContainTextAsync("161");
        await Expect(batch.Locator(".short")).ToBeHiddenAsync();
        Assert.Empty(troubles);
    }

    [Fact]
    public async Task A_range_is_dragged_zoomed_to_played_again_and_again_and_cleared()
    {
        var page = await Open("b8-s1");
        var track = await Box(page, ".track");
        await page.Keyboard.DownAsync("Shift");
        await Drag(page, track.X + track.Width * 0.4f, track.X + track.Width * 0.5f, track.Y + 30);
        await page.Keyboard.UpAsync("Shift");
        var selected = await Probe.Until(page, "a range", now => now.Range is not null);
        Assert.Equal(0.4 * All, selected.Range![0], 0.01 * All);
        Assert.Equal(0.5 * All, selected.Range[1], 0.01 * All);

        await page.Keyboard.PressAsync("z");
        var zoomed = await Probe.Until(page, "the range as the window", now => now.Zoom is not null);
        Assert.Equal(selected.Range, zoomed.Zoom);
        await page.GetByRole(AriaRole.Combobox, new() { Name = "Playback speed" }).SelectOptionAsync("16");
        await page.Keyboard.PressAsync("o");
        await page.GetByRole(AriaRole.Button, new() { Name = "Play", Exact = true }).ClickAsync();
        await Probe.Until(
            page,
            "the playhead in the range",
            now => now.Playing && now.Playhead >= selected.Range![0] && now.Playhead <= selected.Range[1]
        );
        int begun = 0;
        double before = double.NegativeInfinity;
        for (var limit = DateTime.UtcNow.AddSeconds(15); begun < 2; before = (await Probe.Of(page)).Playhead)
        {
            Assert.True(DateTime.UtcNow < limit, $"begun again {begun} times");
            var now = await Probe.Of(page);
            Assert.True(now.Playing);
            Assert.InRange(now.Playhead, selected.Range[0], selected.Range[1]);
            if (now.Playhead < before)
                begun++;
        }

        await page.Locator("body").PressAsync("Escape");
        await Probe.Until(page, "no range", now => now.Range is null && now.Zoom is not null);
        await page.Keyboard.PressAsync("Escape");
        await Probe.Until(page, "all of it", now => now.Zoom is null);
        Assert.Empty(troubles);
    }

    [Fact]
    public async Task The_window_is_moved_and_resized_by_pointer_and_keys_and_charts_follow()
    {
        var page = await Open("b8-s1");
        var strip = await Box(page, ".overview");
        await Drag(page, strip.X + strip.Width * 0.2f, strip.X + strip.Width * 0.4f, strip.Y + 12);
        var made = await Probe.Until(page, "a window", now => now.Zoom is not null);
        Assert.Equal([0.2 * All, 0.4 * All], made.Zoom!, (a, b) => Math.Abs(a - b) < 0.01 * All);

        await Drag(page, strip.X + strip.Width * 0.3f, strip.X + strip.Width * 0.5f, strip.Y + 12);
        var moved = await Probe.Until(page, "the window moved", now => now.Zoom![0] > 0.35 * All);
        Assert.Equal(made.Zoom![1] - made.Zoom[0], moved.Zoom![1] - moved.Zoom[0], 1e-6 * All);
        await Drag(page, strip.X + strip.Width * 0.6f, strip.X + strip.Width * 0.8f, strip.Y + 12);
        var wider = await Probe.Until(page, "its end moved", now => now.Zoom![1] > 0.75 * All);
        Assert.Equal(moved.Zoom[0], wider.Zoom![0]);

        var start = page.GetByRole(AriaRole.Slider, new() { Name = "Window's start" });
        await start.PressAsync("ArrowLeft");
        Assert.True((await Probe.Until(page, "its start moved", now => now.Zoom![0] < wider.Zoom[0])).Zoom![1] == wider.Zoom[1]);
        var body = page.GetByRole(AriaRole.Slider, new() { Name = "Window", Exact = true });
        await body.PressAsync("End");
        await Probe.Until(page, "the window at the end", now => now.Zoom![1] == All);
        await body.PressAsync("+");
        var closer = await Probe.Until(page, "a narrower window", now => now.Zoom![1] - now.Zoom[0] < 0.3 * All);
        Assert.False(closer.Playing);
        await Expect(page.Locator("[data-chart=loss] .u-over"))
            .ToHaveAttributeAsync("aria-valuemin", closer.Zoom![0].ToString("R", CultureInfo.InvariantCulture));
        Assert.Empty(troubles);
    }

    [Fact]
    public async Task Epochs_and_markers_are_reached_by_keys_and_told()
    {
        var page = await Open("b8-s1");
        await page.Keyboard.PressAsync("Home");
        await page.Keyboard.PressAsync(".");
        await Probe.Until(page, "the end of epoch 1", now => now.Playhead == 500);
        await page.Keyboard.PressAsync("Shift+ArrowRight");
        await page.GetByRole(AriaRole.Button, new() { Name = "One epoch on" }).ClickAsync();
        await Probe.Until(page, "the end of epoch 3", now => now.Playhead == 1_500);
        await page.Keyboard.PressAsync(",");
        await Probe.Until(page, "the end of epoch 2", now => now.Playhead == 1_000 && now.Drawn["b8-s1"].Update == 126);

        long[] keyframes = JsonNode.Parse(
            await page.EvaluateAsync<string>(
                "async () => (await fetch(`/api/experiments/${window.batchviz.state().generation}/keyframes/0`)).text()"
            )
        )!["updates"]!
            .AsArray()
            .Select(u => (long)u!)
            .ToArray();
        Assert.NotEmpty(keyframes);
        Assert.Equal(keyframes.Order(), keyframes);
        var track = page.Locator(".track");
        await track.FocusAsync();
        var seen = new List<string>();
        for (int i = 0; i < keyframes.Length + 4 && seen.Count(words => words.Contains("Learning rate ×0.5")) < 2; i++)
        {
            await page.Keyboard.PressAsync("n");
            await page.EvaluateAsync("() => window.batchviz.idle()");
            seen.Add((await track.GetAttributeAsync("aria-valuetext"))!);
        }
        Assert.Equal(2, seen.Count(words => words.Contains("Learning rate ×0.5")));
        Assert.Equal(10_000, (await Probe.Of(page)).Playhead);

        var box = await Box(page, ".track");
        await page.Mouse.MoveAsync(box.X + box.Width / 3, box.Y + 5);
        await Expect(page.Locator(".tip")).ToHaveTextAsync("Learning rate ×0.5");

        // The pointer stays where it is, and what it is on goes: by keys that zoom about the playhead, and with the run that it is of.
        await page.Keyboard.PressAsync("+");
        await Expect(page.Locator(".tip")).ToHaveTextAsync(new Regex("^B = 8 · update "));
        await page.Keyboard.PressAsync("2");
        await Expect(page.Locator(".tip")).ToHaveTextAsync(new Regex("^B = 32 · update "));
        Assert.Empty(troubles);
    }

    [Fact]
    public async Task A_fork_is_asked_for_where_the_playhead_stands_and_runs_on_beside_its_parent()
    {
        var page = await Open("b8-s1");
        await page.Keyboard.PressAsync("Home");
        for (int i = 0; i < 20; i++)
            await page.Keyboard.PressAsync(".");
        await Probe.Until(page, "the end of epoch 20", now => now.Drawn["b8-s1"].Update == 1_260);
        await page.Locator(".timeline").GetByRole(AriaRole.Button, new() { Name = "Fork here…" }).ClickAsync();
        await Expect(page.Locator("#fork-run")).ToHaveValueAsync("b8-s1");
        await Expect(page.Locator("#fork-update")).ToHaveValueAsync("1260");
        await page.Locator("#fork-batch").FillAsync("64");
        await page.Locator("#fork-start").ClickAsync();
        // Ten epochs are left, of 8 batches of up to 64 each.
        await Probe.Until(page, "the fork, whole", now => now.Heads.GetValueOrDefault("b8-s1-u1260") == 1_260 + 10 * 8);
        await Expect(page.Locator("[role=dialog]")).ToHaveCountAsync(0);
        var box = await Box(page, ".track");
        await page.Mouse.MoveAsync(box.X + box.Width * 2 / 3, box.Y + 5);
        await Expect(page.Locator(".tip")).ToContainTextAsync("Fork: B = 64");

        // The fork is undone where it was made, for everyone; nothing of it is lost, and it comes back.
        await page.Keyboard.PressAsync("Control+z");
        var row = page.Locator("[data-run=b8-s1-u1260]");
        await Expect(row).ToHaveAttributeAsync("data-visibility", "hidden");
        await Expect(row).ToContainTextAsync("undone");
        await Expect(page.Locator(".status p")).ToContainTextAsync("The fork is undone");
        Assert.True(
            await page.EvaluateAsync<bool>("async () => (await (await fetch('/api/experiments/current')).json()).runs.at(-1).forkUndone")
        );
        await page.Keyboard.PressAsync("Control+Shift+z");
        await Expect(row).ToHaveAttributeAsync("data-visibility", "shown");
        await Expect(row).ToContainTextAsync("finished");

        // A setting's pencil opens the same dialog, with that setting filled in.
        await page.GetByRole(AriaRole.Button, new() { Name = "Change the learning rate from here…" }).ClickAsync();
        await Expect(page.Locator("#fork-rate")).ToHaveValueAsync("0.1");
        await page.Keyboard.PressAsync("Escape");

        var viewer = await browser.NewPage(troubles, []);
        await viewer.GotoAsync(browser.ViewerLink);
        await Probe.Until(viewer, "the runs", now => now.Heads.Count == 3);
        if (await viewer.EvaluateAsync<string>("async () => (await (await fetch('/api/session')).json()).role") == "viewer")
            await Expect(viewer.GetByRole(AriaRole.Button, new() { Name = "Fork here…" })).ToHaveCountAsync(0);
        Assert.Equal("", string.Join("\n", troubles));
    }

    private async Task<IPage> Open(string run)
    {
        var page = await browser.NewPage(troubles, []);
        await page.GotoAsync("/");
        await Probe.Until(
            page,
            "both runs",
            now =>
                now.Heads.GetValueOrDefault("b8-s1") == 63 * StepsAndRemainders.Epochs
                && now.Heads["b32-s1"] == 16 * StepsAndRemainders.Epochs
        );
        await page.Keyboard.PressAsync("End");
        await page.Locator($"[data-run={run}]").ClickAsync();
        await page.EvaluateAsync("() => window.batchviz.idle()");
        return page;
    }

    private static async Task ZoomTo(IPage page, double moment)
    {
        var box = await Box(page, ".track");
        for (int turns = 0; turns < 30; turns++)
        {
            var (from, to) = Window(await Probe.Of(page));
            if (to - from < 1_000)
                break;
            await page.Mouse.MoveAsync(box.X + box.Width * (float)((moment - from) / (to - from)), box.Y + 40);
            await page.Mouse.WheelAsync(0, -240);
            await page.EvaluateAsync("() => new Promise(requestAnimationFrame)");
        }
        await page.EvaluateAsync("() => window.batchviz.idle()");
    }

    private static async Task ClickTrack(IPage page, double moment)
    {
        var box = await Box(page, ".track");
        var (from, to) = Window(await Probe.Of(page));
        await page.Mouse.ClickAsync(box.X + box.Width * (float)((moment - from) / (to - from)), box.Y + 40);
    }

    private static (double From, double To) Window(Probe now) => now.Zoom is [var from, var to] ? (from, to) : (0, All);

    private static async Task<LocatorBoundingBoxResult> Box(IPage page, string selector) =>
        (await page.Locator(selector).BoundingBoxAsync())!;

    private static async Task Drag(IPage page, float from, float to, float y)
    {
        await page.Mouse.MoveAsync(from, y);
        await page.Mouse.DownAsync();
        await page.Mouse.MoveAsync(to, y, new() { Steps = 5 });
        await page.Mouse.UpAsync();
    }
}

/// <summary>A batch of digits.</summary>
public partial class DigitTests(FewDigits browser) : IClassFixture<FewDigits>
{
    [Fact]
    public async Task The_digits_of_a_batch_are_drawn_as_the_network_gets_them()
    {
        List<string> troubles = [];
        var page = await browser.NewPage(troubles, []);
        await page.GotoAsync("/");
        await Probe.Until(page, "both runs", now => now.Heads.Count == 2 && now.Heads.Values.All(head => head == 40));
        await page.Locator("[data-run=b16-s1]").ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { NameRegex = new("^To the end") }).ClickAsync(); // the key End is the tree's while it has the focus
        var batch = page.GetByRole(AriaRole.Region, new() { Name = "This batch" });
        await Expect(batch.Locator(".digit")).ToHaveCountAsync(8, new() { Timeout = 20_000 });
        var told = Digit().Match((await batch.Locator(".digit").First.GetAttributeAsync("aria-label"))!);
        Assert.True(told.Success);
        string index = told.Groups[1].Value.Replace(",", "");
        var example = JsonNode.Parse(
            await page.EvaluateAsync<string>(
                "async id => (await fetch(`/api/experiments/${window.batchviz.state().generation}/examples/train/${id}`)).text()",
                index
            )
        )!["examples"]![0]!;
        Assert.Equal((string)example["target"]!.ToString(), told.Groups[2].Value);
        byte[] pixels = Convert.FromBase64String((string)example["pixels"]!);
        int[] drawn = await batch
            .Locator(".digit")
            .First.EvaluateAsync<int[]>(
                "canvas => [...canvas.getContext('2d').getImageData(0, 0, 28, 28).data].filter((_, i) => i % 4 === 0)"
            );
        Assert.Equal(pixels.Select(p => (int)p), drawn);
        Assert.Contains(pixels, p => p > 200);
        Assert.Empty(troubles);
    }

    [GeneratedRegex(@"^Example ([0-9,]+), (\d)$")]
    private static partial Regex Digit();
}
