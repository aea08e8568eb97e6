using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using BatchViz.Recording;

namespace BatchViz.Lab;

/// <summary>Weights at a mark, with their true loss on the evaluation set.</summary>
public sealed record Snapshot(long Update, IWeights Weights, double Loss);

/// <summary>Memory of a bundle of so many seeds.</summary>
public sealed record RunMemory(int Seeds, MemoryAccount Predicted, MemoryAccount Measured);

/// <summary>A run in progress: its plan, its log, and the snapshots along its path.</summary>
/// <param name="recorded">Where it is recorded; null: nowhere.</param>
public sealed class Run(RunPlan plan, RunLog log, RecordedRun? recorded = null)
{
    public RunPlan Plan { get; } = plan;

    public RunLog Log { get; } = log;

    public RecordedRun? Recorded { get; } = recorded;

    public AppendOnly<Snapshot> Snapshots { get; } = new();

    /// <summary>What the experiment's probes found, if it has any.</summary>
    public AppendOnly<ProbePoint> Probes => Log.Probes;

    /// <summary>Of the bundle that trains this run: its seeds, and the bytes predicted before it was made and held since; null before.</summary>
    public RunMemory? Memory { get; internal set; }

    /// <summary>Null until the run has ended.</summary>
    public RunResult? Result => Log.Result;

    internal long LastPathUpdate { get; set; } = -1;

    internal long LastTestUpdate { get; set; } = -1;
}
