using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using BatchViz.Engine.Cpu;
using BatchViz.Recording;
using BatchViz.Recording.Storage;
using BatchViz.Telemetry;

namespace BatchViz.Training.Tests;

/// <summary>Recordings of real trainings: taken up again, replayed, left for other settings.</summary>
public class RecordingTests
{
    private const string Long = """
        { "data": { "kind": "moons", "trainExamples": 203, "testExamples": 100 }, "model": { "hidden": [8, 8], "activation": "tanh" },
          "optimizer": { "kind": "adam" }, "learningRate": 0.01, "batchSizes": [1, 8, 203], "seeds": [1, 2], "budget": { "epochs": 400 } }
        """;

    [Fact]
    public async Task A_finished_recording_is_read_back_as_it_was()
    {
        var files = new MemoryFiles();
        using var experiment = await Labs.Run(Labs.Moons, new() { Files = files });
        await Labs.Until(() => experiment.LandscapeSettled, "the finest grid");
        experiment.Dispose();
        Assert.Null(experiment.RecordingProblem);
        var manifest = RecordingManifest.Read(files);
        var plan = manifest.PlanOf(Labs.PlanOf(manifest.ReadSpec()));
        using var folder = RecordingFolder.Open(files, manifest, plan);
        Assert.Empty(folder.Damages);
        Assert.NotNull(folder.Landscape);
        foreach (var (run, read) in experiment.Runs.Zip(folder.Runs))
        {
            Assert.Equal((run.Log.State, run.Log.Count), (read.Log.State, read.Log.Count));
            Assert.Equal(run.Result! with { Seconds = 0 }, read.Log.Result! with { Seconds = 0 });
            Assert.Equal(run.Result!.Seconds, read.Log.Result!.Seconds, 1e-3);
            Assert.Equal(
                run.Log.Evaluations.ToArray().Select(e => e with { LaneSeconds = 0 }),
                read.Log.Evaluations.ToArray().Select(e => e with { LaneSeconds = 0 })
            );
            Assert.Equal(Buckets(run.Log), Buckets(read.Log));
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task A_stopped_recording_that_is_taken_up_again_ends_with_the_same_bits(int seed)
    {
        using var whole = await Labs.Run(Long, new() { Landscape = false });
        var random = new Random(seed);
        var files = new MemoryFiles();
        var manifest = await Interrupted(files, Long, random);
        int times = 1;
        while (true)
        {
            using var experiment = Taken(files, manifest, resume: true);
            experiment.Start();
            if (times++ < 4)
                await Task.WhenAny(Task.Delay(random.Next(40)), experiment.Ended);
            else
                await Labs.Ended(experiment);
            if (!experiment.Finished || experiment.Runs.Any(run => run.Result is null))
                continue;
            Assert.Equal(Labs.Hashes(whole), Labs.Hashes(experiment));
            foreach (var (run, same) in whole.Runs.Zip(experiment.Runs))
                Assert.Equal(Buckets(run.Log), Buckets(same.Log));
            return;
        }
    }

    [Fact]
    public async Task Any_batch_is_replayed_exactly_with_its_examples()
    {
        // As many records as are all still in memory, to compare with.
        using var experiment = await Labs.Run(Labs.Moons, new() { Files = new MemoryFiles(), Landscape = false });
        var random = new Random(1);
        foreach (var run in experiment.Runs)
        {
            for (int i = 0; i < 12; i++)
            {
                long update = 1 + random.NextInt64(run.Log.Count);
                var batch = experiment.Replayer.Batch(run, update, null, default);
                Assert.Equal((true, 0.0), (batch.Recorded, batch.Deviation));
                Assert.Equal(Labs.Record(run, update - 1), batch.Record);
                var indices = new int[run.Plan.Progress.LargestBatch];
                int count = experiment.Plan.BundleOf([run.Plan]).SamplerOf(0, 203).Fill(update, indices);
                Assert.Equal(indices[..count], batch.Examples.Select(e => e.Index));
                // The record's figures are those of its examples.
                Assert.Equal(batch.Record[RecordLayout.Loss], batch.Examples.Average(e => e.Loss), 1e-5);
                Assert.Equal(batch.Record[RecordLayout.ExampleNormMax], batch.Examples.Max(e => e.GradientNorm), 1e-4);
                Assert.Equal(batch.Record[RecordLayout.ExampleNormMean], batch.Examples.Average(e => e.GradientNorm), 1e-4);
            }
        }
    }

    [Fact]
    public async Task Records_that_were_not_kept_come_again_bit_for_bit()
    {
        using var experiment = await Labs.Run(Long, new() { Files = new MemoryFiles(), Landscape = false });
        Assert.True(experiment.Recorder!.Flush(Timeouts.Hang));
        var run = experiment.Runs[0];
        Assert.False(run.Log.TryRows(0, 1, new float[run.Log.Stride]));
        Assert.Equal(RunLog.ChunkLevel, run.Log.Plan.LevelAt(0));
        for (long chunk = 0; chunk < run.Log.Count >> 8; chunk += 37)
        {
            var window = experiment.Replayer.Rows(run, chunk << 8, 256, null, default);
            var bucket = new Bucket[1];
            for (int c = 0; c < run.Log.Layout.Width; c++)
            {
                Assert.True(run.Log.TryBuckets(4, chunk, c, bucket));
                float[] values = [.. Enumerable.Range(0, 256).Select(r => window.Rows[r * run.Log.Stride + c])];
                Assert.Equal((values.Where(float.IsFinite).DefaultIfEmpty(float.NaN).Min(), values[^1]), (bucket[0].Min, bucket[0].Last));
            }
        }
    }

    /// <summary>Running statistics and dropout; B = 8 ends its epochs with batches of one.</summary>
    private const string Layers = """
        { "data": { "kind": "moons", "trainExamples": 57 }, "loss": "cross-entropy", "learningRate": 0.05, "batchSizes": [8, 32], "budget": { "epochs": 90 }, "landscape": { "resolution": 9 },
          "model": { "kind": "layers", "layers": [{ "kind": "dense", "units": 40 }, { "kind": "batchNorm" }, { "kind": "activation" }, { "kind": "dropout", "rate": 0.2 }, { "kind": "dense" }] } }
        """;

    [Fact]
    public async Task A_net_of_layers_is_recorded_forked_replayed_and_taken_up_again_with_its_running_statistics()
    {
        var files = new MemoryFiles();
        using var whole = await Labs.Run(Layers, new() { Files = files });
        foreach (var (run, at) in whole.Runs.Take(2).ToList().Zip(new[] { 301L, 77L }))
        {
            Assert.True(float.IsNaN(Labs.Record(run, at - 1)[RecordLayout.NoiseScale]));
            Assert.Equal(0.0, whole.Replayer.Batch(run, at, null, default).Deviation);
            var fork = whole.Fork(run.Plan.Id, at, new Dictionary<string, string>());
            await Labs.Ended(whole);
            Assert.Equal((RunState.Finished, run.Result!.WeightsSha256), (fork.Log.State, fork.Result!.WeightsSha256));
        }
        Assert.True(double.IsFinite(whole.Landscape!.Paths[0][whole.Landscape.Paths[0].Count - 1].Loss));

        // Without its last keyframes, what is taken up again goes on from an earlier one.
        var cut = new MemoryFiles();
        var manifest = await Interrupted(cut, Layers.Replace("\"epochs\": 90", "\"epochs\": 2000"), new Random(3));
        using var taken = Taken(cut, manifest, resume: true);
        taken.Start();
        using var same = await Labs.Run(Layers.Replace("\"epochs\": 90", "\"epochs\": 2000"), new() { Landscape = false });
        await Labs.Ended(taken);
        Assert.Equal(Labs.Hashes(same), Labs.Hashes(taken));
    }

    [Fact]
    public async Task A_fork_without_other_settings_is_its_parent_once_more()
    {
        var files = new MemoryFiles();
        using var experiment = await Labs.Run(Long, new() { Files = files, Landscape = false });
        foreach (string id in new[] { "b1-s1", "b8-s2" })
        {
            var parent = experiment.Runs.Single(run => run.Plan.Id == id);
            var fork = experiment.Fork(id, 1234, new Dictionary<string, string>());
            await Labs.Ended(experiment);
            Assert.Equal((RunState.Finished, parent.Result!.WeightsSha256), (fork.Log.State, fork.Result!.WeightsSha256));
            Assert.Equal(Buckets(parent.Log), Buckets(fork.Log));
            Assert.Equal(
                parent.Log.Evaluations.ToArray().Select(e => (e.Update, e.Loss)),
                fork.Log.Evaluations.ToArray().Select(e => (e.Update, e.Loss))
            );
        }
    }

    [Fact]
    public async Task A_fork_that_is_taken_back_makes_no_more_updates_and_goes_on_to_the_same_bits_when_it_is_brought_back()
    {
        using var experiment = await Labs.Run(Long, new() { Files = new MemoryFiles(), Landscape = false });
        var parent = experiment.Runs.Single(run => run.Plan.Id == "b8-s2");
        experiment.Hold();
        var fork = experiment.Fork(parent.Plan.Id, 1234, new Dictionary<string, string>());
        Assert.Equal(ExperimentState.Held, experiment.State);
        await Labs.Until(() => fork.Log.Count >= 1234, "the fork stands where it leaves");
        experiment.UndoFork(fork.Plan.Id);
        experiment.StepOnce();
        experiment.Continue();
        await Labs.Ended(experiment);
        await Task.Delay(100);
        Assert.Equal((true, 1234L, ExperimentState.Finished), (fork.ForkUndone, fork.Log.Count, experiment.State));

        experiment.RedoFork(fork.Plan.Id);
        Assert.Equal(ExperimentState.Running, experiment.State);
        await Labs.Ended(experiment);
        Assert.Equal(
            (false, RunState.Finished, parent.Result!.WeightsSha256),
            (fork.ForkUndone, fork.Log.State, fork.Result!.WeightsSha256)
        );

        // One that has ended is only marked, and what was no fork stays.
        experiment.UndoFork(fork.Plan.Id);
        Assert.Equal((true, RunState.Finished, ExperimentState.Finished), (fork.ForkUndone, fork.Log.State, experiment.State));
        Assert.Contains("b8-s2 is no fork", Assert.Throws<RefusedException>(() => experiment.UndoFork("b8-s2")).Message);
    }

    [Fact]
    public async Task A_fork_with_other_settings_is_a_run_of_the_recording_and_is_there_when_it_is_opened_again()
    {
        var files = new MemoryFiles();
        Dictionary<string, string> hashes;
        string fork;
        using (var experiment = await Labs.Run(Long, new() { Files = files }))
        {
            var settings = new Dictionary<string, string>
            {
                ["batchSize"] = "32",
                ["learningRate"] = "0.05",
                ["optimizer"] = "momentum",
                ["budget.epochs"] = "420",
            };
            fork = experiment.Fork("b8-s1", 3000, settings).Plan.Id;
            await Labs.Ended(experiment);
            var second = experiment.Fork(fork, 3100, new Dictionary<string, string> { ["batchSize"] = "full" });
            await Labs.Ended(experiment);
            Assert.Equal(("b8-s1-u3000", "b8-s1-u3000-u3100"), (fork, second.Plan.Id));
            Assert.All(experiment.Runs, run => Assert.Equal(RunState.Finished, run.Log.State));
            Assert.Equal(420, experiment.Runs[^2].Result!.Epochs, 1.0);
            await Labs.Until(
                () =>
                    experiment.Landscape is { } landscape
                    && landscape.Paths.Count == experiment.Runs.Count
                    && landscape.Paths[^1].Count > 1,
                "the forks are on the plane"
            );
            Assert.Equal(3000u, experiment.Landscape!.Paths[^2][0].Update);
            hashes = Labs.Hashes(experiment);
        }
        using var opened = Taken(files, RecordingManifest.Read(files), resume: false);
        opened.Start();
        await Labs.Ended(opened);
        Assert.Equal(hashes, Labs.Hashes(opened));
        var batch = opened.Replayer.Batch(opened.Runs[^1], 3200, null, default);
        Assert.Equal((203, true, 0.0), (batch.Examples.Count, batch.Recorded || true, batch.Deviation));
        Assert.Equal(8, opened.Replayer.Batch(opened.Runs[^1], 2999, null, default).Examples.Count);
        Assert.Equal(32, opened.Replayer.Batch(opened.Runs[^1], 3001, null, default).Examples.Count);
    }

    [Theory]
    [InlineData("nobody", 3, "", "", "\"run\" is nobody")]
    [InlineData("b8-s1", 999_999, "", "", "has made only")]
    [InlineData("b8-s1", 3, "batchSize", "0", "\"batchSize\" is 0")]
    [InlineData("b8-s1", 3, "bachSize", "4", "\"bachSize\"")]
    public async Task A_fork_that_cannot_be_is_refused_and_nothing_changes(string run, long update, string key, string value, string says)
    {
        using var experiment = await Labs.Run(Labs.Moons, new() { Files = new MemoryFiles(), Landscape = false });
        var set = key == "" ? [] : new Dictionary<string, string> { [key] = value };
        Assert.Contains(says, Assert.Throws<RefusedException>(() => experiment.Fork(run, update, set)).Message);
        Assert.Equal(8, experiment.Runs.Count);
        Assert.True(experiment.Finished);
        Assert.Equal(8, RecordingManifest.Read(experiment.Recorder!.Files).Runs.Count);
    }

    [Fact]
    public async Task An_opened_recording_shows_its_landscape_and_takes_a_new_plane_from_its_keyframes()
    {
        var files = new MemoryFiles();
        int resolution;
        using (var experiment = await Labs.Run(Long, new() { Files = files }))
        {
            await Labs.Until(() => experiment.LandscapeSettled, "the finest grid");
            resolution = experiment.Landscape!.Resolution;
        }
        using var opened = Taken(files, RecordingManifest.Read(files), resume: false);
        opened.Start();
        await Labs.Ended(opened);
        var shown = opened.Landscape!;
        Assert.Equal((resolution, PlaneKind.Pca, opened.Runs.Count), (shown.Resolution, shown.Kind, shown.Paths.Count));
        Assert.All(shown.Paths, path => Assert.True(path.Count > 50));
        opened.FitPlane(PlaneKind.Random);
        await Labs.Until(() => opened.Landscape is { Kind: PlaneKind.Random, Resolution: 65 }, "another plane");
        Assert.All(opened.Landscape!.Paths, path => Assert.True(path.Count >= 2, $"{path.Count} points"));
        Assert.Null(opened.Recorder);
    }

    [Theory]
    [InlineData(Labs.Moons)]
    [InlineData(Labs.Beale)]
    [InlineData(BatchNorms)]
    public async Task A_plane_is_kept_so_that_gradients_and_new_points_can_be_put_on_it_when_the_recording_is_opened(string text)
    {
        var files = new MemoryFiles();
        using var experiment = await Labs.Run(text, new() { Files = files });
        await Labs.Until(() => experiment.LandscapeSettled, "the finest grid");
        var run = experiment.Runs[0];
        var moment = experiment.Replayer.Moment(run, 7, experiment.Landscape!.Plane!, null, default);
        var vectors = experiment.Landscape.Plane!.Export();
        experiment.Dispose();

        using var opened = Taken(files, RecordingManifest.Read(files), resume: false);

        var landscape = opened.Landscape!;
        var plane = Assert.IsAssignableFrom<IPlane>(landscape.Plane);
        var again = plane.Export();
        Assert.Equal(vectors.Origin, again.Origin);
        Assert.Equal(vectors.First, again.First);
        Assert.Equal(vectors.Second, again.Second);
        Assert.Equal(vectors.Statistics, again.Statistics);
        Assert.Equal(moment, opened.Replayer.Moment(opened.Runs[0], 7, plane, null, default));
        // One of the grid's corners, computed once more.
        using var evaluator = opened.Engine.CreateEvaluator(opened.Data, opened.Plan.Network);
        var corners = new float[] { float.NaN, float.NaN, float.NaN, float.NaN };
        evaluator.Grid(plane, landscape.Region, 2, opened.EvaluationSet, corners, default);
        var (n, losses) = (landscape.Resolution, landscape.Layers[^1].Losses);
        Assert.Equal([losses[0], losses[n - 1], losses[n * (n - 1)], losses[n * n - 1]], corners);
        opened.Start();
        await Labs.Until(() => opened.LandscapeSettled, "nothing to do");
        Assert.Equal(landscape.PlaneId, opened.Landscape!.PlaneId);
    }

    private const string BatchNorms = """
        { "data": { "kind": "moons", "trainExamples": 203 }, "model": { "kind": "layers", "layers": [
            { "kind": "dense", "units": 8 }, { "kind": "batchNorm" }, { "kind": "activation", "function": "tanh" }, { "kind": "dense" } ] },
          "learningRate": 0.1, "batchSizes": [8, 32], "budget": { "epochs": 4 }, "landscape": { "resolution": 17 } }
        """;

    [Fact]
    public async Task A_path_that_is_taken_up_again_has_each_update_once()
    {
        var files = new MemoryFiles();
        var manifest = await Interrupted(files, Long, new Random(5), landscape: true);
        using var taken = Taken(files, manifest, resume: true);
        taken.Start();
        await Labs.Ended(taken);
        await Labs.Until(() => taken.LandscapeSettled, "the finest grid");
        foreach (var path in taken.Landscape!.Paths)
        {
            uint[] updates = [.. path.ToArray().Select(point => point.Update)];
            Assert.Equal(updates.Distinct().Order(), updates);
        }
    }

    [Fact]
    public async Task Probes_are_at_the_same_updates_wherever_a_run_was_cut_and_taken_up_again()
    {
        const string Probed = """
            { "data": { "kind": "moons", "trainExamples": 50 }, "model": { "hidden": [4], "activation": "tanh" }, "learningRate": 0.1, "batchSizes": [8],
              "budget": { "updates": 300 }, "probes": ["gradient"] }
            """;
        var files = new MemoryFiles();
        long[] expected;
        using (var whole = await Labs.Run(Probed, new() { Files = files, Landscape = false }))
            expected = ProbedAt(whole);
        var manifest = RecordingManifest.Read(files);
        string log = $"runs/{manifest.Runs[0].Id}.log";
        byte[] bytes = files.ReadAll(log, int.MaxValue)!;
        // Cut behind each of its blocks: an evaluation may be there whose probe is not.
        for (int end = bytes.Length - 1; end > 0; end -= Math.Max(1, bytes.Length / 60))
        {
            using (var file = files.Create(log))
                file.Write(bytes.AsSpan(0, end));
            foreach (string name in files.List(Keyframes.FolderOf(manifest.Runs[0].Id)))
                files.Delete($"{Keyframes.FolderOf(manifest.Runs[0].Id)}/{name}");
            var plan = manifest.PlanOf(Labs.PlanOf(manifest.ReadSpec()));
            using var taken = new Experiment(
                plan,
                new CpuEngine(),
                new() { Resume = true, Landscape = false },
                RecordingFolder.Open(files, manifest, plan)
            );
            taken.Start();
            await Labs.Ended(taken);
            Assert.Equal(expected, ProbedAt(taken));
        }

        static long[] ProbedAt(Experiment experiment) => [.. experiment.Runs[0].Probes.ToArray().Select(point => point.Update)];
    }

    [Fact]
    public async Task A_recording_of_another_machine_does_not_pass_for_this_ones()
    {
        var files = new MemoryFiles();
        var manifest = await Interrupted(files, Long, new Random(7));
        // The data are not those of the recording: what comes again from the beginning is not what was recorded.
        foreach (var run in manifest.Runs)
        foreach (string name in files.List(Keyframes.FolderOf(run.Id)))
            files.Delete($"{Keyframes.FolderOf(run.Id)}/{name}");
        var plan = manifest.PlanOf(Labs.Plan(Long.Replace("\"trainExamples\": 203", "\"trainExamples\": 203, \"seed\": 9")));
        using var experiment = new Experiment(
            plan,
            new CpuEngine(),
            new() { Resume = true, Landscape = false },
            RecordingFolder.Open(files, manifest, plan)
        );
        experiment.Start();
        await Labs.Ended(experiment);
        Assert.All(experiment.Runs, run => Assert.Contains("does not come again as it was recorded", run.Log.Message!));
    }

    /// <summary>
    /// An engine whose bits do not come again goes on all the same: what was recorded stays, and the run says where the new segment begins.
    /// </summary>
    [Fact]
    public async Task On_an_inexact_engine_a_new_segment_begins_where_the_recording_ended()
    {
        var files = new MemoryFiles();
        var manifest = await Interrupted(files, Long, new Random(7));
        foreach (var run in manifest.Runs)
        foreach (string name in files.List(Keyframes.FolderOf(run.Id)))
            files.Delete($"{Keyframes.FolderOf(run.Id)}/{name}");
        var plan = manifest.PlanOf(Labs.Plan(Long.Replace("\"trainExamples\": 203", "\"trainExamples\": 203, \"seed\": 9")));
        var folder = RecordingFolder.Open(files, manifest, plan);
        long[] recorded = [.. folder.Runs.Select(run => run.Log.State == RunState.Finished ? 0 : run.Log.Count)];
        Assert.Contains(recorded, count => count > 0);
        using var experiment = new Experiment(
            plan,
            new TroubledEngine(-1, _ => { }) { BitExact = false },
            new() { Resume = true, Landscape = false },
            folder
        );
        experiment.Start();
        await Labs.Ended(experiment);
        for (int r = 0; r < recorded.Length; r++)
        {
            var log = experiment.Runs[r].Log;
            Assert.Equal(RunState.Finished, log.State);
            if (recorded[r] > 0)
                Assert.Matches(
                    $@"^A new segment begins after update {recorded[r]:#,0}: this engine's bits do not come again \(losses on the way there were off by up to \S+ %\)\.$",
                    log.Message!
                );
        }
    }

    /// <summary>Every bucket of every deterministic column from level 4 up.</summary>
    private static string Buckets(RunLog log)
    {
        var all = new List<Bucket>();
        var bucket = new Bucket[1];
        for (int level = RunLog.ChunkLevel; level <= RunLog.MaxLevel; level++)
        for (long i = 0; i < log.Count >> (2 * level); i++)
        for (int c = 0; c < log.Layout.Width; c++)
        {
            Assert.True(log.TryBuckets(level, i, c, bucket), $"level {level}, bucket {i}");
            all.Add(bucket[0]);
        }
        return $"{log.Count} records: {string.Join(' ', all)}";
    }

    /// <summary>A recording that was stopped somewhere.</summary>
    private static async Task<RecordingManifest> Interrupted(IFiles files, string text, Random random, bool landscape = false)
    {
        using var experiment = Labs.New(text, new() { Files = files, Landscape = landscape });
        experiment.Start();
        if (landscape)
            await Labs.Until(() => experiment.Landscape is { Resolution: > 0 }, "a plane");
        long until = 1000 + random.Next(4000);
        await Labs.Until(() => experiment.Runs[0].Log.Count > until, "some updates");
        return experiment.Recorder!.Manifest;
    }

    private static Experiment Taken(IFiles files, RecordingManifest manifest, bool resume)
    {
        var plan = manifest.PlanOf(Labs.PlanOf(manifest.ReadSpec()));
        return new Experiment(plan, new CpuEngine(), new() { Resume = resume }, RecordingFolder.Open(files, manifest, plan));
    }
}
