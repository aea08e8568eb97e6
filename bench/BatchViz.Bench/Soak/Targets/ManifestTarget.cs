using System.Text;
using System.Text.Json.Nodes;
using BatchViz.Recording;
using BatchViz.Recording.Storage;

namespace BatchViz.Bench.Soak.Targets;

/// <summary>
/// Manifests whose seal is right and whose keys are missing, of the wrong kind, huge, or name files elsewhere; and damaged ones.
/// </summary>
internal sealed class ManifestTarget : FuzzTarget
{
    private readonly RecordingSample sample = new();
    private readonly string[] keys;
    private readonly byte[] valid;

    public ManifestTarget()
    {
        valid = sample.Manifest.ToBytes();
        keys = [.. JsonNode.Parse(valid)!.AsObject().Select(pair => pair.Key).Where(key => key != "checksum")];
    }

    public override byte[] Valid(FuzzRandom random) => [.. valid];

    public override byte[] Structured(FuzzRandom random)
    {
        var json = JsonNode.Parse(valid)!.AsObject();
        json.Remove("checksum");
        for (int changes = 1 + random.Below(3); changes > 0; changes--)
        {
            string key = random.Any<string>(keys);
            if (random.Once(4))
                json.Remove(key);
            else
                json[key] = Value(random);
        }
        if (random.Once(3))
            json["runs"] = Runs(random);
        byte[] body = Encoding.UTF8.GetBytes(json.ToJsonString()[..^1]);
        return [.. body, .. Encoding.UTF8.GetBytes($",\"checksum\":\"{Crc32C.Of(body):x8}\"}}")];
    }

    /// <summary>The manifest, its spec, and the plan of its runs.</summary>
    public override void Read(byte[] input)
    {
        var manifest = RecordingManifest.Parse(input);
        foreach (var run in manifest.Runs)
            if (run.Id.AsSpan().ContainsAny("/\\.:\0"))
                throw new InvalidOperationException($"a run is named {run.Id}");
        manifest.ReadSpec();
        // Its runs beside the sample's plan: that of its own spec may need data that are elsewhere.
        manifest.PlanOf(sample.Plan);
    }

    private static JsonNode? Value(FuzzRandom random) =>
        random.Below(12) switch
        {
            0 => null,
            1 => JsonValue.Create(-1),
            2 => JsonValue.Create(2),
            3 => JsonValue.Create(long.MaxValue),
            4 => JsonValue.Create(1e300),
            5 => JsonValue.Create(""),
            6 => JsonValue.Create("../../etc/passwd"),
            7 => JsonValue.Create("a\u0000b\u2028c\n"),
            8 => JsonValue.Create(new string('n', random.Length(100_000))),
            9 => new JsonArray([.. Enumerable.Range(0, random.Length(20_000)).Select(i => (JsonNode?)JsonValue.Create(i))]),
            10 => Nested(random.Below(60)),
            _ => new JsonObject(),
        };

    private static JsonNode Nested(int depth) => JsonNode.Parse(new string('[', depth + 1) + new string(']', depth + 1))!;

    private JsonArray Runs(FuzzRandom random)
    {
        var runs = new JsonArray();
        for (int i = random.Length(1500); i >= 0; i--)
        {
            string id = random.Any(
                "b4-s1",
                "../b4-s1",
                "b4-s1/..",
                "/etc/passwd",
                "B4",
                "",
                "b4-s1\u0000",
                "%2e%2e%2fx",
                "b4-s1-u3",
                $"x{i}",
                new string('a', 101)
            );
            var run = new JsonObject { ["id"] = random.Once(20) ? null : id };
            if (random.Maybe())
                run["parent"] = random.Any("b4-s1", "nobody", id);
            if (random.Maybe())
                run["update"] = random.Any(-1, 0, 3, 100_000, 100_000_001, long.MaxValue);
            if (random.Maybe())
                run["set"] = JsonNode.Parse(
                    random.Any(
                        """{"batchSize":"2"}""",
                        """{"batchSize":"0"}""",
                        """{"nonsense":"\u0000"}""",
                        "{}",
                        """{"batchSize":3}""",
                        """{"learningRate":null}"""
                    )
                );
            runs.Add((JsonNode)run);
        }
        if (random.Maybe())
            runs.Insert(0, new JsonObject { ["id"] = sample.RunId });
        return runs;
    }
}
