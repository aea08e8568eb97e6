using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using BatchViz.Core.Specs;

namespace BatchViz.Engine.Cpu.Tests;

/// <summary>Divergence, memory, initial weights and refusals of bundles.</summary>
public class BundleTests
{
    [Theory, ClassData(typeof(Paths))]
    public void ADivergedMemberStopsAndItsSiblingsGoOn(KernelPath path)
    {
        var set = Sets.Plane();
        using var engine = new CpuEngine(path);
        using var data = engine.Load(set);
        var spec = Sets.Spec(Sets.Net(set, LossKind.Squared, [8], Activation.Tanh), 8, seeds: [1, 2, 3]);
        using var bundle = engine.CreateBundle(data, spec);
        bundle.AdvanceBits(10);
        var broken = bundle.Export(1);
        broken.Weights[3] = float.NaN;
        bundle.Restore(1, broken);

        var block = bundle.Block(5);
        bundle.Advance(5, block);
        Assert.Equal([5, 1, 5], block.Rows);
        Assert.True(bundle.Diverged(1));
        Assert.False(bundle.Diverged(0) || bundle.Diverged(2));
        var last = block.Row(1, 0);
        Assert.True(float.IsNaN(last[RecordLayout.Loss]));
        Assert.Equal(0, last[RecordLayout.UpdateNorm]);
        Assert.Equal(8, last[RecordLayout.BatchSize]);
        // The update was not made: the weights are those it found.
        Assert.Equal(10, bundle.Updates(1));
        Assert.Equal(15, bundle.Updates(0));
        Assert.Equal(Vectors.Bits(broken.Weights), Vectors.Bits(bundle.Weights(1)));

        bundle.Advance(5, block);
        Assert.Equal([5, 0, 5], block.Rows);
        using var alone = engine.CreateBundle(data, spec with { Seeds = [3] });
        alone.AdvanceBits(20);
        Assert.Equal(Vectors.Bits(alone.Weights()), Vectors.Bits(bundle.Weights(2)));
    }

    [Theory, ClassData(typeof(Paths))]
    public void TooLargeALearningRateDiverges(KernelPath path)
    {
        var set = Sets.Images();
        using var engine = new CpuEngine(path);
        using var data = engine.Load(set);
        foreach (int batch in new[] { 1, 32 })
        {
            using var bundle = engine.CreateBundle(data, Sets.Spec(Sets.Net(set, LossKind.Squared, [16, 16]), batch, rate: 1e6));
            var block = bundle.Block(200);
            bundle.Advance(200, block);
            Assert.True(bundle.Diverged(0));
            Assert.InRange(block.Rows[0], 2, 199);
            Assert.Equal(block.Rows[0] - 1, bundle.Updates(0));
            var last = block.Row(0, block.Rows[0] - 1);
            Assert.False(float.IsFinite(last[RecordLayout.Loss]) && float.IsFinite(last[RecordLayout.GradientNorm]));
        }
    }

    /// <summary>Updates of one example carry ‖w‖² along; what that lost while the weights were large must not stay.</summary>
    [Theory, ClassData(typeof(Paths))]
    public void TheUpdateRatioRecoversFromWeightsThatWereLarge(KernelPath path)
    {
        const int Inputs = 20,
            Count = 40;
        var random = new Random(7);
        float[] features = [.. Enumerable.Range(0, Inputs * Count).Select(_ => (float)(2 * random.NextDouble() - 1))];
        float[] targets = [.. Enumerable.Range(0, Count).Select(_ => (float)random.NextDouble())];
        var set = new DataSet(
            "line",
            DataTask.Regression,
            Inputs,
            1,
            new DataSplit
            {
                Count = Count,
                Inputs = Inputs,
                Floats = features,
                Targets = targets,
            },
            null
        );
        using var engine = new CpuEngine(path);
        using var data = engine.Load(set);
        using var bundle = engine.CreateBundle(
            data,
            Sets.Spec(new NetworkSpec(new ModelSpec(), LossKind.Squared, [Inputs, 1]), 1, rate: 0.1)
        );
        bundle.StartAt([.. Enumerable.Repeat(1e6f, Inputs), 0]);
        bundle.AdvanceBits(6000);
        double norm = Vectors.Norm(bundle.Weights().Doubles());
        Assert.InRange(norm, 0.01, 10);
        var block = bundle.Block(1);
        bundle.Advance(1, block);
        var record = block.Row(0, 0);
        Assert.Equal(record[RecordLayout.UpdateNorm] / norm, record[RecordLayout.UpdateRatio], 1e-4 * record[RecordLayout.UpdateRatio]);
    }

    /// <summary>
    /// Shares of a gradient's components add up to 1; where its components were not looked at any more, they are undefined.
    /// </summary>
    [Theory, ClassData(typeof(Paths))]
    public void TheLastRecordOfADivergedRunHasSharesOrNone(KernelPath path)
    {
        using var engine = new CpuEngine(path);
        var (images, plane) = (Sets.Images(), Sets.Plane());
        foreach (
            var (set, loss, hidden) in new (DataSet, LossKind, int[])[]
            {
                (images, LossKind.CrossEntropy, [20]),
                (plane, LossKind.Squared, [8]),
            }
        )
        {
            using var data = engine.Load(set);
            foreach (
                var (batch, kind) in new[]
                {
                    (1, OptimizerKind.Sgd),
                    (1, OptimizerKind.Momentum),
                    (32, OptimizerKind.Sgd),
                    (200, OptimizerKind.Sgd),
                }
            )
            {
                using var bundle = engine.CreateBundle(data, Sets.Spec(Sets.Net(set, loss, hidden), batch, kind, rate: 1e30));
                var block = bundle.Block(200);
                bundle.Advance(200, block);
                Assert.True(bundle.Diverged(0));
                float[] shares = [.. block.Row(0, block.Rows[0] - 1).Slice(RecordLayout.Histogram, RecordLayout.HistogramBins)];
                if (shares.All(float.IsNaN))
                    continue;
                Assert.All(shares, share => Assert.InRange(share, 0, 1));
                Assert.Equal(1, shares.Sum(), 1e-5);
            }
        }
    }

    /// <summary>A short last register of examples holds nothing that a net could run away on: here any input but 1 overflows.</summary>
    [Theory, ClassData(typeof(Paths))]
    public void LanesWithoutAnExampleAddNothing(KernelPath path)
    {
        var set = new DataSet(
            "ones",
            DataTask.Regression,
            1,
            1,
            new DataSplit
            {
                Count = 3,
                Inputs = 1,
                Floats = [1, 1, 1],
                Targets = [0, 0, 0],
            },
            null
        );
        var net = new NetworkSpec(new ModelSpec { Hidden = [1, 1] }, LossKind.Squared, [1, 1, 1, 1]);
        using var engine = new CpuEngine(path);
        using var data = engine.Load(set);
        using var bundle = engine.CreateBundle(data, Sets.Spec(net, 3));
        bundle.StartAt([-3e38f, 3e38f, 2, 1, 1, 0]);
        var block = bundle.Block(1);
        bundle.Advance(1, block);
        Assert.False(bundle.Diverged(0));
        Assert.Equal(Math.Sqrt(3), block.Row(0, 0)[RecordLayout.GradientNorm], 1e-6);
    }

    [Fact]
    public void LargeFiniteGradientsHaveTheirTrueNorm()
    {
        // The squares of these overflow a float; the norm does not.
        var split = new DataSplit
        {
            Count = 2,
            Inputs = 1,
            Floats = [1, 1],
            Targets = [1e25f, 1e25f],
        };
        var set = new DataSet("far", DataTask.Regression, 1, 1, split, null);
        using var engine = new CpuEngine();
        using var data = engine.Load(set);
        var model = new ModelSpec { Start = [0, 0] };
        using var bundle = engine.CreateBundle(data, Sets.Spec(new NetworkSpec(model, LossKind.Squared, [1, 1]), 2));
        var block = bundle.Block(1);
        bundle.Advance(1, block);
        Assert.Equal(Math.Sqrt(2) * 1e25, block.Row(0, 0)[RecordLayout.GradientNorm], 1e20);
        // Its loss, 5e49, is no float, and so the run has diverged.
        Assert.True(bundle.Diverged(0));
    }

    [Fact]
    public void UpdatesTakeNoManagedMemory()
    {
        var images = Sets.Images();
        var plane = Sets.Plane();
        var sparse = Sets.Images(inputs: 100);
        using var engine = new CpuEngine();
        using var imageData = engine.Load(images);
        using var planeData = engine.Load(plane);
        using var sparseData = engine.Load(sparse);
        foreach (var optimizer in Enum.GetValues<OptimizerKind>())
        {
            foreach (int batch in new[] { 1, 3, 40, 200 })
            {
                Check(imageData, Sets.Spec(Sets.Net(images, LossKind.CrossEntropy, [16]), batch, optimizer, 0.001));
                Check(planeData, Sets.Spec(Sets.Net(plane, LossKind.Squared, [8, 8], Activation.Tanh), batch, optimizer, 0.001));
            }
            // Inputs of 0 left out, in pieces; seeds in lanes.
            Check(sparseData, Sets.Spec(Sets.Net(sparse, LossKind.CrossEntropy, [16]), 40, optimizer, 0.001) with { MicroBatch = 13 });
            Check(
                planeData,
                Sets.Spec(
                    Sets.Net(plane, LossKind.Squared, [8, 8], Activation.Tanh),
                    3,
                    optimizer,
                    0.001,
                    [.. Enumerable.Range(1, 16).Select(s => (uint)s)]
                )
            );
        }

        void Check(IEngineData data, BundleSpec spec)
        {
            using var bundle = engine.CreateBundle(data, spec);
            Assert.Equal(0, bundle.AllocatedByUpdates());
        }
    }

    [Fact]
    public void InitialWeightsHaveTheVarianceOfTheirInitializer()
    {
        var set = Sets.Images(20, 200);
        using var engine = new CpuEngine();
        using var data = engine.Load(set);
        Check(Initializer.HeUniform, 2.0 / 200, 2.0 / 100);
        Check(Initializer.GlorotUniform, 2.0 / 300, 2.0 / 110);
        Check(Initializer.LeCunUniform, 1.0 / 200, 1.0 / 100);
        Check(Initializer.Zero, 0, 0);
        // ReLU behind the first layer, nothing behind the last.
        Check(Initializer.Auto, 2.0 / 200, 2.0 / 110);

        void Check(Initializer initializer, double first, double second)
        {
            var net = Sets.Net(set, LossKind.CrossEntropy, [100]);
            using var bundle = engine.CreateBundle(data, Sets.Spec(net with { Model = net.Model with { Initializer = initializer } }, 5));
            float[] w = bundle.Weights();
            Variance(w[..20_000], first);
            Assert.All(w[20_000..20_100], b => Assert.Equal(0, b));
            Variance(w[20_100..21_100], second);
            Assert.All(w[21_100..], b => Assert.Equal(0, b));
        }

        static void Variance(float[] w, double variance)
        {
            double limit = Math.Sqrt(3 * variance),
                tolerance = 4 / Math.Sqrt(w.Length);
            Assert.InRange(w.Average(v => (double)v * v), variance * (1 - tolerance), variance * (1 + tolerance));
            Assert.InRange(w.Average(), -tolerance * limit, tolerance * limit);
            Assert.All(w, v => Assert.InRange(v, -limit * 1.0000001, limit * 1.0000001));
        }
    }

    [Fact]
    public void AStartIsTakenInCanonicalOrder()
    {
        var split = new DataSplit
        {
            Count = 2,
            Inputs = 1,
            Floats = [1, 2],
            Targets = [1, 2],
        };
        var set = new DataSet("line", DataTask.Regression, 1, 1, split, null);
        using var engine = new CpuEngine();
        using var data = engine.Load(set);
        using var bundle = engine.CreateBundle(
            data,
            Sets.Spec(new NetworkSpec(new ModelSpec { Start = [0.5, -3] }, LossKind.Squared, [1, 1]), 2)
        );
        Assert.Equal([0.5f, -3f], bundle.Weights());
    }

    [Fact]
    public void WhatDoesNotFitIsRefused()
    {
        var set = Sets.Images();
        var surface = new DataSet(
            "s",
            DataTask.Surface,
            2,
            1,
            new DataSplit
            {
                Count = 1,
                Inputs = 2,
                Floats = [0, 0],
            },
            null
        )
        {
            Surface = SurfaceKind.Saddle,
        };
        using var engine = new CpuEngine();
        using var data = engine.Load(set);
        using var surfaceData = engine.Load(surface);
        Refused(data, new NetworkSpec(new ModelSpec(), LossKind.CrossEntropy, [48, 10]));
        Refused(data, new NetworkSpec(new ModelSpec(), LossKind.CrossEntropy, [49, 9]));
        Refused(data, new NetworkSpec(new ModelSpec(), LossKind.CrossEntropy, [49]));
        Refused(data, new NetworkSpec(new ModelSpec(), LossKind.Logistic, [49, 1]));
        Refused(data, new NetworkSpec(new ModelSpec { Kind = ModelKind.Surface }, LossKind.Surface, [2, 1]));
        Refused(surfaceData, new NetworkSpec(new ModelSpec(), LossKind.Squared, [2, 1]));
        var good = Sets.Net(set, LossKind.CrossEntropy, [4]);
        Assert.Throws<ArgumentOutOfRangeException>(() => engine.CreateBundle(data, Sets.Spec(good, 301)));

        using var bundle = engine.CreateBundle(data, Sets.Spec(good, 4));
        Assert.Throws<ArgumentException>(() => bundle.Advance(5, new RecordBlock(1, 4, bundle.Layout.Width)));
        var keyframe = bundle.Export(0);
        Assert.Throws<ArgumentException>(() => bundle.Restore(0, keyframe with { Weights = new float[3] }));
        Assert.Throws<ArgumentException>(() => bundle.Restore(0, keyframe with { OptimizerState = [new float[3]] }));

        void Refused(IEngineData d, NetworkSpec network)
        {
            Assert.Throws<RefusedException>(() => engine.CreateBundle(d, Sets.Spec(network, 1)));
            Assert.Throws<RefusedException>(() => engine.CreateEvaluator(d, network));
        }
    }

    [Fact]
    public void WhatIsDisposedIsNotUsedAgain()
    {
        var set = Sets.Images();
        using var engine = new CpuEngine();
        using var data = engine.Load(set);
        var net = Sets.Net(set, LossKind.CrossEntropy, [4]);
        var bundle = engine.CreateBundle(data, Sets.Spec(net, 4));
        var snapshot = bundle.Snapshot(0);
        float[] before = snapshot.Canonical();
        bundle.Dispose();
        bundle.Dispose();
        // A snapshot outlives its bundle.
        Assert.Equal(before, snapshot.Canonical());
        Assert.Throws<ObjectDisposedException>(() => bundle.Advance(1, bundle.Block(1)));
        Assert.Throws<ObjectDisposedException>(() => bundle.Snapshot(0));
        Assert.Throws<ObjectDisposedException>(() => bundle.Export(0));

        var evaluator = engine.CreateEvaluator(data, net);
        var plane = evaluator.RandomPlane([snapshot], 1);
        snapshot.Dispose();
        Assert.Throws<ObjectDisposedException>(() => evaluator.Evaluate(snapshot, EvaluationSet.All(Split.Train)));
        Assert.Throws<ObjectDisposedException>(() => snapshot.Canonical());
        plane.Dispose();
        Assert.Throws<ObjectDisposedException>(() =>
            evaluator.Grid(plane, new(-1, 1, -1, 1), 1, EvaluationSet.All(Split.Train), [float.NaN], default)
        );

        using var living = engine.CreateBundle(data, Sets.Spec(net, 4));
        using var weights = living.Snapshot(0);
        evaluator.Dispose();
        evaluator.Dispose();
        Assert.Throws<ObjectDisposedException>(() => evaluator.Evaluate(weights, EvaluationSet.All(Split.Train)));
    }

    /// <summary>Kernels write where a label points, so labels are checked before.</summary>
    [Fact]
    public void DataThatAreNotWhatTheySayAreRefused()
    {
        using var engine = new CpuEngine();
        var good = Sets.Images(10);
        Refused(good.Train with { Labels = [.. Enumerable.Repeat(10, 10)] });
        Refused(good.Train with { Labels = [.. Enumerable.Repeat(-1, 10)] });
        Refused(good.Train with { Labels = new int[9] });
        Refused(good.Train with { Labels = null });
        Refused(good.Train with { Bytes = new byte[10 * 49 - 1] });
        Refused(good.Train with { Bytes = null });
        engine.Load(good).Dispose();

        void Refused(DataSplit split)
        {
            Assert.Throws<ArgumentException>(() => engine.Load(good with { Train = split }));
            Assert.Throws<ArgumentException>(() => engine.Load(good with { Test = split }));
        }
    }

    /// <summary>Disposing memory while it is held frees it only when the hold ends; the bytes stay readable until then.</summary>
    [Fact]
    public unsafe void MemoryStaysWhileItIsHeld()
    {
        var buffer = new Memory.NativeBuffer(100);
        var hold = buffer.Hold();
        hold.Pointer[99] = 7;
        buffer.Dispose();
        Assert.False(buffer.IsClosed);
        Assert.Equal(7, hold.Pointer[99]);
        hold.Dispose();
        Assert.True(buffer.IsClosed);
        Assert.Throws<ObjectDisposedException>(() => buffer.Hold().Dispose());
        using var odd = new Memory.NativeBuffer(5);
        Assert.Equal(0, (long)odd.Pointer % 64);
    }
}
