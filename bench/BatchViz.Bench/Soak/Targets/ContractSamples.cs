using System.Collections;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace BatchViz.Bench.Soak.Targets;

/// <summary>Contracts filled by reflection, with one number wherever a fraction can stand: nested, in lists and in dictionaries.</summary>
internal static class ContractSamples
{
    /// <summary>Numbers that writers of JSON stumble over.</summary>
    public static readonly double[] Numbers =
    [
        double.NaN,
        double.PositiveInfinity,
        double.NegativeInfinity,
        1e308,
        -1e308,
        -0.0,
        double.Epsilon,
        -double.Epsilon,
        2.2250738585072009e-308,
        0.1f,
    ];

    /// <summary>The records of a namespace, but for those that are nested.</summary>
    public static IEnumerable<Type> RecordsOf(Assembly assembly, string space) =>
        assembly.GetTypes().Where(type => type.Namespace == space && IsRecord(type));

    /// <summary>A value of a type with the number in every place.</summary>
    /// <exception cref="NotSupportedException">A type that no contract should have.</exception>
    public static object Fill(Type type, double number)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        if (type == typeof(double))
            return number;
        if (type == typeof(float))
            return (float)number;
        if (type == typeof(bool))
            return true;
        if (type == typeof(byte[]))
            return new byte[] { 1, 2, 255 };
        if (type == typeof(string))
            return "a \"word\" <b> π";
        if (type == typeof(int) || type == typeof(long) || type == typeof(uint))
            return Convert.ChangeType(7, type);
        if (type == typeof(Guid))
            return Guid.Empty;
        if (type == typeof(DateTimeOffset))
            return DateTimeOffset.UnixEpoch;
        if (type.IsEnum)
            return Enum.GetValues(type).GetValue(0)!;
        // An experiment file: it has been checked, and has no number that is not finite.
        if (type == typeof(JsonObject) || type == typeof(JsonNode))
            return new JsonObject { ["learningRate"] = 0.1 };
        if (ElementOf(type) is { } element)
            return List(element, number);
        if (ValueOf(type) is { } value)
            return Dictionary(value, number);
        if (!IsRecord(type))
            throw new NotSupportedException(
                $"{type} is no type for a contract; say here how it is filled and in the generator what it is in TypeScript."
            );
        object made = RuntimeHelpers.GetUninitializedObject(type);
        foreach (var property in type.GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(p => p.CanWrite))
            property.SetValue(made, Fill(property.PropertyType, number));
        return made;
    }

    /// <summary>How many numbers of a value, at any depth, are of type double or float.</summary>
    public static int Fractions(Type type)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        if (type == typeof(double) || type == typeof(float))
            return 1;
        if (ElementOf(type) is { } element)
            return 2 * Fractions(element);
        if (ValueOf(type) is { } value)
            return Fractions(value);
        return IsRecord(type)
            ? type.GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(p => p.CanWrite).Sum(p => Fractions(p.PropertyType))
            : 0;
    }

    /// <summary>Elements of a JSON document, at any depth.</summary>
    public static IEnumerable<JsonElement> All(JsonElement element) =>
        element.ValueKind switch
        {
            JsonValueKind.Object => element.EnumerateObject().SelectMany(property => All(property.Value)),
            JsonValueKind.Array => element.EnumerateArray().SelectMany(All),
            _ => [element],
        };

    /// <summary>Null where it is no list.</summary>
    public static Type? ElementOf(Type type) =>
        type == typeof(byte[]) ? null
        : type.IsArray ? type.GetElementType()
        : type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IReadOnlyList<>) ? type.GetGenericArguments()[0]
        : null;

    /// <summary>Null where it is no dictionary.</summary>
    public static Type? ValueOf(Type type) =>
        type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IReadOnlyDictionary<,>) ? type.GetGenericArguments()[1] : null;

    private static bool IsRecord(Type type) =>
        type.GetMethod("<Clone>$") is not null
        || type.IsValueType && type.GetMethod("PrintMembers", BindingFlags.NonPublic | BindingFlags.Instance) is not null;

    private static Array List(Type element, double number)
    {
        var list = Array.CreateInstance(element, 2);
        for (int i = 0; i < list.Length; i++)
            list.SetValue(Fill(element, number), i);
        return list;
    }

    private static object Dictionary(Type value, double number)
    {
        var made = (IDictionary)Activator.CreateInstance(typeof(Dictionary<,>).MakeGenericType(typeof(string), value))!;
        made.Add("key", Fill(value, number));
        return made;
    }
}
