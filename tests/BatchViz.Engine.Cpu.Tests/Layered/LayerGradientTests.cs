using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using BatchViz.Engine.Cpu.Tests.Reference;

namespace BatchViz.Engine.Cpu.Tests.Layered;

/// <summary>Models of layers: the reference against finite differences, the engine against the reference.</summary>
public class LayerGradientTests
{
    private static readonly string[] Convolutional = ["lenet", "resnet-small", "mobilenet-small"];

    [Fact]
    public void The_reference_agrees_with_finite_differences()
    {
        int checks = Cases().Count(c => Differences(c));
        Assert.True(checks >= 60, $"only {checks} cases were away from kinks");

        static IEnumerable<LayerCase> Cases()
        {
            foreach (string name in LayerCase.Small.Keys)
                for (int seed = 1; seed <= 3; seed++)
                    yield return LayerCase.Make(name, seed, (LossKind)(seed % 3 == 1 ? 0 : seed % 3), batch: 1 + seed);
            foreach (var loss in new[] { LossKind.InfoNce, LossKind.SigmoidContrastive })
                for (int seed = 1; seed <= 3; seed++)
                    yield return Towers(seed, loss);
        }
    }

    [Theory, ClassData(typeof(Paths))]
    public void Gradients_agree_with_the_reference(KernelPath path)
    {
        int checks = 0;
        foreach (string name in LayerCase.Small.Keys)
        {
            for (int seed = 1; seed <= 6; seed++)
            {
                foreach (int batch in new[] { 1, 5, 11 })
                    if (Agrees(path, LayerCase.Make(name, seed, (LossKind)(seed % 3), batch)))
                        checks++;
            }
        }
        Assert.True(checks >= 350, $"only {checks} cases were away from kinks");
    }

    [Theory, ClassData(typeof(Paths))]
    public void Presets_agree_with_the_reference(KernelPath path)
    {
        foreach (string preset in Convolutional)
            Assert.True(
                Enumerable
                    .Range(1, 9)
                    .Any(seed => Agrees(path, LayerCase.OfPreset(preset, new TensorShape(1, 28, 28), seed, count: 3), kink: 1e-6)),
                preset
            );
        Assert.True(Agrees(path, LayerCase.OfPreset("resnet-small", new TensorShape(3, 12, 12), 1, count: 2), kink: 0));
        Assert.True(Agrees(path, LayerCase.OfPreset("mlp-batchnorm", new TensorShape(1, 6, 6), 1), kink: 1e-6));
        foreach (var loss in new[] { LossKind.InfoNce, LossKind.SigmoidContrastive })
            Assert.True(Agrees(path, LayerCase.OfPreset("two-tower", new TensorShape(1, 6, 6), 1, loss: loss), kink: 1e-6));
    }

    [Theory, ClassData(typeof(Paths))]
    public void Two_towers_agree_with_the_reference(KernelPath path)
    {
        foreach (var loss in new[] { LossKind.InfoNce, LossKind.SigmoidContrastive })
            for (int seed = 1; seed <= 5; seed++)
                Assert.True(Agrees(path, Towers(seed, loss), kink: 1e-6));
    }

    [Theory, ClassData(typeof(Paths))]
    public void Norms_of_examples_gradients_are_those_of_batches_of_one(KernelPath path)
    {
        foreach (string name in LayerCase.Small.Keys)
        {
            var all = LayerCase.Make(name, 4, batch: 11);
            var net = new ReferenceLayers(all.Network);
            if (all.HasBatchNorm || all.Network.Graph.HasDropout)
                continue;
            double[] norms = [.. all.Examples.Select(e => Vectors.Norm(net.Gradient(all.Start.Doubles(), [e]).Gradient))];
            double[] mean = net.Gradient(all.Start.Doubles(), all.Examples).Gradient;
            double variance = (norms.Sum(n => n * n) - 11 * Vectors.Dot(mean, mean)) / 10;
            var record = First(path, all).Record;
            Assert.Equal(norms.Average(), record[RecordLayout.ExampleNormMean], 1e-5 * norms.Average());
            Assert.Equal(norms.Min(), record[RecordLayout.ExampleNormMin], 1e-5 * norms.Max());
            Assert.Equal(norms.Max(), record[RecordLayout.ExampleNormMax], 1e-5 * norms.Max());
            Assert.Equal(variance, record[RecordLayout.GradientVariance], 1e-4 * norms.Max() * norms.Max());
        }
    }

    [Fact]
    public void Both_ways_to_an_examples_norm_are_taken()
    {
        var graph = LayerCase.Make("few pixels, many channels", 1).Network;
        var layout = WeightLayout.Of(graph);
        var path = new Cpu.Layered.LayerPath(Kernels.KernelTable.Of(CpuEngine.Available[^1]), layout, graph, 0, 0, true);
        Assert.Equal([false, true, true, true], path.Ops.OfType<Cpu.Layered.ConvOp>().Select(op => op.UsesGram));
    }

    /// <summary>
    /// With stride 2 or more, max pools are computed with the convolution before them; the net's other layers stay as they are.
    /// </summary>
    [Fact]
    public void Pools_are_joined_to_their_convolutions()
    {
        Assert.Equal(
            [
                "PooledConvOp",
                "ActivationOp",
                "PooledConvOp",
                "ActivationOp",
                "FlattenOp",
                "ConvOp",
                "ActivationOp",
                "ConvOp",
                "ActivationOp",
                "ConvOp",
            ],
            Ops(LayerCase.OfPreset("lenet", new TensorShape(1, 28, 28), 1).Network)
        );
        Assert.Equal(["ConvOp", "ActivationOp", "PoolOp", "ConvOp", "PoolOp", "ConvOp"], Ops(LayerCase.Make("max pool", 1).Network));

        static IEnumerable<string> Ops(NetworkSpec network) =>
            new Cpu.Layered.LayerPath(
                Kernels.KernelTable.Of(CpuEngine.Available[^1]),
                WeightLayout.Of(network),
                network,
                0,
                0,
                true
            ).Ops.Select(op => op.GetType().Name);
    }

    /// <summary>What is not a number in one group's channels stays in that group.</summary>
    [Theory, ClassData(typeof(Paths))]
    public void Groups_do_not_see_one_another(KernelPath path)
    {
        foreach (int padding in new[] { 0, 1 })
        {
            var model = new ModelSpec
            {
                Kind = ModelKind.Layers,
                Layers =
                [
                    LayerSpec.Conv(6, 2, padding: padding, groups: 3),
                    LayerSpec.Conv(6, 3, padding: 1, groups: 3),
                    LayerSpec.Average(),
                ],
            };
            var c = LayerCase.Make("last bias", model, new TensorShape(6, 4, 5), 1, LossKind.CrossEntropy);
            using var engine = new CpuEngine(path);
            using var data = engine.Load(c.Data);
            using var bundle = engine.CreateBundle(data, c.Spec());
            using var evaluator = engine.CreateEvaluator(data, c.Network);
            using var weights = bundle.Snapshot(0);
            var image = c.Data.Train.Floats![..120];
            var whole = new float[6];
            evaluator.Outputs(weights, image, whole);
            image[2 * 20 + 7] = float.NaN;
            var hurt = new float[6];
            evaluator.Outputs(weights, image, hurt);
            Assert.All(hurt[2..4], value => Assert.True(float.IsNaN(value)));
            Assert.Equal(Vectors.Bits(whole[..2]), Vectors.Bits(hurt[..2]));
            Assert.Equal(Vectors.Bits(whole[4..]), Vectors.Bits(hurt[4..]));
        }
    }

    private static LayerCase Towers(int seed, LossKind loss)
    {
        var model = new ModelSpec
        {
            Kind = ModelKind.Layers,
            Towers = 2,
            Temperature = 0.3,
            LearnTemperature = seed % 2 == 0,
            Layers = [LayerSpec.Conv(3, 2), LayerSpec.Activated(Activation.Tanh), new(LayerKind.Flatten), LayerSpec.Dense(1 + 4 * seed)],
        };
        return LayerCase.Make("towers", model, new TensorShape(1, 4, 3), seed, loss, batch: 2 + seed);
    }

    private static bool Differences(LayerCase c)
    {
        var net = new ReferenceLayers(c.Network);
        var batch = c.Examples.Take(c.BatchSize).ToList();
        double[] w = c.Start.Doubles();
        var (_, gradient) = net.Gradient(w, batch);
        if (net.NearestKink < 1e-3)
            return false;
        // All weights of small nets, some of each group of the others.
        double error = 0;
        int[] some =
        [
            .. Enumerable
                .Range(0, c.Network.Layers)
                .SelectMany(g =>
                {
                    var (from, to) = net.GroupRange(g);
                    int step = (to - from + 19) / 20;
                    return Enumerable.Range(0, (to - from + step - 1) / step).Select(i => from + i * step);
                }),
        ];
        foreach (int i in some)
        {
            double kept = w[i];
            w[i] = kept + 1e-5;
            double up = net.TrainingLoss(w, batch);
            w[i] = kept - 1e-5;
            double down = net.TrainingLoss(w, batch);
            w[i] = kept;
            double difference = (up - down) / 2e-5 - gradient[i];
            error += difference * difference;
        }
        Assert.True(
            Math.Sqrt(error) <= 1e-6 * Vectors.Norm(gradient) + 1e-9,
            $"{c}: off by {Math.Sqrt(error) / Vectors.Norm(gradient):E1} of its norm"
        );
        return true;
    }

    private static (float[] Gradient, float[] Record, double[] Running) First(KernelPath path, LayerCase c)
    {
        using var engine = new CpuEngine(path);
        using var data = engine.Load(c.Data);
        using var bundle = engine.CreateBundle(data, c.Spec(OptimizerKind.Momentum));
        bundle.StartAt(c.Start);
        var block = bundle.Block(1);
        bundle.Advance(1, block);
        var keyframe = bundle.Export(0);
        return (keyframe.OptimizerState[0], block.Row(0, 0).ToArray(), keyframe.Statistics![3..]);
    }

    private static bool Agrees(KernelPath path, LayerCase c, double kink = 1e-5)
    {
        var net = new ReferenceLayers(c.Network);
        var batch = c.Examples.Take(c.BatchSize).ToList();
        var (loss, gradient) = net.Gradient(c.Start.Doubles(), batch);
        if (net.NearestKink < kink)
            return false;
        var (fast, record, running) = First(path, c);
        double norm = Vectors.Norm(gradient),
            off = Vectors.Distance(fast.Doubles(), gradient);
        Assert.True(
            Math.Abs(record[RecordLayout.Loss] - loss) <= 1e-5 * Math.Abs(loss) + 1e-6,
            $"{c}: loss {record[RecordLayout.Loss]}, not {loss}"
        );
        Assert.True(off <= 1e-5 * norm + 1e-7, $"{c}: gradient off by {off / norm:E1} of its norm");
        for (int g = 0; g < c.Network.Layers; g++)
        {
            var (from, to) = net.GroupRange(g);
            Assert.Equal(Vectors.Norm(gradient[from..to]), record[RecordLayout.LayerGradientNorm(g)], 1e-5 * norm + 1e-7);
        }
        Assert.True(Vectors.Distance(running, net.NextRunning) <= 1e-6 * Vectors.Norm(net.NextRunning) + 1e-9, $"{c}: running statistics");
        if (!c.Network.Separable)
            foreach (
                int column in new[]
                {
                    RecordLayout.ExampleNormMean,
                    RecordLayout.ExampleNormMin,
                    RecordLayout.ExampleNormMax,
                    RecordLayout.GradientVariance,
                    RecordLayout.NoiseScale,
                }
            )
                Assert.True(float.IsNaN(record[column]));
        return true;
    }
}
