using System.Text.Json;
using System.Text.Json.Serialization;
using BatchViz.Recording;
using BatchViz.Telemetry;
using BatchViz.Training;

namespace BatchViz.Api;

/// <summary>
/// The JSON of everything that this program tells others: pages, scripts, whoever reads its output. It is strict JSON, which has no NaN and
/// no infinity, so that such a number is <c>null</c> wherever it stands. (Inside recordings they are words, and are read back as what they
/// were.)
/// </summary>
public static class ApiJson
{
    public const string ContentType = "application/json";

    /// <summary>A contract as UTF-8.</summary>
    /// <exception cref="NotSupportedException">The type is not listed on <see cref="ApiContext"/>.</exception>
    public static byte[] Bytes<T>(T contract) => JsonSerializer.SerializeToUtf8Bytes(contract, typeof(T), ApiContext.Default);

    /// <summary>A contract as an answer over HTTP.</summary>
    public static IResult Answer<T>(T contract, int status = StatusCodes.Status200OK) =>
        Results.Json(contract, typeof(T), ApiContext.Default, statusCode: status);

    /// <summary>A contract as one line of text.</summary>
    /// <exception cref="NotSupportedException">The type is not listed on <see cref="ApiContext"/>.</exception>
    public static string Line<T>(T contract) => JsonSerializer.Serialize(contract, typeof(T), ApiContext.Default);
}

/// <summary>
/// Every contract that is written by itself; those inside them follow. A test writes each of them with every kind of number.
/// </summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    GenerationMode = JsonSourceGenerationMode.Metadata,
    Converters = [
        typeof(FiniteDoubleConverter),
        typeof(FiniteSingleConverter),
        typeof(LowerCaseEnumConverter<ExperimentState>),
        typeof(LowerCaseEnumConverter<RunState>),
        typeof(LowerCaseEnumConverter<BoundaryKind>),
        typeof(LowerCaseEnumConverter<Core.Data.DataTask>),
    ]
)]
[JsonSerializable(typeof(Manifest))]
[JsonSerializable(typeof(Session))]
[JsonSerializable(typeof(UnderWay))]
[JsonSerializable(typeof(Refusal))]
[JsonSerializable(typeof(Batch))]
[JsonSerializable(typeof(Moments))]
[JsonSerializable(typeof(Boundary))]
[JsonSerializable(typeof(Line))]
[JsonSerializable(typeof(Probes))]
[JsonSerializable(typeof(Keyframes))]
[JsonSerializable(typeof(Examples))]
[JsonSerializable(typeof(Points))]
[JsonSerializable(typeof(IReadOnlyList<ListedRecording>))]
[JsonSerializable(typeof(ImportedRecording))]
[JsonSerializable(typeof(TrainingReport))]
[JsonSerializable(typeof(ExportReport))]
[JsonSerializable(typeof(ImportReport))]
[JsonSerializable(typeof(EnginesReport))]
public sealed partial class ApiContext : JsonSerializerContext;
