using System.Diagnostics;
using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using BatchViz.Core.Numerics;
using BatchViz.Core.Specs;
using BatchViz.Recording;

namespace BatchViz.Lab;

public enum ExperimentState { Running, Held, Finished, Stopped }

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

    /// <summary>Bytes that the engine may take for the whole experiment, the data set and probes apart; by default half of this machine's memory.</summary>
    public long MemoryBytes { get; init; } = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 2;
}

/// <summary>
/// The conductor of one experiment: it owns the lanes, the runs' logs and the landscape, and takes the owner's commands. All of
/// its members may be used from any thread.
/// </summary>
public sealed class Experiment : IDisposable
{
    /// <summary>Bound on the records of all runs together: about 3 GB with the pyramid above them.</summary>
    private const long MaxRecordedFloats = 300_000_000;

    private const int MaxPathMarks = 512, MinPathMarks = 80, EvaluationMarks = 80;

    private readonly Pacer pacer;
    private readonly Lane[] lanes;
    private readonly LandscapeJob? landscape;
    private readonly TaskCompletionSource ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource abandoning = new();
    private readonly Stopwatch clock = Stopwatch.StartNew();
    private int lanesLeft, stopped, disposed;

    /// <exception cref="SpecException">More records than can be kept.</exception>
    public Experiment(ExperimentPlan plan, IEngine engine, ExperimentOptions? options = null)
    {
        options ??= new ExperimentOptions();
        (Plan, Engine, MeasureEnds) = (plan, engine, options.MeasureEnds);
        var layout = new RecordLayout(plan.Network.Model.Kind == ModelKind.Surface ? 1 : plan.Network.Layers);
        long most = MaxRecordedFloats / (layout.Width + 1), updates = plan.Runs.Sum(run => run.TotalUpdates ?? 0);
        if (updates > most)
            throw new SpecException($"\"budget\" makes {updates:#,0} updates over all runs; at most {most:#,0} records of this model are kept in memory.");
        MaxUpdates = most / plan.Runs.Count;
        PathMarks = options.Landscape
            ? (int)Math.Clamp(options.SnapshotBytes / (4 * plan.Network.ParameterCount * plan.Runs.Count), MinPathMarks, MaxPathMarks)
            : EvaluationMarks;
        EvaluationSet = ChooseEvaluationSet(plan);
        CheckMemory(options);
        Data = engine.Load(plan.Data);
        Runs = [.. plan.Runs.Select(run => new Run(run, new RunLog(layout)))];
        var groups = Runs.GroupBy(run => run.Plan.BatchSize).Select(g => g.ToArray()).ToArray();
        pacer = new Pacer(plan.Spec.Pace, [.. groups.Select(g => g[0].Plan.Progress)], Window(plan), Math.Max(1, options.LanesAtOnce), options.Held);
        lanes = [.. groups.Select((members, i) => new Lane(this, pacer, i, members))];
        lanesLeft = lanes.Length;
        landscape = options.Landscape ? new LandscapeJob(this) : null;
    }

    public ExperimentPlan Plan { get; }

    public IEngine Engine { get; }

    public IReadOnlyList<Run> Runs { get; }

    /// <summary>The examples on which paths and surface are measured.</summary>
    public EvaluationSet EvaluationSet { get; }

    public int EvaluationExamples => EvaluationSet.Indices?.Length ?? Plan.Data.Train.Count;

    /// <summary>The plane and its grid now; null while there is none.</summary>
    public Landscape? Landscape => landscape?.Current;

    /// <summary>Why the landscape's worker failed, or null.</summary>
    public string? LandscapeFailure => landscape?.Failure;

    /// <summary>Seconds on the wall since the experiment began.</summary>
    public double Seconds => clock.Elapsed.TotalSeconds;

    /// <summary>Completes when every run has ended.</summary>
    public Task Ended => ended.Task;

    public bool Finished => ended.Task.IsCompleted;

    public bool Held => !Finished && pacer.Held;

    public ExperimentState State => Finished ? Volatile.Read(ref stopped) == 1 ? ExperimentState.Stopped : ExperimentState.Finished
        : pacer.Held ? ExperimentState.Held : ExperimentState.Running;

    internal IEngineData Data { get; }

    /// <summary>Where a run ends whose budget is in seconds, if its seconds last that long.</summary>
    internal long MaxUpdates { get; }

    internal int PathMarks { get; }

    internal bool MeasureEnds { get; }

    /// <summary>Nobody will look at the ends of these runs: they are not measured.</summary>
    internal volatile bool Abandoned;

    /// <summary>Long measurements of abandoned runs end early.</summary>
    internal CancellationToken Abandoning => abandoning.Token;

    internal LandscapeJob? Job => landscape;

    public void Start()
    {
        foreach (var lane in lanes) lane.Start();
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
        if (!Finished) Volatile.Write(ref stopped, 1);
        pacer.Stop();
    }

    /// <summary>Fits a new plane of the given kind to the snapshots so far.</summary>
    /// <exception cref="SpecException">The kind does not apply to this model.</exception>
    public void Replane(PlaneKind kind)
    {
        if (kind == PlaneKind.Auto) kind = Plan.Network.ParameterCount == 2 ? PlaneKind.Weights : PlaneKind.Pca;
        if (Plan.Network.ParameterCount == 2 && kind != PlaneKind.Weights)
            throw new SpecException("This model has two weights, and its landscape is shown exactly; other planes do not apply.");
        if (Plan.Network.ParameterCount != 2 && kind == PlaneKind.Weights)
            throw new SpecException("The plane of the weights themselves needs a model of exactly two weights.");
        if (kind == PlaneKind.Runs && Runs.Count < 3)
            throw new SpecException($"A plane through three runs needs three runs; this experiment has {Runs.Count}.");
        landscape?.Request(kind);
    }

    public void Dispose()
    {
        if (Interlocked.Exchange(ref disposed, 1) == 1) return;
        Abandoned = true;
        abandoning.Cancel();
        Stop();
        foreach (var lane in lanes) lane.Join();
        landscape?.Dispose();
        foreach (var run in Runs)
            for (long i = 0; i < run.Snapshots.Count; i++) run.Snapshots[i].Weights.Dispose();
        Data.Dispose();
        abandoning.Dispose();
    }

    internal void LaneEnded()
    {
        if (Interlocked.Decrement(ref lanesLeft) == 0) ended.TrySetResult();
        landscape?.Wake();
    }

    /// <summary>Far enough for a lane to work some milliseconds at a stretch, near enough for heads that move together.</summary>
    private static long Window(ExperimentPlan plan)
    {
        long largest = plan.Runs.Max(run => run.Progress.LargestBatch);
        return plan.Spec.Pace == Pace.Updates
            ? Math.Max(1, (plan.Runs[0].TotalUpdates ?? 20_000) / 400)
            : Math.Max(largest, (plan.Runs.Max(run => run.TotalUpdates is { } u ? run.Progress.ExamplesAfter(u) : 400_000)) / 400);
    }

    /// <summary>Refuses, before anything is taken, what the engine says would not fit.</summary>
    private void CheckMemory(ExperimentOptions options)
    {
        // Of float weights: a mean and two directions in double precision while a plane is fitted, and the plane before it.
        const int FitVectors = 9;
        double wanted = 0, largest = 0, snapshot = 0;
        long batchSize = 0;
        foreach (var group in Plan.Runs.GroupBy(run => run.BatchSize))
        {
            var spec = Plan.BundleOf([.. group]);
            var account = Engine.Predict(spec, Plan.Data);
            snapshot = (double)account.Weights / spec.Seeds.Count;
            double bytes = account.Total + Engine.PredictEvaluator(Plan.Network, Plan.Data) + (options.Landscape ? PathMarks : 0) * (double)account.Weights;
            wanted += bytes;
            if (bytes > largest) (largest, batchSize) = (bytes, spec.BatchSize);
        }
        if (options.Landscape)
        {
            wanted += Engine.PredictEvaluator(Plan.Network, Plan.Data) + FitVectors * snapshot
                + Engine.PredictEvaluator(Plan.Network, Plan.Data, EvaluationSet, Environment.ProcessorCount);
        }
        if (wanted > options.MemoryBytes)
            throw new SpecException($"\"model.hidden\" makes {Plan.Network.ParameterCount:#,0} weights, which would take {wanted / 1e9:0.###} GB of memory over all runs, their snapshots and the landscape ({largest / 1e9:0.###} GB of them at batch size {batchSize:#,0}); at most {options.MemoryBytes / 1e9:0.###} GB are allowed.");
    }

    private static EvaluationSet ChooseEvaluationSet(ExperimentPlan plan)
    {
        int n = plan.Data.Train.Count, wanted = plan.Spec.Landscape.EvaluationExamples;
        if (wanted >= n || plan.Data.Task == DataTask.Surface) return EvaluationSet.All(Split.Train);
        var all = Enumerable.Range(0, n).ToArray();
        var stream = new Philox(plan.Spec.Data.Seed, Purpose.EvaluationSet);
        for (int i = 0; i < wanted; i++)
        {
            int j = i + stream.Below((ulong)i, n - i);
            (all[i], all[j]) = (all[j], all[i]);
        }
        var chosen = all[..wanted];
        Array.Sort(chosen);
        return new EvaluationSet(Split.Train, chosen);
    }
}
