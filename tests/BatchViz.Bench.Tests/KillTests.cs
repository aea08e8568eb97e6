using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text;
using BatchViz.Bench.Soak;
using BatchViz.Cli;
using BatchViz.Core.Specs;
using BatchViz.Data;
using BatchViz.Engine.Cpu;
using BatchViz.Recording.Storage;
using BatchViz.Recordings;
using BatchViz.Training;

namespace BatchViz.Bench.Tests;

/// <summary>
/// kill -9 of real processes that record, at random moments and before each kind of file operation; and a disk that is full.
/// </summary>
public sealed class KillTests : IDisposable
{
    private const string Small = """
        { "data": { "kind": "moons", "trainExamples": 203 }, "model": { "hidden": [8, 8], "activation": "tanh" }, "learningRate": 0.05,
          "batchSizes": [1, 8], "seeds": [1, 2], "budget": { "updates": 800000 }, "landscape": { "resolution": 17 } }
        """;

    private readonly string folder = Directory.CreateTempSubdirectory("batchviz-kills").FullName;

    [Theory]
    [InlineData("cohorts", 3)]
    [InlineData("momentum", 2)]
    [InlineData("adam", 2)]
    [InlineData("mnist", 2)]
    public void Killed_at_random_moments_and_resumed_a_run_ends_with_the_same_bits(string name, int kills)
    {
        var outcome = new KillChain(name, KillChain.Experiments[name], folder).Run(
            kills,
            new FuzzRandom(7, kills).Below,
            CancellationToken.None
        );
        Assert.Null(outcome.Failure);
        Assert.Equal(kills, outcome.Kills);
    }

    [Fact]
    public void Killed_before_each_kind_of_file_operation_and_resumed_a_run_ends_with_the_same_bits()
    {
        string file = Written(Small),
            whole = Path.Combine(folder, "whole");
        Ends(CommandLine.Done, "run", file, "--out", whole);
        // Points in the order in which a run and a resume first reach them.
        string[] points = Points(out string[] first);
        Assert.True(points.Length > 15 && first.Length > 10, string.Join(", ", points.Concat(first)));
        int number = 0;
        foreach (string point in first)
        {
            // Before the manifest is durable, nothing is recorded, and that is said.
            string killed = Path.Combine(folder, $"before-{number++}");
            Dies($"{point}:1", "run", file, "--out", killed);
            Ends(CommandLine.Refused, "resume", killed);
        }
        string chain = Path.Combine(folder, "chain-0");
        string[] next = ["run", file, "--out", chain, "--json"];
        foreach (string point in points)
        {
            // The first writes of the four logs are the beginning itself.
            bool beginning =
                next[0] == "run"
                && (point.EndsWith(" log", StringComparison.Ordinal) || point.EndsWith("write times", StringComparison.Ordinal));
            using var victim = new Victim(next, $"{point}:{(beginning ? 6 : 1)}");
            Assert.True(victim.Ends(TimeSpan.FromMinutes(2)), point);
            next = ["resume", chain, "--json"];
            if (victim.Code == Victim.Killed && File.Exists(Path.Combine(chain, "manifest.json")))
                continue;
            if (victim.Code == CommandLine.Done)
                Assert.Null(SameRecording.Difference(whole, chain));
            else
                Assert.Equal(Victim.Killed, victim.Code);
            chain = Path.Combine(folder, $"chain-{++number}");
            next = ["run", file, "--out", chain, "--json"];
        }
        Ends(CommandLine.Done, next);
        Assert.Null(SameRecording.Difference(whole, chain));
    }

    [Fact]
    public void A_full_disk_is_told_with_exit_code_1_and_what_was_recorded_before_goes_on_elsewhere()
    {
        string disk = Path.Combine(folder, "disk"),
            file = Written(Small.Replace("203", "500").Replace("[8, 8]", "[64, 64]").Replace("[1, 8]", "[128]").Replace("800000", "6000"));
        Directory.CreateDirectory(disk);
        // A real file system of 300 KB; where it may not be mounted, a limit on the size of files does the same to the log.
        bool mounted = OperatingSystem.IsLinux() && Shell($"mount -t tmpfs -o size=300k tmpfs '{disk}'") == 0;
        string recording = Path.Combine(disk, "recording"),
            saved = Path.Combine(folder, "saved"),
            whole = Path.Combine(folder, "whole-disk");
        try
        {
            string program = Path.Combine(AppContext.BaseDirectory, "batchviz.dll"),
                told = Path.Combine(folder, "told");
            int code = Shell(
                $"{(mounted ? "" : "trap '' XFSZ; ulimit -f 300; ")}dotnet '{program}' run '{file}' --out '{recording}' --json > '{told}' 2>&1"
            );
            Assert.Equal(CommandLine.Failed, code);
            Assert.Contains("Nothing more is recorded", File.ReadAllText(told).ReplaceLineEndings(" "));
            Assert.True(SameRecording.IsUnfinished(recording));
            Assert.Equal(0, Shell($"cp -r '{recording}' '{saved}'"));
        }
        finally
        {
            if (mounted)
                Shell($"umount '{disk}'");
        }
        Ends(CommandLine.Done, "resume", saved);
        Ends(CommandLine.Done, "run", file, "--out", whole);
        Assert.Null(SameRecording.Difference(whole, saved));
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    /// <summary>The points of a run and a resume in this process, and of those the ones before the manifest has its name.</summary>
    private string[] Points(out string[] beforeManifest)
    {
        var reached = new ConcurrentQueue<string>();
        var data = new DataFiles(null);
        var plan = data.Plan(SpecReader.Read(Encoding.UTF8.GetBytes(Small.Replace("800000", "300000"))), trusted: true);
        using var engine = new CpuEngine();
        string at = Path.Combine(folder, "watched");
        using (var files = KillingFiles.Watching(DiskFiles.ToWrite(at), reached.Enqueue))
        using (var experiment = new Experiment(plan, engine, new ExperimentOptions { Files = files, RecordingBytes = 40_000 }))
        {
            experiment.Start();
            Assert.True(SpinWait.SpinUntil(() => experiment.Runs.All(run => run.Log.Count > 100_000), TimeSpan.FromMinutes(1)));
            experiment.Stop();
            Assert.True(SpinWait.SpinUntil(() => experiment.Finished, TimeSpan.FromMinutes(1)));
        }
        string[] all = [.. reached];
        beforeManifest = [.. all[..(Array.IndexOf(all, "rename manifest") + 1)].Distinct()];
        using (var files = KillingFiles.Watching(DiskFiles.ToWrite(at), reached.Enqueue))
        using (
            var experiment = new Experiment(
                plan,
                engine,
                new ExperimentOptions { Resume = true },
                RecordingFiles.Open(files, Recording.RecordingManifest.Read(files), plan)
            )
        )
        {
            experiment.Start();
            Assert.True(SpinWait.SpinUntil(() => experiment.Finished, TimeSpan.FromMinutes(1)));
        }
        // Writes go on after the beginning; a torn one is cut off by the resume after it.
        string[] begun = [.. beforeManifest.Where(point => !point.Contains("write log"))];
        return
        [
            .. reached
                .Distinct()
                .Except(begun)
                .SelectMany<string, string>(point => point == "half write log" ? [point, "cut log"] : [point]),
        ];
    }

    private string Written(string experiment)
    {
        string file = Path.Combine(folder, $"{Guid.NewGuid():N}.json");
        File.WriteAllText(file, experiment);
        return file;
    }

    private static void Ends(int code, params string[] arguments)
    {
        using var process = new Victim(arguments);
        Assert.True(process.Ends(TimeSpan.FromMinutes(2)), "it does not end");
        Assert.True(process.Code == code, $"{string.Join(' ', arguments)}: exit code {process.Code}: {process.Error}");
        if (code == CommandLine.Refused)
            Assert.Contains("nothing recorded", process.Error);
    }

    private static void Dies(string point, params string[] arguments)
    {
        using var process = new Victim(arguments, point);
        Assert.True(process.Ends(TimeSpan.FromMinutes(2)), point);
        Assert.True(process.Code == Victim.Killed && process.Output.Length == 0, $"{point}: exit code {process.Code}");
    }

    private static int Shell(string command)
    {
        using var process = Process.Start("sh", ["-c", command])!;
        process.WaitForExit();
        return process.ExitCode;
    }
}
