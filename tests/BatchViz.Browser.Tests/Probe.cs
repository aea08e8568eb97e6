using System.Text.Json;
using Microsoft.Playwright;

namespace BatchViz.Browser.Tests;

/// <summary>What a page shows, as numbers: <c>window.batchviz.state()</c>.</summary>
public sealed record Probe(
    int Generation,
    double Playhead,
    bool Playing,
    bool Live,
    bool Held,
    int Sequence,
    bool Connected,
    string? Problem,
    Dictionary<string, long> Heads,
    Dictionary<string, ProbePoint> Drawn,
    Dictionary<string, int> Charts,
    ProbeGrid? Grid,
    Dictionary<string, double[]> Marks,
    Dictionary<string, double[]> CursorMarks,
    ProbeCamera? Camera,
    double[]? Zoom,
    double[]? Range,
    double? Cursor = null
)
{
    private static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web)
    {
        NumberHandling = System.Text.Json.Serialization.JsonNumberHandling.AllowNamedFloatingPointLiterals,
    };

    public static async Task<Probe> Of(IPage page) =>
        JsonSerializer.Deserialize<Probe>(await page.EvaluateAsync<string>("() => JSON.stringify(window.batchviz.state())"), Options)!;

    /// <summary>
    /// Waits until what the page shows is as wanted, and is drawn: pointers meet what the last frame drew, not the state. The last state is
    /// in the failure.
    /// </summary>
    public static async Task<Probe> Until(IPage page, string what, Func<Probe, bool> wanted, int seconds = 60)
    {
        var patience = DateTime.UtcNow.AddSeconds(seconds);
        while (true)
        {
            var now = await Of(page);
            if (wanted(now))
            {
                await page.EvaluateAsync("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))");
                return now;
            }
            if (DateTime.UtcNow > patience)
                throw new TimeoutException(
                    $"Not seen within {seconds} s: {what}. Last: {now} {string.Join(' ', now.Heads)} {string.Join(' ', now.Drawn)} {string.Join(' ', now.Charts)}"
                );
            await Task.Delay(100);
        }
    }
}

public sealed record ProbePoint(double Update, double? X, double? Y, double? Loss);

public sealed record ProbeGrid(int Id, int Plane, int Resolution);

/// <summary>Where the camera is: its target in the scene's box, the distance in units of the one that shows all, two angles.</summary>
public sealed record ProbeCamera(double X, double Y, double Z, double Distance, double Phi, double Theta);
