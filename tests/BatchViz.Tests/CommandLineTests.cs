using System.Text;
using System.Text.Json.Nodes;
using BatchViz.Core.Specs;
using BatchViz.Data;
using BatchViz.Engine.Cpu;
using BatchViz.Training;

namespace BatchViz.Tests;

/// <summary>The program itself, as a shell sees it.</summary>
public sealed class CommandLineTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("batchviz-test-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private const string Rest = "\"learningRate\": 0.1, \"batchSizes\": [1, 32], \"budget\": { \"epochs\": 1 } }";

    public static TheoryData<string, string, string> Refused =>
        new()
        {
            { "unknown key", "{ \"data\": { \"kind\": \"moons\" }, \"bachSizes\": [1], " + Rest, "\"bachSizes\"" },
            {
                "B = 0",
                "{ \"data\": { \"kind\": \"moons\" }, \"learningRate\": 0.1, \"batchSizes\": [0], \"budget\": { \"epochs\": 1 } }",
                "\"batchSizes[0]\""
            },
            { "B > N", "{ \"data\": { \"kind\": \"moons\", \"trainExamples\": 20 }, " + Rest, "\"batchSizes[1]\"" },
            {
                "rate NaN",
                "{ \"data\": { \"kind\": \"moons\" }, \"learningRate\": NaN, \"batchSizes\": [1], \"budget\": { \"epochs\": 1 } }",
                "\"learningRate\""
            },
            {
                "rate that float32 makes 0",
                "{ \"data\": { \"kind\": \"moons\" }, \"learningRate\": 1e-46, \"batchSizes\": [1], \"budget\": { \"epochs\": 1 } }",
                "\"learningRate\" is 1e-46, of which float32"
            },
            {
                "a billion units",
                "{ \"data\": { \"kind\": \"moons\" }, \"model\": { \"hidden\": [1000000000] }, " + Rest,
                "\"model.hidden[0]\""
            },
            {
                "missing folder",
                "{ \"data\": { \"kind\": \"csv\", \"folder\": \"nowhere\", \"file\": \"a.csv\" }, " + Rest,
                "\"data.folder\""
            },
            { "missing file", "{ \"data\": { \"kind\": \"csv\", \"folder\": \".\", \"file\": \"nothing.csv\" }, " + Rest, "nothing.csv" },
            { "nested deep", string.Concat(Enumerable.Repeat("{\"data\":", 20_000)) + "1" + new string('}', 20_000), "nested" },
            { "not JSON", "batch size is 32", "not JSON" },
            { "empty", "", "not JSON" },
            {
                "IDX with a wrong magic number",
                "{ \"data\": { \"kind\": \"idx\", \"folder\": \".\", \"trainImages\": \"wrong\", \"trainLabels\": \"labels\" }, " + Rest,
                "magic"
            },
            {
                "IDX cut short",
                "{ \"data\": { \"kind\": \"idx\", \"folder\": \".\", \"trainImages\": \"short\", \"trainLabels\": \"labels\" }, " + Rest,
                "cut short"
            },
            { "CSV cut short", "{ \"data\": { \"kind\": \"csv\", \"folder\": \".\", \"file\": \"short.csv\" }, " + Rest, "line 3" },
        };

    [Theory]
    [MemberData(nameof(Refused))]
    public async Task Bad_input_is_one_sentence_and_exit_code_2_and_nothing_starts(string what, string json, string names)
    {
        string file = Path.Combine(folder, "bad.json");
        await File.WriteAllTextAsync(file, json);
        await File.WriteAllBytesAsync(Path.Combine(folder, "wrong"), [1, 2, 3, 4, 0, 0, 0, 1]);
        await File.WriteAllBytesAsync(Path.Combine(folder, "short"), [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 2, 1, 2, 3]);
        await File.WriteAllBytesAsync(Path.Combine(folder, "labels"), [0, 0, 8, 1, 0, 0, 0, 2, 0, 1]);
        await File.WriteAllTextAsync(Path.Combine(folder, "short.csv"), "a,b,label\n1,2,x\n3,4");

        foreach (
            string[] command in new string[][] { ["run", file, "--json"], ["serve", "--urls", "http://127.0.0.1:0", "--experiment", file] }
        )
        {
            var (code, output, error) = await Program(command);
            Assert.True(code == 2, $"{what}: exit code {code}; {error}");
            Assert.Empty(output);
            Assert.Contains(names, error);
            Assert.EndsWith(".", error.Trim());
            Assert.DoesNotContain('\n', error.Trim());
        }
    }

    /// <summary>A batch of one example ends the first epoch of B = 8.</summary>
    [Theory]
    [InlineData(
        """{ "data": { "kind": "moons", "trainExamples": 33 }, "model": { "preset": "mlp-batchnorm" }, "learningRate": 0.1, "batchSizes": [8], "budget": { "epochs": 2 } }""",
        "B = 8 has batches of one example, for which a batch norm",
        "Not defined in train mode: with batch norms"
    )]
    [InlineData(
        """{ "data": { "kind": "pairs", "base": "moons", "trainExamples": 33 }, "model": { "preset": "two-tower" }, "loss": "info-nce", "learningRate": 0.1, "batchSizes": [8], "budget": { "epochs": 2 } }""",
        "B = 8 has batches of one pair, whose InfoNCE loss and gradient are 0",
        "Not defined: a contrastive loss compares"
    )]
    public async Task What_is_not_defined_is_said_in_words_and_is_no_number(string json, string note, string why)
    {
        string file = Path.Combine(folder, "towers.json"),
            recording = Path.Combine(folder, "recording");
        await File.WriteAllTextAsync(file, json);
        var (code, _, error) = await Program(["run", file, "--out", recording]);
        Assert.Equal(0, code);
        Assert.Contains(note, System.Text.RegularExpressions.Regex.Replace(error, @"\s+", " "));
        var (replayed, output, _) = await Program(["replay", recording, "--run", "b8-s1", "--update", "5"]);
        Assert.Equal(0, replayed);
        Assert.Equal(5, output.Split('\n').Count(line => line.Contains("not defined", StringComparison.Ordinal)));
        Assert.Contains(why, output);
        Assert.DoesNotContain("NaN", output);
        var (_, last, _) = await Program(["replay", recording, "--run", "b8-s1", "--update", "5", "--json"]);
        Assert.Equal(
            (1, null),
            (
                (int)JsonNode.Parse(last.Trim().Split('\n')[^1])!["batchSize"]!,
                JsonNode.Parse(last.Trim().Split('\n')[^1])!["record"]!["noiseScale"]
            )
        );
    }

    /// <summary>
    /// A column of Unix times, whose ten digits before what matters float32 does not have, learns as well as minutes; and rows can be found
    /// again.
    /// </summary>
    [Fact]
    public async Task A_table_with_times_is_learnt_and_its_exports_name_its_rows()
    {
        var random = new Random(1);
        double[] times = [.. Enumerable.Range(0, 200).Select(_ => Math.Round(1_700_000_000 + 100 * (random.NextDouble() - 0.5), 3))];
        await File.WriteAllTextAsync(
            Path.Combine(folder, "times.csv"),
            "t,label\n"
                + string.Concat(times.Select(t => FormattableString.Invariant($"{t:F3},{(t > 1_700_000_000 ? "late" : "early")}\n")))
        );
        string file = Path.Combine(folder, "times.json"),
            recording = Path.Combine(folder, "times");
        await File.WriteAllTextAsync(
            file,
            """
            { "data": { "kind": "csv", "file": "times.csv" }, "learningRate": 0.1, "batchSizes": [4], "sampler": { "order": "sequential" }, "budget": { "epochs": 20 } }
            """
        );
        var (code, output, error) = await Program(["run", file, "--data", folder, "--out", recording, "--json"]);
        Assert.True(code == 0, error);
        Assert.DoesNotContain('\u001b', error);
        Assert.DoesNotContain("float32", error);
        Assert.InRange((double)JsonNode.Parse(output.Trim().Split('\n')[^1])!["runs"]![0]!["trainLoss"]!, 0, 0.15);

        Assert.Equal(0, (await Program(["export", recording, "--to", "csv", "--out", Path.Combine(folder, "csv"), "--data", folder])).Code);
        Assert.Equal(
            0,
            (
                await Program([
                    "export",
                    recording,
                    "--to",
                    "safetensors",
                    "--update",
                    "0",
                    "--out",
                    Path.Combine(folder, "tensors"),
                    "--data",
                    folder,
                ])
            ).Code
        );
        var map = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(folder, "csv", "data.json")))!;
        int[] rows = [.. map["trainRows"]!.AsArray().Select(row => (int)row!)],
            test = [.. map["testRows"]!.AsArray().Select(row => (int)row!)];
        Assert.Equal(Enumerable.Range(0, 200), rows.Concat(test).Order());
        Assert.Equal("t", (string?)map["columns"]![0]!["name"]);
        Assert.Equal(rows.Average(row => times[row]), (double)map["columns"]![0]!["mean"]!, 1e-5);

        byte[] tensors = await File.ReadAllBytesAsync(Path.Combine(folder, "tensors", "b4-s1-update0.safetensors"));
        int header = (int)BitConverter.ToInt64(tensors);
        var json = JsonNode.Parse(tensors.AsSpan(8, header))!;
        Assert.Equal(rows, Numbers("data.rows"));
        Assert.Equal(map["columns"]!.ToJsonString(), JsonNode.Parse((string)json["__metadata__"]!["data"]!)!["columns"]!.ToJsonString());
        // The order is the file's.
        Assert.Equal(Enumerable.Range(0, 100), Numbers("batches.indices").Take(100));

        int[] Numbers(string name)
        {
            int[] ends = [.. json[name]!["data_offsets"]!.AsArray().Select(end => (int)end!)];
            return System
                .Runtime.InteropServices.MemoryMarshal.Cast<byte, int>(tensors.AsSpan(8 + header + ends[0], ends[1] - ends[0]))
                .ToArray();
        }
    }

    [Theory]
    [InlineData("run")]
    [InlineData("run", "nothing.json")]
    [InlineData("run", "nothing.json", "--threads", "0")]
    [InlineData("run", "nothing.json", "--recording-mb", "0")]
    [InlineData("nonsense")]
    [InlineData("serve", "--urls", "http://0.0.0.0:0")]
    [InlineData("serve", "--urls", "http://127.0.0.1:80000")]
    [InlineData("serve", "--urls", "http://127.0.0.1:eighty")]
    [InlineData("serve", "--data", "/nowhere/at/all")]
    [InlineData("serve", "--public-url", "nonsense")]
    [InlineData("resume", "nowhere")]
    [InlineData("replay", "nowhere", "--run", "b1", "--update", "3")]
    [InlineData("fork", "nowhere", "--run", "b1", "--update", "3")]
    [InlineData("fork", ".", "--run", "b1")]
    [InlineData("export", "folder", "--to", "csv")]
    [InlineData("claims")]
    [InlineData("advise", "file")]
    public async Task What_cannot_be_done_is_said_plainly_with_exit_code_2(params string[] arguments)
    {
        var (code, output, error) = await Program(arguments);

        Assert.Equal(2, code);
        Assert.Empty(output);
        Assert.DoesNotContain('\n', error.Trim());
        Assert.NotEmpty(error.Trim());
    }

    [Fact]
    public async Task Run_ends_with_one_line_of_json_and_gives_the_same_weights_with_1_2_and_3_threads()
    {
        string file = Path.Combine(folder, "moons.json");
        await File.WriteAllTextAsync(file, SomeHost.Moons);
        var hashes = new HashSet<string>();
        foreach (string threads in new[] { "1", "2", "3", "2" })
        {
            var (code, output, error) = await Program("run", file, "--json", "--threads", threads);
            Assert.True(code == 0, error);
            string line = Assert.Single(output.Split('\n', StringSplitOptions.RemoveEmptyEntries));
            var runs = JsonNode.Parse(line)!["runs"]!.AsArray();
            Assert.Equal(3, runs.Count);
            Assert.Equal(8000, (int)runs[0]!["updates"]!);
            Assert.InRange((double)runs[0]!["testAccuracy"]!, 0.8, 1);
            Assert.InRange((double)runs[0]!["trainAccuracy"]!, 0.8, 1);
            var memory = runs[0]!["memory"]!;
            Assert.Equal((long)memory["predictedBytes"]!, (long)memory["reservedBytes"]!);
            Assert.True((long)memory["weights"]! > 0);
            foreach (var of in runs)
                Assert.Equal(
                    (double)of!["laneSeconds"]! / (int)of["memory"]!["seeds"]!,
                    (double)of["seconds"]!,
                    1e-3 * (double)of["laneSeconds"]! + 1e-6
                );
            hashes.Add(string.Join(' ', runs.Select(r => (string)r!["weightsSha256"]!)));
        }
        Assert.Single(hashes);
    }

    [Fact]
    public async Task Run_gives_the_weights_of_the_kernel_path_asked_for_whatever_the_threads()
    {
        const string Spec = """
            { "data": { "kind": "moons", "trainExamples": 600 }, "model": { "hidden": [8], "activation": "tanh" },
              "learningRate": 0.1, "batchSizes": [1, 7, 512], "seeds": [1, 2, 3], "budget": { "epochs": 2 } }
            """;
        string file = Path.Combine(folder, "paths.json");
        await File.WriteAllTextAsync(file, Spec);
        foreach (var path in CpuEngine.Available)
        {
            using var engine = new CpuEngine(path);
            using var experiment = new Experiment(
                new DataFiles(null).Plan(SpecReader.Read(Encoding.UTF8.GetBytes(Spec)), trusted: true),
                engine
            );
            experiment.Start();
            await experiment.Ended.WaitAsync(TimeSpan.FromSeconds(60));
            string[] hashes = [.. experiment.Runs.Select(run => $"{run.Plan.Id} {run.Result!.WeightsSha256}")];
            foreach (string threads in new[] { "1", "2", "3" })
            {
                var (code, output, error) = await Program(
                    "run",
                    file,
                    "--json",
                    "--threads",
                    threads,
                    "--path",
                    $"{path}".ToLowerInvariant()
                );
                Assert.True(code == 0, error);
                Assert.Equal(hashes, JsonNode.Parse(output)!["runs"]!.AsArray().Select(run => $"{run!["id"]} {run["weightsSha256"]}"));
            }
        }
    }

    /// <summary>Each engine runs here or says how to get it, and auto says which one it takes and why.</summary>
    [Fact]
    public async Task Engines_are_listed_with_how_to_get_those_that_are_not_here()
    {
        var (code, output, error) = await Program("engines", "--json");
        Assert.Equal((0, ""), (code, error));
        var json = JsonNode.Parse(output)!;
        var engines = json["engines"]!.AsArray();
        Assert.Equal("cpu", (string?)engines[0]!["name"]);
        Assert.StartsWith("embedded, ", (string?)engines[0]!["description"]);
        Assert.All(engines, entry => Assert.True(entry!["description"] is null != entry["whyNot"] is null));
        Assert.Equal(["cpu", "torch:cpu", "torch:cuda:0"], engines.Select(entry => (string?)entry!["name"]));
        // What can run lacks nothing; what cannot says where it was looked for, or that the machine has no card.
        Assert.Null(engines[0]!["howToGet"]);
        Assert.All(engines.Skip(1), entry => Assert.NotEmpty(entry!["lookedFor"]!.AsArray()));
        Assert.Equal(engines[1]!["description"] is null, engines[1]!["howToGet"] is not null);
        Assert.Matches(
            "^(cpu: (there is no|the libtorch that is here has no CUDA|libtorch finds no)|torch: a CUDA device is there)",
            (string?)json["auto"]
        );
        var (listed, lines, _) = await Program("engines");
        Assert.Equal(0, listed);
        Assert.All(
            [.. engines.Select(entry => (string)entry!["name"]!), "auto"],
            name => Assert.Contains(lines.Split('\n'), line => line.StartsWith($"{name} ", StringComparison.Ordinal))
        );
    }

    /// <summary>
    /// Of a folder that was asked for, what is wrong with it is said where TorchSharp is; the embedded engine runs all the same.
    /// </summary>
    [Fact]
    public async Task A_libtorch_that_will_not_do_is_refused_in_a_sentence_that_says_why()
    {
        string empty = Directory.CreateDirectory(Path.Combine(folder, "empty")).FullName;
        string broken = Directory.CreateDirectory(Path.Combine(folder, "broken")).FullName;
        foreach (string library in new[] { "libc10.so", "libtorch_cpu.so", "libtorch.so" })
            await File.WriteAllTextAsync(Path.Combine(broken, library), "no library");
        string file = Path.Combine(folder, "fine.json");
        await File.WriteAllTextAsync(file, "{ \"data\": { \"kind\": \"moons\" }, " + Rest);
        (string, string)[] refused =
        [
            (empty, $"libtorch cannot be taken from {empty}: there is no libtorch in it. Build with -p:Torch=cpu, "),
            (broken, $"libtorch in {broken} cannot be loaded: "),
        ];
        foreach (var (asked, why) in refused)
        {
            var (code, output, error) = await Program("run", file, "--engine", "torch:cpu", "--libtorch", asked);
            Assert.Equal((2, ""), (code, output));
            Assert.StartsWith(why, error);
            Assert.Single(error.Trim().Split('\n'));
        }
        var (fine, _, said) = await Program("run", file, "--libtorch", empty);
        Assert.True(fine == 0, said);
    }

    /// <summary>The experiment's own words hold where the command line says nothing, and are refused as it is.</summary>
    [Theory]
    [InlineData("\"engine\" is \"gpu\"; it must be auto, cpu, torch, torch:cpu or torch:cuda:N.", "\"engine\": \"gpu\"")]
    [InlineData("\"precision\" is \"bf16\", but the embedded engine computes in float32.", "\"engine\": \"cpu\", \"precision\": \"bf16\"")]
    [InlineData("\"precision\" is \"fp8\"; it must be one of \"float32\", \"tf32\", \"bf16\", \"fp16\".", "\"precision\": \"fp8\"")]
    [InlineData(
        "\"--path\" chooses kernels of the embedded engine; it does not go with \"engine torch:cpu\".",
        "\"engine\": \"torch:cpu\"",
        "--path",
        "portable"
    )]
    public async Task Engines_of_an_experiment_are_refused_by_its_keys(string sentence, string keys, params string[] options)
    {
        string file = Path.Combine(folder, "named.json");
        await File.WriteAllTextAsync(file, $"{{ {keys}, \"data\": {{ \"kind\": \"moons\" }}, " + Rest);
        var (code, output, error) = await Program(["run", file, .. options]);
        Assert.Equal((2, "", sentence), (code, output, error.Trim()));
    }

    [Theory]
    [InlineData("\"--engine\" is \"gpu\"; it must be auto, cpu, torch, torch:cpu or torch:cuda:N.", "--engine", "gpu")]
    [InlineData("\"--precision\" is \"fp8\"; it must be one of float32, tf32, bf16, fp16.", "--precision", "fp8")]
    [InlineData("\"--precision\" is \"bf16\", but the embedded engine computes in float32.", "--engine", "cpu", "--precision", "bf16")]
    [InlineData(
        "\"--path\" chooses kernels of the embedded engine; it does not go with \"--engine torch\".",
        "--engine",
        "torch",
        "--path",
        "portable"
    )]
    public async Task Engines_that_there_are_not_are_refused_in_one_sentence(string sentence, params string[] options)
    {
        string file = Path.Combine(folder, "fine.json");
        await File.WriteAllTextAsync(file, "{ \"data\": { \"kind\": \"moons\" }, " + Rest);
        foreach (
            string[] command in new string[][]
            {
                ["run", file, .. options],
                ["serve", "--urls", "http://127.0.0.1:0", "--experiment", file, .. options],
            }
        )
        {
            var (code, output, error) = await Program(command);
            Assert.Equal((2, "", sentence), (code, output, error.Trim()));
        }
    }

    [Fact]
    public async Task Kernel_paths_that_there_are_not_or_not_here_are_refused_in_one_sentence()
    {
        var lacking = Enum.GetValues<KernelPath>().Except(CpuEngine.Available).Select(path => $"{path}".ToLowerInvariant());
        foreach (string path in lacking.Append("avx1024"))
        {
            foreach (string[] command in new string[][] { ["run", "any.json"], ["serve", "--urls", "http://127.0.0.1:0"], [] })
            {
                var (code, output, error) = await Program([.. command, "--path", path]);

                Assert.Equal(2, code);
                Assert.Empty(output);
                Assert.DoesNotContain('\n', error.Trim());
                Assert.StartsWith($"\"--path\" is \"{path}\"", error);
            }
        }
    }

    [Fact]
    public async Task The_front_of_MNIST_can_be_trained_on_alone()
    {
        string file = Path.Combine(folder, "few.json");
        await File.WriteAllTextAsync(
            file,
            """
            { "data": { "kind": "mnist", "trainExamples": 500, "testExamples": 200 }, "model": { "hidden": [16] }, "learningRate": 0.1, "batchSizes": [10], "budget": { "epochs": 4 } }
            """
        );

        var (code, output, error) = await Program("run", file, "--json");

        Assert.True(code == 0, error);
        var run = JsonNode.Parse(output)!["runs"]![0]!;
        Assert.Equal(200, (int)run["updates"]!);
        Assert.InRange((double)run["testAccuracy"]!, 0.6, 1);
    }

    [Fact]
    public async Task A_probed_run_ends_with_what_its_probes_found_and_what_they_cost()
    {
        string file = Path.Combine(folder, "probed.json");
        await File.WriteAllTextAsync(
            file,
            """
            { "data": { "kind": "moons" }, "model": { "hidden": [8], "bias": false }, "learningRate": 0.1, "batchSizes": [8], "budget": { "updates": 60 },
              "probes": ["gradient", "sharpness", "adaptive-sharpness", "eigenvalues", "trace", "gradient-curvature", "fisher-rao", "noise-scale"] }
            """
        );

        var (code, output, error) = await Program("run", file, "--json");

        Assert.True(code == 0, error);
        var run = JsonNode.Parse(output)!["runs"]![0]!;
        var probes = run["probes"]!;
        Assert.Equal(60, (int)probes["update"]!);
        Assert.Equal(2, probes["eigenvalues"]!.AsArray().Count);
        string[] figures =
        [
            "gradientNorm",
            "sharpness",
            "adaptiveSharpness",
            "traceStandardError",
            "fisherRao",
            "gradientVariance",
            "noiseScale",
        ];
        Assert.All(figures, name => Assert.True((double)probes[name]! > 0, name));
        Assert.InRange((double)probes["batchCosine"]!, -1, 1);
        Assert.True((double)probes["gradientCurvature"]! <= (double)probes["eigenvalues"]![0]! * 1.00001);
        Assert.True((int)probes["cost"]!["hessianProducts"]! > 20);
        Assert.True((double)probes["cost"]!["secondsOfAllMarks"]! >= (double)probes["cost"]!["seconds"]!);

        // An experiment without probes says nothing about them.
        await File.WriteAllTextAsync(
            file,
            (await File.ReadAllTextAsync(file)).Replace(
                "[\"gradient\", \"sharpness\", \"adaptive-sharpness\", \"eigenvalues\", \"trace\", \"gradient-curvature\", \"fisher-rao\", \"noise-scale\"]",
                "[]"
            )
        );
        var plain = JsonNode.Parse((await Program("run", file, "--json")).Output)!["runs"]![0]!;
        Assert.Null(plain["probes"]);
        Assert.Equal((string)run["weightsSha256"]!, (string)plain["weightsSha256"]!);
    }

    private Task<(int Code, string Output, string Error)> Program(params string[] arguments) => BuiltProgram.Run(folder, arguments);
}
