using System.Text;
using System.Text.Json.Nodes;
using BatchViz.Core.Specs;
using BatchViz.Data;

namespace BatchViz.Bench.Soak.Targets;

/// <summary>
/// Names of folders and files in an experiment, read from a real folder with links in it: upwards, absolute, encoded, through links.
/// A file that lies outside has more rows than those inside, so that reading it is seen, whatever the way there.
/// </summary>
internal sealed class PathTarget : FuzzTarget
{
    private const int OutsideRows = 7,
        LongestInput = 1000;
    private const string Inside = "x,y\n1,a\n2,b\n",
        Outside = "x,y\n1,a\n2,b\n3,a\n4,b\n5,a\n6,b\n7,a\n";

    private readonly string root = Directory.CreateTempSubdirectory("batchviz-fuzz-").FullName;
    private readonly DataFiles files;

    public PathTarget()
    {
        string data = Path.Combine(root, "data");
        foreach (string folder in new[] { "data/sub/deep", "data2", "outside/deep" })
            Directory.CreateDirectory(Path.Combine(root, folder));
        foreach (string file in new[] { "data/in.csv", "data/sub/in.csv", "data/sub/deep/in.csv", "data/%2e%2e" })
            File.WriteAllText(Path.Combine(root, file), Inside);
        foreach (string file in new[] { "out.csv", "data2/out.csv", "outside/out.csv", "outside/deep/out.csv", "in.csv" })
            File.WriteAllText(Path.Combine(root, file), Outside);
        (string Link, string Target)[] links =
        [
            ("same", "sub"),
            ("out", "../outside"),
            ("absolute", Path.Combine(root, "outside")),
            ("up", ".."),
            ("round", "round"),
            ("file.csv", "../out.csv"),
            ("chain.csv", "out/out.csv"),
            ("two.csv", "chain.csv"),
            ("back.csv", "out/deep/../out.csv"),
            ("climb.csv", "same/../in.csv"),
            ("hidden.csv", "out/deep/../../in.csv"),
            ("broken.csv", "nothing"),
            ("sibling", "../data2"),
        ];
        foreach (var (link, target) in links)
            File.CreateSymbolicLink(Path.Combine(data, link), target);
        files = new DataFiles(data);
    }

    public override byte[] Valid(FuzzRandom random) =>
        Encoding.UTF8.GetBytes(
            random.Any(
                ".\nin.csv",
                "sub\nin.csv",
                "sub/deep\nin.csv",
                "same\nin.csv",
                "sub/../sub\ndeep/in.csv",
                ".\nsub/deep/in.csv",
                "\nin.csv"
            )
        );

    public override byte[] Structured(FuzzRandom random) =>
        Encoding.UTF8.GetBytes(Steps(random) + "\n" + Steps(random) + random.Any("", "/in.csv", "/out.csv", "out.csv", "in.csv"));

    /// <summary>
    /// The first line is the folder that an experiment from the page names, the second the file. One from the machine's own user may name
    /// any folder, so its file alone is tried.
    /// </summary>
    public override void Read(byte[] input)
    {
        string[] lines = Encoding.UTF8.GetString(input.AsSpan(0, Math.Min(input.Length, LongestInput))).Split('\n', 2);
        var refusals = new List<RefusedException>();
        Try(lines[0], lines[^1], trusted: false);
        Try(null, lines[^1], trusted: true);
        if (refusals.Count == 2)
            throw refusals[0];

        void Try(string? folder, string file, bool trusted)
        {
            try
            {
                var data = new JsonObject
                {
                    ["kind"] = "csv",
                    ["file"] = file,
                    ["testFraction"] = 0,
                };
                if (folder is not null)
                    data["folder"] = folder;
                var spec = SpecReader.Read(
                    Encoding.UTF8.GetBytes(
                        new JsonObject
                        {
                            ["data"] = data,
                            ["learningRate"] = 0.1,
                            ["batchSizes"] = new JsonArray(1),
                            ["budget"] = new JsonObject { ["epochs"] = 1 },
                        }.ToJsonString()
                    )
                );
                if (files.Load(spec.Data, trusted).Train.Count == OutsideRows)
                    throw new InvalidOperationException($"A file outside was read ({(trusted ? "trusted" : "from the page")}).");
            }
            catch (RefusedException e)
            {
                refusals.Add(e);
            }
        }
    }

    public override void Dispose() => Directory.Delete(root, recursive: true);

    private string Steps(FuzzRandom random)
    {
        var path = new StringBuilder(
            random.Once(8) ? random.Any("/", "//", root + "/", root + "/data/", "\\", "C:\\", "~/", "file://", "/proc/self/root/") : ""
        );
        for (int left = random.Below(6); left > 0; left--)
        {
            path.Append(
                random.Any(
                    ".",
                    "..",
                    "..",
                    "...",
                    "sub",
                    "deep",
                    "same",
                    "out",
                    "absolute",
                    "up",
                    "data",
                    "data2",
                    "sibling",
                    "outside",
                    "round",
                    "in.csv",
                    "out.csv",
                    "file.csv",
                    "chain.csv",
                    "two.csv",
                    "back.csv",
                    "climb.csv",
                    "hidden.csv",
                    "broken.csv",
                    "%2e%2e",
                    "%252e%252e",
                    "..%2f",
                    "..%252f",
                    "%00",
                    "．．",
                    "..;",
                    " ",
                    "in.csv ",
                    "..\\",
                    "CON",
                    "\0",
                    "☃"
                )
            );
            path.Append(random.Any("/", "/", "/", "/", "//", "\\", "%2f", ""));
        }
        return path.ToString().TrimEnd(random.Maybe() ? '/' : '\0');
    }
}
