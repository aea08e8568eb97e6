using System.Text;
using BatchViz.Core.Specs;

namespace BatchViz.Bench.Soak.Targets;

/// <summary>
/// Experiment files: keys renamed, doubled and left out, values swapped for others of the wrong kind or at a border, deep and long ones.
/// </summary>
internal sealed class SpecTarget : FuzzTarget
{
    /// <summary>Good values for each key; together they make most experiments there can be.</summary>
    private static readonly (string Key, string[] Values)[] Grammar =
    [
        ("$schema", ["\"../docs/experiment.schema.json\""]),
        ("name", ["\"Moons\"", "\"Ünïcode “quotes” \\\\ \\/\"", "\"\\u2028 \\ud83d\\ude00\"", "\"\""]),
        (
            "data",
            [
                """{"kind":"moons","trainExamples":500,"noise":0.2,"seed":7}""",
                """{"kind":"mnist"}""",
                """{"kind":"spirals","testExamples":90}""",
                """{"kind":"saddle"}""",
                """{"kind":"csv","folder":"tables","file":"a/b.csv","label":"y","regression":true,"testFraction":0.25}""",
                """{"kind":"csv","file":"b.csv"}""",
                """{"kind":"idx","trainImages":"a","trainLabels":"b","testImages":"c","testLabels":"d"}""",
            ]
        ),
        (
            "model",
            [
                """{"hidden":[8,8],"activation":"tanh"}""",
                """{"kind":"dense","hidden":[],"bias":false}""",
                """{"hidden":[128,64,32,16],"initializer":"he-uniform"}""",
                """{"start":[0.5,-1.5]}""",
            ]
        ),
        ("loss", ["\"squared\""]),
        ("learningRateRule", ["\"linear\"", "\"square-root\""]),
        (
            "optimizer",
            [
                """{"kind":"sgd"}""",
                """{"kind":"adam","beta1":0.9,"beta2":0.99,"epsilon":1e-8,"weightDecay":0.01}""",
                """{"kind":"momentum","momentum":0.9}""",
            ]
        ),
        (
            "schedule",
            [
                """{"kind":"cosine","epochs":9.5,"floor":0.1}""",
                """{"kind":"step","factor":0.5,"everyEpochs":3,"warmup":{"kind":"gradual","epochs":2,"factor":0.1}}""",
                """{"kind":"constant"}""",
            ]
        ),
        ("batchSchedule", ["""{"factor":2,"everyEpochs":5,"maximum":1024}"""]),
        ("microBatch", ["16", "1e3"]),
        ("seeds", ["[1,2,3]", "[0,4294967295]"]),
        ("sampler", ["""{"order":"shuffle","remainder":"drop"}"""]),
        ("pace", ["\"updates\"", "\"examples\""]),
        ("landscape", ["""{"plane":"auto","evaluationExamples":500,"resolution":33}"""]),
        ("probes", ["""["gradient","sharpness"]""", "[]"]),
    ];

    /// <summary>Keys that every experiment has.</summary>
    private static readonly (string Key, string[] Values)[] Always =
    [
        ("learningRate", ["0.1", "1E-2", """{"8":0.1,"32":0.2,"full":0.3}"""]),
        ("batchSizes", ["""[8,32,"full"]""", "[8,32]", "[8]"]),
        ("budget", ["""{"epochs":3.5}""", """{"updates":1000}""", """{"examples":50000}""", """{"seconds":2}"""]),
    ];

    private static readonly string[] Keys =
    [
        .. Grammar.Concat(Always).Select(entry => entry.Key),
        "kind",
        "hidden",
        "epochs",
        "__proto__",
        "",
        "dáta",
        "a.b",
        "\\u0064ata",
        "\\ud800",
        "\\u0000",
    ];

    public override byte[] Valid(FuzzRandom random) => Encoding.UTF8.GetBytes(Tree(random).ToString());

    public override byte[] Structured(FuzzRandom random)
    {
        var tree = Tree(random);
        for (int left = random.Below(4); left > 0; left--)
            Twist(tree, random);
        string text = tree.ToString();
        if (random.Once(20))
            text = text.Insert(random.Below(text.Length + 1), random.Any("/* c */", "// c\n", "\uFEFF", "'", ",", "\u00A0"));
        return Encoding.UTF8.GetBytes(text);
    }

    public override void Read(byte[] input) => SpecReader.Read(input);

    private static JsonPiece Tree(FuzzRandom random)
    {
        var root = JsonPiece.Parse("{}");
        foreach (var (key, values) in Grammar)
            if (key == "data" || random.Once(3))
                root.Members!.Add((key, JsonPiece.Parse(random.Any(values))));
        foreach (var (key, values) in Always)
            root.Members!.Insert(random.Below(root.Members.Count + 1), (key, JsonPiece.Parse(random.Any(values))));
        return root;
    }

    /// <summary>Changes one member of an object or a list, at any depth.</summary>
    private static void Twist(JsonPiece within, FuzzRandom random)
    {
        var members = within.Members!;
        if (members.Count == 0)
        {
            members.Add((random.Any(Keys), Value(random)));
            return;
        }
        int at = random.Below(members.Count);
        var (key, value) = members[at];
        if (value.Members is not null && random.Maybe())
        {
            Twist(value, random);
            return;
        }
        switch (random.Below(6))
        {
            case 0:
                members.RemoveAt(at);
                break;
            case 1:
                members.Insert(random.Below(members.Count + 1), (key, random.Maybe() ? value : Value(random)));
                break;
            case 2:
                members[at] = (random.Maybe() ? random.Any(Keys) : Misspelt(key, random), value);
                break;
            case 3:
                members[at] = (key, members[random.Below(members.Count)].Value);
                break;
            default:
                members[at] = (key, Value(random));
                break;
        }
    }

    private static string Misspelt(string key, FuzzRandom random)
    {
        int at = random.Below(key.Length + 1);
        return random.Below(3) switch
        {
            0 => key.Insert(at, random.Any("s", "X", "\\n", "\\u0000", "\\u202e", new string('k', random.Length(400_000)))),
            1 => key[..at],
            _ => key.ToUpperInvariant(),
        };
    }

    private static JsonPiece Value(FuzzRandom random) =>
        new(
            random.Below(9) switch
            {
                0 or 1 => random.Any(
                    "0",
                    "-0",
                    "1",
                    "-1",
                    "0.5",
                    "1e0",
                    "1e1",
                    "32.0",
                    "2147483647",
                    "2147483648",
                    "4294967295",
                    "4294967296",
                    "9007199254740993",
                    "9223372036854775807",
                    "18446744073709551616",
                    "1e308",
                    "1e-400",
                    "1e999",
                    "-1e999",
                    "1e99999999999",
                    "0.1e1",
                    "1E+2"
                ),
                2 => random.Any("NaN", "Infinity", "-Infinity", "00", "0x10", "+1", ".5", "1.", "True", "nul", "undefined", "''", ""),
                3 => random.Any("null", "true", "false", "{}", "[]", "\"\"", "\"full\"", "\"32\""),
                4 => random.Any(
                    "\"\\ud800\"",
                    "\"\\udc00\\ud800\"",
                    "\"\\u0000\"",
                    "\"\t\"",
                    "\"\\u2028\"",
                    "\"\\u001b[31m\"",
                    "\"../../etc/passwd\"",
                    "\"/etc/passwd\"",
                    "\"%252e%252e/x\"",
                    "\"a\\\\b\"",
                    "\"C:x\"",
                    "\"</script>\""
                ),
                5 => "\"" + new string(random.Any('x', '☃', '/'), random.Length(300_000)) + "\"",
                6 => random.Any("-", "") + "1" + new string(random.Any('0', '9'), random.Length(100_000)) + random.Any("", ".5", "e5"),
                7 => Many(random),
                _ => Deep(random),
            }
        );

    private static string Many(FuzzRandom random)
    {
        int count = random.Length(90_000);
        bool list = random.Maybe();
        string value = random.Any("1", "{}", "[]", "\"\"", "null");
        var text = new StringBuilder(list ? "[" : "{");
        for (int i = 0; i < count; i++)
            text.Append(i > 0 ? "," : "").Append(list ? "" : $"\"{i:x}\":").Append(value);
        return text.Append(list ? ']' : '}').ToString();
    }

    private static string Deep(FuzzRandom random)
    {
        int depth = random.Any(31, 32, 33, random.Length(200_000));
        string inner = random.Any("1", "");
        return random.Maybe()
            ? new string('[', depth) + inner + new string(']', depth)
            : string.Concat(Enumerable.Repeat("{\"a\":", depth)) + inner + new string('}', depth);
    }
}
