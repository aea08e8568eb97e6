using System.Text;
using System.Text.Json;

namespace BatchViz.Bench.Soak.Targets;

/// <summary>
/// JSON as a tree that can hold what no JSON may: a key twice, a number that is none. Texts are as written, keys without their quotes.
/// </summary>
/// <param name="text">Of what is neither object nor list.</param>
internal sealed class JsonPiece(string text)
{
    private bool list;

    /// <summary>Of an object or a list (whose keys mean nothing); null of anything else.</summary>
    public List<(string Key, JsonPiece Value)>? Members { get; private init; }

    public static JsonPiece Parse(string json)
    {
        using var document = JsonDocument.Parse(json);
        return Of(document.RootElement);
    }

    public override string ToString()
    {
        var json = new StringBuilder();
        Write(json);
        return json.ToString();
    }

    private static JsonPiece Of(JsonElement element) =>
        element.ValueKind switch
        {
            JsonValueKind.Object => new("") { Members = [.. element.EnumerateObject().Select(p => (p.Name, Of(p.Value)))] },
            JsonValueKind.Array => new("") { Members = [.. element.EnumerateArray().Select(v => ("", Of(v)))], list = true },
            _ => new(element.GetRawText()),
        };

    private void Write(StringBuilder json)
    {
        if (Members is null)
        {
            json.Append(text);
            return;
        }
        json.Append(list ? '[' : '{');
        for (int i = 0; i < Members.Count; i++)
        {
            if (i > 0)
                json.Append(", ");
            if (!list)
                json.Append('"').Append(Members[i].Key).Append("\": ");
            Members[i].Value.Write(json);
        }
        json.Append(list ? ']' : '}');
    }
}
