using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using BatchViz.Engine.Cpu.Memory;
using BatchViz.Engine.Cpu.Tests.Reference;

namespace BatchViz.Engine.Cpu.Tests.Layered;

/// <summary>Runs of models of layers: the same bits however they are run, and what batches of one do.</summary>
public class LayerBundleTests
{
    public static TheoryData<string> Names => [.. LayerCase.Small.Keys];

    [Theory, MemberData(nameof(Names))]
    public void Runs_have_the_same_bits_bundled_or_alone_stopped_or_not(string name)
    {
        using var engine = new CpuEngine();
        var c = LayerCase.Make(name, 2, batch: 4);
        using var data = engine.Load(c.Data);
        using var alone = engine.CreateBundle(data, c.Spec(OptimizerKind.Adam, 0.01, 7));
        using var bundled = engine.CreateBundle(data, c.Spec(OptimizerKind.Adam, 0.01, 3, 7));
        using var resumed = engine.CreateBundle(data, c.Spec(OptimizerKind.Adam, 0.01, 7));
        using var evaluator = engine.CreateEvaluator(data, c.Network);
        using var probe = engine.CreateProbe(data, c.Network);
        int[] whole = alone.AdvanceBits(20);
        Assert.Equal(whole, bundled.AdvanceBits(20, member: 1));

        int[] first = resumed.AdvanceBits(9);
        var keyframe = resumed.Export(0);
        int[] lost = resumed.AdvanceBits(3);
        using (var snapshot = resumed.Snapshot(0))
        {
            evaluator.Evaluate(snapshot, EvaluationSet.All(Core.Data.Split.Train));
            probe.Gradient(snapshot, EvaluationSet.All(Core.Data.Split.Train)).Dispose();
        }
        resumed.Restore(0, keyframe);
        int[] again = resumed.AdvanceBits(11);
        Assert.Equal(whole, first.Concat(again).ToArray());
        Assert.Equal(lost, again[..lost.Length]);
        Assert.Equal(Vectors.Bits(alone.Export(0).Weights), Vectors.Bits(resumed.Export(0).Weights));
        Assert.Equal(alone.Export(0).Statistics, resumed.Export(0).Statistics);
    }

    [Theory, ClassData(typeof(Paths))]
    public void However_a_batch_is_cut_its_bits_are_the_same(KernelPath path)
    {
        using var engine = new CpuEngine(path);
        foreach (string name in LayerCase.Small.Keys)
        {
            var c = LayerCase.Make(name, 3, batch: 11);
            if (!c.Network.Separable)
                continue;
            using var data = engine.Load(c.Data);
            int[] Cut(int? microBatch)
            {
                using var bundle = engine.CreateBundle(data, c.Spec(OptimizerKind.Momentum) with { MicroBatch = microBatch });
                return bundle.AdvanceBits(5);
            }
            int[] whole = Cut(null);
            foreach (int m in new[] { 1, 2, 3, 7, 10 })
                Assert.Equal(whole, Cut(m));
        }
    }

    [Theory, MemberData(nameof(Names))]
    public void Trainings_agree_with_the_reference(string name)
    {
        var c = LayerCase.Make(name, 5, batch: 4);
        var net = new ReferenceLayers(c.Network);
        var w = c.Start.Doubles();
        var optimizer = new ReferenceOptimizer(new OptimizerSpec { Kind = OptimizerKind.Momentum }, 0.02, w.Length);
        using var engine = new CpuEngine();
        using var data = engine.Load(c.Data);
        using var bundle = engine.CreateBundle(data, c.Spec(OptimizerKind.Momentum, 0.02, 9));
        bundle.StartAt(c.Start);
        var block = bundle.Block(12);
        bundle.Advance(12, block);
        for (int u = 0; u < 12; u++)
        {
            // Batches of 4, 4 and 3 of 11.
            var (loss, gradient) = net.Gradient(w, [.. c.Examples.Skip(u % 3 * 4).Take(4)], seed: 9, update: u + 1);
            Assert.True(
                Math.Abs(loss - block.Row(0, u)[RecordLayout.Loss]) <= 1e-3 * loss + 1e-5,
                $"{c}, update {u + 1}: {block.Row(0, u)[RecordLayout.Loss]}, not {loss}"
            );
            net.Running = net.NextRunning;
            optimizer.Step(w, gradient);
        }
        var end = bundle.Export(0);
        Assert.True(
            Vectors.Distance(end.Weights.Doubles(), w) <= 2e-3 * Vectors.Distance(w, c.Start.Doubles()),
            $"{c}: {Vectors.Distance(end.Weights.Doubles(), w) / Vectors.Distance(w, c.Start.Doubles()):E1} of its way off"
        );
        Assert.True(
            Vectors.Distance(end.Statistics![3..], net.Running) <= 1e-3 * Vectors.Norm(net.Running) + 1e-9,
            $"{c}: running statistics"
        );
    }

    /// <summary>What else makes an update: a trust ratio for each layer, old weights, a pool, a search.</summary>
    [Theory]
    [InlineData("batch norm", OptimizerKind.Lars, 0, false)]
    [InlineData("batch norm", OptimizerKind.Momentum, 3, false)]
    [InlineData("batch norm", OptimizerKind.Adam, 0, true)]
    [InlineData("dropout", OptimizerKind.Momentum, 2, true)]
    [InlineData("group norm", OptimizerKind.Lbfgs, 0, false)]
    [InlineData("residual", OptimizerKind.ConjugateGradient, 0, true)]
    public void Whatever_makes_the_update_it_goes_on_from_a_keyframe_to_the_same_bits(
        string name,
        OptimizerKind optimizer,
        int staleness,
        bool hard
    )
    {
        using var engine = new CpuEngine();
        var c = LayerCase.Make(name, 4, batch: 4);
        var spec = c.Spec(optimizer, 0.05, 7) with { Staleness = staleness };
        if (hard)
            spec = spec with { Sampler = spec.Sampler with { Pool = 8 } };
        using var data = engine.Load(c.Data);
        using var alone = engine.CreateBundle(data, spec);
        using var resumed = engine.CreateBundle(data, spec);
        using var bundled = engine.CreateBundle(data, spec with { Seeds = [3, 7] });
        int[] whole = alone.AdvanceBits(16);
        Assert.Equal(whole, bundled.AdvanceBits(16, member: 1));
        int[] first = resumed.AdvanceBits(7);
        var keyframe = resumed.Export(0);
        resumed.AdvanceBits(2);
        resumed.Restore(0, keyframe);
        Assert.Equal(whole, first.Concat(resumed.AdvanceBits(9)).ToArray());
        Assert.Equal(alone.Export(0).Statistics, resumed.Export(0).Statistics);
        Assert.False(alone.Diverged(0));
        Assert.Equal(engine.Predict(spec, c.Data), alone.Memory);
    }

    /// <summary>Scored evaluating, at the weights before the update, as every evaluation of the landscape is.</summary>
    [Theory]
    [InlineData("batch norm")]
    [InlineData("dropout")]
    [InlineData("convolution")]
    public void The_hardest_of_a_pool_are_those_with_the_largest_losses(string name)
    {
        using var engine = new CpuEngine();
        var c = LayerCase.Make(name, 6, batch: 3);
        var spec = c.Spec(OptimizerKind.Momentum, 0.02, 7);
        spec = spec with { Sampler = spec.Sampler with { Pool = 8 } };
        using var data = engine.Load(c.Data);
        using var bundle = engine.CreateBundle(data, spec);
        using var evaluator = engine.CreateEvaluator(data, c.Network);
        for (int u = 0; u < 4; u++)
        {
            // Pools of 8 and of the 3 that are left of 11.
            int[] pool = [.. Enumerable.Range(u % 2 * 8, u % 2 == 0 ? 8 : 3)];
            using (var weights = bundle.Snapshot(0))
            {
                var losses = pool.ToDictionary(
                    i => i,
                    i => evaluator.Evaluate(weights, new EvaluationSet(Core.Data.Split.Train, [i])).Loss
                );
                int[] chosen = bundle.NextBatch(0);
                Assert.Equal(chosen.Order(), pool.OrderByDescending(i => losses[i]).Take(chosen.Length).Order());
            }
            bundle.AdvanceBits(1);
        }
    }

    [Fact]
    public void Updates_allocate_nothing()
    {
        using var engine = new CpuEngine();
        foreach (string name in LayerCase.Small.Keys)
        {
            var c = LayerCase.Make(name, 1, batch: 2);
            using var data = engine.Load(c.Data);
            using var bundle = engine.CreateBundle(data, c.Spec());
            Assert.Equal(0, bundle.AllocatedByUpdates());
        }
    }

    [Fact]
    public void Bundles_take_what_was_predicted()
    {
        using var engine = new CpuEngine();
        foreach (string name in LayerCase.Small.Keys)
        {
            var c = LayerCase.Make(name, 1, batch: 7);
            using var data = engine.Load(c.Data);
            var spec = c.Spec(OptimizerKind.Adam, 0.01, 1, 2, 3) with { MicroBatch = c.Network.Separable ? 5 : null };
            using var bundle = engine.CreateBundle(data, spec);
            Assert.Equal(engine.Predict(spec, c.Data), bundle.Memory);
        }
    }

    /// <summary>docs/layers.md: outputs are β, nothing goes back through the norm, the running variance stays.</summary>
    [Theory, ClassData(typeof(Paths))]
    public void A_batch_norm_on_a_batch_of_one_gives_its_shifts(KernelPath path)
    {
        var model = new ModelSpec
        {
            Kind = ModelKind.Layers,
            Layers = [LayerSpec.Dense(4), new(LayerKind.BatchNorm) { Momentum = 0.25 }, LayerSpec.Dense()],
        };
        var c = LayerCase.Make("one", model, new TensorShape(6), 1, LossKind.CrossEntropy, batch: 1);
        using var engine = new CpuEngine(path);
        using var data = engine.Load(c.Data);
        using var bundle = engine.CreateBundle(data, c.Spec(OptimizerKind.Momentum));
        bundle.StartAt(c.Start);
        var block = bundle.Block(1);
        bundle.Advance(1, block);
        var record = block.Row(0, 0);
        var keyframe = bundle.Export(0);
        float[] gradient = keyframe.OptimizerState[0];
        // Weights: 4·6 + 4, γ 4, β 4, 3·4 + 3.
        Assert.All(gradient[..32], g => Assert.Equal(0, g));
        Assert.Contains(gradient[32..36], g => g != 0);
        var net = new ReferenceLayers(c.Network);
        var ofShifts = new ReferenceNet(new NetworkSpec(new ModelSpec(), LossKind.CrossEntropy, [4, 3]));
        Assert.Equal(
            ofShifts.LossOf(c.Start[36..].Doubles(), [c.Examples[0] with { Features = c.Start[32..36].Doubles() }]),
            record[RecordLayout.Loss],
            1e-6
        );
        net.TrainingLoss(c.Start.Doubles(), [c.Examples[0]]);
        Assert.True(Vectors.Distance(keyframe.Statistics![3..], net.NextRunning) < 1e-6);
        Assert.All(keyframe.Statistics![7..], variance => Assert.Equal(1, variance));
        Assert.Contains(keyframe.Statistics[3..7], mean => mean != 0);
        CheckUndefined(record, c.Network);
        Assert.False(bundle.Diverged(0));
    }

    /// <summary>An epoch of 11 in batches of 5 ends with one example.</summary>
    [Fact]
    public void A_last_batch_of_one_example_leaves_a_run_finite()
    {
        using var engine = new CpuEngine();
        foreach (string name in new[] { "batch norm", "batch norm on data" })
        {
            var c = LayerCase.Make(name, 1, batch: 5);
            using var data = engine.Load(c.Data);
            using var bundle = engine.CreateBundle(data, c.Spec(rate: 0.1));
            var block = bundle.Block(60);
            bundle.Advance(60, block);
            Assert.Equal(60, block.Rows[0]);
            Assert.Equal(1, block.Row(0, 2)[RecordLayout.BatchSize]);
            for (int u = 0; u < 60; u++)
                CheckUndefined(block.Row(0, u), c.Network);
            using var weights = bundle.Snapshot(0);
            using var evaluator = engine.CreateEvaluator(data, c.Network);
            Assert.True(double.IsFinite(evaluator.Evaluate(weights, EvaluationSet.All(Core.Data.Split.Train)).Loss));
        }
    }

    /// <summary>docs/layers.md: InfoNCE of one pair is 0 with gradient 0; the sigmoid loss has its one positive pair.</summary>
    [Theory, ClassData(typeof(Paths))]
    public void A_contrastive_batch_of_one_does_what_is_said(KernelPath path)
    {
        using var engine = new CpuEngine(path);
        foreach (var loss in new[] { LossKind.InfoNce, LossKind.SigmoidContrastive })
        {
            var c = LayerCase.OfPreset("two-tower", new TensorShape(6), 1, loss: loss) with { BatchSize = 1 };
            using var data = engine.Load(c.Data);
            using var bundle = engine.CreateBundle(data, c.Spec());
            bundle.StartAt(c.Start);
            var block = bundle.Block(1);
            bundle.Advance(1, block);
            var record = block.Row(0, 0);
            var (expected, gradient) = new ReferenceLayers(c.Network).Gradient(c.Start.Doubles(), [c.Examples[0]]);
            Assert.Equal(expected, record[RecordLayout.Loss], 1e-5 * expected);
            Assert.Equal(Vectors.Norm(gradient), record[RecordLayout.GradientNorm], 1e-5 * Vectors.Norm(gradient));
            if (loss == LossKind.InfoNce)
            {
                Assert.Equal(0, record[RecordLayout.Loss]);
                Assert.Equal(0, record[RecordLayout.GradientNorm]);
                Assert.Equal(Vectors.Bits(c.Start), Vectors.Bits(bundle.Weights()));
            }
            CheckUndefined(record, c.Network);
        }
    }

    [Fact]
    public void A_run_that_diverges_keeps_its_running_statistics()
    {
        using var engine = new CpuEngine();
        var c = LayerCase.Make("batch norm", 1, LossKind.Squared, batch: 5);
        using var data = engine.Load(c.Data);
        using var bundle = engine.CreateBundle(data, c.Spec(rate: 900));
        var block = bundle.Block(1);
        double[] before;
        do
        {
            before = bundle.Export(0).Statistics![3..];
            bundle.Advance(1, block);
        } while (!bundle.Diverged(0));
        Assert.Equal(before, bundle.Export(0).Statistics![3..]);
        Assert.All(before, value => Assert.True(double.IsFinite(value)));
    }

    [Fact]
    public void Batches_that_must_be_whole_are_refused_in_pieces()
    {
        var c = LayerCase.Make("batch norm", 1);
        var spec = new ExperimentSpec
        {
            Name = "x",
            Data = new DataSpec { Kind = DataKind.Mnist },
            Model = c.Network.Model,
            Loss = LossKind.CrossEntropy,
            Optimizer = new OptimizerSpec(),
            LearningRate = new LearningRateSpec { Rate = 0.1 },
            BatchSizes = [new BatchSize(4)],
            Budget = new BudgetSpec { Updates = 1 },
            MicroBatch = 2,
        };
        Assert.StartsWith(
            "\"microBatch\" cannot go with a layer \"batchNorm\"",
            Assert.Throws<RefusedException>(() => SpecResolver.Resolve(spec, c.Data)).Message
        );
        SpecResolver.Resolve(spec with { MicroBatch = null }, c.Data);
    }

    /// <summary>What is not defined is not a number; all else is.</summary>
    private static void CheckUndefined(ReadOnlySpan<float> record, NetworkSpec network)
    {
        for (int column = 0; column < new RecordLayout(network.Layers).Width; column++)
        {
            bool undefined =
                column
                is RecordLayout.ExampleNormMean
                    or RecordLayout.ExampleNormMin
                    or RecordLayout.ExampleNormMax
                    or RecordLayout.GradientVariance
                    or RecordLayout.NoiseScale;
            Assert.True(undefined ? float.IsNaN(record[column]) : float.IsFinite(record[column]), $"column {column}: {record[column]}");
        }
    }
}
