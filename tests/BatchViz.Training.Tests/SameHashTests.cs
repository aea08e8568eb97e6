using BatchViz.Engine.Cpu;
using BatchViz.Engine.Cpu.Tests;

namespace BatchViz.Training.Tests;

/// <summary>
/// A run's weights are those of its spec, to the last bit: whatever the threads, held or not, probed or not, shown or not, alone or among
/// others; on each kernel path, for nets whose seeds share a register and for wider ones.
/// </summary>
public class SameHashTests
{
    private const string Tiny = "\"hidden\": [8, 8], \"activation\": \"tanh\"",
        Wide = "\"hidden\": [40, 20], \"activation\": \"relu\"";

    private const string Probes = "\"probes\": [\"gradient\", \"sharpness\", \"trace\", \"noise-scale\"], \"budget\"";

    public static TheoryData<KernelPath, string> PathsAndNets()
    {
        var data = new TheoryData<KernelPath, string>();
        foreach (var path in Paths.All)
        foreach (string net in new[] { Tiny, Wide })
            data.Add(path, net);
        return data;
    }

    [Theory, MemberData(nameof(PathsAndNets))]
    public async Task Threads_holding_probes_and_landscape_do_not_change_the_hash(KernelPath path, string net)
    {
        using var engine = new CpuEngine(path);
        string plain = Spec(net),
            probed = plain.Replace("\"budget\"", Probes);
        using var reference = await Labs.Run(plain, new() { LanesAtOnce = 1, Landscape = false }, engine);
        var expected = Labs.Hashes(reference);
        Assert.Equal(reference.Runs.Count, expected.Values.Distinct().Count());
        foreach (int lanes in new[] { 1, 2, 3 })
        {
            foreach (
                var (probes, landscape, held) in new[]
                {
                    (false, false, true),
                    (false, true, false),
                    (true, false, false),
                    (true, true, true),
                }
            )
            {
                using var experiment = Labs.New(
                    probes ? probed : plain,
                    new()
                    {
                        LanesAtOnce = lanes,
                        Landscape = landscape,
                        Held = held,
                    },
                    engine
                );
                experiment.Start();
                if (held)
                    await StepAndContinue(experiment);
                await Labs.Ended(experiment);
                Assert.Equal(expected, Labs.Hashes(experiment));
                Assert.All(experiment.Runs, run => Assert.Equal(probes, run.Probes.Count > 0));
            }
        }
    }

    [Theory, MemberData(nameof(PathsAndNets))]
    public async Task Every_run_alone_has_the_hash_it_has_among_others(KernelPath path, string net)
    {
        using var engine = new CpuEngine(path);
        using var together = await Labs.Run(Spec(net), new() { Landscape = false }, engine);
        foreach (var run in together.Runs)
        {
            using var alone = await Labs.Run(Spec(net, $"{run.Plan.BatchSize}", $"{run.Plan.Seed}"), new() { Landscape = false }, engine);
            Assert.Equal(run.Result!.WeightsSha256, Assert.Single(alone.Runs).Result!.WeightsSha256);
        }
    }

    /// <summary>Held at the start, after two updates of every run, and again wherever the runs are a moment later.</summary>
    private static async Task StepAndContinue(Experiment experiment)
    {
        const int Steps = 2;
        for (int i = 0; i < Steps; i++)
            experiment.StepOnce();
        await Labs.Until(() => Labs.Counts(experiment).All(count => count == Steps), "two single updates of every run");
        Assert.Equal(ExperimentState.Held, experiment.State);
        experiment.Continue();
        await Labs.Until(() => Labs.Counts(experiment)[0] > Steps, "updates after going on");
        experiment.Hold();
        experiment.StepOnce();
        await Task.Delay(1);
        experiment.Continue();
    }

    /// <summary>600 examples; two whole epochs, so that B = 512 makes four updates. Tiny nets have as many seeds as share lanes.</summary>
    private static string Spec(string net, string batchSizes = "1, 7, 512", string? seeds = null) =>
        $$"""
            { "data": { "kind": "spirals", "trainExamples": 600, "testExamples": 50 }, "model": { {{net}} }, "learningRate": 0.05,
              "batchSizes": [{{batchSizes}}], "seeds": [{{seeds
                ?? (
                    net == Tiny ? "1, 2, 3, 4, 5, 6, 7, 8" : "1, 2, 3"
                )}}], "budget": { "epochs": 2 }, "landscape": { "resolution": 17, "evaluationExamples": 32 } }
            """;
}
