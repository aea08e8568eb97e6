using System.Reflection;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using BatchViz.Api;
using BatchViz.Bench.Soak.Targets;
using BatchViz.Core.Specs;

namespace BatchViz.Tests.Api;

/// <summary>
/// The contracts that pages know, in TypeScript: the records with a <see cref="TypeScriptAttribute"/> and those inside them, with their
/// comments. A fraction may be <c>null</c> unless it is marked as finite.
/// </summary>
internal sealed partial class TypeScriptContracts
{
    public const string Path = "src/BatchViz.Stage/contracts.ts";

    private readonly NullabilityInfoContext nullability = new();
    private readonly SortedDictionary<string, string> interfaces = new(StringComparer.Ordinal);
    private readonly Dictionary<string, XElement> comments;

    private TypeScriptContracts(Assembly assembly)
    {
        string file = System.IO.Path.ChangeExtension(assembly.Location, ".xml");
        comments = XDocument.Load(file).Descendants("member").ToDictionary(member => (string)member.Attribute("name")!);
        foreach (var type in assembly.GetTypes().Where(type => type.GetCustomAttribute<TypeScriptAttribute>() is { Type: null }))
            Add(type);
    }

    public static string Generate()
    {
        var made = new TypeScriptContracts(typeof(TypeScriptAttribute).Assembly);
        return "/**\n * What the server answers in JSON, generated from the records of src/BatchViz/Api: change those, and then run\n"
            + " * `UPDATE_CONTRACTS=1 dotnet test tests/BatchViz.Tests --filter TypeScriptContractsTests`. A number that is not finite is null.\n */\n"
            + "import type { Spec } from \"./spec.ts\";\n\n"
            + string.Join('\n', made.interfaces.Values);
    }

    private void Add(Type type)
    {
        if (interfaces.ContainsKey(type.Name))
            return;
        interfaces[type.Name] = ""; // a contract may hold itself
        var text = new StringBuilder();
        Comment(text, "", comments.GetValueOrDefault($"T:{type.FullName}")?.Element("summary"));
        text.Append($"export interface {type.Name} {{\n");
        foreach (var property in type.GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(property => property.CanWrite))
        {
            Comment(text, "  ", CommentOf(type, property));
            var (name, optional) = (
                NameOf(property),
                property.GetCustomAttribute<JsonIgnoreAttribute>() is { Condition: JsonIgnoreCondition.WhenWritingNull }
            );
            text.Append($"  {name}{(optional ? "?" : "")}: {TypeOf(property, optional)};\n");
        }
        interfaces[type.Name] = text.Append("}\n").ToString();
    }

    private string TypeOf(PropertyInfo property, bool optional)
    {
        if (property.GetCustomAttribute<TypeScriptAttribute>() is { Type: { } given })
            return given;
        if (property.GetCustomAttribute<OneOfAttribute>() is { Vocabulary: var vocabulary })
            return Union(WordsOf(vocabulary));
        bool finite = property.GetCustomAttribute<FiniteAttribute>() is not null;
        return TypeOf(nullability.Create(property), finite, optional);
    }

    private string TypeOf(NullabilityInfo info, bool finite, bool optional = false)
    {
        var type = Nullable.GetUnderlyingType(info.Type) ?? info.Type;
        bool fraction = type == typeof(double) || type == typeof(float);
        bool missing = !optional && info.ReadState == NullabilityState.Nullable || fraction && !finite;
        return (missing ? "{0} | null" : "{0}").Replace("{0}", Plain(type, info, finite));
    }

    private string Plain(Type type, NullabilityInfo info, bool finite)
    {
        if (type.GetCustomAttribute<TypeScriptAttribute>() is { Type: { } given })
            return given;
        if (type == typeof(string) || type == typeof(byte[]) || type == typeof(DateTimeOffset))
            return "string";
        if (type == typeof(bool))
            return "boolean";
        if (type == typeof(JsonObject))
            return "Spec";
        if (type.IsEnum)
            return Union(Enum.GetNames(type).Select(name => name.ToLowerInvariant()));
        if (type.IsPrimitive)
            return "number";
        if (ContractSamples.ElementOf(type) is not null)
        {
            string element = TypeOf(info.ElementType ?? info.GenericTypeArguments[0], finite);
            return element.Contains('|') ? $"({element})[]" : $"{element}[]";
        }
        if (ContractSamples.ValueOf(type) is not null)
            return $"Record<string, {TypeOf(info.GenericTypeArguments[1], finite)}>";
        Add(type);
        return type.Name;
    }

    private XElement? CommentOf(Type type, PropertyInfo property) =>
        comments.GetValueOrDefault($"P:{type.FullName}.{property.Name}")?.Element("summary")
        ?? comments
            .GetValueOrDefault($"T:{type.FullName}")
            ?.Elements("param")
            .FirstOrDefault(param => (string?)param.Attribute("name") == property.Name);

    private static void Comment(StringBuilder text, string indent, XElement? comment)
    {
        if (comment is null)
            return;
        // A <see/> has no text of its own: its name is written as it is in TypeScript.
        var words = comment
            .Nodes()
            .Select(node =>
                node switch
                {
                    XElement { Name.LocalName: "see" } see => JsonNamingPolicy.CamelCase.ConvertName(
                        ((string)see.Attribute("cref")!).Split('.')[^1]
                    ),
                    XElement element => element.Value,
                    _ => node.ToString().Replace("&lt;", "<").Replace("&gt;", ">").Replace("&amp;", "&"),
                }
            );
        text.Append($"{indent}/** {Spaces().Replace(string.Concat(words), " ").Trim()} */\n");
    }

    private static string NameOf(PropertyInfo property) =>
        property.GetCustomAttribute<JsonPropertyNameAttribute>()?.Name ?? JsonNamingPolicy.CamelCase.ConvertName(property.Name);

    private static IEnumerable<string> WordsOf(string vocabulary)
    {
        var list = (System.Collections.IEnumerable)typeof(SpecVocabulary).GetField(vocabulary)!.GetValue(null)!;
        return list.Cast<System.Runtime.CompilerServices.ITuple>().Select(entry => (string)entry[0]!);
    }

    private static string Union(IEnumerable<string> words) => string.Join(" | ", words.Select(word => $"\"{word}\""));

    [GeneratedRegex(@"\s+")]
    private static partial Regex Spaces();
}

public class TypeScriptContractsTests
{
    [Fact]
    public void The_typescript_is_generated_from_the_records_as_they_are()
    {
        string file = Path.Combine(Root(), TypeScriptContracts.Path),
            fresh = TypeScriptContracts.Generate();
        if (Environment.GetEnvironmentVariable("UPDATE_CONTRACTS") == "1")
            File.WriteAllText(file, fresh);
        Assert.True(
            File.Exists(file) && File.ReadAllText(file) == fresh,
            $"{TypeScriptContracts.Path} is stale; its first lines say how to make it anew."
        );
    }

    private static string Root()
    {
        for (string at = AppContext.BaseDirectory; ; at = Path.GetDirectoryName(at)!)
            if (File.Exists(Path.Combine(at, "BatchViz.sln")))
                return at;
    }
}
