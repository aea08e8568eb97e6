using System.Text.Json.Serialization;
using BatchViz.Tests.Api;

namespace BatchViz.Bench.Tests;

/// <summary>The JSON lines of benches and soaks.</summary>
public class BenchContractsTests
{
    private static readonly Dictionary<string, Type> Types = typeof(BenchContext)
        .GetCustomAttributesData()
        .Where(data => data.AttributeType == typeof(JsonSerializableAttribute))
        .Select(data => (Type)data.ConstructorArguments[0].Value!)
        .ToDictionary(type => type.Name);

    public static TheoryData<string> Contracts => [.. Types.Keys];

    [Theory]
    [MemberData(nameof(Contracts))]
    public void Every_number_is_written_in_strict_json(string name) => ContractCheck.EveryNumber(Types[name], BenchContext.Default);
}
