using System.Text.Json;
using BatchViz.Bench.Soak;
using BatchViz.Cli;

namespace BatchViz.Bench.Tests;

/// <summary><c>batchviz resume DIR --json</c> of a recording whose process was killed.</summary>
public sealed class ResumeCommandTests : IDisposable
{
    private const string Probed = """
        { "data": { "kind": "moons", "trainExamples": 100 }, "model": { "hidden": [8, 8], "activation": "tanh" }, "loss": "logistic", "learningRate": 0.1,
          "batchSizes": [1, 8], "budget": { "epochs": 20 }, "probes": ["gradient", "sharpness"], "landscape": { "resolution": 9 } }
        """;

    private readonly string folder = Directory.CreateTempSubdirectory("batchviz-resume-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task An_interrupted_recording_is_told_in_one_line_of_strict_json()
    {
        string file = Path.Combine(folder, "probed.json"),
            recording = Path.Combine(folder, "recording");
        File.WriteAllText(file, Probed);
        // Killed when everything has been trained and the landscape is about to be put in place: what is resumed comes from the logs alone.
        using (var victim = new Victim(["run", file, "--out", recording], "rename landscape:1"))
        {
            Assert.True(victim.Ends(TimeSpan.FromMinutes(2)));
            Assert.Equal(Victim.Killed, victim.Code);
        }

        var (code, output, error) = await BuiltProgram.Run(null, "resume", recording, "--json");

        Assert.True(code == CommandLine.Done, error);
        using var line = JsonDocument.Parse(output.TrimEnd().Split('\n')[^1]);
        var runs = line.RootElement.GetProperty("runs").EnumerateArray().ToList();
        Assert.Equal(2, runs.Count);
        foreach (var run in runs)
        {
            Assert.True(run.GetProperty("seconds").GetDouble() > 0);
            Assert.Equal(64, run.GetProperty("weightsSha256").GetString()!.Length);
            var cost = run.GetProperty("probes").GetProperty("cost");
            Assert.True(cost.GetProperty("marks").GetInt64() > 1);
            // A recording does not keep what a probe took.
            Assert.Equal(JsonValueKind.Null, cost.GetProperty("seconds").ValueKind);
            Assert.Equal(JsonValueKind.Null, cost.GetProperty("secondsOfAllMarks").ValueKind);
        }
    }
}
