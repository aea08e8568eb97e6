using System.Text;
using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using BatchViz.Core.Numerics;
using BatchViz.Core.Specs;
using BatchViz.Engine.Cpu;
using BatchViz.Recording.Storage;
using BatchViz.Telemetry;

namespace BatchViz.Recording.Tests.Storage;

/// <summary>
/// An experiment that no engine trains: its records, evaluations and keyframes are functions of run and update. So what must be in
/// a recording is known, whatever happened to it, and a lane's work costs nothing.
/// </summary>
internal sealed class MadeUp
{
    public const int EvaluationEvery = 100,
        KeyframeEvery = 150;

    private readonly Dictionary<string, float[]> records = [];
    private readonly Dictionary<string, RunLog> wholes = [];

    private MadeUp(ExperimentPlan plan, RecordingManifest manifest) => (Plan, Manifest) = (plan, manifest);

    /// <summary>Without forks.</summary>
    public ExperimentPlan Plan { get; }

    /// <summary>As the experiment begins.</summary>
    public RecordingManifest Manifest { get; }

    /// <summary>Tiny nets: buckets are kept; with a small budget, coarse ones and few keyframes.</summary>
    public static MadeUp Buckets(int updates, long budget = 512 << 20) =>
        Of(
            $$"""
            { "data": { "kind": "moons", "trainExamples": 200 }, "model": { "hidden": [3] }, "learningRate": 0.1, "batchSizes": [1, 8], "budget": { "updates": {{updates}} } }
            """,
            budget
        );

    /// <summary>Larger ones: every record is kept.</summary>
    public static MadeUp Rows(int updates) =>
        Of(
            $$"""
            { "data": { "kind": "moons", "trainExamples": 200 }, "model": { "hidden": [128, 128] }, "learningRate": 0.1, "batchSizes": [128, 200], "budget": { "updates": {{updates}} } }
            """,
            512 << 20
        );

    private static MadeUp Of(string text, long budget)
    {
        var spec = SpecReader.Read(Encoding.UTF8.GetBytes(text));
        var plan = SpecResolver.Resolve(spec, DataSource.Load(spec.Data, name => throw new FileNotFoundException(name)));
        using var engine = new CpuEngine(KernelPath.Portable);
        return new MadeUp(plan, RecordingManifest.Of(plan, engine, "", DateTimeOffset.UnixEpoch, budget, null));
    }

    public static long TotalOf(RunPlan run) => run.TotalUpdates!.Value;

    public Recorder Begin(IFiles files, out IReadOnlyList<RecordedRun> runs)
    {
        runs = RecordingFolder.NewRuns(files, Manifest, Plan);
        return Recorder.Begin(files, Manifest, runs);
    }

    /// <summary>Opens what a crash has left.</summary>
    public (RecordingFolder Folder, ExperimentPlan Plan) Open(IFiles files)
    {
        var manifest = RecordingManifest.Read(files);
        var plan = manifest.PlanOf(Plan);
        return (RecordingFolder.Open(files, manifest, plan), plan);
    }

    /// <summary>Adds a run that leaves another.</summary>
    public RecordedRun Fork(Recorder recorder, ref ExperimentPlan plan, ref IReadOnlyList<RecordedRun> runs, int parent, long update)
    {
        var set = new Dictionary<string, string> { ["learningRate"] = "0.05" };
        var planned = ForkResolver.Resolve(plan, plan.Runs[parent], update, set, plan.Runs.Count);
        plan = plan with { Runs = [.. plan.Runs, planned] };
        Assert.True(recorder.Flush(Timeouts.Hang));
        var run = RecordingFolder.NewRun(recorder.Files, recorder.Manifest, plan, planned, runs);
        recorder.AddRun(run, new RecordingManifest.RunEntry(planned.Id, planned.Fork!.Parent, update, set), Keyframe(planned, update));
        runs = [.. runs, run];
        return run;
    }

    /// <summary>
    /// Makes records until a run has so many, with the evaluations and keyframes on the way, as a lane does; the last brings its end.
    /// </summary>
    public void Train(Recorder recorder, ExperimentPlan plan, RunPlan planned, RecordedRun run, long until)
    {
        if (run.Log.Ended)
            return;
        Train(plan, planned, run.Log, until, update => recorder.Add(run, Keyframe(planned, update)));
    }

    private void Train(ExperimentPlan plan, RunPlan planned, RunLog log, long until, Action<long> keyframe)
    {
        long total = TotalOf(planned);
        until = Math.Min(until, total);
        float[] all = RecordsOf(plan, planned, log);
        int width = log.Layout.Width;
        Measure();
        while (log.Count < until)
        {
            long next = Math.Min(
                until,
                Math.Min(
                    log.Count / EvaluationEvery * EvaluationEvery + EvaluationEvery,
                    log.Count / KeyframeEvery * KeyframeEvery + KeyframeEvery
                )
            );
            int some = (int)(next - log.Count);
            log.Append(all.AsSpan((int)log.Count * width, some * width), some, log.Count, next);
            Measure();
            if (log.Count % KeyframeEvery == 0 && log.Count > (planned.Fork?.Update ?? 0))
                keyframe(log.Count);
        }
        if (log.Count < total)
            return;
        keyframe(total);
        log.Result = new RunResult(planned.Id, planned.BatchSize, planned.Seed, total, 1, 2, 3, 4, 5, total, false, planned.Id);
        log.Enter(RunState.Finished);

        void Measure()
        {
            long last = log.Evaluations.Count is > 0 and var n ? log.Evaluations[n - 1].Update : -1;
            bool due = log.Count % EvaluationEvery == 0 || log.Count == total;
            if (due && log.Count >= (planned.Fork?.Update ?? 0) && log.Count > last)
                log.Evaluations.Add(Evaluation(plan, planned, log.Count));
        }
    }

    public static Keyframe Keyframe(RunPlan run, long update)
    {
        var random = new Philox((uint)run.Index, Purpose.Fuzz, (ulong)update);
        return new Keyframe(
            update,
            [random.Word(0), random.Word(1), update],
            [
                [random.Word(2), 0, 1],
            ],
            [0.5, update]
        );
    }

    /// <summary>What is read is intact, a beginning of what is true, and no less than was known to be on the disk.</summary>
    /// <param name="least">Records of each run that were there for certain.</param>
    public void Check(RecordingFolder folder, ExperimentPlan plan, IReadOnlyDictionary<string, long> least)
    {
        for (int r = 0; r < folder.Runs.Count; r++)
        {
            var (run, planned) = (folder.Runs[r], plan.Runs[r]);
            var whole = Whole(plan, planned);
            Assert.InRange(run.Log.Count, Math.Max(run.Log.First, least.GetValueOrDefault(run.Id)), TotalOf(planned));
            CheckRecords(run.Log, whole);
            Assert.True(run.Log.Evaluations.Count <= whole.Evaluations.Count);
            for (long i = 0; i < run.Log.Evaluations.Count; i++)
                Assert.Equal(whole.Evaluations[i] with { LaneSeconds = 0 }, run.Log.Evaluations[i] with { LaneSeconds = 0 });
            // All marks before the newest record that is there.
            Assert.True(
                run.Log.Evaluations.Count
                    >= Enumerable.Range(0, (int)whole.Evaluations.Count).Count(i => whole.Evaluations[i].Update < run.Log.Count)
            );
            foreach (long update in run.Keyframes.Updates)
            {
                if (run.Keyframes.Read(update) is not { } keyframe)
                    continue;
                var truth = Keyframe(planned, update);
                Assert.Equal(truth.Weights, keyframe.Weights);
                Assert.Equal(truth.OptimizerState, keyframe.OptimizerState);
                Assert.Equal(truth.Statistics, keyframe.Statistics);
            }
            if (planned.Fork is { } fork)
                Assert.True(
                    run.Keyframes.Read(fork.Update) is not null,
                    $"the keyframe {fork.Update} of {run.Id} among {string.Join(' ', run.Keyframes.Updates)}"
                );
            if (run.Log.State == RunState.Finished)
                Assert.Equal(TotalOf(planned), run.Log.Count);
        }
    }

    /// <summary>Goes on to the end of every run, and looks whether all is there then.</summary>
    public void GoOnToTheEnd(IFiles files)
    {
        var (folder, plan) = Open(files);
        using (folder)
        using (var recorder = Recorder.GoOn(files, folder.Manifest, folder.Runs))
        {
            for (int r = 0; r < folder.Runs.Count; r++)
                Train(recorder, plan, plan.Runs[r], folder.Runs[r], long.MaxValue);
            Assert.True(recorder.Flush(Timeouts.Hang), recorder.Problem);
        }
        CheckEnded(files);
    }

    public void CheckEnded(IFiles files)
    {
        var (folder, plan) = Open(files);
        using var _ = folder;
        Assert.Empty(folder.Damages);
        Check(folder, plan, plan.Runs.ToDictionary(run => run.Id, TotalOf));
        foreach (var run in folder.Runs)
        {
            Assert.Equal(RunState.Finished, run.Log.State);
            Assert.Equal(run.Id, run.Log.Result!.WeightsSha256);
            var planned = plan.Runs.Single(p => p.Id == run.Id);
            Assert.Equal(Whole(plan, planned).Evaluations.Count, run.Log.Evaluations.Count);
        }
    }

    /// <summary>The log of a run that nothing happened to.</summary>
    private RunLog Whole(ExperimentPlan plan, RunPlan planned)
    {
        if (wholes.TryGetValue(planned.Id, out var log))
            return log;
        var parent = planned.Fork is { } fork ? Whole(plan, plan.Runs.Single(run => run.Id == fork.Parent)) : null;
        var made = RecordingFolder
            .NewRun(
                new MemoryFiles(),
                Manifest,
                plan,
                planned,
                parent is null
                    ? []
                    : [new RecordedRun(planned.Fork!.Parent, parent, new Keyframes(new MemoryFiles(), Manifest.Id, planned.Fork.Parent, 0))]
            )
            .Log;
        Train(plan, planned, made, long.MaxValue, _ => { });
        return wholes[planned.Id] = made;
    }

    private static void CheckRecords(RunLog log, RunLog whole)
    {
        int width = log.Layout.Width;
        float[] rows = new float[RunLog.ChunkRows * log.Stride],
            truth = new float[rows.Length];
        for (long first = 0; first < log.Count; first += RunLog.ChunkRows)
        {
            int some = (int)Math.Min(RunLog.ChunkRows, log.Count - first);
            bool has = log.TryRows(first, some, rows);
            // Kept are all of them, the last of a run, or those that lead from where a run was taken up again to the next bucket.
            if (log.Plan.LevelAt(first) == 0)
                Assert.True(has);
            if (!has)
                continue;
            Assert.True(whole.TryRows(first, some, truth));
            for (int r = 0; r < some; r++)
                Assert.True(truth.AsSpan(r * log.Stride, width).SequenceEqual(rows.AsSpan(r * log.Stride, width)), $"record {first + r}");
        }
        Span<Bucket> one = stackalloc Bucket[1],
            other = stackalloc Bucket[1];
        for (int level = RunLog.ChunkLevel; level <= RunLog.MaxLevel; level++)
        {
            for (long i = 0; (i + 1) << (2 * level) <= log.Count; i++)
            {
                for (int c = 0; c < width; c++)
                {
                    if (!log.TryBuckets(level, i, c, one))
                    {
                        Assert.True(level < log.Plan.LevelAt(i << (2 * level)), $"bucket {i} of level {level}");
                        break;
                    }
                    Assert.True(whole.TryBuckets(level, i, c, other));
                    Assert.Equal(other[0], one[0]);
                }
            }
        }
    }

    private EvaluationPoint Evaluation(ExperimentPlan plan, RunPlan run, long update)
    {
        while (run.Fork is { } fork && update < fork.Update)
            run = plan.Runs.Single(other => other.Id == fork.Parent);
        var random = new Philox((uint)run.Index + 100, Purpose.Fuzz, (ulong)update);
        return new EvaluationPoint((uint)update, random.Word(0), random.Word(1), random.Word(2), update);
    }

    /// <summary>All records of a run, a parent's among them.</summary>
    private float[] RecordsOf(ExperimentPlan plan, RunPlan run, RunLog log)
    {
        if (records.TryGetValue(run.Id, out var made))
            return made;
        int width = log.Layout.Width;
        made = new float[TotalOf(run) * width];
        var random = new Philox((uint)run.Index, Purpose.Fuzz);
        for (int i = 0; i < made.Length; i++)
            made[i] = random.Word((ulong)i) % 97 == 0 ? float.NaN : random.Word((ulong)i) / 1e6f;
        if (run.Fork is { } fork)
            RecordsOf(plan, plan.Runs.Single(other => other.Id == fork.Parent), log).AsSpan(0, (int)fork.Update * width).CopyTo(made);
        return records[run.Id] = made;
    }
}
