using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using static BatchViz.Core.Language;

namespace BatchViz.Core.Specs;

/// <summary>
/// Reads one JSON object strictly: every key must be asked for, no key may appear twice, and each refusal is one sentence that
/// names the key by its path. Wraps <see cref="JsonElement"/>; the text is parsed with a depth cap before anything is read.
/// </summary>
internal sealed class StrictJsonReader
{
    public const int MaxDepth = 32,
        MaxBytes = 1 << 20,
        MaxTokens = 4_000;

    private readonly string path;
    private readonly Dictionary<string, JsonElement> values = new(StringComparer.Ordinal);
    private readonly List<string> known = [];

    private StrictJsonReader(string path, JsonElement element)
    {
        this.path = path;
        foreach (var property in element.EnumerateObject())
            if (!values.TryAdd(property.Name, property.Value))
                throw new RefusedException(
                    Tr(
                        $"\"{At(UntrustedText.Shorten(property.Name))}\" is given twice.",
                        $"\"{At(UntrustedText.Shorten(property.Name))}\" 出现了两次。"
                    )
                );
    }

    /// <summary>Parses a whole document, which must be an object.</summary>
    public static StrictJsonReader Parse(ReadOnlyMemory<byte> utf8, string what)
    {
        if (utf8.Length > MaxBytes)
            throw new RefusedException(
                Tr($"{what} is larger than 1 MB, too large for an experiment.", $"{what}大于 1 MB，对实验来说太大。")
            );
        if (utf8.Span.StartsWith("\uFEFF"u8))
            utf8 = utf8[3..];
        if (!Utf8.IsValid(utf8.Span))
            throw new RefusedException(Tr($"{what} is not UTF-8 text.", $"{what}不是 UTF-8 文本。"));
        JsonElement root;
        try
        {
            CheckLength(utf8.Span, what);
            using var document = JsonDocument.Parse(utf8, new JsonDocumentOptions { MaxDepth = MaxDepth });
            root = document.RootElement.Clone();
        }
        catch (JsonException)
        {
            throw new RefusedException(Explain(utf8.Span, what));
        }
        if (root.ValueKind != JsonValueKind.Object)
            throw new RefusedException(Tr($"{what} is not a JSON object but {Name(root)}.", $"{what}不是 JSON 对象，而是{Name(root)}。"));
        CheckText(root, what);
        return new StrictJsonReader("", root);
    }

    /// <summary>Refuses more than any experiment has before memory is taken for each; what comes after is not even read.</summary>
    private static void CheckLength(ReadOnlySpan<byte> utf8, string what)
    {
        var reader = new Utf8JsonReader(utf8, new JsonReaderOptions { MaxDepth = MaxDepth });
        for (int tokens = 0; reader.Read(); tokens++)
            if (tokens == MaxTokens)
                throw new RefusedException(
                    Tr(
                        $"{what} has more than {MaxTokens} keys, values and brackets, too many for an experiment.",
                        $"{what}的键、值和括号超过 {MaxTokens} 个，对实验来说太多。"
                    )
                );
    }

    /// <summary>Refuses escapes of half a character (\ud800), which would throw wherever they are read later.</summary>
    private static void CheckText(JsonElement element, string at)
    {
        try
        {
            if (element.ValueKind == JsonValueKind.String)
                element.GetString();
            if (element.ValueKind == JsonValueKind.Array)
                foreach (var entry in element.EnumerateArray())
                    CheckText(entry, at);
            if (element.ValueKind == JsonValueKind.Object)
                foreach (var property in element.EnumerateObject())
                    CheckText(property.Value, $"\"{UntrustedText.Shorten(property.Name)}\"");
        }
        catch (InvalidOperationException)
        {
            throw new RefusedException(Tr($"{at} has text that is not valid Unicode.", $"{at} 中有无效的 Unicode 文本。"));
        }
    }

    public string At(string key) => path.Length == 0 ? key : $"{path}.{key}";

    public string? Text(string key)
    {
        if (Get(key) is not { } value)
            return null;
        if (value.ValueKind != JsonValueKind.String)
            throw Wrong(key, value, Tr("a text in quotation marks", "引号中的文本"));
        string text = value.GetString()!;
        if (text.Length > 200)
            throw new RefusedException(Tr($"\"{At(key)}\" is longer than 200 characters.", $"\"{At(key)}\" 超过 200 个字符。"));
        foreach (char c in text)
            if (char.IsControl(c))
                throw new RefusedException(Tr($"\"{At(key)}\" has a control character in it.", $"\"{At(key)}\" 含有控制字符。"));
        return text;
    }

    public bool? Flag(string key) =>
        Get(key) is not { } value ? null
        : value.ValueKind is JsonValueKind.True or JsonValueKind.False ? value.GetBoolean()
        : throw Wrong(key, value, Tr("true or false", "true 或 false"));

    public double? Number(string key, double min, double max, bool openMin = false) =>
        Get(key) is not { } value ? null : Number(At(key), value, min, max, openMin);

    public static double Number(string at, JsonElement value, double min, double max, bool openMin = false)
    {
        string range = openMin
            ? Tr($"a number above {Show(min)}, at most {Show(max)}", $"大于 {Show(min)}、不超过 {Show(max)} 的数")
            : Tr($"a number from {Show(min)} to {Show(max)}", $"{Show(min)} 到 {Show(max)} 的数");
        if (value.ValueKind != JsonValueKind.Number || !value.TryGetDouble(out double number) || !double.IsFinite(number))
            throw new RefusedException(
                Tr($"\"{at}\" is {Quote(value)}; it must be {range}.", $"\"{at}\" 是 {Quote(value)}；必须是 {range}。")
            );
        if (number > max || number < min || (openMin && number <= min))
            throw new RefusedException(
                Tr($"\"{at}\" is {Quote(value)}; it must be {range}.", $"\"{at}\" 是 {Quote(value)}；必须是 {range}。")
            );
        // Double has made a 0 of the smallest already.
        if ((float)number == 0 && (number != 0 || !IsWrittenAsZero(value.GetRawText())))
            throw new RefusedException(
                Tr(
                    $"\"{at}\" is {Quote(value)}, of which float32, in which networks train, makes 0; the smallest number there is 1.4e-45.",
                    $"\"{at}\" 是 {Quote(value)}，网络训练所用的 float32 会把它变成 0；其中最小的数是 1.4e-45。"
                )
            );
        return number;
    }

    /// <summary>Whether all digits before the exponent are 0.</summary>
    private static bool IsWrittenAsZero(string number) =>
        number.AsSpan(0, number.AsSpan().IndexOfAny('e', 'E') is var e and >= 0 ? e : number.Length).IndexOfAnyInRange('1', '9') < 0;

    public long? Whole(string key, long min, long max) => Get(key) is not { } value ? null : Whole(At(key), value, min, max);

    public static long Whole(string at, JsonElement value, long min, long max)
    {
        if (!TryWhole(value, out long number) || number < min || number > max)
            throw new RefusedException(
                Tr(
                    $"\"{at}\" is {Quote(value)}; it must be a whole number from {Show(min)} to {Show(max)}.",
                    $"\"{at}\" 是 {Quote(value)}；必须是 {Show(min)} 到 {Show(max)} 的整数。"
                )
            );
        return number;
    }

    /// <summary>A whole number however JSON writes it: 32, 32.0 and 3.2e1 are the same.</summary>
    public static bool TryWhole(JsonElement value, out long number)
    {
        number = 0;
        if (value.ValueKind != JsonValueKind.Number)
            return false;
        if (value.TryGetInt64(out number))
            return true;
        if (!value.TryGetDouble(out double real) || Math.Floor(real) != real || Math.Abs(real) > 1L << 53)
            return false;
        number = (long)real;
        return true;
    }

    public T? Choice<T>(string key, IReadOnlyList<(string Word, T Value)> choices)
        where T : struct
    {
        return Get(key) is { } value ? Choice(At(key), value, choices) : null;
    }

    public static T Choice<T>(string at, JsonElement value, IReadOnlyList<(string Word, T Value)> choices)
        where T : struct
    {
        string words = string.Join(", ", choices.Select(c => $"\"{c.Word}\""));
        if (value.ValueKind == JsonValueKind.String)
            foreach (var (word, choice) in choices)
                if (value.ValueEquals(word))
                    return choice;
        throw new RefusedException(
            Tr($"\"{at}\" is {Quote(value)}; it must be one of {words}.", $"\"{at}\" 是 {Quote(value)}；必须是下列之一：{words}。")
        );
    }

    public StrictJsonReader? Object(string key)
    {
        if (Get(key) is not { } value)
            return null;
        if (value.ValueKind != JsonValueKind.Object)
            throw Wrong(key, value, Tr("an object in braces", "花括号中的对象"));
        return new StrictJsonReader(At(key), value);
    }

    public IReadOnlyList<JsonElement>? Array(string key, int min, int max)
    {
        if (Get(key) is not { } value)
            return null;
        if (value.ValueKind != JsonValueKind.Array)
            throw Wrong(key, value, Tr("a list in brackets", "方括号中的列表"));
        int length = value.GetArrayLength();
        if (length < min || length > max)
            throw new RefusedException(
                Tr(
                    $"\"{At(key)}\" has {length} entries; it must have {min} to {max}.",
                    $"\"{At(key)}\" 有 {length} 项；必须有 {min} 到 {max} 项。"
                )
            );
        return [.. value.EnumerateArray()];
    }

    /// <summary>A list of objects.</summary>
    public IReadOnlyList<StrictJsonReader>? Objects(string key, int min, int max) =>
        Array(key, min, max)
            ?.Select(
                (value, i) =>
                    value.ValueKind == JsonValueKind.Object
                        ? new StrictJsonReader($"{At(key)}[{i}]", value)
                        : throw Wrong($"{key}[{i}]", value, Tr("an object in braces", "花括号中的对象"))
            )
            .ToList();

    /// <summary>The value whatever its kind, for keys that take several.</summary>
    public JsonElement? Get(string key)
    {
        known.Add(key);
        return values.TryGetValue(key, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;
    }

    public IEnumerable<KeyValuePair<string, JsonElement>> All
    {
        get
        {
            known.AddRange(values.Keys);
            return values;
        }
    }

    /// <summary>Says that a key is missing, or that another is probably a misspelling of it.</summary>
    public RefusedException Missing(string key, string what)
    {
        foreach (string given in values.Keys)
            if (!known.Contains(given) && Near(given, key))
                return Unknown(given, key);
        return new(Tr($"\"{At(key)}\" is missing; it must be {what}.", $"\"{At(key)}\" 缺失；必须是{what}。"));
    }

    /// <summary>Refuses keys that nobody asked for.</summary>
    public void Done()
    {
        foreach (string key in values.Keys)
        {
            if (known.Contains(key))
                continue;
            string? nearest = known.OrderBy(k => Distance(k, key)).FirstOrDefault();
            throw Unknown(key, nearest is not null && Near(key, nearest) ? nearest : null);
        }
    }

    private RefusedException Unknown(string key, string? meant)
    {
        string where = path.Length == 0 ? Tr("an experiment", "实验") : $"\"{path}\"";
        string hint = meant is not null
            ? Tr($" (did you mean \"{meant}\"?)", $"（是否想写 \"{meant}\"？）")
            : Tr($"; known here are {string.Join(", ", known.Distinct())}", $"；可用的有 {string.Join(", ", known.Distinct())}");
        return new(
            Tr(
                $"\"{At(UntrustedText.Shorten(key))}\" is not a key of {where}{hint}.",
                $"\"{At(UntrustedText.Shorten(key))}\" 不是 {where} 的键{hint}。"
            )
        );
    }

    public static string Quote(JsonElement value)
    {
        return value.ValueKind switch
        {
            JsonValueKind.Object => Tr("an object", "对象"),
            JsonValueKind.Array => Tr("a list", "列表"),
            _ => UntrustedText.Shorten(value.GetRawText()),
        };
    }

    private RefusedException Wrong(string key, JsonElement value, string wanted) =>
        new(Tr($"\"{At(key)}\" is {Quote(value)}; it must be {wanted}.", $"\"{At(key)}\" 是 {Quote(value)}；必须是{wanted}。"));

    private static string Show(double value) =>
        value.ToString(Math.Abs(value) is >= 1e7 or (> 0 and < 1e-3) ? "0.###e0" : "#,0.######", CultureInfo.InvariantCulture);

    private static string Show(long value) => value.ToString("#,0", CultureInfo.InvariantCulture);

    private static string Name(JsonElement value) =>
        value.ValueKind switch
        {
            JsonValueKind.Array => Tr("a list", "列表"),
            JsonValueKind.String => Tr("a text", "文本"),
            JsonValueKind.Number => Tr("a number", "数"),
            _ => value.GetRawText(),
        };

    /// <summary>Finds where the text stops being JSON, and names the key there.</summary>
    private static string Explain(ReadOnlySpan<byte> utf8, string what)
    {
        var keys = new Stack<string>();
        string? key = null;
        var reader = new Utf8JsonReader(utf8, new JsonReaderOptions { MaxDepth = MaxDepth });
        try
        {
            while (reader.Read())
            {
                switch (reader.TokenType)
                {
                    case JsonTokenType.PropertyName:
                        key = UntrustedText.Shorten(reader.GetString()!);
                        break;
                    case JsonTokenType.StartObject or JsonTokenType.StartArray:
                        keys.Push(key ?? "");
                        key = null;
                        break;
                    case JsonTokenType.EndObject or JsonTokenType.EndArray:
                        keys.Pop();
                        key = null;
                        break;
                }
            }
        }
        catch (JsonException e)
        {
            long line = (e.LineNumber ?? 0) + 1,
                column = (e.BytePositionInLine ?? 0) + 1;
            if (keys.Count >= MaxDepth)
                return Tr(
                    $"{what} is nested more than {MaxDepth} levels deep (line {line}).",
                    $"{what}的嵌套超过 {MaxDepth} 层（第 {line} 行）。"
                );
            string path = string.Join('.', keys.Reverse().Append(key ?? "").Where(k => k.Length > 0));
            string at = path.Length > 0 ? Tr($", at \"{UntrustedText.Shorten(path)}\"", $"，在 \"{UntrustedText.Shorten(path)}\" 处") : "";
            return Tr(
                $"{what} is not JSON: line {line}, column {column}{at}{Found(utf8, e)}.",
                $"{what}不是 JSON：第 {line} 行第 {column} 列{at}{Found(utf8, e)}。"
            );
        }
        catch (InvalidOperationException) { }
        return Tr($"{what} is not JSON.", $"{what}不是 JSON。");
    }

    private static string Found(ReadOnlySpan<byte> utf8, JsonException e)
    {
        int start = 0;
        for (long line = e.LineNumber ?? 0; line > 0; line--)
        {
            int end = utf8[start..].IndexOf((byte)'\n');
            if (end < 0)
                return "";
            start += end + 1;
        }
        start += (int)(e.BytePositionInLine ?? 0);
        if (start >= utf8.Length)
            return Tr(", it ends too early", "，过早结束");
        var word = utf8[start..];
        int length = 0;
        while (length < word.Length && length < 20 && word[length] is not ((byte)',' or (byte)'}' or (byte)']' or (byte)'\n' or (byte)'\r'))
            length++;
        string text = Encoding.UTF8.GetString(word[..length]).Trim();
        return text.Length == 0
            ? ""
            : Tr(
                $", {UntrustedText.Shorten(text)} is not a value (text needs quotation marks, numbers are finite)",
                $"，{UntrustedText.Shorten(text)} 不是值（文本需要引号，数必须有限）"
            );
    }

    private static bool Near(string given, string meant) => Distance(given, meant) <= Math.Min(3, meant.Length / 2);

    private static int Distance(string a, string b)
    {
        if (Math.Abs(a.Length - b.Length) > 3)
            return 99;
        var row = new int[b.Length + 1];
        for (int j = 0; j <= b.Length; j++)
            row[j] = j;
        for (int i = 1; i <= a.Length; i++)
        {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.Length; j++)
            {
                int cost = char.ToLowerInvariant(a[i - 1]) == char.ToLowerInvariant(b[j - 1]) ? 0 : 1;
                int best = Math.Min(Math.Min(row[j], row[j - 1]) + 1, diagonal + cost);
                (diagonal, row[j]) = (row[j], best);
            }
        }
        return row[b.Length];
    }
}
