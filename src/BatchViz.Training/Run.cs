using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using BatchViz.Recording;
using BatchViz.Telemetry;

namespace BatchViz.Training;

/// <summary>Weights at a mark, with their true loss on the evaluation set.</summary>
public sealed record Snapshot(long Update, IWeights Weights, double Loss);

/// <summary>Memory of a bundle of so many seeds.</summary>
/// <param name="Reserved">What the engine counts of what it asked for when it made the bundle; null before it is made, and of runs that had
/// ended when their recording was opened.</param>
public sealed record RunMemory(int Seeds, MemoryAccount Predicted, MemoryAccount? Reserved = null);

/// <summary>A run in progress: its plan, its log, and the snapshots along its path.</summary>
/// <param name="memory">As it is predicted.</param>
/// <param name="recorded">Where it is recorded; null: nowhere.</param>
public sealed class Run(RunPlan plan, RunLog log, RunMemory memory, RecordedRun? recorded = null)
{
    public RunPlan Plan { get; } = plan;

    public RunLog Log { get; } = log;

    public RecordedRun? Recorded { get; } = recorded;

    public AppendOnly<Snapshot> Snapshots { get; } = new();

    /// <summary>What the experiment's probes found, if it has any.</summary>
    public AppendOnly<ProbePoint> Probes => Log.Probes;

    /// <summary>Of the bundle that trains this run: its seeds, and the bytes predicted before it is made and held since.</summary>
    public RunMemory Memory { get; internal set; } = memory;

    /// <summary>Null until the run has ended.</summary>
    public RunResult? Result => Log.Result;

    /// <summary>A fork that was undone: it makes no more updates until that is redone, and is not shown unless asked for.</summary>
    public bool ForkUndone { get; internal set; }

    internal long LastPathUpdate { get; set; } = -1;

    internal long LastTestUpdate { get; set; } = -1;
}
