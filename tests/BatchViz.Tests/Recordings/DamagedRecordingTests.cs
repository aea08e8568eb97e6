using System.Text.Json.Nodes;

namespace BatchViz.Tests.Recordings;

/// <summary>Recordings with lost or exchanged files, and with runs that diverged, as a shell sees their exports.</summary>
public sealed class DamagedRecordingTests : IDisposable
{
    /// <summary>B = 8 diverges after a few updates, the others train to their end.</summary>
    private const string Experiment = """
        { "name": "One diverges", "data": { "kind": "line", "trainExamples": 64 }, "learningRate": { "4": 0.05, "8": 100, "full": 0.05 },
          "batchSizes": [4, 8, "full"], "budget": { "updates": 300 }, "landscape": { "resolution": 9 } }
        """;

    private readonly string folder = Directory.CreateTempSubdirectory("batchviz-test-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private string Recorded => Path.Combine(folder, "recorded");

    [Fact]
    public async Task What_is_lost_of_a_log_is_said_and_ends_with_1_and_the_rest_is_exported()
    {
        await Record();
        string log = Path.Combine(Recorded, "runs", "b4-s1.log");
        using (var file = new FileStream(log, FileMode.Open))
            file.SetLength(file.Length - 10);
        foreach (string format in new[] { "csv", "bviz", "tensorboard", "safetensors", "html" })
        {
            var (code, output, error) = await BuiltProgram.Run(null, "export", Recorded, "--to", format, "--json");

            Assert.Equal(1, code);
            Assert.Contains("runs/b4-s1.log: a block is cut short at byte ", error);
            Assert.Contains("the rest is lost.", error);
            Assert.NotEmpty(JsonNode.Parse(output.Trim().Split('\n')[^1])!["export"]!["files"]!.AsArray());
        }
        string[] healthy = await File.ReadAllLinesAsync(Path.Combine(folder, "recorded-csv", "b64-s1.csv"));
        Assert.Equal(301, healthy.Length);
        var (taken, _, refusal) = await BuiltProgram.Run(
            null,
            "import",
            Path.Combine(folder, "recorded.bviz"),
            "--out",
            Path.Combine(folder, "taken")
        );
        Assert.True(taken == 0, refusal);
    }

    [Fact]
    public async Task Exchanged_logs_and_timings_are_not_exported_and_not_gone_on_with()
    {
        await Record();
        foreach (string ending in new[] { "log", "times" })
        {
            string one = Path.Combine(Recorded, "runs", $"b4-s1.{ending}"),
                other = Path.Combine(Recorded, "runs", $"b64-s1.{ending}");
            Exchange(one, other);
            byte[][] before = [await File.ReadAllBytesAsync(one), await File.ReadAllBytesAsync(other)];

            var (exported, _, error) = await BuiltProgram.Run(
                null,
                "export",
                Recorded,
                "--to",
                "csv",
                "--out",
                Path.Combine(folder, ending)
            );
            var (forked, _, refusal) = await BuiltProgram.Run(null, "fork", Recorded, "--run", "b8-s1", "--update", "1");

            Assert.Equal((1, 2), (exported, forked));
            Assert.Contains($"runs/b4-s1.{ending}: it belongs to the run b64-s1; nothing of it is used.", error);
            Assert.Contains("put it back where it belongs.", refusal);
            Assert.Equal(before, [await File.ReadAllBytesAsync(one), await File.ReadAllBytesAsync(other)]);
            string[] rows = await File.ReadAllLinesAsync(Path.Combine(folder, ending, "b4-s1.csv"));
            Assert.Equal(ending == "log" ? 1 : 301, rows.Length);
            Exchange(one, other);
        }

        static void Exchange(string one, string other)
        {
            File.Move(one, one + ".away");
            File.Move(other, one);
            File.Move(one + ".away", other);
        }
    }

    [Fact]
    public async Task A_run_that_diverged_has_one_count_and_keeps_no_other_run_from_being_exported()
    {
        var run = (await Record())["runs"]!.AsArray().Single(run => (bool)run!["diverged"]!)!;
        int updates = (int)run["updates"]!;
        await Ended(0, "export", Recorded, "--to", "csv");
        string[][] rows =
        [
            .. (await File.ReadAllLinesAsync(Path.Combine(folder, "recorded-csv", "b8-s1.csv"))).Select(row => row.Split(',')),
        ];
        int noise = Array.IndexOf(rows[0], "noiseScale"),
            step = Array.IndexOf(rows[0], "updateNorm");
        Assert.Equal(updates, rows[1..].Count(row => row[step] != ""));
        Assert.Equal(updates + 1, (int)run["divergedAt"]!);
        Assert.Equal(("", ""), (rows[^1][noise], rows[^1][step]));

        string error = await Ended(0, "export", Recorded, "--to", "safetensors", "--update", $"{updates + 50}");

        Assert.Contains($"b8-s1 has made only {updates} updates: it diverged at update {updates + 1}.", error);
        HashSet<string> files =
        [
            .. Directory.GetFiles(Path.Combine(folder, "recorded-safetensors")).Select(file => Path.GetFileName(file)!),
        ];
        HashSet<string> expected =
        [
            $"b4-s1-update{updates + 50}.safetensors",
            "b4-s1-update300.safetensors",
            $"b64-s1-update{updates + 50}.safetensors",
            "b64-s1-update300.safetensors",
            $"b8-s1-update{updates}.safetensors",
            "landscape.safetensors",
        ];
        Assert.Equal(expected, files);
        await Ended(
            0,
            "export",
            Recorded,
            "--to",
            "safetensors",
            "--run",
            "b8-s1",
            "--update",
            "1",
            "--out",
            Path.Combine(folder, "early")
        );
        Assert.Contains(
            "has made only",
            await Ended(
                2,
                "export",
                Recorded,
                "--to",
                "safetensors",
                "--run",
                "b8-s1",
                "--update",
                $"{updates + 1}",
                "--out",
                Path.Combine(folder, "late")
            )
        );
    }

    private async Task<JsonNode> Record()
    {
        string file = Path.Combine(folder, "experiment.json");
        await File.WriteAllTextAsync(file, Experiment);
        var (code, output, error) = await BuiltProgram.Run(null, "run", file, "--out", Recorded, "--json");
        Assert.True(code == 0, error);
        return JsonNode.Parse(output.Trim().Split('\n')[^1])!;
    }

    private static async Task<string> Ended(int expected, params string[] arguments)
    {
        var (code, _, error) = await BuiltProgram.Run(null, arguments);
        Assert.True(code == expected, $"{string.Join(' ', arguments)}: exit code {code}; {error}");
        return error;
    }
}
