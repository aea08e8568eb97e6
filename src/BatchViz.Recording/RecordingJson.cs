using System.Text.Json;
using System.Text.Json.Serialization;
using BatchViz.Recording.Export;
using BatchViz.Telemetry;

namespace BatchViz.Recording;

/// <summary>
/// JSON inside recordings: short names, and NaN and ±Infinity as words, since a diverged run has them and they are to be read back as they
/// were.
/// </summary>
internal static class RecordingJson
{
    /// <exception cref="NotSupportedException">The type is not listed on <see cref="RecordingContext"/>.</exception>
    public static byte[] Write<T>(T value) => JsonSerializer.SerializeToUtf8Bytes(value, typeof(T), RecordingContext.Default);

    /// <summary>Null where it is no such thing.</summary>
    public static T? Read<T>(ReadOnlySpan<byte> json)
        where T : class
    {
        try
        {
            return (T?)JsonSerializer.Deserialize(json, typeof(T), RecordingContext.Default);
        }
        catch (Exception e) when (e is JsonException or NotSupportedException or InvalidOperationException)
        {
            return null;
        }
    }
}

/// <summary>
/// Everything that is JSON in a recording or in a file that is exported. A test writes and reads each of them with every kind of number.
/// </summary>
[JsonSourceGenerationOptions(
    JsonSerializerDefaults.Web,
    NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
    MaxDepth = MostDepth,
    GenerationMode = JsonSourceGenerationMode.Metadata
)]
[JsonSerializable(typeof(ManifestJson))]
[JsonSerializable(typeof(RunFile.StateJson))]
[JsonSerializable(typeof(ProbePoint))]
[JsonSerializable(typeof(RunSummary[]))]
[JsonSerializable(typeof(IReadOnlyDictionary<string, object>))]
[JsonSerializable(typeof(IReadOnlyDictionary<string, string>))]
[JsonSerializable(typeof(TensorHeader))]
internal sealed partial class RecordingContext : JsonSerializerContext
{
    /// <summary>The manifest holds an experiment file, which may be 32 levels deep.</summary>
    private const int MostDepth = 40;
}
