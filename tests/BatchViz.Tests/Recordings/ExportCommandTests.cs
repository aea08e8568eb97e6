using System.Globalization;
using System.IO.Compression;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using BatchViz.Core.Specs;
using BatchViz.Data;
using BatchViz.Engine.Cpu;
using BatchViz.Recording;
using BatchViz.Recording.Export;
using BatchViz.Recording.Storage;
using BatchViz.Recordings;
using BatchViz.Telemetry.Wire;
using BatchViz.Training;
using RecordedRun = BatchViz.Recording.Tests.Export.RecordedRun;

namespace BatchViz.Tests.Recordings;

/// <summary><c>batchviz export</c> and <c>batchviz import</c>, as a shell sees them.</summary>
public sealed class ExportCommandTests(RecordedMoons moons) : IClassFixture<RecordedMoons>, IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("batchviz-test-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task Every_format_has_a_name_beside_the_recording_and_is_reported_in_one_line_of_json()
    {
        foreach (var (word, format) in ExportRequest.Words)
        {
            string expected = moons.Folder + (format is ExportFormat.Bviz or ExportFormat.Html ? "." : "-") + word;

            var export = JsonNode.Parse(LastLine(await Program("export", moons.Folder, "--to", word, "--json")))!["export"]!;

            Assert.Equal(word, (string?)export["to"]);
            Assert.True((double)export["seconds"]! > 0);
            var files = export["files"]!.AsArray();
            Assert.NotEmpty(files);
            foreach (var file in files)
            {
                Assert.StartsWith(expected, (string)file!["path"]!);
                Assert.Equal(new FileInfo((string)file["path"]!).Length, (long)file["bytes"]!);
            }
            await RefusedWith("is there already", "export", moons.Folder, "--to", word);
            await Program("export", moons.Folder, "--to", word, "--force");
        }
        Assert.DoesNotContain(
            Directory.EnumerateFileSystemEntries(Path.GetDirectoryName(moons.Folder)!),
            entry => entry.EndsWith(".exporting", StringComparison.Ordinal)
        );
    }

    /// <summary>Where the data lay is known to the recording, and told to nobody who looks at it.</summary>
    [Theory]
    [InlineData("safetensors")]
    [InlineData("html")]
    public async Task The_folder_of_the_data_is_not_exported(string format)
    {
        string data = Directory.CreateDirectory(Path.Combine(folder, "private-data")).FullName,
            file = Path.Combine(folder, "rows.json");
        File.WriteAllText(
            Path.Combine(data, "rows.csv"),
            "x,y,class\n" + string.Concat(Enumerable.Range(0, 40).Select(i => $"{i % 7},{i % 5},{i % 2}\n"))
        );
        File.WriteAllText(
            file,
            """
            { "data": { "kind": "csv", "file": "rows.csv" }, "model": { "hidden": [4] }, "learningRate": 0.1, "batchSizes": [4], "budget": { "epochs": 2 } }
            """
        );
        await Program("run", file, "--data", data, "--out", Path.Combine(folder, "recorded"));

        string exported = Path.Combine(folder, "exported");
        await Program("export", Path.Combine(folder, "recorded"), "--to", format, "--out", exported);

        string[] files = File.Exists(exported) ? [exported] : Directory.GetFiles(exported);
        Assert.All(files, written => Assert.DoesNotContain("private-data", Encoding.Latin1.GetString(File.ReadAllBytes(written))));
        Assert.Contains(files, written => Encoding.Latin1.GetString(File.ReadAllBytes(written)).Contains("rows.csv"));
    }

    [Fact]
    public async Task Records_that_were_not_kept_are_exported_as_a_run_in_memory_has_them_bit_for_bit()
    {
        var plan = RecordedMoons.Plan;
        using (var files = DiskFiles.ToRead(moons.Folder))
        using (var recording = RecordingFolder.Open(files, RecordingManifest.Read(files), plan))
            Assert.All(recording.Runs, run => Assert.False(run.Log.TryRows(0, 1, new float[run.Log.Stride])));

        await Program("export", moons.Folder, "--to", "csv", "--out", Path.Combine(folder, "csv"));

        foreach (var run in plan.Runs)
            SameRecords(RecordedRun.Train(plan, run, (int)run.TotalUpdates!), Path.Combine(folder, "csv", run.Id + ".csv"));
    }

    [Fact]
    public async Task Weights_after_any_update_come_with_the_batches_after_it()
    {
        var plan = RecordedMoons.Plan;
        var trained = RecordedRun.Train(plan, plan.Runs[1], 700, 321);

        await Program(
            "export",
            moons.Folder,
            "--to",
            "safetensors",
            "--run",
            plan.Runs[1].Id,
            "--update",
            "321",
            "--batches",
            "9",
            "--out",
            Path.Combine(folder, "tensors")
        );

        byte[] file = File.ReadAllBytes(Path.Combine(folder, "tensors", $"{plan.Runs[1].Id}-update321.safetensors"));
        int header = (int)BitConverter.ToInt64(file);
        var json = JsonNode.Parse(file.AsSpan(8, header))!;
        Assert.Equal("321", (string?)json["__metadata__"]!["update"]);
        Assert.Equal([.. Enumerable.Range(321, 9).Select(record => trained.Record(record)[0])], Floats("batches.losses"));
        Assert.Equal(trained.Keyframes[0].Weights[..16], Floats("layers.0.weight"));
        Assert.Equal(2, Directory.GetFiles(Path.Combine(folder, "tensors")).Length);

        float[] Floats(string tensor)
        {
            int[] range = [.. json[tensor]!["data_offsets"]!.AsArray().Select(offset => (int)offset!)];
            return System
                .Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(file.AsSpan(8 + header + range[0], range[1] - range[0]))
                .ToArray();
        }
    }

    [Fact]
    public async Task The_page_holds_every_run_with_its_path_and_the_grid()
    {
        string recorded = Path.Combine(folder, "recorded"),
            path = recorded + ".html";
        RecordWithGrid(recorded);
        await Program("export", recorded, "--to", "html");

        string page = await File.ReadAllTextAsync(path);

        Assert.Contains("Two moons, B &gt; 1", page);
        var blocks = Regex.Matches(page, "data-block>([^<]+)</script>").Select(match => Unpacked(match.Groups[1].Value)).ToList();
        var kinds = blocks.GroupBy(block => BitConverter.ToUInt32(block)).ToDictionary(group => group.Key, group => group.Count());
        Assert.Equal((2, 2, 1), (kinds[Blocks.EvaluationsMagic], kinds[Blocks.PathsMagic], kinds[Blocks.GridMagic]));
        // Every single update, although only buckets were kept: small runs fit whole.
        Assert.All(blocks.Where(block => BitConverter.ToUInt32(block) == Blocks.TileMagic), tile => Assert.Equal(0, tile[6]));
    }

    [Fact]
    public async Task A_recording_that_was_stopped_goes_on_from_its_file_to_the_weights_of_one_that_was_not()
    {
        string stopped = Path.Combine(folder, "stopped");
        Stop(stopped, afterUpdates: 5);

        await Program("export", stopped, "--to", "bviz");
        var imported = JsonNode.Parse(
            LastLine(await Program("import", stopped + ".bviz", "--out", Path.Combine(folder, "elsewhere"), "--json"))
        )!["import"]!;
        string resumed = LastLine(await Program("resume", (string)imported["path"]!, "--json"));

        string experiment = Path.Combine(folder, "moons.json");
        await File.WriteAllTextAsync(experiment, RecordedMoons.Experiment);
        Assert.Equal(Weights(LastLine(await Program("run", experiment, "--json"))), Weights(resumed));
    }

    [Fact]
    public async Task A_fork_in_what_was_taken_in_is_the_fork_of_the_original_and_is_exported_with_its_parents_records()
    {
        await Program("export", moons.Folder, "--to", "bviz", "--out", Path.Combine(folder, "a.bviz"));
        var weights = new List<string[]>();
        foreach (string copy in new[] { "a", "b" })
        {
            string target = Path.Combine(folder, copy);
            await Program("import", Path.Combine(folder, "a.bviz"), "--out", target);
            weights.Add(
                Weights(
                    LastLine(await Program("fork", target, "--run", "b7-s1", "--update", "333", "--set", "learningRate=0.01", "--json"))
                )
            );
        }
        Assert.Equal(weights[0], weights[1]);

        string fork = Directory
            .GetFiles(Path.Combine(folder, "a", "runs"), "*.log")
            .Select(file => Path.GetFileNameWithoutExtension(file)!)
            .Except(["b2-s1", "b7-s1"])
            .Single();
        await Program("export", Path.Combine(folder, "a"), "--to", "csv");

        string[] parent = File.ReadAllLines(Path.Combine(folder, "a-csv", "b7-s1.csv")),
            child = File.ReadAllLines(Path.Combine(folder, "a-csv", fork + ".csv"));
        Assert.Equal(parent.Length, child.Length);
        for (int line = 1; line < parent.Length; line++)
        {
            string[] before = parent[line].Split(','),
                after = child[line].Split(',');
            Assert.Equal(fork, after[0]);
            Assert.Equal(line is > 333, before[4..^1].SequenceEqual(after[4..^1]) is false);
        }
    }

    [Fact]
    public async Task What_cannot_be_exported_or_taken_in_is_one_sentence_and_leaves_nothing()
    {
        string target = Path.Combine(folder, "target"),
            junk = Path.Combine(folder, "junk.bviz");
        await File.WriteAllTextAsync(junk, "no recording at all");

        await RefusedWith("not to \"xml\"", "export", moons.Folder, "--to", "xml", "--out", target);
        await RefusedWith("safetensors alone", "export", moons.Folder, "--to", "csv", "--update", "3", "--out", target);
        await RefusedWith("holds all runs", "export", moons.Folder, "--to", "bviz", "--run", "b7-s1", "--out", target);
        await RefusedWith("b9-s1", "export", moons.Folder, "--to", "csv", "--run", "b9-s1", "--out", target);
        await RefusedWith("has made only", "export", moons.Folder, "--to", "safetensors", "--update", "100000", "--out", target);
        await RefusedWith("nothing recorded", "export", folder, "--to", "bviz", "--out", target);
        await RefusedWith("There is no folder", "export", Path.Combine(folder, "nowhere"), "--to", "bviz", "--out", target);
        await RefusedWith("is a folder", "export", moons.Folder, "--to", "bviz", "--out", folder, "--force");
        await RefusedWith("is a file", "export", moons.Folder, "--to", "csv", "--out", junk, "--force");
        await RefusedWith("no .bviz", "import", junk, "--out", target);
        await RefusedWith("There is no file", "import", Path.Combine(folder, "nothing.bviz"));
        await RefusedWith("not empty", "import", junk, "--out", folder);

        Assert.Equal([junk], Directory.EnumerateFileSystemEntries(folder));
    }

    [Fact]
    public async Task By_force_files_of_the_same_names_are_replaced_and_others_stay()
    {
        string target = Path.Combine(folder, "csv");
        Directory.CreateDirectory(target);
        await File.WriteAllTextAsync(Path.Combine(target, "b2-s1.csv"), "old");
        await File.WriteAllTextAsync(Path.Combine(target, "mine.txt"), "mine");

        await Program("export", moons.Folder, "--to", "csv", "--run", "b2-s1", "--out", target, "--force");

        Assert.Equal(
            ["b2-s1-evaluations.csv", "b2-s1.csv", "mine.txt"],
            Directory.EnumerateFiles(target).Select(Path.GetFileName).Order(StringComparer.Ordinal)
        );
        Assert.Equal("mine", await File.ReadAllTextAsync(Path.Combine(target, "mine.txt")));
        Assert.StartsWith("run,update,", await File.ReadAllTextAsync(Path.Combine(target, "b2-s1.csv")));
    }

    private static void SameRecords(RecordedRun expected, string csv)
    {
        string[] lines = File.ReadAllLines(csv);
        Assert.Equal(expected.Count, lines.Length - 1);
        for (int record = 0; record < expected.Count; record++)
        {
            float[] values = [.. lines[record + 1].Split(',')[4..^1].Select(text => float.Parse(text, CultureInfo.InvariantCulture))];
            Assert.Equal(Bits(expected.Record(record).ToArray()), Bits(values));
        }
    }

    /// <summary>Of all that is not a number, text says only that it is none.</summary>
    private static int[] Bits(float[] values) =>
        [.. values.Select(value => float.IsNaN(value) ? -1 : BitConverter.SingleToInt32Bits(value))];

    /// <summary>Records the experiment and stops it after a few updates.</summary>
    private static void Stop(string folder, int afterUpdates)
    {
        using var engine = new CpuEngine();
        using var files = DiskFiles.ToWrite(folder);
        using var experiment = new Experiment(
            RecordedMoons.Plan,
            engine,
            new ExperimentOptions
            {
                Held = true,
                Landscape = false,
                Files = files,
            }
        );
        experiment.Start();
        for (int updates = 1; updates <= afterUpdates; updates++)
        {
            experiment.StepOnce();
            Assert.True(SpinWait.SpinUntil(() => experiment.Runs.All(run => run.Log.Count >= updates), TimeSpan.FromSeconds(60)));
        }
        experiment.Stop();
        Assert.True(experiment.Ended.Wait(TimeSpan.FromSeconds(60)));
    }

    /// <summary>Records the experiment to its end, and its landscape until the grid is finished.</summary>
    private static void RecordWithGrid(string folder)
    {
        using var engine = new CpuEngine();
        using var files = DiskFiles.ToWrite(folder);
        using var experiment = new Experiment(RecordedMoons.Plan, engine, new ExperimentOptions { Files = files });
        experiment.Start();
        Assert.True(SpinWait.SpinUntil(() => experiment.Finished && experiment.LandscapeSettled, TimeSpan.FromSeconds(90)));
    }

    private static byte[] Unpacked(string block)
    {
        using var gzip = new GZipStream(new MemoryStream(Convert.FromBase64String(block)), CompressionMode.Decompress);
        var bytes = new MemoryStream();
        gzip.CopyTo(bytes);
        return bytes.ToArray();
    }

    private static string[] Weights(string line) =>
        [.. JsonNode.Parse(line)!["runs"]!.AsArray().Select(run => (string)run!["weightsSha256"]!)];

    private static string LastLine(string output) => output.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1];

    private static async Task<string> Program(params string[] arguments)
    {
        var (code, output, error) = await BuiltProgram.Run(null, arguments);
        Assert.True(code == 0, $"{string.Join(' ', arguments)}: {error}");
        return output;
    }

    private static async Task RefusedWith(string says, params string[] arguments)
    {
        var (code, output, error) = await BuiltProgram.Run(null, arguments);
        Assert.True(code == 2, $"{string.Join(' ', arguments)}: exit code {code}; {error}");
        Assert.Empty(output);
        Assert.Contains(says, error);
        Assert.Matches(@"\.\s*$", error);
    }
}
