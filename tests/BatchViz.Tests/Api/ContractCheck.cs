using System.Text.Json;
using System.Text.Json.Serialization;
using BatchViz.Bench.Soak.Targets;

namespace BatchViz.Tests.Api;

/// <summary>Holds a contract to what all JSON of this program is held to.</summary>
internal static class ContractCheck
{
    /// <summary>
    /// With any number in every place of one, it is written, and a strict reader finds that number, or null where it is none.
    /// </summary>
    public static void EveryNumber(Type type, JsonSerializerContext context)
    {
        var info = context.GetTypeInfo(type);
        Assert.True(info is not null, $"{type.Name} is written by nothing that is listed on {context.GetType().Name}.");
        int fractions = ContractSamples.Fractions(type);
        foreach (double number in ContractSamples.Numbers)
        {
            byte[] json = JsonSerializer.SerializeToUtf8Bytes(ContractSamples.Fill(type, number), info);

            using var document = JsonDocument.Parse(json);
            Assert.Equal(fractions, ContractSamples.All(document.RootElement).Count(element => Is(number, element)));
        }
    }

    private static bool Is(double number, JsonElement element) =>
        element.ValueKind switch
        {
            JsonValueKind.Null => !double.IsFinite(number),
            JsonValueKind.Number => BitConverter.DoubleToInt64Bits(element.GetDouble()) == BitConverter.DoubleToInt64Bits(number),
            _ => false,
        };
}
