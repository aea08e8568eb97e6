using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using BatchViz.Engine.Cpu.Tests.Layered;

namespace BatchViz.Engine.Cpu.Tests;

/// <summary>
/// Plain SGD with batches of one has a way of its own, which forms no gradient. A weight decay too small to change a weight takes the
/// general way: both are the same run, whatever else the run asks for.
/// </summary>
public class FastPathTests
{
    private const int Updates = 40;

    private static readonly (string Name, Func<BundleSpec, BundleSpec> With)[] Features =
    [
        ("nothing else", spec => spec),
        ("weights of one update before", spec => spec with { Staleness = 1 }),
        ("weights of three updates before", spec => spec with { Staleness = 3 }),
        ("hard examples", spec => spec with { Sampler = new() { Pool = 4 } }),
        (
            "hard examples at old weights",
            spec =>
                spec with
                {
                    Sampler = new() { Pool = 4 },
                    Staleness = 2,
                }
        ),
        ("columns of searches", spec => spec with { HasLineSearchColumns = true }),
        ("replacement", spec => spec with { Sampler = new() { Order = SampleOrder.Replacement } }),
        ("short batches weighted", spec => spec with { Sampler = new() { Remainder = RemainderPolicy.Reweight } }),
        (
            "a schedule",
            spec =>
                spec with
                {
                    Schedule = new()
                    {
                        Kind = ScheduleKind.Step,
                        Factor = 0.5,
                        EveryEpochs = 1,
                        Warmup = new(WarmupKind.Gradual, 0.5),
                    },
                }
        ),
        ("growing batches", spec => spec with { BatchSchedule = new(2, 1, 8) }),
        ("microbatches", spec => spec with { MicroBatch = 1 }),
        ("no biases", WithoutBiases),
    ];

    [Theory, ClassData(typeof(Paths))]
    public void PlainStepsAreThoseOfTheGeneralWay(KernelPath path)
    {
        using var measuring = new CpuEngine(path);
        using var bare = new CpuEngine(path) { ExampleStatistics = false };
        DataSet images = Sets.Images(30),
            sparse = Sets.Images(30, 400),
            plane = Sets.Plane(30);
        var layers = LayerCase.Make("pooled", 3);
        var nets = new (DataSet Set, NetworkSpec Network)[]
        {
            (images, Sets.Net(images, LossKind.CrossEntropy, [20, 18], Activation.Tanh)),
            (images, Sets.Net(images, LossKind.CrossEntropy, [])),
            (sparse, Sets.Net(sparse, LossKind.Squared, [33], Activation.Gelu)),
            (plane, Sets.Net(plane, LossKind.Logistic, [8], Activation.Tanh)),
            (layers.Data, layers.Network),
        };
        foreach (var engine in new[] { measuring, bare })
        {
            foreach (var (set, network) in nets)
            {
                using var data = engine.Load(set);
                foreach (var (name, with) in Features)
                {
                    foreach (int batch in new[] { 1, 2 })
                    {
                        var plain = with(Sets.Spec(network, batch, OptimizerKind.Sgd, 0.03));
                        var general = plain with { Optimizer = plain.Optimizer with { WeightDecay = 1e-30 } };
                        Agree(engine, data, plain, general, $"{set.Name}, B = {batch}, {name}");
                    }
                }
            }
        }
    }

    private static BundleSpec WithoutBiases(BundleSpec spec) =>
        spec.Network is { Layered: false } network
            ? spec with
            {
                Network = new(network.Model with { Bias = false }, network.Loss, network.Sizes),
            }
            : spec;

    private static void Agree(CpuEngine engine, IEngineData data, BundleSpec plain, BundleSpec general, string what)
    {
        using IBundle fast = engine.CreateBundle(data, plain),
            slow = engine.CreateBundle(data, general);
        RecordBlock given = fast.Block(Updates),
            wanted = slow.Block(Updates);
        fast.Advance(Updates, given);
        slow.Advance(Updates, wanted);
        Assert.Equal(wanted.Rows[0], given.Rows[0]);
        for (int row = 0; row < wanted.Rows[0]; row++)
        {
            string[] compared = ["loss", "gradientNorm", "gradientInfinityNorm", "updateNorm", "updateRatio", "learningRate"];
            foreach (string column in compared)
            {
                float one = wanted.Row(0, row)[slow.Layout.IndexOf(column)],
                    other = given.Row(0, row)[fast.Layout.IndexOf(column)];
                Assert.True(
                    Math.Abs(one - other) <= 1e-3 * Math.Abs(one) + 1e-6,
                    $"{what}: {column} of update {row + 1} is {other}, not {one}"
                );
            }
        }
        double[] w = slow.Weights().Doubles();
        double off = Vectors.Distance(fast.Weights().Doubles(), w);
        Assert.True(off <= 1e-5 * Vectors.Norm(w), $"{what}: {off:E1} off");
    }
}
