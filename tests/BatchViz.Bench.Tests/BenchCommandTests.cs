using System.Text.Json.Nodes;
using BatchViz.Bench.Soak;
using BatchViz.Engine.Cpu;

namespace BatchViz.Bench.Tests;

/// <summary>What the benchmarks print and what they refuse; how fast anything is, no test says.</summary>
public sealed class BenchCommandTests
{
    [Fact]
    public async Task Engine_gives_the_machine_its_ceiling_and_a_cell_for_each_network_and_batch_size()
    {
        var json = await Json("engine", "--net", "2-8-8-1,3-4-2", "--batch", "1,32", "--seconds", "0.01", "--json");

        Assert.NotEmpty((string)json["machine"]!);
        Positive(json["fmaCeilingGflops"]);
        var cells = json["cells"]!.AsArray();
        Assert.Equal(
            [("2-8-8-1", 1), ("2-8-8-1", 32), ("3-4-2", 1), ("3-4-2", 32)],
            cells.Select(cell => ((string)cell!["net"]!, (int)cell["batch"]!))
        );
        Assert.All(
            cells,
            cell =>
            {
                foreach (
                    string figure in new[]
                    {
                        "microsecondsPerUpdate",
                        "gflops",
                        "medianMicrosecondsPerUpdate",
                        "processorMicrosecondsPerUpdate",
                        "ceilingShare",
                    }
                )
                    Positive(cell![figure]);
                Assert.True((double)cell!["microsecondsPerUpdate"]! <= (double)cell["medianMicrosecondsPerUpdate"]!);
            }
        );
    }

    [Fact]
    public async Task Nominal_speed_is_the_FLOPs_of_forward_and_backward_over_the_time()
    {
        var cell = (await Json("engine", "--net", "3-5-2", "--batch", "7", "--seconds", "0.01", "--json"))["cells"]![0]!;

        // 2 per multiply-add: 3·5 forward and gradient, 5·2 forward, gradient and backward.
        double flops = 7 * 2 * (2 * 15 + 3 * 10);
        Assert.Equal(flops * 1e-3, (double)cell["gflops"]! * (double)cell["microsecondsPerUpdate"]!, 1e-9);
        // Random numbers, none of them 0.
        Assert.Equal((double)cell["gflops"]!, (double)cell["gflopsWithoutZeros"]!, 1e-9);
    }

    [Fact]
    public async Task What_zeros_of_the_data_save_is_told_apart()
    {
        var cell = (await Json("engine", "--net", "100-20-3", "--batch", "7", "--seconds", "0.01", "--json"))["cells"]![0]!;

        // Images of which 19 % is ink: of 2·2·100·20 FLOPs in the first layer, of all 2·(2·2000 + 3·60), the others are left.
        double share = (double)cell["gflopsWithoutZeros"]! / (double)cell["gflops"]!;
        Assert.Equal(1 - 4 * 2000 * 0.81 / (2 * (2 * 2000 + 3 * 60)), share, 0.01);
        Assert.Equal(share, (double)cell["ceilingShareWithoutZeros"]! / (double)cell["ceilingShare"]!, 1e-9);
    }

    [Fact]
    public async Task Engine_trains_seeds_together_with_another_optimiser_on_another_kernel_path()
    {
        var json = await Json(
            "engine",
            "--net",
            "2-8-8-1",
            "--batch",
            "4",
            "--seeds",
            "3",
            "--optimizer",
            "adam",
            "--path",
            "portable",
            "--seconds",
            "0.01",
            "--json"
        );

        Assert.Equal("portable", (string)json["path"]!);
        Assert.Equal("adam", (string)json["optimizer"]!);
        var cell = Assert.Single(json["cells"]!.AsArray());
        Assert.Equal(3, (int)cell!["seeds"]!);
        Positive(cell["microsecondsPerUpdate"]);
    }

    [Fact]
    public async Task Landscape_gives_the_seconds_of_a_grid()
    {
        var json = await Json("landscape", "--net", "2-4-1", "--examples", "50", "--grid", "5", "--seconds", "0.01", "--json");

        Positive(json["fmaCeilingGflops"]);
        var cell = Assert.Single(json["cells"]!.AsArray());
        Assert.Equal(("2-4-1", 50, 5), ((string)cell!["net"]!, (int)cell["examples"]!, (int)cell["grid"]!));
        foreach (string figure in new[] { "seconds", "medianSeconds", "firstSeconds" })
            Positive(cell[figure]);
    }

    [Fact]
    public async Task Peers_are_measured_beside_the_engine_and_one_that_does_not_run_here_is_named()
    {
        // The loop needs Node, as building does; PyTorch may not be here.
        var json = await Json("engine", "--net", "2-8-8-1", "--batch", "1", "--seconds", "0.01", "--peers", "--json");

        var cell = json["cells"]![0]!;
        var peers = cell["peers"]!.AsArray();
        Assert.Contains(peers, peer => (string)peer!["name"]! == "per-example loop");
        Assert.All(peers, peer => Positive(peer!["microsecondsPerUpdate"]));
        double fastest = peers.Min(peer => (double)peer!["microsecondsPerUpdate"]!);
        Assert.Equal(fastest / (double)cell["microsecondsPerUpdate"]!, (double)cell["ratio"]!, 1e-9);
        Assert.Equal((double)cell["ratio"]!, (double)json["geometricMean"]!, 1e-6);
        double least = peers.Min(peer => (double)peer!["processorMicrosecondsPerUpdate"]!);
        Assert.Equal(least / (double)cell["processorMicrosecondsPerUpdate"]!, (double)cell["processorRatio"]!, 1e-9);
        Assert.Equal((double)cell["processorRatio"]!, (double)json["processorGeometricMean"]!, 1e-6);
        bool torch = peers.Any(peer => ((string)peer!["name"]!).StartsWith("PyTorch", StringComparison.Ordinal));
        Assert.Equal(
            torch,
            !(
                json["missingPeers"]
                    ?.AsArray()
                    .Any(sentence => ((string)sentence!).StartsWith("PyTorch does not run", StringComparison.Ordinal))
                ?? false
            )
        );
    }

    [Fact]
    public async Task Probes_give_their_cost_in_gradients_and_statistics_theirs_as_a_share_of_the_update()
    {
        var json = await Json("probes", "--net", "3-20-2", "--batch", "8", "--examples", "20", "--seconds", "0.01", "--json");

        Positive(json["fmaCeilingGflops"]);
        var probes = json["cells"]!.AsArray();
        Assert.Equal(1, (double)probes.Single(cell => (string)cell!["probe"]! == "gradient")!["gradients"]!);
        Assert.Contains(probes, cell => (string)cell!["probe"]! == "hessianVectorProduct");
        Assert.All(
            probes,
            cell =>
            {
                Assert.Equal(("3-20-2", 20), ((string)cell!["net"]!, (int)cell["examples"]!));
                foreach (string figure in new[] { "microseconds", "gradients", "countedGradients" })
                    Positive(cell[figure]);
            }
        );
        var update = Assert.Single(json["statistics"]!.AsArray());
        Assert.Equal(8, (int)update!["batch"]!);
        Assert.Equal(
            (double)update["processorMicrosecondsPerUpdate"]! / (double)update["processorMicrosecondsWithout"]! - 1,
            (double)update["share"]!,
            1e-9
        );
    }

    [Fact]
    public async Task Noise_scale_is_given_along_a_run_beside_the_exact_one_and_batches_at_fixed_weights_agree_with_it()
    {
        var json = await Json("probes", "--noise-scale", "--net", "2-16-16-1", "--batch", "8,200", "--epochs", "2", "--json");

        var runs = json["noiseScale"]!.AsArray();
        Assert.Equal([8, 200], runs.Select(run => (int)run!["batch"]!));
        Assert.All(
            runs,
            run =>
            {
                long[] updates = [.. run!["marks"]!.AsArray().Select(mark => (long)mark!["update"]!)];
                Assert.Equal(updates.Distinct().Order(), updates);
                Assert.Equal(run["batch"]!.GetValue<int>() == 8 ? 1024 : 42, updates[^1]);
                var own = run["ownBatches"]!;
                Assert.InRange(((double)own["gradientVarianceShare"]! - 1) / (double)own["gradientVarianceShareStandardError"]!, -3.5, 3.5);
                Assert.InRange((double)own["gradientSquareExcess"]! / (double)own["gradientSquareExcessStandardError"]!, -3.5, 3.5);
            }
        );
        Assert.All(
            runs.SelectMany(run => run!["marks"]!.AsArray()),
            mark =>
            {
                var (exact, batches) = (mark!["exact"]!, mark["atFixedWeights"]!);
                Assert.Equal(
                    (double)exact["gradientVariance"]! / (double)exact["gradientSquare"]!,
                    (double)exact["noiseScale"]!,
                    1e-9 * (double)exact["noiseScale"]!
                );
                foreach (string figure in new[] { "gradientVariance", "gradientSquare" })
                    Assert.InRange(
                        ((double)batches[figure]! - (double)exact[figure]!) / (double)batches[figure + "StandardError"]!,
                        -3.5,
                        3.5
                    );
                foreach (string error in new[] { "runningStandardError", "exactOverWindowStandardError" })
                    Positive(mark[error]);
            }
        );
    }

    /// <summary>Tenths of a second say nothing of the shares themselves, so its verdict is not looked at.</summary>
    [Fact]
    public async Task The_viewers_soak_ends_with_the_speeds_and_the_owners_waits()
    {
        var (code, output, error) = await BuiltProgram.RunBench("soak", "--viewers", "2", "--viewers-seconds", "0.1", "--json");
        Assert.True(code is 0 or 1 && output.Length > 0, error);
        var result = JsonNode.Parse(output.Trim())!["viewers"]!;
        Assert.Equal(2, (int)result["viewers"]!);
        foreach (string figure in new[] { "rounds", "alone", "withOne", "withAll", "shareWithOne", "shareWithAll", "efficiencyWithAll" })
            Positive(result[figure]);
        foreach (string wait in new[] { "viewerFirstSeconds", "ownerQuietSeconds", "ownerBusySeconds" })
            Positive(result[wait]);
        Assert.True((long)result["asked"]! > 0);
    }

    [Fact]
    public async Task The_fuzz_soak_ends_with_what_each_reader_made_of_its_inputs()
    {
        var json = await Json("soak", "--fuzz", "--inputs", "200", "--seed", "9", "--json");

        Assert.NotEmpty((string)json["machine"]!);
        var readers = json["fuzz"]!.AsArray();
        Assert.Equal(FuzzSoak.Targets.Keys, readers.Select(reader => (string)reader!["target"]!));
        Assert.All(
            readers,
            reader =>
            {
                Assert.Equal(200, (int)reader!["inputs"]!);
                Assert.Equal(200, (int)reader["refused"]! + (int)reader["handled"]!);
                Assert.InRange((double)reader["mostAllocationRatio"]!, 0, 1);
                Assert.InRange((double)reader["slowestMs"]!, 0, 1000);
                Positive(reader["seconds"]);
            }
        );
    }

    [Theory]
    [InlineData("--net", "engine", "--net", "784")]
    [InlineData("--net", "engine", "--net", "2-x-1")]
    [InlineData("--net", "engine", "--net", "2-0-1")]
    [InlineData("--net", "engine", "--net", "2-8-1,")]
    [InlineData("--net", "landscape", "--net", "1000000-1000000-10")]
    [InlineData("--batch", "engine", "--batch", "0")]
    [InlineData("--batch", "engine", "--batch", "1,,8")]
    [InlineData("--batch", "engine", "--net", "2-100000-1", "--batch", "1000000")]
    [InlineData("--seeds", "engine", "--seeds", "0")]
    [InlineData("--threads", "engine", "--engine", "torch", "--threads", "0")]
    [InlineData("--seconds", "engine", "--seconds", "NaN")]
    [InlineData("--seconds", "landscape", "--seconds", "0")]
    [InlineData("--optimizer", "engine", "--optimizer", "newton")]
    [InlineData("--path", "engine", "--path", "avx1024")]
    [InlineData("--loss", "engine", "--net", "2-8-1", "--loss", "cross-entropy")]
    [InlineData("--loss", "engine", "--net", "2-8-3", "--loss", "logistic")]
    [InlineData("--activation", "engine", "--activation", "relu")]
    [InlineData("--grid", "landscape", "--grid", "1")]
    [InlineData("--examples", "landscape", "--examples", "0")]
    [InlineData("--threads", "landscape", "--threads", "0")]
    [InlineData("--examples", "probes", "--examples", "-1")]
    [InlineData("--batch", "probes", "--noise-scale", "--batch", "1,8")]
    [InlineData("--batch", "probes", "--noise-scale", "--net", "2-8-1", "--batch", "4000")]
    [InlineData("--epochs", "probes", "--noise-scale", "--epochs", "0")]
    [InlineData("--peers", "probes", "--noise-scale", "--peers")]
    [InlineData("--fuzz", "soak", "--fuzz", "nonsense")]
    [InlineData("--viewers", "soak", "--viewers", "0")]
    [InlineData("--inputs", "soak", "--fuzz", "--inputs", "0")]
    [InlineData("--index", "soak", "--fuzz", "idx", "--index", "-1")]
    [InlineData("engine", "nonsense")]
    public async Task What_cannot_be_measured_is_refused_in_one_sentence_with_exit_code_2(string names, params string[] arguments)
    {
        var (code, output, error) = await BuiltProgram.RunBench(arguments);

        Assert.Equal(2, code);
        Assert.Empty(output);
        Assert.DoesNotContain('\n', error.Trim());
        Assert.Contains(names == "engine" ? "nonsense" : $"\"{names}\"", error);
    }

    [Theory]
    [InlineData("engine, landscape, probes, recorder or soak")]
    [InlineData("--fuzz, --kills, --viewers", "soak")]
    public async Task Without_a_name_those_that_there_are_are_told(string names, params string[] arguments)
    {
        var (code, output, error) = await BuiltProgram.RunBench(arguments);

        Assert.Equal((2, ""), (code, output));
        Assert.DoesNotContain('\n', error.Trim());
        Assert.Contains(names, error);
    }

    [Fact]
    public void The_ceilings_of_every_kernel_path_of_this_machine_can_be_measured()
    {
        foreach (var path in CpuEngine.Available)
        {
            Assert.InRange(FmaCeiling.Gflops(path, 0.001), 1e-3, 1e6);
            Assert.InRange(MemoryCeiling.GigabytesPerSecond(path, 0.001), 1e-2, 1e4);
        }
    }

    private static async Task<JsonNode> Json(params string[] arguments)
    {
        var (code, output, error) = await BuiltProgram.RunBench(arguments);
        Assert.True(code == 0, error);
        return JsonNode.Parse(Assert.Single(output.Split('\n', StringSplitOptions.RemoveEmptyEntries)))!;
    }

    private static void Positive(JsonNode? figure)
    {
        double value = (double)figure!;
        Assert.True(double.IsFinite(value) && value > 0, $"{value}");
    }
}
