using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using BatchViz.Engine.Cpu.Tests.Reference;

namespace BatchViz.Engine.Cpu.Tests;

/// <summary>LARS: a rate of its own for each layer.</summary>
public class LarsTests
{
    /// <summary>
    /// Tiny, wide, linear and deep nets, batches of one and of several chunks, with and without biases, decay and reweighting.
    /// </summary>
    [Theory, ClassData(typeof(Paths))]
    public void RunsFollowTheReference(KernelPath path)
    {
        using var engine = new CpuEngine(path);
        for (int seed = 1; seed <= 60; seed++)
        {
            var random = RandomCase.Make(seed);
            var spec = random.Spec() with
            {
                Optimizer = new()
                {
                    Kind = OptimizerKind.Lars,
                    Trust = 0.2,
                    WeightDecay = random.Optimizer.WeightDecay,
                },
                LearningRate = 0.5,
            };
            using var data = engine.Load(random.Data);
            using var bundle = engine.CreateBundle(data, spec);
            bundle.StartAt(random.Start);
            var net = new ReferenceNet(random.Network);
            var w = random.Start.Doubles();
            var optimizer = new ReferenceOptimizer(spec.Optimizer, spec.LearningRate, w.Length, net.Layers);
            var sampler = spec.SamplerOf(0, random.Data.Train.Count);
            var indices = new int[random.BatchSize];
            var block = bundle.Block(1);
            for (int u = 1; u <= 6; u++)
            {
                int count = sampler.Fill(u, indices);
                var (_, gradient) = net.Gradient(w, [.. indices[..count].Select(i => random.Examples[i])]);
                // Behind a kink, two nets see two gradients.
                if (net.NearestKink < 1e-4)
                    break;
                double length = optimizer.Step(w, gradient, sampler.GradientWeight(u, count));
                bundle.Advance(1, block);
                Assert.False(bundle.Diverged(0), $"{random}");
                Assert.Equal(length, block.Row(0, 0)[RecordLayout.UpdateNorm], 1e-4 * length + 1e-9);
                double off = Vectors.Distance(bundle.Weights().Doubles(), w);
                Assert.True(off <= 1e-5 * Vectors.Norm(w), $"{random}: {off:E1} off after update {u}");
            }
        }
    }

    /// <summary>One layer of one input: ‖w‖ = 5, g = (x, 1)(w·x + b − t).</summary>
    [Fact]
    public void AStepIsThatOfTheFormula()
    {
        var split = new Core.Data.DataSplit
        {
            Count = 1,
            Inputs = 1,
            Floats = [2],
            Targets = [8],
        };
        var set = new Core.Data.DataSet("one", Core.Data.DataTask.Regression, 1, 1, split, null);
        using var engine = new CpuEngine();
        using var data = engine.Load(set);
        var spec = new BundleSpec(
            new NetworkSpec(new ModelSpec(), LossKind.Squared, [1, 1]),
            new OptimizerSpec
            {
                Kind = OptimizerKind.Lars,
                Trust = 0.1,
                WeightDecay = 0.2,
                Momentum = 0,
            },
            new SamplerSpec(),
            1,
            2,
            [1]
        );
        using var bundle = engine.CreateBundle(data, spec);
        bundle.StartAt([3, 4]);
        bundle.AdvanceBits(1);
        // The error is 3·2 + 4 − 8 = 2, g = (4, 2), ‖g‖ = √20.
        double ratio = 0.1 * 5 / (Math.Sqrt(20) + 0.2 * 5);
        float[] w = bundle.Weights();
        Assert.Equal(3 - 2 * ratio * (4 + 0.2 * 3), w[0], 1e-6);
        Assert.Equal(4 - 2 * ratio * (2 + 0.2 * 4), w[1], 1e-6);
    }

    /// <summary>A layer of zeros has no norm to be scaled with: it goes on as with momentum, and is trained.</summary>
    [Fact]
    public void ALayerOfZerosHasTheRatioOne()
    {
        var set = Sets.Images(40);
        using var engine = new CpuEngine();
        using var data = engine.Load(set);
        var network = Sets.Net(set, LossKind.CrossEntropy, []) with { Model = new ModelSpec { Initializer = Initializer.Zero } };
        var spec = Sets.Spec(network, 40, OptimizerKind.Lars, 0.1);
        using var lars = engine.CreateBundle(data, spec);
        using var momentum = engine.CreateBundle(data, spec with { Optimizer = new() { Kind = OptimizerKind.Momentum } });
        lars.AdvanceBits(1);
        momentum.AdvanceBits(1);
        Assert.True(Vectors.Norm(momentum.Weights().Doubles()) > 0.01);
        Assert.True(
            Vectors.Distance(momentum.Weights().Doubles(), lars.Weights().Doubles()) <= 1e-6 * Vectors.Norm(momentum.Weights().Doubles())
        );
    }
}
