using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using BatchViz.Core.Data;
using BatchViz.Core.Specs;
using BatchViz.Recording;
using BatchViz.Telemetry;
using BatchViz.Training;

namespace BatchViz.Api;

/// <summary>The JSON that describes an experiment: <c>GET /api/experiments/current</c>, see docs/wire-format.md.</summary>
[TypeScript]
public sealed record Manifest
{
    public required uint Generation { get; init; }

    public required uint Revision { get; init; }

    public required string Name { get; init; }

    public required string Title { get; init; }

    public required ExperimentState State { get; init; }

    /// <summary>The experiment file, normalised.</summary>
    public required JsonObject Spec { get; init; }

    /// <summary>Why there is no landscape, in a sentence.</summary>
    public required string? Error { get; init; }

    /// <summary>Null where nobody wanted it recorded.</summary>
    public required RecordingInfo? Recording { get; init; }

    public required EngineInfo Engine { get; init; }

    public required DataInfo Data { get; init; }

    /// <summary>Null until it is measured.</summary>
    public required MachineInfo? Machine { get; init; }

    public required IReadOnlyList<ColumnInfo> Columns { get; init; }

    public required EvaluationInfo Evaluation { get; init; }

    /// <summary>Kinds of probes that the experiment asks for; their points are under /probes.</summary>
    public required IReadOnlyList<string> Probes { get; init; }

    public required BudgetInfo Budget { get; init; }

    [OneOf(nameof(SpecVocabulary.Remainders))]
    public required string Remainder { get; init; }

    [OneOf(nameof(SpecVocabulary.Paces))]
    public required string Pace { get; init; }

    public required IReadOnlyList<RunInfo> Runs { get; init; }

    /// <summary>Null until there is one.</summary>
    public required PlaneInfo? Plane { get; init; }

    /// <summary>Every run has ended and the landscape is as fine as it gets.</summary>
    public required bool Settled { get; init; }

    /// <summary>Kinds of layers that do something else in training than in evaluating (batchNorm, dropout); absent: none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? TwoModes { get; init; }

    /// <summary>
    /// Columns that are not defined in train mode, for examples see one another (BatchNorm, contrastive losses); absent: all are.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? Undefined { get; init; }
}

/// <summary>A column of the step records.</summary>
/// <param name="Label">A few words, in English.</param>
/// <param name="Description">The definition, in English.</param>
/// <param name="Chinese">The same in Chinese.</param>
/// <param name="Live">It comes with every frame; the others are in tiles.</param>
/// <param name="Deterministic">It follows from the experiment alone; a timing does not.</param>
/// <param name="OfExamples">About single examples' gradients: undefined where a batch has one, or where examples see one another.</param>
public sealed record ColumnInfo(
    string Name,
    string Label,
    string Unit,
    string Description,
    ColumnWords Chinese,
    bool Live,
    bool Deterministic,
    bool OfExamples
);

/// <summary>What a column is called, and what it holds.</summary>
public sealed record ColumnWords(string Label, string Description);

/// <param name="Precision">What its products are computed in.</param>
/// <param name="Reason">Why it is this one.</param>
public sealed record EngineInfo(string Name, string Description, bool BitExact, string Precision, string? Reason);

public sealed record DataInfo(string Name, int TrainExamples, int TestExamples, int Inputs, int Outputs, DataTask Task);

/// <summary>One core's ceilings, measured.</summary>
public sealed record MachineInfo(
    [property: Finite] double FmaGflops,
    [property: Finite, JsonPropertyName("memoryGBs")] double MemoryGBs,
    int Cores
);

/// <summary>What losses are measured on.</summary>
/// <param name="Pairs">Of a contrastive loss, how many are compared with one another; the last block may be shorter. Absent of
/// others.</param>
public sealed record EvaluationInfo(
    int Examples,
    string Split,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] int? Pairs = null
);

/// <summary>Of the longest run, as far as it is known.</summary>
public sealed record BudgetInfo(long? Examples, long? Updates, double? Epochs, double? Seconds);

public sealed record RunInfo
{
    public required int Index { get; init; }

    public required string Id { get; init; }

    /// <summary>Of a whole batch, at the run's or the fork's beginning where batches grow.</summary>
    public required int BatchSize { get; init; }

    /// <summary>Of a run whose batches grow, or of a fork; null of others.</summary>
    public required IReadOnlyList<PhaseInfo>? Phases { get; init; }

    public required uint Seed { get; init; }

    /// <summary>Before its schedule.</summary>
    public required double LearningRate { get; init; }

    public required long? TotalUpdates { get; init; }

    public required long Parameters { get; init; }

    /// <summary>Examples that are drawn and scored for each batch; null: what is drawn is trained on.</summary>
    public required int? Pool { get; init; }

    [Finite]
    public required double FlopsPerExample { get; init; }

    /// <summary>Bytes that an update must move at least.</summary>
    [Finite]
    public required double BytesPerUpdate { get; init; }

    public required MemoryInfo Memory { get; init; }

    public required RunState State { get; init; }

    public required string? Message { get; init; }

    /// <summary>Updates made when the manifest was written.</summary>
    public required long Updates { get; init; }

    /// <summary>A fork that was undone: it trains no more, until that is redone.</summary>
    public required bool ForkUndone { get; init; }

    /// <summary>The run that it leaves; before that its history is the other's.</summary>
    public required ForkInfo? Fork { get; init; }
}

/// <summary>Updates of one batch size.</summary>
/// <param name="Epoch">Epochs before it.</param>
/// <param name="Update">Updates before it.</param>
/// <param name="Examples">Examples before it.</param>
public sealed record PhaseInfo([property: Finite] double Epoch, long Update, long Examples, int BatchSize);

/// <param name="Run">The id of the run that it leaves.</param>
/// <param name="Update">After which of its updates.</param>
/// <param name="Set">What it sets to other values.</param>
public sealed record ForkInfo(string Run, long Update, IReadOnlyDictionary<string, string> Set);

/// <param name="Seeds">Runs that train in one lane and share it.</param>
public sealed record MemoryInfo(int Seeds, MemoryBytes Predicted, MemoryBytes? Reserved);

/// <summary>Bytes that one run's training takes, of all its seeds together.</summary>
public sealed record MemoryBytes(
    long Weights,
    long OptimizerState,
    long Activations,
    long Gradients,
    long Batch,
    long Workspace,
    long Total
);

/// <summary>Where the experiment is kept.</summary>
/// <param name="Id">Null where nothing of it is on the disk.</param>
/// <param name="Problem">One sentence: why it is not kept (any more).</param>
/// <param name="Damages">Sentences about what is lost of it.</param>
public sealed record RecordingInfo(
    string? Id,
    string Name,
    bool Kept,
    bool ReadOnly,
    string? Problem,
    IReadOnlyList<string> Damages,
    long Bytes
);

public sealed record PlaneInfo
{
    public required uint Id { get; init; }

    public required string Kind { get; init; }

    /// <summary>In English; the rest says the same in numbers.</summary>
    public required string Title { get; init; }

    /// <summary>Ids of the runs it was fitted to, in the title's order; null in an older recording.</summary>
    public required IReadOnlyList<string>? Runs { get; init; }

    /// <summary>Of the kinds "runs" and "hessian": the updates of each one's weights.</summary>
    public required IReadOnlyList<long>? Updates { get; init; }

    /// <summary>Of the kind "hessian": the update.</summary>
    public required long? Update { get; init; }

    /// <summary>Of the Hessian, along the axes.</summary>
    public required IReadOnlyList<double>? Eigenvalues { get; init; }

    /// <summary>Of random directions, from 1.</summary>
    public required int? Draw { get; init; }

    public required double? Explained { get; init; }

    public required double? ExplainedByRandomWalk { get; init; }

    [JsonPropertyName("xLabel")]
    public required string XLabel { get; init; }

    [JsonPropertyName("yLabel")]
    public required string YLabel { get; init; }

    public required bool Exact { get; init; }

    public required uint Grid { get; init; }

    public required int Resolution { get; init; }

    [TypeScript("[x0: number, x1: number, y0: number, y1: number]")]
    public required double[] Region { get; init; }
}

/// <summary><c>GET /api/session</c>.</summary>
/// <param name="SignIn">Whether there are links to sign in with.</param>
[TypeScript]
public sealed record Session([property: TypeScript("\"owner\" | \"viewer\"")] string Role, bool SignIn);
