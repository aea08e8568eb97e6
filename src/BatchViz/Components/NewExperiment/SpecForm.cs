using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using BatchViz.Core.Data;
using BatchViz.Core.Specs;

namespace BatchViz.Components.NewExperiment;

/// <summary>
/// An experiment while it is being described: one JSON text, and its settings as texts by key ("model.hidden" is "128, 64").
/// What a field holds goes into the JSON as it is, a word where a number should be included, so that the reader's own sentence
/// says what is wrong with it.
/// </summary>
public sealed partial class SpecForm
{
    private static readonly JsonSerializerOptions Indented = new()
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private JsonObject json = [];
    private string text = "";

    public SpecForm(ExperimentSpec spec) => Use(spec);

    /// <summary>The whole experiment file; any text may be set.</summary>
    public string Text
    {
        get => text;
        set
        {
            text = value;
            Check();
            if (Spec is { } spec)
                json = SpecWriter.Write(spec);
            else if (Parse(value) is { } written)
                json = written;
        }
    }

    /// <summary>What the text says, or null while it is refused.</summary>
    public ExperimentSpec? Spec { get; private set; }

    /// <summary>
    /// Why it is refused, or null: the reader's sentence, or one that <see cref="Refuse"/> was told of a text that reads well.
    /// </summary>
    public string? Problem { get; private set; }

    /// <summary>Whether the fields show the text; not while it is no JSON at all.</summary>
    public bool HasFields => Spec is not null || Parse(text) is not null;

    public byte[] Utf8 => Encoding.UTF8.GetBytes(text);

    /// <summary>What was found wrong beside the data; it stands until something changes.</summary>
    public void Refuse(string sentence) => Problem = sentence;

    public void Use(ExperimentSpec spec) => Write(SpecWriter.Write(spec));

    /// <summary>The id of a key's field in the page.</summary>
    public static string IdOf(string path) => "spec-" + path.Replace('.', '-');

    /// <summary>Whether the sentence is about this key.</summary>
    /// <param name="whole">Only about the key itself: what lies under it has fields of its own.</param>
    public bool Blames(string path, bool whole = false) =>
        Problem is { } problem && (problem.StartsWith($"\"{path}\"", StringComparison.Ordinal) || !whole && BlamesPart(problem, path));

    private static bool BlamesPart(string problem, string path) =>
        problem.StartsWith($"\"{path}[", StringComparison.Ordinal) || problem.StartsWith($"\"{path}.", StringComparison.Ordinal);

    public string Get(string path) =>
        At(path) switch
        {
            null => "",
            JsonArray list => string.Join(", ", list.Select(Show)),
            JsonObject rates => string.Join(", ", rates.Select(pair => $"{pair.Key}: {Show(pair.Value)}")),
            var value => Show(value),
        };

    /// <summary>Sets a number or a word; an empty text leaves the key out.</summary>
    public void Set(string path, string value) => Put(path, value.Trim() is { Length: > 0 } trimmed ? Value(trimmed) : null);

    /// <summary>Sets a text that stays one, whatever it looks like.</summary>
    public void SetText(string path, string value) => Put(path, value.Length > 0 ? value : null);

    /// <summary>Sets a list: "128, 64".</summary>
    public void SetList(string path, string value) => Put(path, new JsonArray([.. Split(value).Select(Value)]));

    /// <summary>Sets a list, or leaves the key out where the text is empty.</summary>
    public void SetListOrNone(string path, string value)
    {
        if (value.Trim().Length == 0)
            Put(path, null);
        else
            SetList(path, value);
    }

    public void SetFlag(string path, string value) => Put(path, value.Length == 0 ? null : value == "true");

    /// <summary>Whether a list has the word.</summary>
    public bool Has(string path, string word) => At(path) is JsonArray list && list.Any(entry => Show(entry) == word);

    /// <summary>Puts a word into a list, in the order of <paramref name="all"/>, or takes it out.</summary>
    public void Tick(string path, string word, bool ticked, IEnumerable<string> all) =>
        Put(path, new JsonArray([.. all.Where(other => other == word ? ticked : Has(path, other)).Select(other => (JsonNode)other)]));

    /// <summary>Sets rates by batch size: "1: 0.01, 32: 0.1".</summary>
    public void SetRates(string value)
    {
        var rates = new JsonObject();
        foreach (string pair in value.Split([',', ';'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            string[] parts = pair.Split(':', 2, StringSplitOptions.TrimEntries);
            rates[parts[0]] = Value(parts.Length == 2 ? parts[1] : "");
        }
        Put("learningRate", rates);
    }

    public string Budget => (At("budget") as JsonObject)?.FirstOrDefault().Key ?? "epochs";

    public string Rule =>
        At("learningRate") is JsonObject ? "tuned"
        : Get("learningRateRule") is { Length: > 0 } rule ? rule
        : "constant";

    /// <summary>Another data set brings another name, loss and, between networks and surfaces, another model.</summary>
    public void SetData(string kind)
    {
        bool wasStream = Get("data.kind") == "drift",
            wasSurface = IsSurface(Get("data.kind")),
            isSurface = IsSurface(kind);
        json["data"] = new JsonObject { ["kind"] = kind };
        // A stream has its own order and goes by once.
        if (json["sampler"] is JsonObject sampler && (kind == "drift" || wasStream))
            sampler.Remove("order");
        if (kind == "drift")
            json["budget"] = new JsonObject { ["epochs"] = 1 };
        bool towers = HasTowers;
        foreach (string key in new[] { "name", "landscape" })
            json.Remove(key);
        if (!(towers && kind == "pairs"))
            json.Remove("loss");
        if (isSurface)
            json.Remove("model");
        else if (towers && kind != "pairs")
            json["model"] = Widths();
        else if (wasSurface)
            json["model"] = new JsonObject { ["hidden"] = new JsonArray(8, 8), ["activation"] = "tanh" };
        FitLandscape();
        Settle();
    }

    /// <summary>
    /// The architecture: a preset's name, "layers" for a list of layers (which is written as JSON), or nothing for hidden layers of the
    /// widths given.
    /// </summary>
    public string Architecture =>
        Get("model.preset") is { Length: > 0 } preset ? preset
        : Get("model.kind") == "layers" ? "layers"
        : At("model.hidden") is JsonArray { Count: 0 } ? "logistic"
        : "";

    private bool HasTowers => Get("model.preset") == "two-tower" || Get("model.towers") == "2";

    private static JsonObject Widths() => new() { ["hidden"] = new JsonArray(128, 64) };

    /// <summary>
    /// Another architecture has other keys; two towers have losses of their own, and need pairs of views: of the present set, or of MNIST.
    /// </summary>
    public void SetPreset(string preset)
    {
        json["model"] = preset.Length > 0 ? new JsonObject { ["preset"] = preset } : Widths();
        bool towers = preset == "two-tower",
            contrastive = Get("loss") is "info-nce" or "sigmoid-contrastive";
        if (towers && !contrastive)
            json["loss"] = "info-nce";
        if (!towers && contrastive)
            json.Remove("loss");
        if (towers && json["probes"] is JsonArray probes)
            json["probes"] = new JsonArray([
                .. probes
                    .Where(word => SpecVocabulary.Probes.All(probe => probe.Word != Show(word) || probe.Value.WhyNotContrastive() is null))
                    .Select(word => word?.DeepClone()),
            ]);
        if (towers && Get("data.kind") is not "pairs" and var of)
        {
            bool some = Pairs.Bases.Any(one => one.Word == of);
            var data = some ? (JsonObject)json["data"]!.DeepClone() : [];
            (data["kind"], data["base"]) = ("pairs", some ? of : "mnist");
            json["data"] = data;
            json.Remove("name");
        }
        FitLandscape();
        Settle();
    }

    /// <summary>A convolution is dear to evaluate: its landscape is that of examples/lenet.json, unless another was asked for.</summary>
    private void FitLandscape()
    {
        const string Light = "256",
            Coarse = "33";
        bool dear = ModelPresets.Find(Get("model.preset"))?.Layers.Any(layer => layer.Kind == LayerKind.Conv2d) == true;
        string examples = Get("landscape.evaluationExamples"),
            resolution = Get("landscape.resolution");
        if (json["landscape"] is not JsonObject landscape)
            json["landscape"] = landscape = [];
        if (dear && examples is ("" or "1024") && resolution is ("" or "65"))
            (landscape["evaluationExamples"], landscape["resolution"]) = (Value(Light), Value(Coarse));
        else if (!dear && (examples, resolution) == (Light, Coarse))
            foreach (string key in new[] { "evaluationExamples", "resolution" })
                landscape.Remove(key);
    }

    public void SetOptimizer(string kind)
    {
        var decay = At("optimizer.weightDecay")?.DeepClone();
        json["optimizer"] = new JsonObject { ["kind"] = kind };
        if (decay is not null)
            json["optimizer"]!["weightDecay"] = decay;
        Settle();
    }

    /// <summary>Without a search there are no trials.</summary>
    public void SetLineSearch(string kind)
    {
        if (json["optimizer"] is not JsonObject optimizer)
            json["optimizer"] = optimizer = [];
        optimizer["lineSearch"] = kind;
        if (kind == "none")
            optimizer.Remove("trials");
        Settle();
    }

    public string Schedule => Get("schedule.kind") is { Length: > 0 } kind ? kind : "constant";

    /// <summary>Another kind has other keys; the warm-up stays.</summary>
    public void SetSchedule(string kind)
    {
        var warmup = At("schedule.warmup")?.DeepClone();
        var schedule = new JsonObject { ["kind"] = kind };
        if (kind == "step")
            schedule["everyEpochs"] = 1;
        if (warmup is not null)
            schedule["warmup"] = warmup;
        json["schedule"] = schedule;
        Settle();
    }

    public string Warmup =>
        At("schedule.warmup") is null ? ""
        : Get("schedule.warmup.kind") is { Length: > 0 } kind ? kind
        : "gradual";

    /// <summary>An empty kind is none.</summary>
    public void SetWarmup(string kind)
    {
        if (json["schedule"] is not JsonObject schedule)
            json["schedule"] = schedule = new JsonObject { ["kind"] = "constant" };
        if (kind.Length == 0)
            schedule.Remove("warmup");
        else if (schedule["warmup"] is JsonObject warmup)
            warmup["kind"] = kind;
        else
            schedule["warmup"] = new JsonObject { ["kind"] = kind, ["epochs"] = 1 };
        Settle();
    }

    public bool Grows => At("batchSchedule") is not null;

    public void SetGrowth(string grows)
    {
        if (grows == "true")
            json["batchSchedule"] ??= new JsonObject { ["factor"] = 2, ["everyEpochs"] = 1 };
        else
            json.Remove("batchSchedule");
        Settle();
    }

    public bool IsHard => At("sampler.hard") is not null;

    /// <summary>The smallest pool that all batches fit into eight times, where they are numbers.</summary>
    public void SetHard(string hard)
    {
        if (json["sampler"] is not JsonObject sampler)
            json["sampler"] = sampler = [];
        int largest = Split(Get("batchSizes"))
            .Select(size => int.TryParse(size, NumberStyles.None, CultureInfo.InvariantCulture, out int b) ? b : 0)
            .DefaultIfEmpty()
            .Max();
        if (hard == "true")
            sampler["hard"] ??= new JsonObject { ["pool"] = Math.Clamp(8L * largest, 64, 1_000_000) };
        else
            sampler.Remove("hard");
        Settle();
    }

    public string Workers =>
        At("workers") is null ? ""
        : Get("workers.mode") is { Length: > 0 } mode ? mode
        : "synchronous";

    /// <summary>An empty mode is one worker.</summary>
    public void SetWorkers(string mode)
    {
        if (mode.Length == 0)
            json.Remove("workers");
        else
            json["workers"] = new JsonObject { ["count"] = At("workers.count")?.DeepClone() ?? 4, ["mode"] = mode };
        Settle();
    }

    public void SetBudget(string kind)
    {
        json["budget"] = new JsonObject
        {
            [kind] = kind switch
            {
                "epochs" => 5,
                "updates" => 2_000,
                "examples" => 100_000,
                _ => 30,
            },
        };
        Settle();
    }

    public void SetRule(string rule)
    {
        string rate = At("learningRate") is JsonObject rates ? Show(rates.FirstOrDefault().Value) : Get("learningRate");
        if (rule == "tuned")
        {
            json["learningRate"] = new JsonObject(
                Split(Get("batchSizes")).Distinct().Select(size => KeyValuePair.Create(size, (JsonNode?)Value(rate)))
            );
            json.Remove("learningRateRule");
            json.Remove("referenceBatchSize");
        }
        else
        {
            json["learningRate"] = Value(rate);
            json["learningRateRule"] = rule;
        }
        Settle();
    }

    public static bool IsSurface(string kind) => kind is "double-well" or "saddle" or "beale";

    /// <summary>Of what pairs are made.</summary>
    public string DataFrom =>
        Get("data.kind") == "pairs"
            ? Get("data.base") is { Length: > 0 } of
                ? of
                : "mnist"
            : Get("data.kind");

    /// <summary>Another set to make pairs of has other keys, and another loss.</summary>
    public void SetBase(string of)
    {
        json["data"] = new JsonObject { ["kind"] = "pairs", ["base"] = of };
        if (!HasTowers)
            json.Remove("loss");
        Settle();
    }

    public static bool IsGenerated(string kind) => kind is not ("mnist" or "fashion-mnist" or "cifar10" or "csv" or "idx");

    private JsonNode? At(string path)
    {
        JsonNode? node = json;
        foreach (string key in path.Split('.'))
            node = (node as JsonObject)?[key];
        return node;
    }

    private void Put(string path, JsonNode? value)
    {
        string[] keys = path.Split('.');
        var parent = json;
        foreach (string key in keys[..^1])
        {
            if (parent[key] is not JsonObject child)
                parent[key] = child = [];
            parent = child;
        }
        if (value is null)
            parent.Remove(keys[^1]);
        else
            parent[keys[^1]] = value;
        Write(json);
    }

    /// <summary>After a change that others follow from: what was left out gets its default, where the whole can be read.</summary>
    private void Settle()
    {
        Write(json);
        if (Spec is { } spec)
            Use(spec);
    }

    private void Write(JsonObject changed)
    {
        json = changed;
        text = ScalarList()
            .Replace(json.ToJsonString(Indented), list => string.Concat("[", string.Join(' ', Lines(list.Groups[1].Value)), "]"));
        Check();
    }

    private void Check()
    {
        try
        {
            (Spec, Problem) = (SpecReader.Read(Utf8), null);
        }
        catch (RefusedException e)
        {
            (Spec, Problem) = (null, e.Message);
        }
    }

    private static JsonObject? Parse(string text)
    {
        try
        {
            var parsed = JsonNode.Parse(text, documentOptions: new JsonDocumentOptions { AllowDuplicateProperties = false }) as JsonObject;
            ReadTexts(parsed);
            return parsed;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>
    /// Reads every text once: half a character, which JSON can spell and .NET cannot, is found here and not while rendering.
    /// </summary>
    private static void ReadTexts(JsonNode? node)
    {
        if (node is JsonObject members)
            foreach (var (_, member) in members)
                ReadTexts(member);
        else if (node is JsonArray items)
            foreach (var item in items)
                ReadTexts(item);
        else if (node is JsonValue value)
            value.TryGetValue(out string? _);
    }

    /// <summary>A list of numbers or words, which the serialiser puts on a line each; text in JSON has no line breaks of its own.</summary>
    [GeneratedRegex(@"\[\s*\n([^\[\]{}]*?)\n\s*\]")]
    private static partial Regex ScalarList();

    private static string[] Lines(string text) => text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    private static IEnumerable<string> Split(string value) => value.Split([',', ';', ' ', '\t'], StringSplitOptions.RemoveEmptyEntries);

    private static string Show(JsonNode? node) =>
        node switch
        {
            null => "",
            JsonValue value when value.TryGetValue(out string? word) => word,
            _ => node.ToJsonString(),
        };

    private static JsonNode Value(string word)
    {
        if (long.TryParse(word, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long whole))
            return whole;
        return double.TryParse(word, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) && double.IsFinite(number)
            ? number
            : word;
    }
}
