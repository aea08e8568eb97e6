using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using BatchViz.Core.Specs;
using BatchViz.Core.Tests.House;
using static BatchViz.Core.Tests.Specs.Texts;

namespace BatchViz.Core.Tests.Specs;

/// <summary>docs/experiment.schema.json and the reader are two accounts of one thing.</summary>
public class SchemaTests
{
    /// <summary>Rules between keys, which only the reader knows.</summary>
    private const string Between =
        "has no rate for|times \"seeds\"|do not apply when|can be \"surface\" only|must be \"surface\"|must be \"linear\" with|inside the data folder|larger than 1 MB|does not say how long|\"batchSchedule\" cannot go with|gradients of older weights|is a stream|that is to grow|Fisher-Rao|less than the kernel|residual layers deep|of two towers|a contrastive loss";

    private static readonly JsonObject Schema = JsonNode.Parse(Repository.Read("docs/experiment.schema.json"))!.AsObject();

    [Fact]
    public void Every_spec_that_is_written_fits_the_schema()
    {
        var random = new Random(2);
        for (int i = 0; i < 400; i++)
        {
            string text = SpecWriter.Write(RandomSpecs.Next(random)).ToJsonString();
            Assert.True(SchemaChecker.Accepts(Schema, JsonNode.Parse(text)), text);
        }
    }

    [Fact]
    public void Whatever_is_changed_schema_and_reader_agree()
    {
        var random = new Random(3);
        string[] keys = [.. Objects(Schema).SelectMany(o => o["properties"]!.AsObject().Select(p => p.Key)).Append("zzz").Distinct()];
        string[] values =
        [
            "0",
            "1",
            "2",
            "-1",
            "1.5",
            "9",
            "64",
            "1e10",
            "true",
            "\"\"",
            "\"x\"",
            "[]",
            "{}",
            "[1]",
            "[\"full\"]",
            "[8, 8]",
            "[1, 2]",
            "{ \"1\": 0.5, \"full\": 2 }",
            "{ \"kind\": \"sgd\" }",
            "{ \"epochs\": 2 }",
            "{ \"everyEpochs\": 2 }",
            "{ \"kind\": \"step\", \"everyEpochs\": 2 }",
            "{ \"kind\": \"cosine\", \"warmup\": { \"epochs\": 2 } }",
            "{ \"kind\": \"xor\" }",
            "[{ \"kind\": \"dense\" }]",
            "[{ \"kind\": \"conv2d\", \"filters\": 2, \"kernel\": 3 }]",
            "{ \"preset\": \"mlp\" }",
            "{ \"preset\": \"two-tower\" }",
            "[\"trace\", \"gradient-curvature\", \"fisher-rao\"]",
            "[\"trace\", \"trace\"]",
            $"\"{new string('x', 201)}\"",
            .. Words().Select(w => $"\"{w}\""),
        ];
        int accepted = 0;
        for (int i = 0; i < 2_500; i++)
        {
            var root = JsonNode.Parse(SpecWriter.Write(RandomSpecs.Next(random)).ToJsonString())!.AsObject();
            JsonObject[] places = [.. Within(root)];
            for (int changes = random.Next(1, 3); changes > 0; changes--)
            {
                var place = places[random.Next(places.Length)];
                string key =
                    random.Next(3) == 0 || place.Count == 0
                        ? keys[random.Next(keys.Length)]
                        : place.ElementAt(random.Next(place.Count)).Key;
                if (random.Next(4) == 0)
                    place.Remove(key);
                else
                    place[key] = JsonNode.Parse(values[random.Next(values.Length)]);
            }
            string text = root.ToJsonString();
            bool fits = SchemaChecker.Accepts(Schema, JsonNode.Parse(text));
            try
            {
                Read(text);
                Assert.True(fits, $"The reader accepts what the schema does not: {text}");
                accepted++;
            }
            catch (RefusedException e)
            {
                AssertSentence(e.Message);
                Assert.True(!fits || Regex.IsMatch(e.Message, Between), $"The schema accepts what the reader refuses: {e.Message} {text}");
            }
        }
        Assert.InRange(accepted, 250, 2_250);
    }

    [Fact]
    public void Every_key_is_described_and_every_object_closed()
    {
        foreach (var o in Objects(Schema))
        {
            Assert.False(o["additionalProperties"]!.GetValue<bool>());
            Assert.All(o["properties"]!.AsObject(), p => Assert.Matches(@"[.}]$", p.Value!["description"]!.GetValue<string>()));
        }
    }

    [Fact]
    public void Defaults_are_the_readers()
    {
        var spec = SpecWriter.Write(Read(With(("learningRateRule", "\"linear\""), ("optimizer", "{ \"kind\": \"adam\" }"))));
        Assert.Equal(Default("optimizer", "beta1"), spec["optimizer"]!["beta1"]!.GetValue<double>());
        Assert.Equal(Default("optimizer", "beta2"), spec["optimizer"]!["beta2"]!.GetValue<double>());
        var step = SpecWriter.Write(
            Read(With(("schedule", "{ \"kind\": \"step\", \"everyEpochs\": 1 }"), ("batchSchedule", "{ \"everyEpochs\": 1 }")))
        );
        var cosine = SpecWriter.Write(Read(With(("schedule", "{ \"kind\": \"cosine\", \"warmup\": { \"epochs\": 1 } }"))))["schedule"]!;
        Assert.Equal(Default("schedule", "factor"), step["schedule"]!["factor"]!.GetValue<double>());
        Assert.Equal(Default("batchSchedule", "factor"), step["batchSchedule"]!["factor"]!.GetValue<double>());
        Assert.Equal(Default("schedule", "floor"), cosine["floor"]!.GetValue<double>());
        foreach (string key in new[] { "kind", "factor" })
            Assert.True(
                JsonNode.DeepEquals(
                    Schema["properties"]!["schedule"]!["properties"]!["warmup"]!["properties"]![key]!["default"],
                    cosine["warmup"]![key]
                ),
                key
            );
        Assert.Equal(Default("optimizer", "momentum"), new OptimizerSpec().Momentum);
        var lbfgs = SpecWriter.Write(Read(With(("optimizer", "{ \"kind\": \"lbfgs\" }"), ("workers", "{ \"count\": 2 }"))));
        foreach (string key in new[] { "memory", "lineSearch", "trials" })
            Assert.True(
                JsonNode.DeepEquals(
                    Schema["properties"]!["optimizer"]!["properties"]![key]!["default"],
                    JsonNode.Parse(lbfgs["optimizer"]![key]!.ToJsonString())
                ),
                key
            );
        Assert.Equal(
            (Default("optimizer", "trust"), Default("data", "augmentation")),
            (new OptimizerSpec().Trust, BatchViz.Core.Data.Pairs.DefaultAugmentation)
        );
        Assert.Equal(
            Schema["properties"]!["workers"]!["properties"]!["mode"]!["default"]!.GetValue<string>(),
            lbfgs["workers"]!["mode"]!.GetValue<string>()
        );
        Assert.Equal(Schema["properties"]!["referenceBatchSize"]!["default"]!.GetValue<int>(), spec["referenceBatchSize"]!.GetValue<int>());
        var words = new[]
        {
            ("model", "activation"),
            ("sampler", "order"),
            ("sampler", "remainder"),
            ("landscape", "plane"),
            ("landscape", "evaluationExamples"),
            ("landscape", "resolution"),
            ("model", "hidden"),
        };
        foreach (var (o, key) in words)
            Assert.True(JsonNode.DeepEquals(Schema["properties"]![o]!["properties"]![key]!["default"], spec[o]![key]), $"{o}.{key}");

        static double Default(string o, string key) => Schema["properties"]![o]!["properties"]![key]!["default"]!.GetValue<double>();
    }

    /// <summary>The experiment files; beside them lie their pictures.</summary>
    private static IEnumerable<string> Experiments =>
        Repository.Files("examples", "*.json").Where(path => !path.StartsWith("examples/pictures/", StringComparison.Ordinal));

    public static TheoryData<string> Examples => [.. Experiments];

    [Theory]
    [MemberData(nameof(Examples))]
    public void Every_example_reads_and_fits_the_schema(string path)
    {
        string text = Repository.Read(path);
        Assert.True(SchemaChecker.Accepts(Schema, JsonNode.Parse(text)));
        var spec = Read(text);
        Assert.Equal("../docs/experiment.schema.json", JsonNode.Parse(text)!["$schema"]!.GetValue<string>());
        if (SpecReader.IsGenerated(spec.Data.From))
            SpecResolver.Resolve(spec, BatchViz.Core.Data.DataSource.Load(spec.Data, name => throw new FileNotFoundException(name)));
    }

    [Fact]
    public void Every_example_has_its_line_in_the_README()
    {
        string readme = Repository.Read("examples/README.md");
        Assert.Superset(
            new HashSet<string> { "examples/mnist.json", "examples/moons.json", "examples/double-well.json" },
            Experiments.ToHashSet()
        );
        Assert.All(Experiments, path => Assert.Contains($"({Path.GetFileName(path)})", readme));
    }

    [Fact]
    public void Layers_and_presets_are_the_readers()
    {
        var layer = Schema["$defs"]!["layer"]!["properties"]!;
        Assert.Equal(
            BatchViz.Core.Specs.SpecVocabulary.Layers.Select(w => w.Word),
            layer["kind"]!["enum"]!.AsArray().Select(w => w!.GetValue<string>())
        );
        Assert.Equal(
            ModelPresets.Names,
            Schema["properties"]!["model"]!["properties"]!["preset"]!["enum"]!.AsArray().Select(w => w!.GetValue<string>())
        );
        Assert.All(ModelPresets.Names, name => Assert.NotNull(ModelPresets.Find(name)));
        var written = SpecWriter.Write(
            Read(
                With(
                    (
                        "model",
                        """{ "kind": "layers", "layers": [{ "kind": "batchNorm" }, { "kind": "dropout" }, { "kind": "activation" }, { "kind": "dense" }] }"""
                    )
                )
            )
        )["model"]!["layers"]!;
        foreach (var (i, key) in new[] { (0, "momentum"), (0, "epsilon"), (1, "rate"), (2, "function") })
            Assert.True(JsonNode.DeepEquals(layer[key]!["default"], written[i]![key]), key);
    }

    [Fact]
    public void Probes_are_the_readers() =>
        Assert.Equal(
            BatchViz.Core.Specs.SpecVocabulary.Probes.Select(w => w.Word),
            Schema["properties"]!["probes"]!["items"]!["enum"]!.AsArray().Select(w => w!.GetValue<string>())
        );

    [Fact]
    public void Precisions_are_the_readers() =>
        Assert.Equal(
            BatchViz.Core.Specs.SpecVocabulary.Precisions.Select(w => w.Word),
            Schema["properties"]!["precision"]!["enum"]!.AsArray().Select(w => w!.GetValue<string>())
        );

    /// <summary>An object and all those in it.</summary>
    private static IEnumerable<JsonObject> Within(JsonNode? node) =>
        node switch
        {
            JsonObject o => o.SelectMany(p => Within(p.Value)).Prepend(o),
            JsonArray list => list.SelectMany(Within),
            _ => [],
        };

    private static IEnumerable<JsonObject> Objects(JsonObject schema) =>
        (schema["$defs"]?.AsObject().SelectMany(d => Objects(d.Value!.AsObject())) ?? []).Concat(
            new[] { schema }.Concat(
                schema["properties"]!
                    .AsObject()
                    .Select(p => p.Value!.AsObject())
                    .Where(p => p.ContainsKey("properties"))
                    .SelectMany(Objects)
            )
        );

    private static IEnumerable<string> Words() =>
        Objects(Schema)
            .SelectMany(o => o["properties"]!.AsObject())
            .SelectMany(p => p.Value!["enum"]?.AsArray() ?? [])
            .Where(w => w!.GetValueKind() == System.Text.Json.JsonValueKind.String)
            .Select(w => w!.GetValue<string>())
            .Distinct();
}
