using System.Diagnostics;
using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using BatchViz.Core.Numerics;
using BatchViz.Core.Sampling;
using BatchViz.Core.Specs;
using BatchViz.Recording;
using BatchViz.Recording.Storage;
using BatchViz.Telemetry;
using static BatchViz.Core.Language;

namespace BatchViz.Training;

public enum ExperimentState
{
    Running,
    Held,
    Finished,
    Stopped,
}

public sealed record ExperimentOptions
{
    /// <summary>Lanes that work at the same time; more lanes than this take turns. Results do not depend on it.</summary>
    public int LanesAtOnce { get; init; } = Environment.ProcessorCount;

    /// <summary>Whether to keep snapshots and compute the landscape.</summary>
    public bool Landscape { get; init; } = true;

    /// <summary>Whether each run's end is measured on the whole training split.</summary>
    public bool MeasureEnds { get; init; } = true;

    /// <summary>Begin held.</summary>
    public bool Held { get; init; }

    /// <summary>Bytes for the snapshots along all paths; fewer points a path are kept when weights are large.</summary>
    public long SnapshotBytes { get; init; } = 512L << 20;

    /// <summary>Where to record the experiment; null: nowhere. An empty folder, or the one of the recording that is taken up.</summary>
    public IFiles? Files { get; init; }

    /// <summary>Bytes that records and keyframes may take together; beyond, records are recomputed from fewer keyframes.</summary>
    public long RecordingBytes { get; init; } = 512L << 20;

    /// <summary>For the recording: the machine's processor, and the folder with the data if the experiment names one.</summary>
    public string Processor { get; init; } = "";

    public string? DataFolder { get; init; }

    /// <summary>Why this engine trains, for people; null: nobody chose.</summary>
    public string? EngineReason { get; init; }

    /// <summary>
    /// Of a recording that is opened: train those runs on that were interrupted or stopped before the end of their budget.
    /// </summary>
    public bool Resume { get; init; }

    /// <summary>Of a recording that is opened: nothing of it is to be written.</summary>
    public bool ReadOnly { get; init; }

    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>
    /// Bytes that the engine may take for the whole experiment, the data set and probes apart; by default half of this machine's memory.
    /// </summary>
    public long MemoryBytes { get; init; } = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 2;
}

/// <summary>
/// The experiments of one experiment: it owns the lanes, the runs' logs and the landscape, and takes the owner's commands. All of
/// its members may be used from any thread.
/// </summary>
public sealed class Experiment : IDisposable
{
    /// <summary>Where a run ends whose budget is in seconds, if its seconds last that long.</summary>
    internal const long MostUpdates = SpecReader.MaxUpdates;

    internal const int EvaluationMarks = 80;
    private const int MaxPathMarks = 512,
        MinPathMarks = 80,
        MostScattered = 8192;

    private readonly Pacer pacer;
    private readonly LandscapeJob? landscape;
    private readonly CancellationTokenSource abandoning = new();
    private readonly Stopwatch clock = Stopwatch.StartNew();
    private readonly RecordingFolder? opened;
    private readonly bool readOnly;
    private readonly Lock growing = new(),
        counting = new();
    private Lane[] lanes;
    private Run[] runs;
    private ExperimentPlan plan;
    private Recorder? recorder;
    private TaskCompletionSource ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int lanesLeft,
        stopped,
        disposed;
    private bool started;

    /// <param name="from">A recording to open, of the same plan; null: the experiment begins.</param>
    /// <exception cref="RefusedException">More memory than can be had, or the recording cannot be written.</exception>
    public Experiment(ExperimentPlan plan, IEngine engine, ExperimentOptions? options = null, RecordingFolder? from = null)
    {
        options ??= new ExperimentOptions();
        EngineReason = options.EngineReason;
        // A recording keeps to the columns with which it began.
        plan = plan with
        {
            RecordedColumns = from is null ? plan.RecordedColumns : from.Plan.RecordedColumns,
        };
        (this.plan, Engine, MeasureEnds, opened, readOnly) = (plan, engine, options.MeasureEnds, from, options.ReadOnly);
        PathMarks = PathMarksOf(plan, options);
        EvaluationSet = EvaluationSetOf(plan);
        ScatterSet = Choose(plan, Split.Train, plan.Data.Train.Count, MostScattered);
        TestSet = plan.Data.Test is { } test ? Choose(plan, Split.Test, test.Count, plan.Spec.Landscape.EvaluationExamples) : null;
        var memory = CheckMemory(options);
        Data = engine.Load(plan.Data);
        Replayer = new Replayer(this);
        try
        {
            runs = from is not null ? Taken(from, options, memory) : Begun(options, memory);
        }
        catch
        {
            Data.Dispose();
            abandoning.Dispose();
            throw;
        }
        var groups = runs.GroupBy(run => run.Plan.Fork is null ? run.Plan.BatchSize : -1 - run.Plan.Index)
            .Select(g => g.ToArray())
            .ToArray();
        pacer = new Pacer(plan.Spec.Pace, [], Window(plan), Math.Max(1, options.LanesAtOnce), options.Held);
        foreach (var group in groups)
            pacer.Add(group[0].Plan.Progress, free: group[0].Plan.Fork is not null);
        lanes = [.. groups.Select((members, i) => new Lane(this, pacer, i, members))];
        lanesLeft = lanes.Length;
        if (from is not null)
            Volatile.Write(ref stopped, runs.Any(run => run.Log is { State: RunState.Stopped, BudgetSpent: false }) ? 1 : 0);
        // One that is opened as it ended is over at once, not only when its lanes have seen that there is nothing to do.
        if (runs.All(run => run.Log.Ended))
            ended.TrySetResult();
        landscape = options.Landscape ? new LandscapeJob(this, LandscapeFile.Read(from?.Landscape, runs.Length)) : null;
    }

    /// <summary>With the forks that were made so far.</summary>
    public ExperimentPlan Plan => Volatile.Read(ref plan);

    public IEngine Engine { get; }

    /// <summary>Why it is this one.</summary>
    public string? EngineReason { get; }

    /// <summary>They only become more.</summary>
    public IReadOnlyList<Run> Runs => Volatile.Read(ref runs);

    /// <summary>Null where nothing is recorded, or not yet: an opened recording is written only once there is something new.</summary>
    public Recorder? Recorder => Volatile.Read(ref recorder);

    /// <summary>Of the recording as it is now; null where nothing is recorded.</summary>
    public RecordingManifest? RecordingManifest => Recorder?.Manifest ?? opened?.Manifest;

    /// <summary>Why nothing more is recorded, in a sentence; null while all is well.</summary>
    public string? RecordingProblem => Recorder?.Problem;

    /// <summary>What of an opened recording could not be read.</summary>
    public IReadOnlyList<Damage> Damages => opened?.Damages ?? [];

    /// <summary>Recomputes what was not kept.</summary>
    public Replayer Replayer { get; }

    /// <summary>One more replayer, which waits for no other one; the caller disposes of it before the experiment.</summary>
    public Replayer CreateReplayer() => new(this);

    /// <summary>The examples on which paths and surface are measured.</summary>
    public EvaluationSet EvaluationSet { get; }

    /// <summary>As many examples of the test split, for lines; null where there is none.</summary>
    public EvaluationSet? TestSet { get; }

    /// <summary>On the whole test split; of a stream on what comes next, as many examples.</summary>
    internal Evaluation Test(IEvaluator evaluator, IWeights weights, TrainingProgress progress, long updates)
    {
        var data = Plan.Data;
        int count = data.Test!.Count;
        if (!data.Stream)
            return evaluator.Evaluate(weights, EvaluationSet.All(Split.Test));
        int from = (int)Math.Min(progress.ExamplesAfter(updates), data.Train.Count),
            before = Math.Min(count, data.Train.Count - from);
        var next = before > 0 ? evaluator.Evaluate(weights, new EvaluationSet(Split.Train, [.. Enumerable.Range(from, before)])) : default;
        if (before == count)
            return next;
        var after = evaluator.Evaluate(weights, new EvaluationSet(Split.Test, [.. Enumerable.Range(0, count - before)]));
        double share = (double)before / count;
        return new(share * next.Loss + (1 - share) * after.Loss, share * next.Accuracy + (1 - share) * after.Accuracy);
    }

    /// <summary>The training examples whose gradients' covariance is measured: all, or so many that its error is about 2 %.</summary>
    internal EvaluationSet ScatterSet { get; }

    public int TestExamples => TestSet is null ? 0 : TestSet.Indices?.Length ?? Plan.Data.Test!.Count;

    public int EvaluationExamples => EvaluationSet.Indices?.Length ?? Plan.Data.Train.Count;

    /// <summary>The plane and its grid now; null while there is none.</summary>
    public Landscape? Landscape => landscape?.Current;

    /// <summary>Every run has ended, and the landscape is as fine as it gets.</summary>
    public bool LandscapeSettled => landscape is null || landscape.Settled;

    /// <summary>Why the landscape's worker failed, or null.</summary>
    public string? LandscapeFailure => landscape?.Failure;

    /// <summary>Seconds on the wall since the experiment began.</summary>
    public double Seconds => clock.Elapsed.TotalSeconds;

    /// <summary>Completes when every run has ended.</summary>
    public Task Ended => Volatile.Read(ref ended).Task;

    public bool Finished => Ended.IsCompleted;

    public bool Held => !Finished && pacer.Held;

    /// <summary>Held, and no update is under way any more: every record there is can be read.</summary>
    public bool Still => !Finished && pacer.Still;

    public ExperimentState State =>
        Finished
            ? Volatile.Read(ref stopped) == 1
                ? ExperimentState.Stopped
                : ExperimentState.Finished
            : pacer.Held
                ? ExperimentState.Held
                : ExperimentState.Running;

    internal IEngineData Data { get; }

    internal int PathMarks { get; }

    internal bool MeasureEnds { get; }

    /// <summary>Nobody will look at the ends of these runs: they are not measured.</summary>
    internal volatile bool Abandoned;

    /// <summary>Long measurements of abandoned runs end early.</summary>
    internal CancellationToken Abandoning => abandoning.Token;

    internal LandscapeJob? Job => landscape;

    public void Start()
    {
        lock (growing)
        {
            started = true;
            foreach (var lane in lanes)
                lane.Start();
        }
        landscape?.Start();
    }

    /// <summary>Training waits after the updates under way; viewers' playheads do not.</summary>
    public void Hold() => pacer.Hold();

    public void Continue() => pacer.Continue();

    /// <summary>One more update for every run of a held experiment; nothing when it is not held.</summary>
    public void StepOnce() => pacer.Single();

    /// <summary>Ends all runs after the updates under way.</summary>
    public void Stop()
    {
        if (!Finished)
            Volatile.Write(ref stopped, 1);
        pacer.Stop();
    }

    /// <summary>A plane that was asked for is being fitted.</summary>
    public bool Fitting => landscape?.Fitting ?? false;

    /// <summary>Fits a new plane of the given kind to the snapshots so far.</summary>
    /// <exception cref="RefusedException">The kind does not apply to this model.</exception>
    public void FitPlane(PlaneKind kind) => _ = FitPlane(new PlaneRequest(kind));

    /// <summary>
    /// Fits a new plane; the task completes when everyone sees it, or with the sentence why it cannot be had. It is cancelled with the
    /// experiment.
    /// </summary>
    /// <exception cref="RefusedException">One sentence: the wish does not apply, or names what is not there.</exception>
    public Task FitPlane(PlaneRequest wish)
    {
        bool two = Plan.Network.ParameterCount == 2;
        if (wish.Kind == PlaneKind.Auto)
            wish = wish with { Kind = two ? PlaneKind.Weights : PlaneKind.Pca };
        if (two && wish.Kind != PlaneKind.Weights)
            throw new RefusedException(
                Tr(
                    "This model has two weights, and its landscape is shown exactly; other planes do not apply.",
                    "此模型只有两个权重，其损失地形已精确显示；其他平面不适用。"
                )
            );
        if (!two && wish.Kind == PlaneKind.Weights)
            throw new RefusedException(
                Tr("The plane of the weights themselves needs a model of exactly two weights.", "权重本身的平面要求模型恰好有两个权重。")
            );
        if (wish.Kind == PlaneKind.Runs && Runs.Count < 3)
            throw new RefusedException(
                Tr(
                    $"A plane through three runs needs three runs; this experiment has {Runs.Count}.",
                    $"经过三个运行的平面需要三个运行；此实验有 {Runs.Count} 个。"
                )
            );
        if (wish.Runs is { } named)
            CheckPlace(wish, named);
        return landscape?.Request(wish) ?? Task.CompletedTask;
    }

    private void CheckPlace(PlaneRequest wish, IReadOnlyList<string> named)
    {
        int wanted = wish.Kind switch
        {
            PlaneKind.Runs => 3,
            PlaneKind.Hessian => 1,
            _ => 0,
        };
        if (wanted == 0)
            throw new RefusedException(
                Tr("Only the planes \"hessian\" and \"runs\" go through chosen runs.", "只有 \"hessian\" 和 \"runs\" 平面经过选定的运行。")
            );
        if (named.Count != wanted)
            throw new RefusedException(
                wanted == 3
                    ? Tr(
                        $"A plane through runs needs three of them; {named.Count} are named.",
                        $"经过运行的平面需要三个运行；这里给出了 {named.Count} 个。"
                    )
                    : Tr(
                        $"The Hessian is taken at one run's weights; {named.Count} runs are named.",
                        $"Hessian 矩阵取自一个运行的权重；这里给出了 {named.Count} 个运行。"
                    )
            );
        if (named.Distinct().Count() < wanted)
            throw new RefusedException(
                Tr("A plane through three runs needs three different ones.", "经过三个运行的平面需要三个不同的运行。")
            );
        foreach (string id in named)
        {
            var run =
                Runs.FirstOrDefault(run => run.Plan.Id == id)
                ?? throw new RefusedException(
                    Tr(
                        $"{id} is no run of this experiment; there are {string.Join(", ", Runs.Select(run => run.Plan.Id))}.",
                        $"{id} 不是此实验的运行；有 {string.Join("、", Runs.Select(run => run.Plan.Id))}。"
                    )
                );
            if (wish.Update is not { } update)
                continue;
            if (update < 0)
                throw new RefusedException(Tr($"\"update\" is {update}; it is 0 or more.", $"\"update\" 为 {update}；它不能小于 0。"));
            Replayer.Check(run, update);
        }
    }

    /// <summary>
    /// A new run that goes on from another after <paramref name="update"/> of its updates, with other settings: beside the others, in the
    /// same recording, from exactly those weights. Its training begins at once, or when the experiment is started or continued.
    /// </summary>
    /// <param name="set">What is set to other values, as <see cref="ForkResolver"/> reads it.</param>
    /// <exception cref="RefusedException">One sentence; nothing has changed.</exception>
    public Run Fork(
        string parentId,
        long update,
        IReadOnlyDictionary<string, string> set,
        IProgress<double>? progress = null,
        CancellationToken cancel = default
    )
    {
        lock (growing)
        {
            var parent =
                Runs.FirstOrDefault(run => run.Plan.Id == parentId)
                ?? throw new RefusedException(
                    Tr(
                        $"\"run\" is {parentId}, which is no run of this experiment; there are {string.Join(", ", Runs.Select(run => run.Plan.Id))}.",
                        $"\"run\" 为 {parentId}，它不是此实验的运行；有 {string.Join("、", Runs.Select(run => run.Plan.Id))}。"
                    )
                );
            if (update > parent.Log.Count)
                throw new RefusedException(
                    Tr(
                        $"\"update\" is {update:#,0}, but {parentId} has made only {parent.Log.Count:#,0} updates.",
                        $"\"update\" 为 {update:#,0}，但 {parentId} 只做了 {parent.Log.Count:#,0} 次更新。"
                    )
                );
            if (Runs.Count >= SpecReader.MaxRuns)
                throw new RefusedException(
                    Tr(
                        $"An experiment has at most {SpecReader.MaxRuns} runs, forks among them.",
                        $"一个实验最多有 {SpecReader.MaxRuns} 个运行，包括分叉。"
                    )
                );
            var now = Plan;
            var planned = ForkResolver.Resolve(now, parent.Plan, update, set, Runs.Count);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(cancel, Abandoning);
            var keyframe = ForkResolver.Begin(Replayer.At(parent, update, progress, either.Token), planned);
            var next = now with { Runs = [.. now.Runs, planned] };
            Run run;
            if (WritingRecorder() is { } writer)
            {
                // What it inherits must be on the disk before the manifest names it.
                if (!writer.Flush(TimeSpan.FromMinutes(1)))
                    throw new RefusedException(
                        Tr(
                            $"The fork cannot be recorded: {writer.Problem ?? "the disk is too slow."}",
                            $"分叉无法录制：{writer.Problem ?? "磁盘太慢。"}"
                        )
                    );
                var recorded = RecordingFolder.NewRun(
                    writer.Files,
                    writer.Manifest,
                    next,
                    planned,
                    [.. Runs.Select(other => other.Recorded!)]
                );
                try
                {
                    writer.AddRun(recorded, new RecordingManifest.RunEntry(planned.Id, parentId, update, planned.Fork!.Set), keyframe);
                }
                catch (IOException e)
                {
                    throw new RefusedException(
                        Tr($"The fork cannot be recorded: {e.Message.TrimEnd('.')}.", $"分叉无法录制：{e.Message.TrimEnd('.')}。")
                    );
                }
                run = new Run(planned, recorded.Log, new RunMemory(1, Engine.Predict(next.BundleOf([planned]), next.Data)), recorded);
            }
            else
                throw new RefusedException(Tr("A fork needs an experiment that is recorded.", "分叉需要实验正在录制。"));
            Volatile.Write(ref plan, next);
            Volatile.Write(ref runs, [.. Runs, run]);
            if (Finished)
            {
                Volatile.Write(ref stopped, 0);
                Volatile.Write(ref ended, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
            }
            var lane = new Lane(this, pacer, pacer.Add(planned.Progress, free: true), [run]);
            lock (counting)
                lanesLeft++;
            lanes = [.. lanes, lane];
            if (started)
                lane.Start();
            landscape?.Wake();
            return run;
        }
    }

    /// <summary>
    /// Undoes a fork: its run makes no more updates, as if it had ended, and is marked so. A recording only grows, so what it has made
    /// stays.
    /// </summary>
    /// <exception cref="RefusedException">It is no fork of this experiment.</exception>
    public void UndoFork(string id) => SetForkUndone(id, true);

    /// <summary>Redoes a fork that was taken back: it goes on where it was.</summary>
    /// <exception cref="RefusedException">It is no fork of this experiment.</exception>
    public void RedoFork(string id) => SetForkUndone(id, false);

    private void SetForkUndone(string id, bool on)
    {
        lock (growing)
        {
            var run =
                Runs.FirstOrDefault(run => run.Plan.Id == id && run.Plan.Fork is not null)
                ?? throw new RefusedException(
                    Tr($"{id} is no fork of this experiment; only forks can be taken back.", $"{id} 不是此实验的分叉；只有分叉可以撤回。")
                );
            if (run.ForkUndone == on)
                return;
            run.ForkUndone = on;
            var lane = lanes.Single(lane => lane.IsOf(run));
            pacer.Withhold(lane.Index, on);
            lock (counting)
            {
                if (lane.Ended)
                    return;
                lane.Withheld = on;
                if (on)
                    Count(-1);
                else
                {
                    if (Finished)
                        Volatile.Write(ref ended, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
                    Count(1);
                }
            }
        }
    }

    /// <summary>Gives the recording another name.</summary>
    /// <exception cref="IOException">It cannot be written; the name is as before.</exception>
    public void Rename(string name)
    {
        lock (growing)
        {
            if (Recorder is { } writer)
                writer.Rename(name);
            else
                opened?.Rename(name);
        }
    }

    public void Dispose()
    {
        if (Interlocked.Exchange(ref disposed, 1) == 1)
            return;
        Abandoned = true;
        abandoning.Cancel();
        Stop();
        lock (growing)
        {
            foreach (var lane in lanes)
                lane.Join();
        }
        landscape?.Dispose();
        Recorder?.Dispose();
        Replayer.Dispose();
        foreach (var run in Runs)
            for (long i = 0; i < run.Snapshots.Count; i++)
                run.Snapshots[i].Weights.Dispose();
        opened?.Dispose();
        Data.Dispose();
        abandoning.Dispose();
    }

    internal void LaneEnded(Lane lane)
    {
        lock (counting)
        {
            lane.Ended = true;
            if (!lane.Withheld)
                Count(-1);
        }
        landscape?.Wake();
    }

    /// <summary>Lanes that have something to do become more or fewer; with the last one the experiment ends.</summary>
    private void Count(int more)
    {
        lanesLeft += more;
        if (lanesLeft == 0)
            Volatile.Read(ref ended).TrySetResult();
    }

    private Run[] Begun(ExperimentOptions options, RunMemory[] memory)
    {
        if (options.Files is not { } files)
        {
            var layout = RecordingFolder.LayoutOf(plan);
            return [.. plan.Runs.Select(run => new Run(run, new RunLog(layout), memory[run.Index]))];
        }
        var manifest = RecordingManifest.Of(
            plan,
            Engine,
            options.Processor,
            options.Clock.GetUtcNow(),
            options.RecordingBytes,
            options.DataFolder
        );
        var recorded = RecordingFolder.NewRuns(files, manifest, plan);
        try
        {
            recorder = Recorder.Begin(files, manifest, recorded);
        }
        catch (IOException e)
        {
            throw new RefusedException($"The experiment cannot be recorded: {e.Message.TrimEnd('.')}; nothing recorded.");
        }
        return [.. plan.Runs.Zip(recorded, (run, kept) => new Run(run, kept.Log, memory[run.Index], kept))];
    }

    private Run[] Taken(RecordingFolder from, ExperimentOptions options, RunMemory[] memory)
    {
        Run[] taken = [.. plan.Runs.Zip(from.Runs, (run, kept) => new Run(run, kept.Log, memory[run.Index], kept))];
        foreach (var run in taken)
        {
            bool unfinished = run.Plan.TotalUpdates is { } total ? run.Log.Count < total : !run.Log.BudgetSpent;
            if (
                options is { Resume: true, ReadOnly: false }
                && (!run.Log.Ended || (run.Log.State is RunState.Stopped or RunState.Failed && unfinished))
            )
            {
                run.Log.TakeUp();
            }
            else if (!run.Log.Ended)
                run.Log.Enter(RunState.Stopped, $"Interrupted after update {run.Log.Count:#,0}.");
        }
        if (taken.All(run => run.Log.Ended))
            return taken;
        try
        {
            recorder = Recorder.GoOn(from.Files, from.Manifest, from.Runs);
        }
        catch (IOException e)
        {
            throw new RefusedException($"The recording cannot be gone on with: {e.Message.TrimEnd('.')}.");
        }
        return taken;
    }

    /// <summary>Begins to write an opened recording, once there is something to write.</summary>
    private Recorder? WritingRecorder()
    {
        if (Recorder is null && opened is not null && !readOnly)
        {
            try
            {
                Volatile.Write(ref recorder, Recorder.GoOn(opened.Files, opened.Manifest, opened.Runs));
            }
            catch (IOException e)
            {
                throw new RefusedException($"The recording cannot be gone on with: {e.Message.TrimEnd('.')}.");
            }
        }
        return Recorder;
    }

    /// <summary>Far enough for a lane to work some milliseconds at a stretch, near enough for heads that move together.</summary>
    private static long Window(ExperimentPlan plan)
    {
        long largest = plan.Runs.Max(run => run.Progress.LargestBatch);
        return plan.Spec.Pace == Pace.Updates
            ? Math.Max(1, (plan.Runs[0].TotalUpdates ?? 20_000) / 400)
            : Math.Max(largest, (plan.Runs.Max(run => run.TotalUpdates is { } u ? run.Progress.ExamplesAfter(u) : 400_000)) / 400);
    }

    /// <summary>What the engine says each run's bundle will take; refuses, before anything is taken, what would not fit.</summary>
    private RunMemory[] CheckMemory(ExperimentOptions options)
    {
        var needs = MemoryNeeds.Of(Plan, Engine, options, PathMarks, EvaluationSet);
        return needs.Problem(Plan, options.MemoryBytes) is { } problem ? throw new RefusedException(problem) : needs.Runs;
    }

    internal static int PathMarksOf(ExperimentPlan plan, ExperimentOptions options) =>
        options.Landscape
            ? (int)Math.Clamp(options.SnapshotBytes / (4 * plan.Network.ParameterCount * plan.Runs.Count), MinPathMarks, MaxPathMarks)
            : EvaluationMarks;

    internal static EvaluationSet EvaluationSetOf(ExperimentPlan plan) =>
        Choose(plan, Split.Train, plan.Data.Train.Count, plan.Spec.Landscape.EvaluationExamples);

    /// <summary>As many examples of a split as are wanted, at random; all of a surface's, whose shifts cancel only then.</summary>
    private static EvaluationSet Choose(ExperimentPlan plan, Split split, int n, int wanted)
    {
        if (wanted >= n || plan.Data.Task == DataTask.Surface)
            return EvaluationSet.All(split);
        var all = Enumerable.Range(0, n).ToArray();
        var stream = new Philox(plan.Spec.Data.Seed, Purpose.EvaluationSet);
        for (int i = 0; i < wanted; i++)
        {
            int j = i + stream.Below((ulong)i, n - i);
            (all[i], all[j]) = (all[j], all[i]);
        }
        var chosen = all[..wanted];
        Array.Sort(chosen);
        return new EvaluationSet(split, chosen);
    }
}
