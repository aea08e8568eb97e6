using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using BatchViz.Api;
using BatchViz.Bench.Soak.Targets;

namespace BatchViz.Tests.Api;

/// <summary>Whatever the numbers, what this program tells others is JSON that any strict parser reads.</summary>
public class ContractsTests
{
    public static TheoryData<string> Contracts => [.. Types.Keys];

    /// <summary>All records of the namespace: a new one is tried without being named here.</summary>
    private static readonly Dictionary<string, Type> Types = ContractSamples
        .RecordsOf(typeof(ApiJson).Assembly, typeof(ApiJson).Namespace!)
        .ToDictionary(type => type.Name);

    [Fact]
    public void There_are_contracts() => Assert.True(Types.Count > 40, string.Join(", ", Types.Keys));

    [Theory]
    [MemberData(nameof(Contracts))]
    public void Every_number_is_written_in_strict_json(string name)
    {
        ContractCheck.EveryNumber(Types[name], ApiContext.Default);
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
    public void A_type_without_metadata_is_refused_instead_of_being_written_somehow() =>
        Assert.ThrowsAny<Exception>(() => ApiJson.Bytes(new { seconds = double.NaN }));
}
