using System.Text;
using BatchViz.Core.Data;
using BatchViz.Core.Numerics;
using BatchViz.Core.Specs;
using BatchViz.Engine.Cpu;
using BatchViz.Recording;
using BatchViz.Recording.Storage;
using BatchViz.Recording.Tests.Storage;
using BatchViz.Telemetry;

namespace BatchViz.Training.Tests;

/// <summary>Real experiments, recorded on disks that crash or fail, by clocks that jump.</summary>
public sealed class RecordingCrashTests
{
    private const string Moons = """
        { "data": { "kind": "moons", "trainExamples": 50 }, "model": { "hidden": [4], "activation": "tanh" }, "learningRate": 0.1,
          "optimizer": { "kind": "momentum" }, "batchSizes": [1, 8], "seeds": [1, 2], "budget": { "updates": 120000 } }
        """;

    /// <summary>One of its runs diverges at once, the others go on.</summary>
    private const string Diverging = """
        { "data": { "kind": "line", "trainExamples": 64 }, "learningRate": { "4": 0.05, "8": 100 }, "batchSizes": [4, 8], "budget": { "updates": 120000 } }
        """;

    [Theory]
    [InlineData(Moons, 512L << 20, 16)]
    [InlineData(Moons, 6000L, 12)]
    [InlineData(Diverging, 512L << 20, 12)]
    public async Task After_any_crash_a_resume_ends_with_the_same_bits(string text, long budget, int states)
    {
        var plan = Plan(text);
        using var engine = new CpuEngine();
        using var files = new CrashingFiles();
        Dictionary<string, string> hashes,
            evaluations;
        long certain;
        using (
            var experiment = new Experiment(
                plan,
                engine,
                new ExperimentOptions
                {
                    Files = files,
                    Landscape = false,
                    RecordingBytes = budget,
                }
            )
        )
        {
            certain = files.Operations;
            await Ended(experiment);
            (hashes, evaluations) = (Hashes(experiment), Evaluations(experiment));
            Assert.True(experiment.Recorder!.Flush(Timeouts.Hang));
        }
        var random = new Philox(1, Purpose.Fuzz);
        for (int s = 0; s < states; s++)
        {
            int at = (int)certain + random.Below((ulong)s, files.Operations - (int)certain + 1);
            using var left = files.After(at, (CrashKind)(s % 4), new Philox(2, Purpose.Fuzz, (ulong)s));
            using var folder = RecordingFolder.Open(left, RecordingManifest.Read(left), plan);
            using var resumed = new Experiment(plan, engine, new ExperimentOptions { Landscape = false, Resume = true }, folder);
            await Ended(resumed);
            Assert.Equal(hashes, Hashes(resumed));
            Assert.Equal(evaluations, Evaluations(resumed));
            Assert.Equal(ExperimentState.Finished, resumed.State);
        }
    }

    [Fact]
    public async Task A_run_that_was_stopped_between_two_coarse_buckets_goes_on_to_its_end()
    {
        // Buckets of a million records are kept; memory holds 32,768.
        string text = Moons.Replace("120000", "600000").Replace("[1, 8]", "[8]").Replace("[1, 2]", "[1]");
        var plan = Plan(text);
        using var engine = new CpuEngine();
        using var files = new MemoryFiles();
        using (
            var experiment = new Experiment(
                plan,
                engine,
                new ExperimentOptions
                {
                    Files = files,
                    Landscape = false,
                    RecordingBytes = 100,
                }
            )
        )
        {
            experiment.Start();
            Assert.True(SpinWait.SpinUntil(() => experiment.Runs[0].Log.Count > 1000, Timeouts.Hang));
            experiment.Stop();
            await experiment.Ended.WaitAsync(Timeouts.Hang);
            Assert.InRange(experiment.Runs[0].Log.Count, 1001, 599_999);
        }
        using var folder = RecordingFolder.Open(files, RecordingManifest.Read(files), plan);
        Assert.True(folder.Runs[0].Log.Plan.LevelAt(0) >= 10);
        using var resumed = new Experiment(plan, engine, new ExperimentOptions { Landscape = false, Resume = true }, folder);
        await Ended(resumed);
        Assert.Equal((600_000, RunState.Finished, null), (resumed.Runs[0].Log.Count, resumed.Runs[0].Log.State, resumed.RecordingProblem));
    }

    [Fact]
    public async Task A_budget_in_seconds_that_was_spent_stays_spent()
    {
        var plan = Plan(Moons.Replace("\"updates\": 120000", "\"seconds\": 0.2"));
        using var engine = new CpuEngine();
        using var files = new MemoryFiles();
        Dictionary<string, string> hashes;
        using (var experiment = new Experiment(plan, engine, new ExperimentOptions { Files = files, Landscape = false }))
        {
            await Ended(experiment);
            hashes = Hashes(experiment);
        }
        // Without its timings nothing else says when it was.
        foreach (string name in files.List("runs").Where(name => name.EndsWith(".times", StringComparison.Ordinal)))
            files.Delete($"runs/{name}");
        using var folder = RecordingFolder.Open(files, RecordingManifest.Read(files), plan);
        using var resumed = new Experiment(plan, engine, new ExperimentOptions { Landscape = false, Resume = true }, folder);
        Assert.Null(resumed.Recorder);
        await Ended(resumed);
        Assert.Equal((ExperimentState.Finished, hashes.Count), (resumed.State, Hashes(resumed).Count));
        Assert.Equal(hashes, Hashes(resumed));
    }

    [Fact]
    public async Task A_disk_that_fills_up_is_told_and_training_goes_on()
    {
        using var engine = new CpuEngine();
        using var plain = new Experiment(Plan(Moons), engine, new ExperimentOptions { Landscape = false });
        await Ended(plain);
        using var disk = new MemoryFiles();
        var files = new FailingFiles(disk, int.MaxValue, "No space left on device", stays: true);
        using var experiment = new Experiment(Plan(Moons), engine, new ExperimentOptions { Files = files, Landscape = false });
        // The recording has begun; how many operations that takes is its own affair.
        files.FailFromNow();
        await Ended(experiment);
        Assert.Equal(Hashes(plain), Hashes(experiment));
        Assert.False(experiment.Recorder!.Flush(Timeouts.Hang));
        Assert.Contains("No space left on device", experiment.RecordingProblem);
        Assert.Contains(
            "cannot be recorded",
            Assert
                .Throws<RefusedException>(() => experiment.Fork(experiment.Runs[0].Plan.Id, 100, new Dictionary<string, string>()))
                .Message
        );
        var refused = Assert.Throws<RefusedException>(() =>
            new Experiment(
                Plan(Moons),
                engine,
                new ExperimentOptions { Files = new FailingFiles(new MemoryFiles(), 3, "No space left on device", stays: true) }
            )
        );
        Assert.Contains("nothing recorded", refused.Message);
    }

    [Fact]
    public async Task A_clock_that_is_set_back_a_day_changes_nothing()
    {
        var hashes = new List<Dictionary<string, string>>();
        using var engine = new CpuEngine();
        foreach (var clock in new[] { TimeProvider.System, new Jumping() })
        {
            using var files = new MemoryFiles();
            using var experiment = new Experiment(
                Plan(Moons),
                engine,
                new ExperimentOptions
                {
                    Files = files,
                    Landscape = false,
                    Clock = clock,
                }
            );
            await Ended(experiment);
            Assert.Null(experiment.RecordingProblem);
            Assert.All(experiment.Runs, run => Assert.True(run.Result!.Seconds > 0));
            hashes.Add(Hashes(experiment));
        }
        Assert.Equal(hashes[0], hashes[1]);
    }

    /// <summary>A day earlier whenever it is asked.</summary>
    private sealed class Jumping : TimeProvider
    {
        private int asked;

        public override DateTimeOffset GetUtcNow() => DateTimeOffset.UnixEpoch.AddYears(50).AddDays(-Interlocked.Increment(ref asked));
    }

    private static ExperimentPlan Plan(string text)
    {
        var spec = SpecReader.Read(Encoding.UTF8.GetBytes(text));
        return SpecResolver.Resolve(spec, DataSource.Load(spec.Data, name => throw new FileNotFoundException(name)));
    }

    private static Task Ended(Experiment experiment)
    {
        experiment.Start();
        return experiment.Ended.WaitAsync(Timeouts.Hang);
    }

    private static Dictionary<string, string> Hashes(Experiment experiment) =>
        experiment.Runs.ToDictionary(run => run.Plan.Id, run => run.Result!.WeightsSha256);

    private static Dictionary<string, string> Evaluations(Experiment experiment) =>
        experiment.Runs.ToDictionary(
            run => run.Plan.Id,
            run => string.Join('\n', run.Log.Evaluations.ToArray().Select(point => $"{point with { LaneSeconds = 0 }}"))
        );
}
