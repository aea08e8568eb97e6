using System.Buffers.Binary;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using BatchViz.Api;
using BatchViz.Core.Specs;

namespace BatchViz.Bench.Soak.Targets;

/// <summary>
/// Everything that the program writes as JSON, with any number in it: an input names a contract and has the 64 bits of a double, which
/// stands wherever a fraction can. What is written must be strict JSON with that number in every place, or with null in its place where it
/// is not finite.
/// </summary>
internal sealed class ContractsTarget : FuzzTarget
{
    private const int InputBytes = sizeof(ushort) + sizeof(double);

    private static readonly (Type Type, JsonTypeInfo Info)[] Contracts =
    [
        .. ContractSamples
            .RecordsOf(typeof(ApiJson).Assembly, typeof(ApiJson).Namespace!)
            .Select(type => (type, Info(ApiContext.Default, type))),
        .. typeof(BenchContext)
            .GetCustomAttributesData()
            .Where(data => data.AttributeType == typeof(JsonSerializableAttribute))
            .Select(data => (Type)data.ConstructorArguments[0].Value!)
            .Select(type => (type, Info(BenchContext.Default, type))),
    ];

    public override byte[] Valid(FuzzRandom random) => Make(random, random.Any<double>(ContractSamples.Numbers));

    public override byte[] Structured(FuzzRandom random)
    {
        byte[] input = Make(random, BitConverter.UInt64BitsToDouble((ulong)random.Word() << 32 | random.Word()));
        return random.Once(4) ? input[..random.Below(InputBytes)] : input;
    }

    public override void Read(byte[] input)
    {
        if (input.Length != InputBytes)
            throw new RefusedException($"A contract and its number are {InputBytes} bytes, not {input.Length}.");
        var (type, info) = Contracts[BinaryPrimitives.ReadUInt16LittleEndian(input) % Contracts.Length];
        double number = BinaryPrimitives.ReadDoubleLittleEndian(input.AsSpan(sizeof(ushort)));
        byte[] json = JsonSerializer.SerializeToUtf8Bytes(ContractSamples.Fill(type, number), info);
        using var document = JsonDocument.Parse(json);
        int written = ContractSamples.All(document.RootElement).Count(element => IsWritten(number, element));
        // A number of a float is rounded; how many places there are is the same.
        if (written < ContractSamples.Fractions(type))
            throw new InvalidDataException($"{type.Name} lost a number {number:R} on the way into JSON.");
    }

    private static bool IsWritten(double number, JsonElement element) =>
        element.ValueKind switch
        {
            JsonValueKind.Null => !double.IsFinite(number) || !float.IsFinite((float)number),
            JsonValueKind.Number => element.GetDouble() is var read && (read.Equals(number) || (float)read == (float)number),
            _ => false,
        };

    private static byte[] Make(FuzzRandom random, double number)
    {
        var input = new byte[InputBytes];
        BinaryPrimitives.WriteUInt16LittleEndian(input, (ushort)random.Below(Contracts.Length));
        BinaryPrimitives.WriteDoubleLittleEndian(input.AsSpan(sizeof(ushort)), number);
        return input;
    }

    private static JsonTypeInfo Info(JsonSerializerContext context, Type type) =>
        context.GetTypeInfo(type) ?? throw new InvalidOperationException($"{type.Name} is not listed on {context.GetType().Name}.");
}
