using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using BatchViz.Api;
using BatchViz.Cli.Bench;
using BatchViz.Cli.Bench.Soak.Targets;

namespace BatchViz.Tests.Api;

/// <summary>Whatever the numbers, what this program tells others is JSON that any strict parser reads.</summary>
public class ContractsTests
{
    public static TheoryData<string> Contracts => [.. Types.Keys];

    /// <summary>All records of the namespace: a new one is tried without being named here.</summary>
    private static readonly Dictionary<string, Type> Types = ContractSamples.RecordsOf(typeof(ApiJson).Assembly, typeof(ApiJson).Namespace!).ToDictionary(type => type.Name);

    /// <summary>Of benches and soaks, those that are written by themselves.</summary>
    private static readonly Dictionary<string, Type> OfBenches = typeof(BenchContext).GetCustomAttributesData()
        .Where(data => data.AttributeType == typeof(JsonSerializableAttribute)).Select(data => (Type)data.ConstructorArguments[0].Value!).ToDictionary(type => type.Name);

    public static TheoryData<string> BenchContracts => [.. OfBenches.Keys];

    [Theory]
    [MemberData(nameof(BenchContracts))]
    public void Every_number_of_a_bench_is_written_in_strict_json(string name) => Check(OfBenches[name], BenchContext.Default);

    [Fact]
    public void There_are_contracts() => Assert.True(Types.Count > 40, string.Join(", ", Types.Keys));

    [Theory]
    [MemberData(nameof(Contracts))]
    public void Every_number_is_written_in_strict_json(string name)
    {
        Check(Types[name], ApiContext.Default);
    }

    private static void Check(Type type, JsonSerializerContext context)
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

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    [InlineData(double.NegativeInfinity)]
    public void A_number_that_is_not_finite_is_null_and_read_as_none(double number)
    {
        var written = new UnderWay(number, 3, number);

        string json = Encoding.UTF8.GetString(ApiJson.Bytes(written));

        Assert.Equal("""{"progress":null,"updates":3,"seconds":null}""", json);
        var read = JsonSerializer.Deserialize(json, ApiContext.Default.UnderWay)!;
        Assert.True(double.IsNaN(read.Progress));
        Assert.Null(read.Seconds);
    }

    [Fact]
    public void A_type_without_metadata_is_refused_instead_of_being_written_somehow()
        => Assert.ThrowsAny<Exception>(() => ApiJson.Bytes(new { seconds = double.NaN }));

    private static bool Is(double number, JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Null => !double.IsFinite(number),
        JsonValueKind.Number => BitConverter.DoubleToInt64Bits(element.GetDouble()) == BitConverter.DoubleToInt64Bits(number),
        _ => false,
    };
}
