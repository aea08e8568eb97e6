using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using BatchViz.Bench.Soak.Targets;
using BatchViz.Telemetry;

namespace BatchViz.Recording.Tests;

/// <summary>What is written into recordings is strict JSON whatever the numbers, and is read back as it was.</summary>
public class RecordingContractsTests
{
    public static TheoryData<string> Contracts => [.. Types.Keys];

    private static readonly Dictionary<string, Type> Types = new[]
    {
        typeof(ManifestJson),
        typeof(RunFile.StateJson),
        typeof(ProbePoint),
        typeof(Recording.Export.TensorHeader),
    }.ToDictionary(type => type.Name);

    [Theory]
    [MemberData(nameof(Contracts))]
    public void Every_number_is_written_in_strict_json_and_read_back(string name)
    {
        var type = Types[name];
        JsonTypeInfo info = RecordingContext.Default.GetTypeInfo(type)!;
        foreach (double number in ContractSamples.Numbers)
        {
            byte[] json = JsonSerializer.SerializeToUtf8Bytes(ContractSamples.Fill(type, number), info);

            using var document = JsonDocument.Parse(json);
            Assert.Equal(json, JsonSerializer.SerializeToUtf8Bytes(JsonSerializer.Deserialize(json, info), info));
            if (!double.IsFinite(number))
                continue;
            Assert.DoesNotContain(
                ContractSamples.All(document.RootElement),
                element => element is { ValueKind: JsonValueKind.String } && element.GetString() is "NaN" or "Infinity" or "-Infinity"
            );
        }
    }

    [Fact]
    public void Numbers_that_are_not_finite_come_back_as_themselves()
    {
        var point = RecordingJson.Read<ProbePoint>(
            RecordingJson.Write(
                new ProbePoint(3)
                {
                    GradientNorm = double.PositiveInfinity,
                    Trace = double.NegativeInfinity,
                    Sharpness = double.NaN,
                    Eigenvalues = [double.NaN, -0.0, double.Epsilon],
                }
            )
        )!;

        Assert.Equal((double.PositiveInfinity, double.NegativeInfinity, double.NaN), (point.GradientNorm, point.Trace, point.Sharpness));
        Assert.Equal([double.NaN, -0.0, double.Epsilon], point.Eigenvalues);
    }
}
