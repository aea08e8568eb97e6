using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using BatchViz.Engine.Cpu.Tests.Reference;

namespace BatchViz.Engine.Cpu.Tests;

/// <summary>Batches of the hardest examples of a pool.</summary>
public class HardExamplesTests
{
    private const int N = 100,
        Pool = 40,
        Batch = 6;

    /// <summary>
    /// Nets of every kind, pools of several chunks and short ones, alone and in a bundle: what is trained on is what the reference finds
    /// hardest.
    /// </summary>
    [Theory, ClassData(typeof(Paths))]
    public void TheHardestOfThePoolAreTrainedOn(KernelPath path)
    {
        using var engine = new CpuEngine(path);
        DataSet images = Sets.Images(N),
            plane = Sets.Plane(N),
            many = Sets.Images(400);
        foreach (
            var (set, network, pool, batch) in new[]
            {
                (images, Sets.Net(images, LossKind.CrossEntropy, [24]), Pool, Batch),
                (plane, Sets.Net(plane, LossKind.Logistic, [8], Activation.Tanh), Pool, 1),
                (many, Sets.Net(many, LossKind.Squared, [10], Activation.Gelu), 300, 150),
            }
        )
        {
            using var data = engine.Load(set);
            var spec = Sets.Spec(network, batch, OptimizerKind.Momentum, 0.02, [1, 2]) with { Sampler = new() { Pool = pool } };
            using var bundle = engine.CreateBundle(data, spec);
            var net = new ReferenceNet(network);
            var examples = RandomCase.ExamplesOf(set.Train);
            var sampler = spec.SamplerOf(1, set.Train.Count);
            var drawn = new int[pool];
            var block = bundle.Block(1);
            for (int u = 1; u <= 12; u++)
            {
                int count = sampler.Fill(u, drawn),
                    keep = (count * batch + pool - 1) / pool;
                var w = bundle.Weights(1).Doubles();
                double[] losses = [.. drawn[..count].Select(i => net.LossOf(w, [examples[i]]))];
                int[] chosen = bundle.NextBatch(1);
                Assert.Equal(keep, chosen.Length);
                // In the pool's order, and no example left behind that is clearly harder than one that was taken.
                Assert.Equal(chosen, drawn[..count].Where(chosen.Contains));
                double easiest = chosen.Min(i => losses[Array.IndexOf(drawn, i)]);
                Assert.All(
                    Enumerable.Range(0, count),
                    k => Assert.True(chosen.Contains(drawn[k]) || losses[k] <= easiest + 1e-5 * (1 + easiest))
                );
                var (loss, _) = net.Gradient(w, [.. chosen.Select(i => examples[i])]);
                bundle.Advance(1, block);
                Assert.Equal(loss, block.Row(1, 0)[RecordLayout.Loss], 1e-4 * loss);
                Assert.Equal(keep, block.Row(1, 0)[RecordLayout.BatchSize]);
            }
        }
    }

    [Theory, ClassData(typeof(Paths))]
    public void APoolOfTheBatchAloneChangesNothing(KernelPath path)
    {
        using var engine = new CpuEngine(path);
        var set = Sets.Plane(N);
        using var data = engine.Load(set);
        var spec = Sets.Spec(Sets.Net(set, LossKind.Logistic, [20]), 7, OptimizerKind.Adam, 0.02);
        using var plain = engine.CreateBundle(data, spec);
        using var pooled = engine.CreateBundle(data, spec with { Sampler = new() { Pool = 7 } });
        Assert.Equal(plain.AdvanceBits(50), pooled.AdvanceBits(50));
    }

    [Theory, ClassData(typeof(Paths))]
    public void ResumedBundledOrAloneTheBitsAreTheSame(KernelPath path)
    {
        using var engine = new CpuEngine(path);
        var set = Sets.Images(N);
        using var data = engine.Load(set);
        foreach (var kind in Enum.GetValues<OptimizerKind>())
        {
            var spec = Sets.Spec(Sets.Net(set, LossKind.CrossEntropy, [17]), Batch, kind, 0.02, [3, 1]) with
            {
                Sampler = new() { Pool = Pool, Remainder = RemainderPolicy.Reweight },
            };
            using var bundle = engine.CreateBundle(data, spec);
            bundle.AdvanceBits(9);
            var keyframe = bundle.Export(1);
            bundle.NextBatch(1);
            int[] rest = bundle.AdvanceBits(15, member: 1);
            using var alone = engine.CreateBundle(data, spec with { Seeds = [1] });
            alone.Restore(0, keyframe);
            Assert.Equal(rest, alone.AdvanceBits(15));
        }
    }

    /// <summary>Scoring is a forward pass for every example drawn, training one forward and backward for every example chosen.</summary>
    [Fact]
    public void BothCostsAreCounted()
    {
        var set = Sets.Images(N);
        var network = Sets.Net(set, LossKind.CrossEntropy, [20]);
        var spec = Sets.Spec(network, 10) with { Sampler = new() { Pool = 40 } };
        Assert.Equal(40.0 * network.ForwardFlopsPerExample + 10.0 * network.TrainingFlopsPerExample, 40 * spec.FlopsPerExample);
        Assert.Equal(network.TrainingFlopsPerExample, (spec with { Sampler = new() }).FlopsPerExample);
        // Examples and epochs count what is drawn.
        Assert.Equal((40, 1.0), (spec.ProgressOver(N).ExamplesOf(1), spec.ProgressOver(N).EpochsAfter(3)));

        using var engine = new CpuEngine();
        using var data = engine.Load(set);
        using var search = engine.CreateBundle(
            data,
            spec with
            {
                Optimizer = new() { Kind = OptimizerKind.Lbfgs, LineSearch = LineSearch.None },
            }
        );
        var block = search.Block(1);
        search.Advance(1, block);
        Assert.Equal(
            40.0 * network.ForwardFlopsPerExample + 20.0 * network.TrainingFlopsPerExample,
            block.Row(0, 0)[search.Layout.Flops],
            1.0
        );
    }

    [Fact]
    public void UpdatesTakeNoManagedMemory()
    {
        var set = Sets.Images(N);
        using var engine = new CpuEngine();
        using var data = engine.Load(set);
        using var bundle = engine.CreateBundle(
            data,
            Sets.Spec(Sets.Net(set, LossKind.CrossEntropy, [17]), Batch, OptimizerKind.Sgd, 0.001) with
            {
                Sampler = new() { Pool = Pool },
                Staleness = 2,
            }
        );
        Assert.Equal(0, bundle.AllocatedByUpdates());
        Assert.Equal(bundle.Memory, engine.Predict(bundle.Spec, set));
    }
}
