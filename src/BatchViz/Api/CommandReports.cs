using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace BatchViz.Api;

/// <summary>The line of <c>run</c>, <c>resume</c> and <c>fork</c>.</summary>
/// <param name="Experiment">The experiment file, normalised.</param>
public sealed record TrainingReport(JsonObject Experiment, IReadOnlyList<RunReport> Runs);

/// <summary>A run at its end. Accuracies are fractions; null without a test split or classes.</summary>
/// <param name="Seconds">The run's own part of its lane's processor seconds.</param>
/// <param name="LaneSeconds">Those of the lane: of all seeds that it trained together.</param>
/// <param name="DivergedAt">The update whose loss, gradient or weights were not finite, which is not among <paramref name="Updates"/>; null
/// where none was.</param>
/// <param name="Memory">Null of a run that had ended when its recording was opened.</param>
/// <param name="Probes">Absent where there are none.</param>
public sealed record RunReport(
    string Id,
    int BatchSize,
    uint Seed,
    long Updates,
    double Epochs,
    double TrainLoss,
    double TrainAccuracy,
    double TestLoss,
    double TestAccuracy,
    double Seconds,
    double LaneSeconds,
    bool Diverged,
    long? DivergedAt,
    string WeightsSha256,
    MemoryReport? Memory,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] ProbeReport? Probes
);

/// <summary>
/// Bytes of the run's bundle, predicted before it was made and reserved for it since (as the engine counts what it asks for), with the
/// seeds that share it.
/// </summary>
public sealed record MemoryReport(
    int Seeds,
    long PredictedBytes,
    long ReservedBytes,
    long Weights,
    long OptimizerState,
    long Activations,
    long Gradients,
    long Batch,
    long Workspace
);

/// <summary>The run's last probes: what was not asked for is absent, what is not finite is null.</summary>
public sealed record ProbeReport
{
    public required long Update { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? GradientNorm { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? BatchCosine { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? Sharpness { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? AdaptiveSharpness { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<double>? Eigenvalues { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<double>? EigenResiduals { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? Trace { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? TraceStandardError { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? GradientCurvature { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? FisherRao { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? GradientVariance { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? NoiseScale { get; init; }

    public required ProbeCostReport Cost { get; init; }
}

/// <param name="Seconds">Processor seconds of the last mark; null where it was made before an interruption whose timings were lost.</param>
/// <param name="SecondsOfAllMarks">Null where those of one are not known.</param>
public sealed record ProbeCostReport(
    long Losses,
    long Gradients,
    long HessianProducts,
    double Seconds,
    long Marks,
    double SecondsOfAllMarks
);

/// <summary>The line of <c>export</c>.</summary>
public sealed record ExportReport(ExportedFiles Export);

/// <param name="To">The format.</param>
public sealed record ExportedFiles(string To, IReadOnlyList<ExportedFileReport> Files, double Seconds);

public sealed record ExportedFileReport(string Path, long Bytes);

/// <summary>The line of <c>import</c>.</summary>
public sealed record ImportReport(ImportedFolder Import);

/// <param name="Runs">How many.</param>
public sealed record ImportedFolder(string Path, string Name, int Runs);

/// <summary>The line of <c>engines</c>.</summary>
/// <param name="Auto">Which one is chosen where none is named, and why.</param>
public sealed record EnginesReport(IReadOnlyList<EngineReport> Engines, string Auto);

/// <param name="Description">Null where it cannot run here.</param>
/// <param name="WhyNot">Null where it can.</param>
/// <param name="HowToGet">In one sentence; null where it can run.</param>
/// <param name="LookedFor">Where its native library was looked for, in this order.</param>
public sealed record EngineReport(string Name, string? Description, string? WhyNot, string? HowToGet, IReadOnlyList<EnginePlace> LookedFor);

/// <summary>A place where an engine's native library was looked for, and what was found there.</summary>
/// <param name="Taken">It is the one that is used.</param>
public sealed record EnginePlace(string Place, string Finding, bool Taken);
