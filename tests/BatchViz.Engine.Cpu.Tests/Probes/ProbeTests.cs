using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using BatchViz.Core.Specs;

namespace BatchViz.Engine.Cpu.Tests.Probes;

/// <summary>Surfaces, kernel paths, cancellation, refusals and ownership.</summary>
public class ProbeTests
{
    [Theory]
    [InlineData(SurfaceKind.DoubleWell)]
    [InlineData(SurfaceKind.Saddle)]
    [InlineData(SurfaceKind.Beale)]
    public void SurfacesHaveTheirExactDerivatives(SurfaceKind kind)
    {
        var random = new Random(2);
        float[] shifts = [.. Enumerable.Range(0, 20).Select(i => (float)(random.NextDouble() - 0.5))];
        for (int axis = 0; axis < 2; axis++)
        {
            float mean = Enumerable.Range(0, 10).Sum(i => shifts[2 * i + axis]) / 10;
            for (int i = 0; i < 10; i++)
                shifts[2 * i + axis] -= mean;
        }
        var set = new DataSet(
            "surface",
            DataTask.Surface,
            2,
            1,
            new DataSplit
            {
                Count = 10,
                Inputs = 2,
                Floats = shifts,
            },
            null
        )
        {
            Surface = kind,
        };
        var network = new NetworkSpec(new ModelSpec { Kind = ModelKind.Surface }, LossKind.Surface, [2, 1]);
        var part = new EvaluationSet(Split.Train, [1, 4, 8]);
        for (int k = 0; k < 10; k++)
        {
            float x = (float)(4 * random.NextDouble() - 2),
                y = (float)(4 * random.NextDouble() - 2);
            using var probed = new Probed(KernelPath.Portable, set, network, [x, y]);
            var (gx, gy) = Surfaces.Gradient(kind, x, y);
            Near([gx, gy], probed.Gradient());
            double ma = part.Indices!.Average(i => (double)shifts[2 * i]),
                mb = part.Indices!.Average(i => (double)shifts[2 * i + 1]);
            Near([gx + ma, gy + mb], probed.Gradient(part));

            float[] v = Probed.Vector(random, 2);
            const double H = 1e-5;
            var (ux, uy) = Surfaces.Gradient(kind, x + H * v[0], y + H * v[1]);
            var (dx, dy) = Surfaces.Gradient(kind, x - H * v[0], y - H * v[1]);
            Near([(ux - dx) / (2 * H), (uy - dy) / (2 * H)], probed.HessianProduct(v));

            var (xx, xy, yy) = Surfaces.Hessian(kind, x, y);
            double middle = (xx + yy) / 2,
                half = Math.Sqrt((xx - yy) * (xx - yy) / 4 + xy * xy),
                size = Math.Abs(middle) + half;
            using var found = probed.Probe.Eigenvalues(probed.Weights, Probed.Train, 2, 10, seed: 1);
            Assert.Equal(middle + half, found.Pairs[0].Value, 1e-5 * size);
            Assert.Equal(middle - half, found.Pairs[1].Value, 1e-5 * size);
            var trace = probed.Probe.Trace(probed.Weights, Probed.Train, 64, seed: 1);
            Assert.InRange(trace.Trace, xx + yy - 4 * trace.StandardError - 1e-5 * size, xx + yy + 4 * trace.StandardError + 1e-5 * size);

            var moments = probed.Probe.ExampleGradients(probed.Weights, Probed.Train, []);
            double spread = Enumerable
                .Range(0, 10)
                .Average(i => (double)shifts[2 * i] * shifts[2 * i] + (double)shifts[2 * i + 1] * shifts[2 * i + 1]);
            Assert.Equal(spread, moments.TraceCovariance, 1e-4 * spread + 1e-6 * moments.MeanSquare);
            Assert.True(probed.Probe.Sharpness(probed.Weights, Probed.Train, 0.01, 5).Sharpness > 0);
            Assert.Throws<RefusedException>(() => probed.Probe.FisherRao(probed.Weights, Probed.Train));
        }

        static void Near(double[] expected, float[] actual) =>
            Assert.True(
                Vectors.Distance(actual.Doubles(), expected) <= 1e-6 * Vectors.Norm(expected) + 1e-6,
                $"{actual[0]}, {actual[1]}, not {expected[0]}, {expected[1]}"
            );
    }

    [Fact]
    public void KernelPathsAgreeButForRounding()
    {
        var set = Sets.Images();
        foreach (var activation in new[] { Activation.Tanh, Activation.Gelu })
        {
            var network = Sets.Net(set, LossKind.CrossEntropy, [20, 12], activation);
            double[][] answers = [.. CpuEngine.Available.Select(path => All(path, network))];
            foreach (var other in answers.Skip(1))
                Assert.All(answers[0].Zip(other), pair => Assert.Equal(pair.First, pair.Second, 2e-4 * Math.Abs(pair.First)));
            // The same path gives the same bits.
            Assert.Equal(answers[0], All(CpuEngine.Available[0], network));
        }

        double[] All(KernelPath path, NetworkSpec network)
        {
            using var probed = new Probed(path, set, network);
            var (probe, w, on) = (probed.Probe, probed.Weights, new EvaluationSet(Split.Test, [.. Enumerable.Range(40, 200)]));
            using var gradient = probe.Gradient(w, on);
            using var top = probe.Eigenvalues(w, on, 2, 100, seed: 3);
            var moments = probe.ExampleGradients(w, on, []);
            return
            [
                gradient.Loss,
                gradient.Gradient.Norm,
                top.Pairs[0].Value,
                top.Pairs[1].Value,
                probe.Trace(w, on, 10, seed: 3).Trace,
                probe.Sharpness(w, on, 1e-3, 5).Sharpness,
                probe.AdaptiveSharpness(w, on, 0.1, 5).Sharpness,
                moments.TraceCovariance,
                moments.NoiseScale,
            ];
        }
    }

    [Fact]
    public void LongProbesStopWhenAsked()
    {
        var set = Sets.Images();
        using var probed = new Probed(CpuEngine.Available[^1], set, Sets.Net(set, LossKind.CrossEntropy, [16]));
        using var stopped = new CancellationTokenSource();
        stopped.Cancel();
        var (probe, w, train) = (probed.Probe, probed.Weights, Probed.Train);
        Assert.Throws<OperationCanceledException>(() => probe.Gradient(w, train, stopped.Token));
        Assert.Throws<OperationCanceledException>(() => probe.Eigenvalues(w, train, 1, 10, 1, stopped.Token));
        Assert.Throws<OperationCanceledException>(() => probe.Trace(w, train, 10, 1, cancel: stopped.Token));
        Assert.Throws<OperationCanceledException>(() => probe.Sharpness(w, train, 1e-3, 10, stopped.Token));
        Assert.Throws<OperationCanceledException>(() => probe.AdaptiveSharpness(w, train, 1e-3, 10, stopped.Token));
        Assert.Throws<OperationCanceledException>(() => probe.ExampleGradients(w, train, [], stopped.Token));
        // And it goes on to answer.
        Assert.Equal(probed.Evaluator.Evaluate(w, train).Loss, probe.Sharpness(w, train, 1e-3, 1).Loss, 1e-6);
    }

    [Fact]
    public void WhatDoesNotFitIsRefusedAndWhatIsDisposedIsNotUsedAgain()
    {
        var set = Sets.Images();
        var network = Sets.Net(set, LossKind.CrossEntropy, [16]);
        using var probed = new Probed(CpuEngine.Available[^1], set, network);
        using var other = new Probed(CpuEngine.Available[^1], set, Sets.Net(set, LossKind.CrossEntropy, [15]));
        var (probe, w, train) = (probed.Probe, probed.Weights, Probed.Train);
        Assert.Throws<ArgumentException>(() => probe.Gradient(other.Weights, train));
        Assert.Throws<ArgumentException>(() => probe.Gradient(w, new EvaluationSet(Split.Train, [])));
        Assert.Throws<ArgumentException>(() => probe.Direction(new float[3]));
        Assert.Throws<ArgumentException>(() => probe.ExampleGradients(w, train, new float[7]));
        Assert.Throws<ArgumentOutOfRangeException>(() => probe.Eigenvalues(w, train, 0, 10, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => probe.Trace(w, train, 1, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => probe.Sharpness(w, train, double.NaN, 10));
        Assert.Throws<ArgumentOutOfRangeException>(() => probe.AdaptiveSharpness(w, train, 0, 10));
        using var engine = new CpuEngine();
        using var data = engine.Load(set);
        Assert.Throws<RefusedException>(() => engine.CreateProbe(data, network with { Sizes = [48, 10] }));

        var gradient = probe.Gradient(w, train);
        gradient.Dispose();
        gradient.Dispose();
        Assert.Throws<ObjectDisposedException>(() => gradient.Gradient.Canonical());
        Assert.Throws<ObjectDisposedException>(() => probe.HessianProduct(w, train, gradient.Gradient));
        probe.Dispose();
        Assert.Throws<ObjectDisposedException>(() => probe.Gradient(w, train));
    }
}
