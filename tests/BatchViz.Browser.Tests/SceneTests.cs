using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace BatchViz.Browser.Tests;

/// <summary>Two seeds of three batch sizes, which end soon.</summary>
public sealed class SceneExperiment()
    : BrowserFixture(
        """
        { "name": "Scene, twice", "data": { "kind": "moons", "trainExamples": 200, "testExamples": 100 }, "model": { "hidden": [8], "activation": "tanh" },
          "learningRate": 0.1, "batchSizes": [1, 8, 64], "seeds": [1, 2], "budget": { "epochs": 20 } }
        """
    );

/// <summary>The landscape: panes, picking, camera, overlays and the picture that one takes home.</summary>
public partial class SceneTests(SceneExperiment browser) : IClassFixture<SceneExperiment>
{
    private readonly List<string> troubles = [];

    static SceneTests() => SetDefaultExpectTimeout(15_000);

    [Fact]
    public async Task Split_gives_every_batch_size_a_pane_with_its_own_paths_only()
    {
        var page = await Open(pixels: 1);
        string[] colours = [await Colour(page, "b1-s1"), await Colour(page, "b8-s1"), await Colour(page, "b64-s1")];
        await page.Keyboard.PressAsync("v");
        var panes = page.Locator(".pane");
        await Expect(panes).ToHaveCountAsync(3);
        await page.EvaluateAsync("() => window.batchviz.idle()");
        await page.Locator(".gradient-legend").EvaluateAsync("node => node.style.visibility = 'hidden'"); // it lies over a pane, with its runs' colours
        string[] names = ["B = 1", "B = 8", "B = 64"];
        for (int i = 0; i < 3; i++)
        {
            await Expect(panes.Nth(i).Locator("strong")).ToHaveTextAsync(names[i]);
            await Expect(panes.Nth(i)).ToContainTextAsync("mean loss");
            await panes.Nth(i).EvaluateAsync("node => node.firstChild.style.visibility = 'hidden'"); // the label has the colour, too
            var seen = await Picture.Of(page, panes.Nth(i), colours);
            Assert.True(seen.Near[i] > 40, $"pane {i} shows {string.Join(", ", seen.Near)} pixels of the three colours");
            for (int other = 0; other < 3; other++)
                if (other != i)
                    Assert.True(seen.Near[other] < 6, $"pane {i} shows {string.Join(", ", seen.Near)} pixels of the three colours");
            Assert.True(seen.Drawn > 0.1, $"pane {i}: only {seen.Drawn:P1} is drawn");
        }
        var marks = (await Probe.Of(page)).Marks;
        foreach (var (run, pane) in new[] { ("b1-s1", 0), ("b1-s2", 0), ("b64-s2", 2) })
        {
            var box = (await panes.Nth(pane).BoundingBoxAsync())!;
            Assert.InRange(marks[run][0], box.X, box.X + box.Width);
            Assert.InRange(marks[run][1], box.Y, box.Y + box.Height);
        }
        // What is under the pointer is what its pane shows.
        await page.Mouse.MoveAsync((float)marks["b64-s2"][0], (float)marks["b64-s2"][1]);
        await Expect(page.Locator(".tooltip")).ToContainTextAsync("B = 64");

        await page.SetViewportSizeAsync(800, 1100);
        await Expect(panes).ToHaveCountAsync(3);
        const string columns = "new Set([...document.querySelectorAll('.pane')].map(p => p.getBoundingClientRect().x)).size";
        await page.WaitForFunctionAsync($"() => {columns} < 3"); // no longer all beside one another
        await page.SetViewportSizeAsync(1440, 900);
        await page.GetByRole(AriaRole.Button, new() { Name = "overlay" }).ClickAsync();
        await Expect(panes).ToHaveCountAsync(0);
        Assert.Empty(troubles);
    }

    [Fact]
    public async Task What_is_under_the_pointer_or_the_keyboard_is_told_with_its_values()
    {
        var page = await Open();
        var probe = await Probe.Of(page);
        var tooltip = page.Locator(".tooltip");
        double[] end = probe.Marks["b1-s1"];
        await page.Mouse.MoveAsync((float)end[0], (float)end[1]);
        await Expect(tooltip).ToContainTextAsync("its end");
        string text = await tooltip.InnerTextAsync();
        Assert.Equal(probe.Drawn["b1-s1"].Loss!.Value, Number(text, "loss"), 2e-3);
        Assert.Contains("4,000 updates", text, StringComparison.Ordinal);
        Assert.Contains("test accuracy", text, StringComparison.Ordinal);
        Assert.Matches("off the plane", text);

        await page.Mouse.ClickAsync((float)end[0], (float)end[1]);
        await Expect(page.Locator("[data-run=b1-s1]")).ToHaveAttributeAsync("aria-selected", "true");

        var canvas = (await page.Locator(".canvas-place canvas").BoundingBoxAsync())!;
        await page.Keyboard.PressAsync("t");
        await page.EvaluateAsync("() => window.batchviz.idle()");
        bool slice = false;
        for (int i = 1; i < 8 && !slice; i++) // somewhere in the middle of the plane there is no path
        {
            await page.Mouse.MoveAsync(canvas.X + canvas.Width * (0.34f + 0.04f * i), canvas.Y + canvas.Height * 0.5f);
            await page.EvaluateAsync("() => window.batchviz.idle()");
            slice = await tooltip.IsVisibleAsync() && (await tooltip.InnerTextAsync()).StartsWith("slice", StringComparison.Ordinal);
        }
        Assert.True(slice, "nowhere on the surface is the slice told");
        Assert.True(Number(await tooltip.InnerTextAsync(), "loss") > 0);

        await page.Locator(".canvas-place canvas").FocusAsync();
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.Locator(".readout")).ToContainTextAsync("B = 1 · seed 1");
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.Locator(".readout")).ToContainTextAsync("B = 1 · seed 2");
        Assert.Empty(troubles);
    }

    [Fact]
    public async Task The_camera_frames_and_follows_a_run_looks_along_axes_and_comes_back()
    {
        var page = await Open();
        var home = (await Probe.Of(page)).Camera!;
        await page.Keyboard.PressAsync("5");
        await page.Keyboard.PressAsync("f");
        var framed = await Camera(page, c => c.Distance < 0.95 * home.Distance, "the camera is nearer");
        Assert.Equal(home.Theta, framed.Theta, 1e-3);

        await page.Keyboard.PressAsync("r");
        await Camera(page, c => Math.Abs(c.Distance - 1) < 1e-6 && Math.Abs(c.Theta - home.Theta) < 1e-6, "the camera is back");
        await page.GetByRole(AriaRole.Button, new() { NameRegex = new("^Look along x") }).PressAsync("Enter");
        await Camera(page, c => Math.Abs(c.Theta - Math.PI / 2) < 1e-3 && c.Phi > 1.4, "the camera looks along x");
        await page.GetByRole(AriaRole.Button, new() { NameRegex = new("^Look along y") }).PressAsync("Enter");
        await Camera(page, c => Math.Abs(c.Theta) < 1e-3 && c.Phi > 1.4, "the camera looks along y");
        await page.Keyboard.PressAsync("t");
        await Camera(page, c => c.Phi < 0.01, "the camera looks down");
        await page.Keyboard.PressAsync("r");

        await page.Keyboard.PressAsync("h");
        await Expect(page.GetByRole(AriaRole.Button, new() { NameRegex = new("^Follow") })).ToHaveAttributeAsync("aria-pressed", "true");
        // A run that is followed stands in the middle of the picture, wherever the playhead is.
        var canvas = (await page.Locator(".canvas-place canvas").BoundingBoxAsync())!;
        foreach (string key in new[] { "End", "Home", "End" })
        {
            await page.Keyboard.PressAsync(key);
            await Probe.Until(
                page,
                "its head in the middle",
                s =>
                    s.Marks.TryGetValue("b64-s1", out var at)
                    && Math.Abs(at[0] - canvas.X - canvas.Width / 2) < 3
                    && Math.Abs(at[1] - canvas.Y - canvas.Height / 2) < 3,
                15
            );
        }
        // Whoever moves the picture looks elsewhere.
        await page.Locator(".canvas-place canvas").FocusAsync();
        await page.Keyboard.PressAsync("Shift+ArrowRight");
        await Expect(page.GetByRole(AriaRole.Button, new() { NameRegex = new("^Follow") })).ToHaveAttributeAsync("aria-pressed", "false");
        Assert.Empty(troubles);
    }

    [Fact]
    public async Task Overlays_come_and_go_and_stay_chosen()
    {
        var page = await Open(pixels: 1);
        await page.Keyboard.PressAsync("3");
        await page.GetByRole(AriaRole.Button, new() { Name = "View", Exact = true }).PressAsync("Enter");
        await Expect(page.GetByLabel("Axes and scale")).ToBeCheckedAsync();
        await Expect(page.Locator(".gizmo")).ToBeVisibleAsync();
        await page.GetByLabel("Axes and scale").PressAsync("Space");
        await Expect(page.Locator(".gizmo")).ToBeHiddenAsync();
        await page.GetByLabel("Stems").PressAsync("Space");
        await Expect(page.Locator(".stem-label")).ToContainTextAsync("off the plane");
        await page.Keyboard.PressAsync("Escape");
        int with = await Colours(page);
        await page.GetByRole(AriaRole.Button, new() { Name = "View", Exact = true }).PressAsync("Enter");
        await page.GetByLabel("Ends of runs").PressAsync("Space");
        await page.Keyboard.PressAsync("Escape");
        int without = await Colours(page);
        Assert.True(without < with - 30, $"rings were {with - without} pixels");

        await page.ReloadAsync();
        await Settled(page);
        await page.Keyboard.PressAsync("End");
        await Expect(page.Locator(".gizmo")).ToBeHiddenAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "View", Exact = true }).ClickAsync();
        await Expect(page.GetByLabel("Axes and scale")).Not.ToBeCheckedAsync();
        await Expect(page.GetByLabel("Stems")).ToBeCheckedAsync();
        Assert.Empty(troubles);

        async Task<int> Colours(IPage shown)
        {
            await shown.EvaluateAsync("() => window.batchviz.idle()");
            return (await Picture.Of(shown, shown.Locator("[data-stage=scene]"), await Colour(shown, "b1-s1"))).Near[0];
        }
    }

    [Fact]
    public async Task Gradients_at_the_playhead_are_those_that_the_server_recomputes_and_go_when_it_moves_on()
    {
        var page = await Open();
        await page.Keyboard.PressAsync("3"); // B = 8, seed 1
        await page.Keyboard.PressAsync("Home");
        for (int i = 0; i < 3; i++)
            await page.Keyboard.PressAsync("ArrowRight");
        var legend = page.Locator(".gradient-legend");
        await Expect(legend).ToContainTextAsync("−gradient of the next batch, B = 8");
        await Expect(legend).ToContainTextAsync("−gradient over all 200 examples");
        await Expect(legend).ToContainTextAsync("1 σ of a batch's gradient");
        string text = await legend.InnerTextAsync();
        double[] norms = await page.EvaluateAsync<double[]>(
            """
            async () => {
              const { generation, grid } = window.batchviz.state();
              const { batch, full, cosine } = await (await fetch(`/api/experiments/${generation}/moments/2/3/${grid.plane}`)).json();
              return [batch.norm, Math.hypot(batch.x, batch.y), full.norm, Math.hypot(full.x, full.y), Math.acos(cosine) * 180 / Math.PI];
            }
            """
        );
        var shown = Regex
            .Matches(text, "norm ([0-9.]+), ([0-9.]+) of it")
            .SelectMany(m => new[] { m.Groups[1].Value, m.Groups[2].Value })
            .Append(Regex.Match(text, "([0-9.]+)° apart").Groups[1].Value)
            .Select(value => double.Parse(value, CultureInfo.InvariantCulture))
            .ToArray();
        Assert.Equal(norms.Length, shown.Length);
        for (int i = 0; i < norms.Length; i++)
            Assert.Equal(norms[i], shown[i], 0.006 * norms[i] + 1e-4);
        await page.Keyboard.PressAsync(" ");
        await Expect(legend).ToBeHiddenAsync();
        Assert.Empty(troubles);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_picture_that_is_saved_explains_itself(bool split)
    {
        var page = await Open();
        if (split)
            await page.Keyboard.PressAsync("v");
        await page.EvaluateAsync("() => window.batchviz.idle()");
        var download = await page.RunAndWaitForDownloadAsync(() => page.Keyboard.PressAsync("i"));
        Assert.Equal("scene-twice-examples-4000.png", download.SuggestedFilename);
        byte[] png = await File.ReadAllBytesAsync(await download.PathAsync());
        var box = (await page.Locator("section.scene").BoundingBoxAsync())!;
        var title = await page.Locator(".title h1").BoundingBoxAsync();
        var caption = await page.Locator(".caption").BoundingBoxAsync();
        double[] ink = await page.EvaluateAsync<double[]>(
            """
            async ([png, boxes]) => {
              const image = new Image();
              image.src = 'data:image/png;base64,' + png;
              await image.decode();
              const context = new OffscreenCanvas(image.width, image.height).getContext('2d', { willReadFrequently: true });
              context.drawImage(image, 0, 0);
              const share = ([x, y, w, h]) => {
                const { data } = context.getImageData(2 * x, 2 * y, 2 * w, 2 * h);
                let bright = 0;
                for (let i = 0; i < data.length; i += 4) if (data[i] + data[i + 1] + data[i + 2] > 330) bright++;
                return bright / (data.length / 4);
              };
              return [image.width, image.height, ...boxes.map(share)];
            }
            """,
            new object[]
            {
                Convert.ToBase64String(png),
                new[]
                {
                    Relative(title!, box),
                    Relative(caption!, box),
                    [box.Width * 0.2, box.Height * 0.25, box.Width * 0.6, box.Height * 0.5],
                    [0, box.Height, box.Width * 0.4, 20],
                },
            }
        );
        Assert.Equal(2 * box.Width, ink[0], 2.0);
        Assert.Equal(2 * (box.Height + 28), ink[1], 2.0);
        for (int i = 2; i < ink.Length; i++)
            Assert.InRange(ink[i], 0.004, 0.6); // title, caption, paths, and the line that says when
        Assert.Empty(troubles);
    }

    [Fact]
    public async Task Without_WebGL_the_scene_says_so_and_the_rest_works()
    {
        List<string> expected = [];
        var page = await browser.NewPage(expected, []);
        await page.AddInitScriptAsync(
            "const get = HTMLCanvasElement.prototype.getContext; HTMLCanvasElement.prototype.getContext = function (kind, ...more) { return kind.startsWith('webgl') ? null : get.call(this, kind, ...more); };"
        );
        await page.GotoAsync("/");
        await Expect(page.Locator(".no-webgl")).ToContainTextAsync("no WebGL 2");
        await Probe.Until(page, "curves", s => s.Charts.GetValueOrDefault("loss") > 0);
        await Expect(page.GetByRole(AriaRole.Button, new() { NameRegex = new("^Save the scene") })).ToBeDisabledAsync();
        Assert.DoesNotContain(expected, text => text.Contains("TypeError", StringComparison.Ordinal));
    }

    private static double[] Relative(LocatorBoundingBoxResult part, LocatorBoundingBoxResult whole) =>
        [part.X - whole.X, part.Y - whole.Y, part.Width, part.Height];

    private static double Number(string text, string before)
    {
        var match = Regex.Match(text, before + " ([0-9.,]+(?:×10⁻[⁰-⁹¹²³]+)?)");
        Assert.True(match.Success, text);
        return double.Parse(match.Groups[1].Value.Replace(",", "", StringComparison.Ordinal), CultureInfo.InvariantCulture);
    }

    private static async Task<string> Colour(IPage page, string run) =>
        await page.EvaluateAsync<string>(
            $"() => getComputedStyle(document.querySelector('[data-run={run}]')).getPropertyValue('--run') || getComputedStyle(document.querySelector('[data-run={run}]').closest('[style]')).getPropertyValue('--run')"
        );

    private static async Task<ProbeCamera> Camera(IPage page, Func<ProbeCamera, bool> wanted, string what) =>
        (await Probe.Until(page, what, s => s.Camera is not null && wanted(s.Camera), 10)).Camera!;

    private static async Task Settled(IPage page)
    {
        await Probe.Until(
            page,
            "all of every run",
            s => s.Heads.Count == 6 && s.Heads.Values.All(head => head >= 80) && s.Heads["b1-s1"] == 4000 && s.Grid is { Resolution: >= 33 }
        );
        await page.EvaluateAsync("() => document.querySelector('[aria-label=\"To the end\"]').click()");
        await page.EvaluateAsync("() => window.batchviz.idle()");
    }

    [Fact]
    public async Task With_reduced_motion_nothing_eases_morphs_or_glides()
    {
        var page = await Open(still: true);
        Assert.Empty(
            await page.EvaluateAsync<string[]>(
                """
                () => [...document.querySelectorAll('*')].filter(e => {
                  const { transitionDuration, animationName, animationDuration } = getComputedStyle(e);
                  return transitionDuration.split(',').some(d => parseFloat(d) > 0) || (animationName !== 'none' && animationDuration.split(',').some(d => parseFloat(d) > 0));
                }).map(e => `${e.tagName}.${e.getAttribute('class')}`)
                """
            )
        );
        // The first frame that is another one is the last.
        const string FirstAndLast = """
            ([key, read]) => new Promise(done => {
              const look = new Function('now', `return JSON.stringify(${read})`), state = () => look(window.batchviz.state()), before = state();
              document.body.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));
              const wait = () => {
                const first = state();
                if (first === before) return requestAnimationFrame(wait);
                setTimeout(() => done([first, state()]), 600);
              };
              wait();
            })
            """;
        foreach (
            var (key, read) in new[]
            {
                ("t", "[now.camera.phi, now.camera.theta, now.camera.distance].map(v => v.toFixed(3))"),
                ("r", "[now.camera.phi, now.camera.theta, now.camera.distance].map(v => v.toFixed(3))"),
                ("g", "Object.values(now.marks).map(([x, y]) => [x.toFixed(1), y.toFixed(1)])"),
            }
        )
        {
            string[] seen = await page.EvaluateAsync<string[]>(FirstAndLast, new[] { key, read });
            Assert.True(seen[0] == seen[1], $"{key}: {seen[0]}, and then {seen[1]}");
        }
        Assert.Empty(troubles);
    }

    private async Task<IPage> Open(float pixels = 0.5f, bool still = false)
    {
        var page = await browser.NewPage(troubles, [], pixels: pixels);
        if (still)
            await page.EmulateMediaAsync(new() { ReducedMotion = ReducedMotion.Reduce });
        await page.GotoAsync("/");
        await Settled(page);
        return page;
    }
}
