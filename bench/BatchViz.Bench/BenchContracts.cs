using System.Text.Json;
using System.Text.Json.Serialization;
using BatchViz.Api;
using BatchViz.Bench.Soak;

namespace BatchViz.Bench;

/// <summary>
/// The JSON lines of benches and soaks, and what is said to peers; NaN and ±∞ are null, as in all that this program tells others.
/// </summary>
internal static class BenchJson
{
    public static string Line<T>(T contract) => JsonSerializer.Serialize(contract, typeof(T), BenchContext.Default);
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    GenerationMode = JsonSourceGenerationMode.Metadata,
    Converters = [typeof(FiniteDoubleConverter), typeof(FiniteSingleConverter)]
)]
[JsonSerializable(typeof(EngineReportLine))]
[JsonSerializable(typeof(LandscapeReportLine))]
[JsonSerializable(typeof(ProbesReportLine))]
[JsonSerializable(typeof(NoiseScaleReportLine))]
[JsonSerializable(typeof(RecorderReportLine))]
[JsonSerializable(typeof(SoakReportLine))]
[JsonSerializable(typeof(PeerRequest))]
[JsonSerializable(typeof(PeerHello))]
[JsonSerializable(typeof(PeerAnswer))]
internal sealed partial class BenchContext : JsonSerializerContext;

/// <summary>A peer that was measured.</summary>
internal sealed record PeerName(string Name, int Threads);

/// <summary>A peer's times beside ours, in the unit of the cell.</summary>
internal sealed record PeerUpdateTime(
    string Name,
    double MicrosecondsPerUpdate,
    double MedianMicrosecondsPerUpdate,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] double? ProcessorMicrosecondsPerUpdate
);

internal sealed record PeerProbeTime(string Name, double Microseconds, double MedianMicroseconds);

internal sealed record PeerGridTime(string Name, double Seconds, double MedianSeconds);

/// <summary><c>engine --json</c>.</summary>
internal sealed record EngineReportLine
{
    public required string Machine { get; init; }

    public required string Path { get; init; }

    public required string Engine { get; init; }

    public required double FmaCeilingGflops { get; init; }

    public required string Optimizer { get; init; }

    public required IReadOnlyList<EngineReportCell> Cells { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? GeometricMean { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? LeastRatio { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? ProcessorGeometricMean { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<PeerName>? Peers { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? MissingPeers { get; init; }
}

internal sealed record EngineReportCell
{
    public required string Net { get; init; }

    public required int Batch { get; init; }

    public required double MicrosecondsPerUpdate { get; init; }

    public required double Gflops { get; init; }

    public required int Seeds { get; init; }

    public required double MedianMicrosecondsPerUpdate { get; init; }

    public required double ProcessorMicrosecondsPerUpdate { get; init; }

    public required double RecordingShare { get; init; }

    public required double CeilingShare { get; init; }

    public required string Data { get; init; }

    public required double GflopsWithoutZeros { get; init; }

    public required double CeilingShareWithoutZeros { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<PeerUpdateTime>? Peers { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? Ratio { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull), JsonPropertyName("ratioToPyTorch")]
    public double? RatioToPyTorch { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? ProcessorRatio { get; init; }
}

/// <summary><c>landscape --json</c>.</summary>
internal sealed record LandscapeReportLine(
    string Machine,
    string Path,
    double FmaCeilingGflops,
    IReadOnlyList<LandscapeReportCell> Cells,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyList<PeerName>? Peers,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyList<string>? MissingPeers
);

internal sealed record LandscapeReportCell(
    string Net,
    int Examples,
    int Grid,
    int Threads,
    double Seconds,
    double MedianSeconds,
    double FirstSeconds,
    string Data,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyList<PeerGridTime>? Peers,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] double? Ratio
);

/// <summary><c>probes --json</c>.</summary>
internal sealed record ProbesReportLine(
    string Machine,
    string Path,
    double FmaCeilingGflops,
    IReadOnlyList<ProbeReportCell> Cells,
    IReadOnlyList<StatisticsReportCell> Statistics,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyList<PeerName>? Peers,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyList<string>? MissingPeers
);

internal sealed record ProbeReportCell(
    string Net,
    int Examples,
    string Probe,
    double Microseconds,
    double MedianMicroseconds,
    double Gradients,
    double CountedGradients,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyList<PeerProbeTime>? Peers,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] double? Ratio
);

internal sealed record StatisticsReportCell(
    string Net,
    int Batch,
    double ProcessorMicrosecondsPerUpdate,
    double ProcessorMicrosecondsWithout,
    double Share
);

/// <summary><c>probes --noise-scale --json</c>.</summary>
internal sealed record NoiseScaleReportLine(string Machine, string Path, int Epochs, IReadOnlyList<NoiseReportRun> NoiseScale);

internal sealed record NoiseReportRun(
    string Net,
    string Data,
    int Examples,
    int Batch,
    double LearningRate,
    IReadOnlyList<NoiseReportMark> Marks,
    OwnBatchesReport OwnBatches
);

internal sealed record NoiseReportMark(
    long Update,
    double Epoch,
    double Running,
    double RunningStandardError,
    double ExactOverWindow,
    double ExactOverWindowStandardError,
    ExactNoiseReport Exact,
    FixedWeightsReport AtFixedWeights
);

internal sealed record ExactNoiseReport(double GradientVariance, double GradientSquare, double NoiseScale);

internal sealed record FixedWeightsReport(
    double GradientVariance,
    double GradientVarianceStandardError,
    double GradientSquare,
    double GradientSquareStandardError
);

internal sealed record OwnBatchesReport(
    double GradientVarianceShare,
    double GradientVarianceShareStandardError,
    double GradientSquareExcess,
    double GradientSquareExcessStandardError
);

/// <summary><c>recorder --json</c>.</summary>
/// <param name="Budget">Null where it was left out.</param>
internal sealed record RecorderReportLine(string Machine, IReadOnlyList<RecorderReportCell> Cells, RecorderBudgetReport? Budget);

/// <param name="Alone">Processor seconds of one update.</param>
/// <param name="Recorded">The same with recording.</param>
internal sealed record RecorderReportCell(
    string Net,
    int Batch,
    double Alone,
    double Recorded,
    double Share,
    string Keeps,
    long Updates,
    long Bytes,
    double BytesPerSecond,
    long KeyframeUpdates
);

internal sealed record RecorderBudgetReport(long Updates, long Bytes, long BudgetBytes, long MemoryBytes);

/// <summary><c>soak --json</c>: the soaks that were asked for.</summary>
internal sealed record SoakReportLine(
    string Machine,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyList<FuzzReport>? Fuzz = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyList<KillReport>? Kills = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] ViewersReport? Viewers = null
);

/// <summary>
/// How fast an experiment trains while viewers have things recomputed in tight loops, and how long its owner waits for a batch.
/// </summary>
/// <param name="Alone">Examples a second while nobody asks, the median of all rounds, as are the next two.</param>
/// <param name="WithOne">Examples a second while one viewer asks.</param>
/// <param name="WithAll">Examples a second while all do.</param>
/// <param name="ShareWithOne">Of the speed alone in the same round, the median of all rounds.</param>
/// <param name="ShareWithAll">Of the speed alone in the same round, the median of all rounds.</param>
/// <param name="CostWithOne">The share of the machine's processor time that asking and answering take, above what the process takes
/// alone.</param>
/// <param name="CostWithAll">The share of the machine's processor time that asking and answering take, above what the process takes
/// alone.</param>
/// <param name="EfficiencyWithOne">Examples in a processor second of training, of those alone; on a busy machine it says more than the
/// wall.</param>
/// <param name="EfficiencyWithAll">Examples in a processor second of training, of those alone; on a busy machine it says more than the
/// wall.</param>
/// <param name="ViewerFirstSeconds">How long the first viewer who asks for a batch waits for it.</param>
/// <param name="OwnerQuietSeconds">Median, while nobody else asks.</param>
/// <param name="OwnerBusySeconds">Median, while all viewers do.</param>
internal sealed record ViewersReport(
    int Viewers,
    double SecondsEach,
    int Rounds,
    double Alone,
    double WithOne,
    double WithAll,
    double ShareWithOne,
    double ShareWithAll,
    double CostWithOne,
    double CostWithAll,
    double EfficiencyWithOne,
    double EfficiencyWithAll,
    double ViewerFirstSeconds,
    double OwnerQuietSeconds,
    double OwnerBusySeconds,
    long Asked,
    long Answered
);

internal sealed record FuzzReport(
    string Target,
    long Inputs,
    long Refused,
    long Handled,
    double SlowestMs,
    double MostAllocationRatio,
    double Seconds,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] FuzzFailureReport? Failure
);

/// <param name="Input">In base64, or its length.</param>
internal sealed record FuzzFailureReport(uint Seed, long Index, string What, string Input);

internal sealed record KillReport(string Experiment, int Kills, int Missed, double Seconds, string? Failure);

/// <summary>What a peer is asked to measure, as bench/peers reads it.</summary>
internal sealed record PeerRequest
{
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Kind { get; init; }

    public required int[] Sizes { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Activation { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Loss { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Preset { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Device { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Precision { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Optimizer { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? Batch { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? Seeds { get; init; }

    /// <summary>Examples in the training split.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? Set { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? Examples { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? Grid { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Variant { get; init; }

    /// <summary>To measure for.</summary>
    public double Seconds { get; init; }
}

/// <summary>A peer's first line.</summary>
internal sealed record PeerHello(string Name, int Threads, string? Warning = null);

/// <summary>A peer's answer: a time, or why there is none.</summary>
internal sealed record PeerAnswer(
    string? Error = null,
    double? Microseconds = null,
    double? Seconds = null,
    double? ProcessorMicroseconds = null
);
