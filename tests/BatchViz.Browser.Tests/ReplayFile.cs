using System.Text.Json.Nodes;
using BatchViz.Recording.Export;

namespace BatchViz.Browser.Tests;

/// <summary>Makes one file of the experiment that a program shows, from what the program tells every page.</summary>
public static class ReplayFile
{
    /// <summary>The page that the build lays beside the program.</summary>
    public static byte[] Page => File.ReadAllBytes(Path.Combine(HostProcess.Folder, "replay", "replay.html"));

    /// <summary>Waits for the experiment's end and its finest grid, and returns the address of a file of at most so many bytes.</summary>
    public static async Task<string> Of(string url, long budget = HtmlReplay.DefaultBudget)
    {
        using var http = new HttpClient { BaseAddress = new Uri(url) };
        byte[]? file;
        while ((file = Written(http, await Finished(http), budget)) is null) { }
        string path = Path.Combine(Directory.CreateTempSubdirectory("batchviz-replay-").FullName, "replay.html");
        await File.WriteAllBytesAsync(path, file);
        return path;
    }

    /// <summary>
    /// Null when the plane of this manifest has given way to a better fitted one, so that its paths or its grid are no more.
    /// </summary>
    private static byte[]? Written(HttpClient http, JsonNode manifest, long budget)
    {
        string root = $"/api/experiments/{manifest["generation"]}",
            plane = $"{manifest["plane"]!["id"]}";
        string[] columns = [.. manifest["columns"]!.AsArray().Select(column => (string)column!["name"]!)];
        string[] addresses =
        [
            .. manifest["runs"]!.AsArray().SelectMany(run => new[] { $"evaluations/{run!["index"]}", $"paths/{plane}/{run["index"]}" }),
            $"grids/{manifest["plane"]!["grid"]}/{manifest["plane"]!["resolution"]}",
        ];
        byte[][] blocks = [.. addresses.Select(Get)];
        // What is no more is answered with nothing.
        if (blocks.Any(block => block.Length == 0))
            return null;
        var outline = new ReplayOutline(
            (string)manifest["name"]!,
            (string)manifest["title"]!,
            [.. manifest["columns"]!.AsArray().Select(column => (bool)column!["live"]!)],
            [.. manifest["runs"]!.AsArray().Select(run => (long)run!["updates"]!)]
        );
        return HtmlReplay.Write(
            Page,
            new ReplaySource(
                System.Text.Encoding.UTF8.GetBytes(manifest.ToJsonString()),
                outline,
                blocks,
                (run, some, level, index) => Get($"tiles/{run}/{string.Join('+', some.Select(c => columns[c]))}/{level}/{index}")
            ),
            budget
        );

        byte[] Get(string address)
        {
            using var answer = http.Send(new HttpRequestMessage(HttpMethod.Get, $"{root}/{address}")).EnsureSuccessStatusCode();
            using var bytes = new MemoryStream();
            answer.Content.ReadAsStream().CopyTo(bytes);
            return bytes.ToArray();
        }
    }

    private static async Task<JsonNode> Finished(HttpClient http)
    {
        for (var limit = DateTime.UtcNow.AddMinutes(2); DateTime.UtcNow < limit; await Task.Delay(200))
        {
            var manifest = JsonNode.Parse(await http.GetStringAsync("/api/experiments/current"))!;
            if (
                (string?)manifest["state"] == "finished"
                && (int?)manifest["plane"]?["resolution"] == (int?)manifest["spec"]!["landscape"]!["resolution"]
            )
                return manifest;
        }
        throw new TimeoutException("The experiment did not end, or its grid was not finished, within two minutes.");
    }
}
