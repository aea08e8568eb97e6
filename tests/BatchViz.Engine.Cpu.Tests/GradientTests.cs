using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using BatchViz.Engine.Cpu.Dense;
using BatchViz.Engine.Cpu.Tests.Reference;

namespace BatchViz.Engine.Cpu.Tests;

/// <summary>The fast engine against the reference, over random networks, losses, optimisers and batch sizes.</summary>
public class GradientTests
{
    private const int Cases = 240;

    [Theory, ClassData(typeof(Paths))]
    public void GradientsAgreeWithTheReference(KernelPath path)
    {
        int checks = Enumerable.Range(1, Cases).Count(seed => Agrees(path, RandomCase.Make(seed)));
        Assert.True(checks >= 200, $"only {checks} cases were away from kinks");
    }

    /// <summary>Batches of more than one chunk of rows, whole or not.</summary>
    [Theory, ClassData(typeof(Paths))]
    public void ChunksOfLargeBatchesAddUp(KernelPath path)
    {
        var large = Enumerable
            .Range(1000, 110)
            .Select(seed => RandomCase.Make(seed, mostExamples: 400))
            .Where(random => random.BatchSize > DenseModel.ChunkRows)
            .ToList();
        int checks = large.Count(random => Agrees(path, random));
        Assert.True(checks >= 10, $"only {checks} cases were away from kinks");
    }

    /// <summary>More inputs than a block of the products' depth, widths of more than one tile, whole registers and not.</summary>
    [Theory, ClassData(typeof(Paths))]
    public void WideLayersAgree(KernelPath path)
    {
        var set = Sets.Images(40, 784);
        foreach (int batch in new[] { 1, 3, 13, 40 })
        {
            var net = Sets.Net(set, LossKind.CrossEntropy, [200, 130], Activation.Tanh);
            float[] start;
            using (var engine = new CpuEngine(path))
            using (var data = engine.Load(set))
            using (var bundle = engine.CreateBundle(data, Sets.Spec(net, batch)))
                start = bundle.Weights();
            Assert.True(Agrees(path, new RandomCase(0, set, net, new OptimizerSpec(), new SamplerSpec(), batch, 0.1, start)));
        }
    }

    /// <summary>
    /// Asserts that loss, gradient and layer norms of the first batch agree; false where a kink is too near to tell. Momentum keeps the
    /// first gradient as its state.
    /// </summary>
    private static bool Agrees(KernelPath path, RandomCase random)
    {
        var net = new ReferenceNet(random.Network);
        var batch = random.Examples.Take(random.BatchSize).ToList();
        var (loss, gradient) = net.Gradient(random.Start.Doubles(), batch);
        if (net.NearestKink < 1e-5)
            return false;

        using var engine = new CpuEngine(path);
        using var data = engine.Load(random.Data);
        var sampler = new SamplerSpec { Order = SampleOrder.Sequential };
        using var bundle = engine.CreateBundle(
            data,
            random.Spec() with
            {
                Optimizer = new() { Kind = OptimizerKind.Momentum },
                Sampler = sampler,
            }
        );
        bundle.StartAt(random.Start);
        var block = bundle.Block(1);
        bundle.Advance(1, block);
        var record = block.Row(0, 0);
        double fastLoss = record[RecordLayout.Loss];
        float[] fast = bundle.Export(0).OptimizerState[0];

        double norm = Vectors.Norm(gradient),
            off = Vectors.Distance(fast.Doubles(), gradient);
        Assert.True(Math.Abs(fastLoss - loss) <= 1e-5 * Math.Abs(loss) + 1e-7, $"{random}: loss {fastLoss}, not {loss}");
        Assert.True(off <= 1e-5 * norm + 1e-8, $"{random}: gradient off by {off / norm:E1} of its norm");
        for (int l = 0; l < random.Network.Layers; l++)
        {
            var (from, to) = net.LayerRange(l);
            Assert.Equal(Vectors.Norm(gradient[from..to]), record[RecordLayout.LayerGradientNorm(l)], 1e-5 * norm + 1e-8);
        }
        Assert.Equal(gradient.Max(Math.Abs), record[bundle.Layout.GradientInfinityNorm], 1e-5 * norm + 1e-8);
        return true;
    }

    [Theory, ClassData(typeof(Paths))]
    public void UpdatesAndRecordsAgreeWithTheReference(KernelPath path)
    {
        const int Updates = 5;
        using var engine = new CpuEngine(path);
        int checks = 0;
        for (int seed = 1; seed <= Cases; seed++)
        {
            var random = RandomCase.Make(seed);
            var net = new ReferenceNet(random.Network);
            using var data = engine.Load(random.Data);
            using var bundle = engine.CreateBundle(data, random.Spec());
            bundle.StartAt(random.Start);
            var block = bundle.Block(Updates);
            bundle.Advance(Updates, block);

            var w = random.Start.Doubles();
            var optimizer = new ReferenceOptimizer(random.Optimizer, random.Rate, w.Length);
            int n = random.Examples.Count,
                perEpoch = (n + random.BatchSize - 1) / random.BatchSize;
            double kink = double.PositiveInfinity;
            for (int u = 0; u < Updates; u++)
            {
                var batch = random.Examples.Skip(u % perEpoch * random.BatchSize).Take(random.BatchSize).ToList();
                var (loss, gradient) = net.Gradient(w, batch);
                kink = Math.Min(kink, net.NearestKink);
                if (kink < 1e-4)
                    break;
                double weight = random.Sampler.Remainder == RemainderPolicy.Reweight ? (double)batch.Count / random.BatchSize : 1;
                double[] before = [.. w];
                double length = optimizer.Step(w, gradient, weight),
                    norm = Vectors.Norm(gradient);
                var record = block.Row(0, u);
                // From the second update on, what float32 lost before counts too.
                double tolerance = u == 0 ? 1e-5 : 1e-4;
                Near(loss, record[RecordLayout.Loss], tolerance, "loss");
                Near(norm, record[RecordLayout.GradientNorm], tolerance, "gradient norm");
                Near(length, record[RecordLayout.UpdateNorm], tolerance, "update norm");
                Assert.Equal((float)random.Rate, record[RecordLayout.LearningRate]);
                Assert.Equal(batch.Count, record[RecordLayout.BatchSize]);
                for (int l = 0; l < random.Network.Layers; l++)
                {
                    var (from, to) = net.LayerRange(l);
                    Assert.Equal(Vectors.Norm(gradient[from..to]), record[RecordLayout.LayerGradientNorm(l)], tolerance * norm + 1e-7);
                }
                Statistics(record, [.. batch.Select(example => net.Gradient(before, [example]).Gradient)], gradient, tolerance);
                Near(length / Vectors.Norm(before), record[RecordLayout.UpdateRatio], tolerance, "update-to-weight ratio");

                void Near(double expected, float actual, double relative, string what) =>
                    Assert.True(
                        Math.Abs(expected - actual) <= relative * Math.Abs(expected) + 1e-6,
                        $"{random}, update {u + 1}: {what} {actual}, not {expected}"
                    );
            }
            if (kink < 1e-4)
                continue;
            var fast = bundle.Weights().Doubles();
            double moved = Vectors.Distance(w, random.Start.Doubles());
            Assert.True(
                Vectors.Distance(fast, w) <= 1e-4 * moved + 3e-7 * Vectors.Norm(w),
                $"{random}: weights off by {Vectors.Distance(fast, w):E1} after moving {moved:E1}"
            );
            checks++;
        }
        Assert.True(checks >= 180, $"only {checks} cases were away from kinks");
    }

    /// <summary>
    /// Norms of the examples' own gradients, their variance, and the histogram of the batch's, which may miss a component at an edge.
    /// </summary>
    private static void Statistics(ReadOnlySpan<float> record, double[][] examples, double[] gradient, double tolerance)
    {
        double[] norms = [.. examples.Select(Vectors.Norm)];
        double mean = norms.Average(),
            largest = norms.Max(),
            square = norms.Average(n => n * n);
        Assert.Equal(mean, record[RecordLayout.ExampleNormMean], tolerance * mean + 1e-6);
        Assert.Equal(norms.Min(), record[RecordLayout.ExampleNormMin], tolerance * largest + 1e-6);
        Assert.Equal(largest, record[RecordLayout.ExampleNormMax], tolerance * largest + 1e-6);
        double variance = record[RecordLayout.GradientVariance];
        if (examples.Length == 1)
            Assert.True(double.IsNaN(variance));
        else
            Assert.Equal(
                examples.Sum(g => Math.Pow(Vectors.Distance(g, gradient), 2)) / (examples.Length - 1),
                variance,
                4 * tolerance * square + 1e-9
            );

        double sum = 0;
        for (int bin = 0; bin < RecordLayout.HistogramBins; bin++)
        {
            double low = RecordLayout.BinEdge(bin),
                high = bin + 1 == RecordLayout.HistogramBins ? double.PositiveInfinity : RecordLayout.BinEdge(bin + 1);
            double share = record[RecordLayout.Histogram + bin];
            sum += share;
            double near = gradient.Count(g => Near(Math.Abs(g), low) || Near(Math.Abs(g), high)) / (double)gradient.Length;
            double missing = Math.Abs(share - gradient.Count(g => Math.Abs(g) >= low && Math.Abs(g) < high) / (double)gradient.Length);
            Assert.True(missing <= near + 1e-6, $"bin {bin}: {share}");
        }
        Assert.Equal(1, sum, 1e-5);

        static bool Near(double magnitude, double edge) => edge > 0 && Math.Abs(magnitude - edge) <= 1e-3 * edge + 1e-7;
    }

    [Fact]
    public void AllKernelPathsOfTheMachineAreTested() => Assert.Contains(KernelPath.Portable, CpuEngine.Available);
}
