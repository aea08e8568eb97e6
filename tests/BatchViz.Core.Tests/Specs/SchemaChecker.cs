using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace BatchViz.Core.Tests.Specs;

/// <summary>
/// As much of JSON Schema 2020-12 as docs/experiment.schema.json uses; a keyword it does not know is an error, not a pass.
/// </summary>
internal static class SchemaChecker
{
    public static bool Accepts(JsonNode? schema, JsonNode? value)
    {
        if (schema is JsonValue truth)
            return truth.GetValue<bool>();
        var s = schema!.AsObject();
        return s.All(rule => Holds(rule.Key, rule.Value!, value, s));
    }

    private static bool Holds(string keyword, JsonNode rule, JsonNode? value, JsonObject schema)
    {
        var members = value as JsonObject;
        var items = value as JsonArray;
        double? number = value is JsonValue v && v.GetValueKind() == System.Text.Json.JsonValueKind.Number ? v.GetValue<double>() : null;
        string? text = value is JsonValue t && t.GetValueKind() == System.Text.Json.JsonValueKind.String ? t.GetValue<string>() : null;
        switch (keyword)
        {
            case "$ref":
                return Accepts(rule.GetValue<string>()["#/".Length..].Split('/').Aggregate(rule.Root, (at, key) => at[key]!), value);
            case "$schema" or "$defs" or "title" or "description" or "default" or "then" or "else":
                return true;
            case "type":
                return IsOf(rule.GetValue<string>(), value);
            case "enum":
                return rule.AsArray().Any(e => JsonNode.DeepEquals(e, value));
            case "required":
                return members is null || rule.AsArray().All(k => members.ContainsKey(k!.GetValue<string>()));
            case "properties":
                return members is null || members.All(m => !rule.AsObject().ContainsKey(m.Key) || Accepts(rule[m.Key], m.Value));
            case "additionalProperties":
                return members is null
                    || members.All(m => schema["properties"]?.AsObject().ContainsKey(m.Key) == true || Accepts(rule, m.Value));
            case "propertyNames":
                return members is null || members.All(m => Regex.IsMatch(m.Key, rule["pattern"]!.GetValue<string>()));
            case "dependentRequired":
                return members is null
                    || rule.AsObject()
                        .All(d => !members.ContainsKey(d.Key) || d.Value!.AsArray().All(k => members.ContainsKey(k!.GetValue<string>())));
            case "minProperties":
                return members is null || members.Count >= rule.GetValue<int>();
            case "maxProperties":
                return members is null || members.Count <= rule.GetValue<int>();
            case "items":
                return items is null || items.All(i => Accepts(rule, i));
            case "minItems":
                return items is null || items.Count >= rule.GetValue<int>();
            case "maxItems":
                return items is null || items.Count <= rule.GetValue<int>();
            case "uniqueItems":
                return items is null || items.Select((a, i) => items.Take(i).Any(b => JsonNode.DeepEquals(a, b))).All(same => !same);
            case "minimum":
                return number is null || number >= rule.GetValue<double>();
            case "maximum":
                return number is null || number <= rule.GetValue<double>();
            case "exclusiveMinimum":
                return number is null || number > rule.GetValue<double>();
            case "minLength":
                return text is null || text.Length >= rule.GetValue<int>();
            case "pattern":
                return text is null || Regex.IsMatch(text, rule.GetValue<string>());
            case "maxLength":
                return text is null || text.Length <= rule.GetValue<int>();
            case "anyOf":
                return rule.AsArray().Any(o => Accepts(o, value));
            case "allOf":
                return rule.AsArray().All(o => Accepts(o, value));
            case "if":
                return Accepts(rule, value)
                    ? schema["then"] is null || Accepts(schema["then"], value)
                    : schema["else"] is null || Accepts(schema["else"], value);
            default:
                throw new NotSupportedException($"This checker does not know \"{keyword}\".");
        }
    }

    private static bool IsOf(string type, JsonNode? value) =>
        (type, value?.GetValueKind()) switch
        {

            ("object", System.Text.Json.JsonValueKind.Object)
            or
            ("array", System.Text.Json.JsonValueKind.Array)
            or
            ("string", System.Text.Json.JsonValueKind.String)
            or
            ("number", System.Text.Json.JsonValueKind.Number)
            or ("boolean", System.Text.Json.JsonValueKind.True or System.Text.Json.JsonValueKind.False) => true,
            ("integer", System.Text.Json.JsonValueKind.Number) => Math.Floor(value!.GetValue<double>()) == value.GetValue<double>(),
            _ => false,
        };
}
