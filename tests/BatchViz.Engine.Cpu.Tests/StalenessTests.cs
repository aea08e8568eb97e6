using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using BatchViz.Engine.Cpu.Tests.Reference;

namespace BatchViz.Engine.Cpu.Tests;

/// <summary>Workers: in step they are one larger batch; apart, their gradients are of older weights.</summary>
public class StalenessTests
{
    private const int N = 60;

    /// <summary>w after update t comes of w after t − 1 and the gradient at w after t − 1 − s, at the beginning w₀.</summary>
    [Theory, ClassData(typeof(Paths))]
    public void GradientsAreOfTheWeightsBefore(KernelPath path)
    {
        using var engine = new CpuEngine(path);
        DataSet images = Sets.Images(N),
            plane = Sets.Plane(N);
        foreach (
            var (set, network) in new[]
            {
                (images, Sets.Net(images, LossKind.CrossEntropy, [24], Activation.Tanh)),
                (plane, Sets.Net(plane, LossKind.Logistic, [8, 8], Activation.Tanh)),
            }
        )
        {
            using var data = engine.Load(set);
            var net = new ReferenceNet(network);
            var examples = RandomCase.ExamplesOf(set.Train);
            foreach (var kind in new[] { OptimizerKind.Sgd, OptimizerKind.Adam, OptimizerKind.Lars })
            {
                foreach (int staleness in new[] { 0, 1, 3, 7 })
                {
                    var optimizer = new OptimizerSpec
                    {
                        Kind = kind,
                        Epsilon = 0.01,
                        Trust = 0.1,
                    };
                    var spec = Sets.Spec(network, 7, kind, 0.05) with { Optimizer = optimizer, Staleness = staleness };
                    using var bundle = engine.CreateBundle(data, spec);
                    var reference = new ReferenceOptimizer(optimizer, 0.05, net.Parameters, net.Layers);
                    var w = bundle.Weights().Doubles();
                    var history = new List<double[]> { w };
                    var sampler = spec.SamplerOf(0, N);
                    var indices = new int[7];
                    var block = bundle.Block(1);
                    for (int t = 1; t <= 25; t++)
                    {
                        int count = sampler.Fill(t, indices);
                        var (loss, gradient) = net.Gradient(
                            history[Math.Max(0, t - 1 - staleness)],
                            [.. indices[..count].Select(i => examples[i])]
                        );
                        double[] next = [.. w];
                        reference.Step(next, gradient);
                        history.Add(w = next);
                        bundle.Advance(1, block);
                        Assert.Equal(loss, block.Row(0, 0)[RecordLayout.Loss], 1e-4 * loss);
                        double off = Vectors.Distance(bundle.Weights().Doubles(), w);
                        Assert.True(off <= 2e-5 * Vectors.Norm(w), $"{set.Name}, {kind}, s = {staleness}: {off:E1} off after update {t}");
                    }
                }
            }
        }
    }

    [Theory, ClassData(typeof(Paths))]
    public void NoStalenessIsNoWorkers(KernelPath path)
    {
        using var engine = new CpuEngine(path);
        var set = Sets.Images(N);
        var plain = SpecResolver.Resolve(Spec(null), set);
        var apart = SpecResolver.Resolve(Spec(new WorkersSpec(1, WorkerMode.Asynchronous)), set);
        Assert.Equal(Bits(engine, plain), Bits(engine, apart));
        Assert.NotEqual(Bits(engine, plain), Bits(engine, SpecResolver.Resolve(Spec(new WorkersSpec(4, WorkerMode.Asynchronous)), set)));
    }

    /// <summary>
    /// Four workers with batches of 5 are one batch of 20, bit for bit; and the mean of their four gradients but for rounding.
    /// </summary>
    [Theory, ClassData(typeof(Paths))]
    public void WorkersInStepAreOneLargeBatch(KernelPath path)
    {
        using var engine = new CpuEngine(path);
        var set = Sets.Images(N);
        var workers = SpecResolver.Resolve(Spec(new WorkersSpec(4)), set);
        var one = SpecResolver.Resolve(Spec(null) with { BatchSizes = [new BatchSize(20)] }, set);
        Assert.Equal((20, "b20-s1"), (workers.Runs[0].BatchSize, workers.Runs[0].Id));
        Assert.Equal(one.Runs[0].LearningRate, workers.Runs[0].LearningRate);
        Assert.Equal(Bits(engine, one), Bits(engine, workers));

        var net = new ReferenceNet(workers.Network);
        var examples = RandomCase.ExamplesOf(set.Train);
        using var data = engine.Load(set);
        using var bundle = engine.CreateBundle(data, workers.BundleOf(workers.Runs));
        var w = bundle.Weights().Doubles();
        int[] batch = bundle.NextBatch(0);
        var mean = new double[w.Length];
        foreach (int[] part in batch.Chunk(5))
        {
            var (_, gradient) = net.Gradient(w, [.. part.Select(i => examples[i])]);
            for (int i = 0; i < mean.Length; i++)
                mean[i] += gradient[i] / 4;
        }
        bundle.AdvanceBits(1);
        double[] moved = [.. w.Zip(bundle.Weights(), (before, after) => (before - after) / workers.Runs[0].LearningRate)];
        Assert.True(Vectors.Distance(moved, mean) <= 1e-5 * Vectors.Norm(mean));
    }

    /// <summary>Old weights are in the keyframe, and stay with a fork, also to another optimiser.</summary>
    [Theory, ClassData(typeof(Paths))]
    public void KeyframesAndForksKeepTheOldWeights(KernelPath path)
    {
        using var engine = new CpuEngine(path);
        var set = Sets.Images(N);
        using var data = engine.Load(set);
        foreach (int at in new[] { 2, 11 })
        {
            var plan = SpecResolver.Resolve(Spec(new WorkersSpec(2, WorkerMode.Asynchronous, 4)), set);
            using var parent = engine.CreateBundle(data, plan.BundleOf(plan.Runs));
            parent.AdvanceBits(at);
            var keyframe = parent.Export(0);
            Assert.Equal(1 + 4, keyframe.OptimizerState.Length);
            int[] rest = parent.AdvanceBits(20);
            var same = ForkResolver.Resolve(plan, plan.Runs[0], at, new Dictionary<string, string>(), 1);
            using var fork = engine.CreateBundle(data, plan.BundleOf([same]));
            fork.Restore(0, ForkResolver.Begin(keyframe, same));
            Assert.Equal(rest, fork.AdvanceBits(20));

            var adam = ForkResolver.Resolve(plan, plan.Runs[0], at, new Dictionary<string, string> { ["optimizer"] = "adam" }, 1);
            var begin = ForkResolver.Begin(keyframe, adam);
            Assert.Equal(2 + 4, begin.OptimizerState.Length);
            Assert.All(begin.OptimizerState[..2], state => Assert.All(state, v => Assert.Equal(0, v)));
            Assert.Equal(keyframe.OptimizerState[1..], begin.OptimizerState[2..]);
        }
    }

    private static ExperimentSpec Spec(WorkersSpec? workers) =>
        new()
        {
            Name = "workers",
            Data = new DataSpec { Kind = DataKind.Csv },
            Model = new ModelSpec { Hidden = [20] },
            Loss = LossKind.CrossEntropy,
            Optimizer = new OptimizerSpec
            {
                Kind = workers is { Mode: WorkerMode.Asynchronous, Count: 2 } ? OptimizerKind.Momentum : OptimizerKind.Sgd,
            },
            LearningRate = new LearningRateSpec { Rate = 0.1, Rule = LearningRateRule.Linear },
            BatchSizes = [new BatchSize(5)],
            Budget = new BudgetSpec { Epochs = 5 },
            Workers = workers,
        };

    private static int[] Bits(CpuEngine engine, ExperimentPlan plan)
    {
        using var data = engine.Load(plan.Data);
        using var bundle = engine.CreateBundle(data, plan.BundleOf(plan.Runs));
        return [.. bundle.AdvanceBits(30), .. Vectors.Bits(bundle.Weights())];
    }
}
