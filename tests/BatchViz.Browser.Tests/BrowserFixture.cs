using Microsoft.Playwright;

namespace BatchViz.Browser.Tests;

/// <summary>One program and one headless Chromium for the tests of a collection.</summary>
public sealed class BrowserFixture : IAsyncLifetime
{
    /// <summary>WebGL 2 without a graphics card, and nothing that asks the network on its own.</summary>
    private static readonly string[] Arguments =
    [
        "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist", "--no-sandbox", "--disable-quic",
        "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    ];

    private IPlaywright? playwright;
    private IBrowser? browser;
    private HostProcess? host;

    public string Url => host!.Url;

    public async Task InitializeAsync()
    {
        host = await HostProcess.Start();
        playwright = await Playwright.CreateAsync();
        browser = await playwright.Chromium.LaunchAsync(new() { ExecutablePath = FindChromium(), Args = Arguments });
    }

    public async Task DisposeAsync()
    {
        if (browser is not null) await browser.DisposeAsync();
        playwright?.Dispose();
        host?.Dispose();
    }

    /// <summary>A page in a context of its own; what goes wrong in it is gathered in <paramref name="troubles"/>.</summary>
    public async Task<IPage> NewPage(List<string> troubles)
    {
        var context = await browser!.NewContextAsync(new() { BaseURL = Url, ViewportSize = new() { Width = 1440, Height = 900 } });
        var page = await context.NewPageAsync();
        page.Console += (_, message) => { if (message.Type is "error" or "warning") troubles.Add(message.Text); };
        page.PageError += (_, error) => troubles.Add(error);
        page.Response += (_, answer) => { if (answer.Status >= 400) troubles.Add($"{answer.Status} {answer.Url}"); };
        return page;
    }

    /// <summary>CHROMIUM, or the first Chromium or Chrome on the PATH.</summary>
    private static string FindChromium()
    {
        if (Environment.GetEnvironmentVariable("CHROMIUM") is { Length: > 0 } named) return named;
        var folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator);
        string[] names = ["chromium", "chromium-browser", "google-chrome"];
        return names.SelectMany(name => folders.Select(folder => Path.Combine(folder, name))).FirstOrDefault(File.Exists)
            ?? throw new FileNotFoundException("No Chromium on the PATH; on Debian: apt-get install chromium.");
    }
}
