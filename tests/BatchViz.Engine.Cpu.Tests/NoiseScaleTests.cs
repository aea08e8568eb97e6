using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using BatchViz.Core.Statistics;
using BatchViz.Engine.Cpu.Tests.Probes;

namespace BatchViz.Engine.Cpu.Tests;

/// <summary>tr Σ, |G|² and their ratio as the records estimate them from batches, against those of all examples.</summary>
public class NoiseScaleTests
{
    /// <summary>Standard errors that an estimate may be off; the seeds are fixed, so that it is always off by as many.</summary>
    private const double Most = 3.5;

    public static TheoryData<KernelPath, int, SampleOrder> Cases()
    {
        var data = new TheoryData<KernelPath, int, SampleOrder>();
        foreach (var path in Paths.All)
        foreach (int width in new[] { 12, 24 })
        foreach (var order in new[] { SampleOrder.Shuffle, SampleOrder.Replacement })
            data.Add(path, width, order);
        return data;
    }

    [Theory, MemberData(nameof(Cases))]
    public void AtFixedWeightsBatchesEstimateWhatAllExamplesHave(KernelPath path, int width, SampleOrder order)
    {
        const int N = 100,
            Epochs = 400;
        var set = Sets.Images(N);
        using var engine = new CpuEngine(path);
        using var data = engine.Load(set);
        var network = Sets.Net(set, LossKind.CrossEntropy, [width]);
        float[] start = Trained(engine, data, network);
        using var probed = new Probed(path, set, network, start);
        var exact = probed.Probe.ExampleGradients(probed.Weights, Probed.Train, []);
        bool replaced = order == SampleOrder.Replacement;
        double variance = exact.TraceCovariance * (replaced ? 1 : N / (N - 1.0)),
            population = replaced ? double.PositiveInfinity : N;
        foreach (int batch in new[] { 2, 8, 50 })
        {
            using var bundle = engine.CreateBundle(
                data,
                Sets.Spec(network, batch, rate: 0) with
                {
                    Sampler = new SamplerSpec { Order = order },
                }
            );
            bundle.StartAt(start);
            int updates = (N + batch - 1) / batch;
            var block = bundle.Block(updates);
            // The batches of an epoch share no example, so they depend on one another; epochs do not.
            double[] traces = new double[Epochs],
                squares = new double[Epochs];
            for (int epoch = 0; epoch < Epochs; epoch++)
            {
                bundle.Advance(updates, block);
                for (int row = 0; row < updates; row++)
                {
                    var (trace, square) = Estimates(block.Row(0, row), population);
                    traces[epoch] += trace / updates;
                    squares[epoch] += square / updates;
                }
            }
            Within(variance, traces, $"tr Σ at B = {batch}");
            Within(exact.GradientSquare, squares, $"|G|² at B = {batch}");
        }
        Assert.Equal(start, probed.Weights.Canonical());
    }

    [Theory, ClassData(typeof(Paths))]
    public void TheWholeSetsRecordIsTheExactNoiseScale(KernelPath path)
    {
        const int N = 100;
        var set = Sets.Images(N);
        using var engine = new CpuEngine(path);
        using var data = engine.Load(set);
        var network = Sets.Net(set, LossKind.CrossEntropy, [24]);
        float[] start = Trained(engine, data, network);
        using var probed = new Probed(path, set, network, start);
        var exact = probed.Probe.ExampleGradients(probed.Weights, Probed.Train, []);
        using var bundle = engine.CreateBundle(data, Sets.Spec(network, N));
        bundle.StartAt(start);
        var block = bundle.Block(1);
        bundle.Advance(1, block);
        double noise = exact.NoiseScale * N / (N - 1);
        Assert.Equal(noise, block.Row(0, 0)[RecordLayout.NoiseScale], 1e-4 * noise);
    }

    [Theory]
    [InlineData(12, SampleOrder.Shuffle)]
    [InlineData(24, SampleOrder.Replacement)]
    public void TheRecordsRatioIsThatOfExponentialAverages(int width, SampleOrder order)
    {
        const int N = 100,
            Updates = 250;
        var set = Sets.Images(N);
        using var engine = new CpuEngine();
        using var data = engine.Load(set);
        var spec = Sets.Spec(Sets.Net(set, LossKind.CrossEntropy, [width]), 8, rate: 0.01) with
        {
            Sampler = new SamplerSpec { Order = order },
        };
        using var bundle = engine.CreateBundle(data, spec);
        var block = bundle.Block(Updates);
        bundle.Advance(Updates, block);
        double numerator = 0,
            denominator = 0;
        for (int row = 0; row < Updates; row++)
        {
            var (trace, square) = Estimates(block.Row(0, row), order == SampleOrder.Replacement ? double.PositiveInfinity : N);
            numerator += (trace - numerator) / RecordLayout.NoiseScaleUpdates;
            denominator += (square - denominator) / RecordLayout.NoiseScaleUpdates;
            Assert.Equal(numerator / denominator, block.Row(0, row)[RecordLayout.NoiseScale], 1e-3 * Math.Abs(numerator / denominator));
        }
    }

    /// <summary>tr Σ and |G|² as one record's batch estimates them.</summary>
    private static (double Trace, double Square) Estimates(ReadOnlySpan<float> record, double population)
    {
        double trace = record[RecordLayout.GradientVariance],
            norm = record[RecordLayout.GradientNorm];
        return (trace, NoiseScale.SignalSquare(trace, norm * norm, (int)record[RecordLayout.BatchSize], population));
    }

    /// <summary>Weights after some training, where the noise is much larger than the gradient.</summary>
    private static float[] Trained(IEngine engine, IEngineData data, NetworkSpec network)
    {
        using var bundle = engine.CreateBundle(data, Sets.Spec(network, 10, rate: 0.1));
        bundle.AdvanceBits(60);
        return bundle.Weights();
    }

    private static void Within(double exact, double[] estimates, string what)
    {
        double mean = estimates.Average();
        double error = Math.Sqrt(estimates.Sum(e => (e - mean) * (e - mean)) / (estimates.Length - 1.0) / estimates.Length),
            z = (mean - exact) / error;
        Assert.True(Math.Abs(z) <= Most, $"{what}: {mean} ± {error}, not {exact}: {z:0.0} standard errors off");
    }
}
