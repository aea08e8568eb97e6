using Microsoft.Playwright;

// Every page draws with the processor here; one at a time is enough for two cores.
[assembly: CollectionBehavior(DisableTestParallelization = true)]

namespace BatchViz.Browser.Tests;

/// <summary>One program, as a fresh start gives it, and one headless Chromium for the tests of a class.</summary>
public abstract class BrowserFixture(string? experiment) : IAsyncLifetime
{
    /// <summary>
    /// WebGL 2 without a graphics card, and nothing that asks the network on its own. Only WebGL is drawn as a graphics card would: where
    /// the whole page is, by the processor, it gets about one frame a second beside other work.
    /// </summary>
    private static readonly string[] Arguments =
    [
        "--use-angle=swiftshader",
        "--enable-unsafe-swiftshader",
        "--ignore-gpu-blocklist",
        "--disable-gpu-compositing",
        "--disable-gpu-rasterization",
        "--no-sandbox",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
    ];

    private IPlaywright? playwright;
    private IBrowser? browser;
    private HostProcess? host;

    /// <summary>
    /// At most fifteen frames a second. The processor draws the landscape here, which at the screen's own pace takes a core for as long as
    /// a run trains; no test judges how smooth a picture is.
    /// </summary>
    private const string FewerFrames = """
        (() => {
          const next = requestAnimationFrame.bind(window), waiting = new Map();
          let last = 0, id = 0;
          window.requestAnimationFrame = (callback) => {
            const me = ++id, begin = () => { waiting.delete(me); next((now) => { last = now; callback(now); }); };
            waiting.set(me, setTimeout(begin, Math.max(0, last + 1000 / 15 - performance.now())));
            return me;
          };
          window.cancelAnimationFrame = (me) => clearTimeout(waiting.get(me));
        })();
        """;

    public string Url => host!.Url;

    public string ViewerLink => host!.ViewerLink;

    public async Task InitializeAsync()
    {
        host = await StartHost();
        playwright = await Playwright.CreateAsync();
        browser = await playwright.Chromium.LaunchAsync(new() { ExecutablePath = FindChromium(), Args = Arguments });
    }

    /// <summary>The server is gone, and does not come back.</summary>
    public void KillHost() => host!.Kill();

    protected virtual Task<HostProcess> StartHost() => HostProcess.Start(experiment);

    public virtual async Task DisposeAsync()
    {
        if (browser is not null)
            await browser.DisposeAsync();
        playwright?.Dispose();
        host?.Dispose();
    }

    /// <summary>A page in a context of its own; what goes wrong in it is gathered in <paramref name="troubles"/>.</summary>
    /// <param name="keep">Pages that stay open; all others are closed, since each one draws without end.</param>
    /// <param name="pixels">Of the screen, for one of the page's. The processor draws them all here: a test that judges no pixel has half
    /// as many each way.</param>
    /// <param name="touch">A telephone: fingers instead of a mouse.</param>
    public async Task<IPage> NewPage(
        List<string> troubles,
        IPage[] keep,
        int width = 1440,
        int height = 900,
        ColorScheme scheme = ColorScheme.Dark,
        float pixels = 0.5f,
        bool touch = false
    )
    {
        foreach (var old in browser!.Contexts.Where(c => !c.Pages.Any(keep.Contains)).ToArray())
            await old.CloseAsync();
        var context = await browser.NewContextAsync(
            new()
            {
                BaseURL = Url,
                ViewportSize = new() { Width = width, Height = height },
                ColorScheme = scheme,
                DeviceScaleFactor = pixels,
                HasTouch = touch,
                IsMobile = touch,
            }
        );
        await context.AddInitScriptAsync(FewerFrames);
        var page = await context.NewPageAsync();
        page.Console += (_, message) =>
        {
            if (message.Type is "error" or "warning" && !OfTheseArguments(message.Text))
                troubles.Add(message.Text);
        };
        page.PageError += (_, error) => troubles.Add(error);
        page.Response += (_, answer) =>
        {
            if (answer.Status >= 400)
                troubles.Add($"{answer.Status} {answer.Url}");
        };
        return page;
    }

    /// <summary>
    /// What Chromium says because WebGL's picture is fetched from it to be composed by the processor, as <see cref="Arguments"/> ask.
    /// </summary>
    private static bool OfTheseArguments(string warning) =>
        warning.Contains("GL Driver Message") && warning.Contains("GPU stall due to ReadPixels");

    /// <summary>CHROMIUM, or the first Chromium or Chrome on the PATH.</summary>
    private static string FindChromium()
    {
        if (Environment.GetEnvironmentVariable("CHROMIUM") is { Length: > 0 } named)
            return named;
        var folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator);
        // The first has no window, whose own tabs and buttons would be drawn for every page.
        string[] names = ["chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"];
        return names.SelectMany(name => folders.Select(folder => Path.Combine(folder, name))).FirstOrDefault(File.Exists)
            ?? throw new FileNotFoundException("No Chromium on the PATH; on Debian: apt-get install chromium-headless-shell.");
    }
}

/// <summary>What the first command shows: five batch sizes on MNIST.</summary>
public sealed class DefaultExperiment() : BrowserFixture(null);

/// <summary>The same, training for longer than any test looks.</summary>
public sealed class LongExperiment()
    : BrowserFixture(
        """
        { "name": "MNIST, long", "data": { "kind": "mnist" }, "model": { "hidden": [128, 64] }, "learningRate": 0.1, "learningRateRule": "square-root",
          "batchSizes": [1, 8, 32, 128, 512], "budget": { "epochs": 150 } }
        """
    );
