using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using BatchViz.Engine.Cpu.Memory;
using BatchViz.Engine.Cpu.Tests.Reference;

namespace BatchViz.Engine.Cpu.Tests;

/// <summary>Measures the memory of the whole process, so nothing else may run beside it.</summary>
[CollectionDefinition("memory", DisableParallelization = true)]
public sealed class MemoryCollection;

/// <summary>What is predicted, what is taken and what may be taken.</summary>
[Collection("memory")]
public class MemoryTests
{
    [Theory, ClassData(typeof(Paths))]
    public void ABundleTakesWhatWasPredicted(KernelPath path)
    {
        using var engine = new CpuEngine(path);
        for (int seed = 1; seed <= 150; seed++)
        {
            var random = RandomCase.Make(seed);
            uint[] seeds = [.. Enumerable.Range(1, 1 + seed % 3 * 8).Select(i => (uint)i)];
            var spec = random.Spec(seeds) with
            {
                MicroBatch = seed % 4 == 0 ? 3 : null,
                BatchSchedule = seed % 7 == 0 ? new BatchScheduleSpec(2, 1, 50) : null,
            };
            Check(engine, random.Data, spec);
        }
        // More examples than a chunk; tiny nets with batches too large to train in lanes; a surface.
        Check(
            engine,
            Sets.Images(700),
            Sets.Spec(Sets.Net(Sets.Images(), LossKind.CrossEntropy, [40, 20]), 500, OptimizerKind.Adam, 0.01, 1, 2)
        );
        Check(
            engine,
            Sets.Plane(3000),
            Sets.Spec(
                Sets.Net(Sets.Plane(), LossKind.Logistic, [8]),
                2000,
                OptimizerKind.Momentum,
                0.01,
                [.. Enumerable.Range(1, 16).Select(i => (uint)i)]
            )
        );
        var surface = new DataSet(
            "surface",
            DataTask.Surface,
            2,
            1,
            new DataSplit
            {
                Count = 4,
                Inputs = 2,
                Floats = new float[8],
            },
            null
        )
        {
            Surface = SurfaceKind.Saddle,
        };
        Check(
            engine,
            surface,
            Sets.Spec(new NetworkSpec(new ModelSpec { Kind = ModelKind.Surface }, LossKind.Surface, [2, 1]), 3, OptimizerKind.Adam)
        );
    }

    /// <summary>Each part grows with what it is said to be for, and with nothing else.</summary>
    [Fact]
    public void ThePartsAreWhatTheySay()
    {
        using var engine = new CpuEngine();
        var set = Sets.Images(700);
        var net = Sets.Net(set, LossKind.CrossEntropy, [40]);
        MemoryAccount Of(int batch, OptimizerKind optimizer, params uint[] seeds) =>
            engine.Predict(Sets.Spec(net, batch, optimizer, 0.01, seeds), set);

        var plain = Of(32, OptimizerKind.Sgd, 1);
        // 50 rows of 40 outputs, padded to 48, and 41 of 10, padded to 16.
        Assert.Equal(4 * (50 * 48 + 41 * 16), plain.Weights);
        Assert.Equal(0, plain.OptimizerState);
        Assert.Equal(4 * 32 * (48 + 16), plain.Activations);
        Assert.Equal(plain with { Weights = 3 * plain.Weights }, Of(32, OptimizerKind.Sgd, 1, 2, 3));
        Assert.Equal(plain with { OptimizerState = 2 * plain.Weights }, Of(32, OptimizerKind.Adam, 1));
        var wide = Of(64, OptimizerKind.Sgd, 1);
        Assert.Equal((2 * plain.Activations, plain.Weights), (wide.Activations, wide.Weights));
        Assert.True(wide.Batch > plain.Batch);
        // Chunks bound what a large batch takes, but for the gradient they add up to.
        var large = Of(256, OptimizerKind.Sgd, 1);
        Assert.Equal(large, Of(700, OptimizerKind.Sgd, 1));
        Assert.Equal(plain.Total, plain.Weights + plain.Activations + plain.Gradients + plain.Batch + plain.Workspace);
    }

    [Theory, ClassData(typeof(Paths))]
    public void AnEvaluatorTakesWhatWasPredicted(KernelPath path)
    {
        using var engine = new CpuEngine(path);
        foreach (
            var (set, net) in new[]
            {
                (Sets.Plane(301), Sets.Net(Sets.Plane(), LossKind.Squared, [8, 8])),
                (Sets.Images(600), Sets.Net(Sets.Images(), LossKind.CrossEntropy, [40, 9])),
                (Sets.Images(600), Sets.Net(Sets.Images(), LossKind.CrossEntropy, [])),
                (Sets.Plane(170_001), Sets.Net(Sets.Plane(), LossKind.Squared, [64])), // products that are not kept
            }
        )
        {
            using var data = engine.Load(set);
            using var bundle = engine.CreateBundle(data, Sets.Spec(net, 7));
            using var weights = bundle.Snapshot(0);
            foreach (int threads in new[] { 1, 3 })
            {
                long before = Settled();
                using var evaluator = engine.CreateEvaluator(data, net);
                Assert.Equal(engine.PredictEvaluator(net, set), NativeBuffer.Held - before);
                using var plane = evaluator.RandomPlane([weights], 3);
                var all = EvaluationSet.All(Split.Train);
                float[] losses = Stage.Gaps(set.Train.Count > 1000 ? 3 : 33);
                evaluator.Grid(plane, new(-1, 1, -1, 1), set.Train.Count > 1000 ? 3 : 33, all, losses, default, threads);
                Assert.Equal(engine.PredictEvaluator(net, set, all, threads), NativeBuffer.Held - before);
            }
        }
    }

    [Fact]
    public void WhatIsTooMuchIsRefusedBeforeItIsTaken()
    {
        var set = Sets.Images(700);
        var net = Sets.Net(set, LossKind.CrossEntropy, [40]);
        var spec = Sets.Spec(net, 500);
        using var free = new CpuEngine();
        long wanted = free.Predict(spec, set).Total;
        using var enough = new CpuEngine { MostBundleBytes = wanted };
        using var data = enough.Load(set);
        enough.CreateBundle(data, spec).Dispose();

        using var less = new CpuEngine { MostBundleBytes = wanted - 1 };
        long before = Settled();
        string sentence = Assert.Throws<RefusedException>(() => less.CreateBundle(data, spec)).Message;
        Assert.StartsWith("Batch size 500 would take 0.1 MB of memory for its run; at most ", sentence);

        // A prediction takes nothing, whatever its size.
        var vast = Sets.Net(set, LossKind.CrossEntropy, [40_000, 40_000]);
        Assert.InRange(free.Predict(Sets.Spec(vast, 500), set).Total, 12e9, 1e12);
        Assert.InRange(free.PredictEvaluator(vast, set, EvaluationSet.All(Split.Train), 2), 12e9, 1e12);
        Assert.Equal(before, NativeBuffer.Held);
        Assert.Throws<RefusedException>(() => free.Predict(spec, Sets.Plane()));
        Assert.Throws<RefusedException>(() => free.PredictEvaluator(net, Sets.Plane()));
    }

    private static void Check(CpuEngine engine, DataSet set, BundleSpec spec)
    {
        using var data = engine.Load(set);
        var predicted = engine.Predict(spec, set);
        long before = Settled();
        using var bundle = engine.CreateBundle(data, spec);
        Assert.Equal(predicted, bundle.Memory);
        Assert.Equal(predicted.Total, NativeBuffer.Held - before);
        bundle.AdvanceBits(3);
        Assert.Equal(predicted.Total, NativeBuffer.Held - before);
    }

    /// <summary>Bytes held, when what earlier tests left to the finaliser is gone.</summary>
    private static long Settled()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        return NativeBuffer.Held;
    }
}
