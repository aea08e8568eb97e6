using System.Text.RegularExpressions;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace BatchViz.Browser.Tests;

/// <summary>The dialog in which an experiment is described, with its files and its cost.</summary>
public partial class ExperimentDialogTests(SmallExperiment browser) : IClassFixture<SmallExperiment>
{
    private const int Patience = 60_000;

    private readonly List<string> troubles = [];

    static ExperimentDialogTests() => SetDefaultExpectTimeout(Patience);

    [Fact]
    public async Task An_imported_file_is_in_the_fields_has_a_cost_and_is_exported_as_it_stands()
    {
        var page = await Open("/?lang=en");
        // Blazor listens from then on.
        await page.WaitForFunctionAsync("() => document.querySelector('#spec-import')?._blazorInputFileNextFileId !== undefined");
        await page.SetInputFilesAsync(
            "#spec-import",
            new FilePayload
            {
                Name = "mine.json",
                MimeType = "application/json",
                Buffer =
                    """{ "name": "Mine", "data": { "kind": "circles" }, "learningRate": 0.2, "batchSizes": [2, 16], "budget": { "epochs": 3 } }"""u8.ToArray(),
            }
        );
        await Expect(page.Locator("#spec-batchSizes")).ToHaveValueAsync("2, 16");
        await page.FillAsync("#spec-batchSizes", "4, 16");
        await Expect(page.Locator("#spec-cost"))
            .ToHaveTextAsync(new Regex("^About .+ of training on .*lanes?, measured on [0-9,]+ updates; .+ of memory\\.$"));

        var download = await page.RunAndWaitForDownloadAsync(() => page.ClickAsync("#spec-export"));
        string exported = await File.ReadAllTextAsync(await download.PathAsync());
        Assert.Equal("Mine.json", download.SuggestedFilename);
        Assert.Contains("\"batchSizes\": [4, 16]", exported);
        Assert.Empty(troubles);
    }

    [Fact]
    public async Task A_file_that_is_dropped_on_the_dialog_is_in_the_fields_and_one_that_is_none_is_refused()
    {
        var page = await Open("/?lang=en");
        await Drop(
            page,
            "mine.json",
            """{ "name": "Dropped", "data": { "kind": "circles" }, "learningRate": 0.2, "batchSizes": [2, 16], "budget": { "epochs": 3 } }"""
        );
        await Expect(page.Locator("#spec-batchSizes")).ToHaveValueAsync("2, 16");
        await Expect(page.Locator("#start")).ToBeEnabledAsync();
        await Drop(page, "list.json", """{ "batchSizes": [2] }""");
        await Expect(page.Locator("#spec-problem")).ToContainTextAsync("\"data\" is missing");
        await Expect(page.Locator("#start")).ToBeDisabledAsync();
        Assert.Empty(troubles);
    }

    private static async Task Drop(IPage page, string name, string text)
    {
        var data = await page.EvaluateHandleAsync(
            """
            ([name, text]) => {
              const data = new DataTransfer();
              data.items.add(new File([text], name, { type: 'application/json' }));
              return data;
            }
            """,
            new[] { name, text }
        );
        await page.Locator("[role=dialog] [data-drops]").DispatchEventAsync("drop", new { dataTransfer = data });
    }

    [Fact]
    public async Task By_the_keyboard_alone_a_value_is_refused_mended_and_started()
    {
        var page = await Open("/?lang=en");
        await page.GetByRole(AriaRole.Tab, new() { Name = "Settings" }).FocusAsync();
        await page.Keyboard.PressAsync("Enter");
        await page.Locator("#spec-seeds").FocusAsync();
        await page.Keyboard.PressAsync("Control+A");
        await page.Keyboard.TypeAsync("1, x");
        await Expect(page.Locator("#spec-seeds-problem")).ToContainTextAsync("\"seeds[1]\" is \"x\"");
        await Expect(page.Locator("#start")).ToBeDisabledAsync();
        await page.Keyboard.PressAsync("Backspace");
        await page.Keyboard.TypeAsync("2");
        await Expect(page.Locator("#start")).ToBeEnabledAsync();
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.Locator("[role=dialog]")).ToHaveCountAsync(0);
        Assert.Empty(troubles);
    }

    [Fact]
    public async Task Every_text_of_every_page_is_Chinese_where_the_page_is()
    {
        var found = new SortedDictionary<string, string>(StringComparer.Ordinal);
        async Task Look(IPage page)
        {
            foreach (string text in await page.EvaluateAsync<string[]>(Texts))
            foreach (string word in Latin().Matches(Token().Replace(text, "")).Select(match => match.Value))
                if (!Staying.Contains(word))
                    found.TryAdd(word, text.Length > 160 ? text[..160] : text);
        }

        var page = await Open("/?lang=zh");
        foreach (string tab in new[] { "现成实验", "设置", "JSON" })
        {
            await page.GetByRole(AriaRole.Tab, new() { Name = tab }).ClickAsync();
            await Look(page);
        }
        await page.FillAsync("#spec-json", "{ \"batchSizes\": [0] }");
        await Look(page);
        await page.Keyboard.PressAsync("Escape");
        foreach (string id in new[] { "#fork", "#share" })
        {
            await Expect(page.Locator("[role=dialog]")).ToHaveCountAsync(0);
            await page.ClickAsync(id);
            await Expect(page.Locator("[role=dialog]")).ToHaveCountAsync(1);
            await Look(page);
            await page.Keyboard.PressAsync("Escape");
        }
        await Expect(page.Locator("[role=dialog]")).ToHaveCountAsync(0);
        await page.ClickAsync("#plane button");
        await Look(page);
        await page.Keyboard.PressAsync("Escape");
        await page.Locator("[data-run] .colour").First.ClickAsync();
        await Look(page);
        await page.Keyboard.PressAsync("Escape");

        // Four charts at a time, and the batch at the playhead.
        string[] charts = await page.Locator("[data-stage=charts] .chooser")
            .First.Locator("option")
            .EvaluateAllAsync<string[]>("options => options.map(option => option.value)");
        foreach (string[] four in charts.Chunk(4))
        {
            await page.EvaluateAsync("charts => { location.hash = `v=1&t=60&charts=${charts}`; }", string.Join(',', four));
            await Expect(page.Locator($"[data-chart={four[0]}]")).ToHaveCountAsync(1);
            await page.EvaluateAsync("() => window.batchviz.idle()");
            await page.Locator($"[data-chart={four[0]}] .more").ClickAsync();
            await Look(page);
            await page.Keyboard.PressAsync("Escape");
        }
        await Expect(page.Locator("section.batch")).ToContainTextAsync("重放", new() { Timeout = 20_000 });
        await Look(page);

        foreach (string path in new[] { "/recordings", "/join/0000", browser.ViewerLink[browser.Url.Length..] })
        {
            await page.GotoAsync(browser.Url + path);
            if (path == "/recordings")
                await Expect(page.Locator(".recordings h2").First).ToBeVisibleAsync();
            else if (path != "/join/0000")
                await Probe.Until(page, "the viewer's picture", now => now.Grid is not null);
            await Look(page);
        }
        troubles.RemoveAll(trouble => trouble.Contains("403", StringComparison.Ordinal)); // the link that is not valid
        Assert.Empty(troubles);
        Assert.True(found.Count == 0, string.Join('\n', found.Select(pair => $"{pair.Key}: {pair.Value}")));
    }

    /// <summary>
    /// All that a page says to anyone, seen or not: text, what is said to screen readers, tooltips, and the page's own title and
    /// description.
    /// </summary>
    private const string Texts = """
        () => {
          const said = [document.title, document.querySelector('meta[name=description]')?.content ?? ''];
          const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT, node => ['SCRIPT', 'STYLE', 'NOSCRIPT', 'TEXTAREA'].includes(node.nodeName) ? NodeFilter.FILTER_REJECT : NodeFilter.FILTER_ACCEPT);
          for (let node = walk.currentNode; node !== null; node = walk.nextNode()) {
            if (node.nodeType === Node.TEXT_NODE) said.push(node.data);
            else for (const name of ['aria-label', 'aria-description', 'aria-valuetext', 'aria-roledescription', 'title', 'alt', 'placeholder']) said.push(node.getAttribute?.(name) ?? '');
          }
          return said.map(text => text.trim()).filter(text => text !== '');
        }
        """;

    /// <summary>Names, units, symbols, keys and words of the experiment file, which are the same in every language.</summary>
    private static readonly HashSet<string> Staying =
    [
        "BatchViz",
        "TorchSharp",
        "PyTorch",
        "Python",
        "libtorch",
        "NVIDIA",
        "CUDA",
        "NuGet",
        "BATCHVIZ",
        "LIBTORCH",
        "JavaScript",
        "EN",
        "English", // the language's button, in the language that it leads to
        "MNIST",
        "Fashion",
        "CIFAR",
        "Moons",
        "Beale",
        "MLP",
        "LeNet",
        "MobileNet",
        "BatchNorm",
        "InfoNCE",
        "PCA",
        "SGD",
        "LARS",
        "BFGS",
        "Wolfe",
        "Nesterov",
        "Adam",
        "AdamW",
        "AdaGrad",
        "AdaDelta",
        "RMSprop",
        "ReLU",
        "GELU",
        "Sigmoid",
        "tanh",
        "He",
        "Glorot",
        "LeCun",
        "Hessian",
        "Keskar",
        "McCandlish",
        "Fisher",
        "Rao",
        "simple",
        "tr",
        "epoch",
        "full",
        "float",
        "TF",
        "BF",
        "FP", // precisions
        "AVX",
        "GFLOP",
        "FLOP",
        "FLOPs",
        "nat",
        "kB",
        "MB",
        "GB",
        "PNG",
        "SVG",
        "CSV",
        "JSON",
        "IDX",
        "TensorBoard",
        "Safetensors",
        "bviz",
        "HTML",
        "Alt",
        "Ctrl",
        "Shift",
        "Enter",
        "Esc",
        "Home",
        "End",
    ];

    /// <summary>Ids of runs, paths and addresses, and what is quoted from an experiment file or a command line.</summary>
    [GeneratedRegex("""\bb\d+(-[su]\d+)*\b|"[A-Za-z.\[\]0-9-]+"|https?://\S+|(?<!\S)/\S+|--[a-z-]+|-p:\w+=\w+""")]
    private static partial Regex Token();

    [GeneratedRegex("[A-Za-z]{2,}")]
    private static partial Regex Latin();

    private async Task<IPage> Open(string path)
    {
        var page = await browser.NewPage(troubles, []);
        page.SetDefaultTimeout(Patience);
        await page.GotoAsync(browser.Url + path);
        await page.Locator("#new-experiment:not([disabled])").ClickAsync();
        await Expect(page.Locator("[role=dialog]")).ToHaveCountAsync(1);
        return page;
    }
}
