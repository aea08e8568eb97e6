using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using BatchViz.Core.Statistics;
using BatchViz.Data;
using BatchViz.Engine.Cpu;

namespace BatchViz.Tests;

/// <summary>
/// tr Σ and |G|² of a net on real images, from the records of batches at fixed weights and from every example's gradient.
/// </summary>
public class MnistNoiseScaleTests
{
    private const int Batches = 300;

    [Theory]
    [InlineData(8)]
    [InlineData(64)]
    [InlineData(500)]
    public void Batches_of_MNIST_estimate_what_all_its_examples_have(int batch)
    {
        const int N = 2000;
        var set = Mnist(N);
        using var engine = new CpuEngine();
        using var data = engine.Load(set);
        var spec = new BundleSpec(Network, new OptimizerSpec(), new SamplerSpec(), 32, 0.1, [1]);
        using var training = engine.CreateBundle(data, spec);
        training.Advance(500, new RecordBlock(1, 500, training.Layout.Width));
        using var weights = training.Snapshot(0);
        using var probe = engine.CreateProbe(data, Network);
        var exact = probe.ExampleGradients(weights, EvaluationSet.All(Split.Train), []);

        // The first batch of every epoch: independent of the others, and drawn without replacement.
        using var still = engine.CreateBundle(data, spec with { BatchSize = batch, LearningRate = 0, Seeds = [2] });
        long perEpoch = still.Spec.ProgressOver(N).UpdatesInEpochs(1);
        float[] start = training.Export(0).Weights;
        var block = new RecordBlock(1, 1, still.Layout.Width);
        double[] traces = new double[Batches],
            squares = new double[Batches];
        for (int i = 0; i < Batches; i++)
        {
            still.Restore(0, new Keyframe(i * perEpoch, start, []));
            still.Advance(1, block);
            var record = block.Row(0, 0);
            double norm = record[RecordLayout.GradientNorm];
            traces[i] = record[RecordLayout.GradientVariance];
            squares[i] = NoiseScale.SignalSquare(traces[i], norm * norm, batch, N);
        }

        Within(exact.TraceCovariance * N / (N - 1), traces);
        Within(exact.GradientSquare, squares);
        Assert.True(exact.NoiseScale > 30, $"the noise is to be larger than the gradient, but its scale is {exact.NoiseScale}");
    }

    /// <summary>
    /// Once single examples are fitted, those that a shuffled run has not seen in this epoch differ more than all do; with replacement
    /// there are none such.
    /// </summary>
    [Theory]
    [InlineData(SampleOrder.Shuffle)]
    [InlineData(SampleOrder.Replacement)]
    public void Along_a_shuffled_run_batches_show_a_larger_variance_than_all_examples_have(SampleOrder order)
    {
        const int N = 500,
            Batch = 10,
            Fitted = 150,
            Updates = 2000;
        using var engine = new CpuEngine();
        using var data = engine.Load(Mnist(N));
        using var bundle = engine.CreateBundle(
            data,
            new BundleSpec(Network, new OptimizerSpec(), new SamplerSpec { Order = order }, Batch, 0.1, [1])
        );
        using var probe = engine.CreateProbe(data, Network);
        var block = new RecordBlock(1, Fitted, bundle.Layout.Width);
        bundle.Advance(Fitted, block);
        var shares = new double[(Updates - Fitted) / 2];
        for (int i = 0; i < shares.Length; i++)
        {
            bundle.Advance(1, block);
            using var weights = bundle.Snapshot(0);
            double exact =
                probe.ExampleGradients(weights, EvaluationSet.All(Split.Train), []).TraceCovariance
                * (order == SampleOrder.Shuffle ? N / (N - 1.0) : 1);
            bundle.Advance(1, block);
            shares[i] = block.Row(0, 0)[RecordLayout.GradientVariance] / exact;
        }
        if (order == SampleOrder.Shuffle)
            Assert.InRange(shares.Average(), 1.08, 1.5);
        else
            Within(1, shares);
    }

    private static NetworkSpec Network { get; } = new(new ModelSpec { Hidden = [32] }, LossKind.CrossEntropy, [784, 32, 10]);

    /// <summary>The front of MNIST.</summary>
    private static DataSet Mnist(int examples) =>
        new DataFiles(null).Load(
            new DataSpec
            {
                Kind = DataKind.Mnist,
                TrainExamples = examples,
                TestExamples = 1,
            },
            trusted: true
        );

    /// <summary>Seeds are fixed, so that the same estimate is always off by as many standard errors.</summary>
    private static void Within(double exact, double[] estimates)
    {
        double mean = estimates.Average(),
            error = Math.Sqrt(estimates.Sum(e => (e - mean) * (e - mean)) / (estimates.Length - 1.0) / estimates.Length);
        Assert.InRange((mean - exact) / error, -3.5, 3.5);
    }
}
