using BatchViz.Core.Engines;
using BatchViz.Core.Specs;

namespace BatchViz.Engine.Cpu.Tests;

/// <summary>The same spec gives the same bits: alone or bundled, in one go or in steps, watched or not, resumed or not.</summary>
public class DeterminismTests
{
    private const int Updates = 60;

    [Theory, ClassData(typeof(Paths))]
    public void TheSameSpecGivesTheSameBits(KernelPath path) =>
        ForEverySpec(
            path,
            (engine, data, spec) =>
            {
                var (records, weights) = Run(engine, data, spec);
                var (again, weightsAgain) = Run(engine, data, spec);
                Assert.Equal(records, again);
                Assert.Equal(weights, weightsAgain);
                var (other, _) = Run(engine, data, spec with { Seeds = [2] });
                Assert.NotEqual(records, other);
            }
        );

    [Theory, ClassData(typeof(Paths))]
    public void AMemberOfABundleHasTheBitsItHasAlone(KernelPath path) =>
        ForEverySpec(
            path,
            (engine, data, spec) =>
            {
                // Enough of them to share lanes where the net is tiny.
                uint[] seeds = spec.Network.Sizes.Max() <= 16 ? [3, 1, 8, .. Enumerable.Range(20, 13).Select(s => (uint)s)] : [3, 1, 8];
                using var bundle = engine.CreateBundle(data, spec with { Seeds = seeds });
                var block = bundle.Block(Updates);
                bundle.Advance(Updates, block);
                for (int m = 0; m < seeds.Length; m++)
                {
                    var (records, weights) = Run(engine, data, spec with { Seeds = [bundle.Spec.Seeds[m]] });
                    Assert.Equal(records, Vectors.Bits(block.Of(m)[..(block.Rows[m] * block.Width)]));
                    Assert.Equal(weights, Vectors.Bits(bundle.Weights(m)));
                }
            }
        );

    [Theory, ClassData(typeof(Paths))]
    public void OneAtATimeIsTheSameAsAllAtOnce(KernelPath path) =>
        ForEverySpec(
            path,
            (engine, data, spec) =>
            {
                var (records, weights) = Run(engine, data, spec);
                using var bundle = engine.CreateBundle(data, spec);
                var steps = new List<int>();
                for (int u = 0; u < Updates; u++)
                    steps.AddRange(bundle.AdvanceBits(1));
                Assert.Equal(records, steps);
                Assert.Equal(weights, Vectors.Bits(bundle.Weights()));
                Assert.Equal(Updates, bundle.Updates(0));
            }
        );

    [Theory, ClassData(typeof(Paths))]
    public void ARestoredKeyframeGoesOnBitForBit(KernelPath path) =>
        ForEverySpec(
            path,
            (engine, data, spec) =>
            {
                using var bundle = engine.CreateBundle(data, spec with { Seeds = [4, 1] });
                bundle.AdvanceBits(23);
                var keyframe = bundle.Export(1);
                Assert.Equal(23, keyframe.Updates);
                int[] rest = bundle.AdvanceBits(40, member: 1);
                int[] end = Vectors.Bits(bundle.Weights(1));

                using var fresh = engine.CreateBundle(data, spec);
                fresh.Restore(0, keyframe);
                Assert.Equal(23, fresh.Updates(0));
                Assert.Equal(rest, fresh.AdvanceBits(40));
                Assert.Equal(end, Vectors.Bits(fresh.Weights()));

                // Back in the first bundle, which has gone on since.
                bundle.Restore(1, keyframe);
                Assert.Equal(rest, bundle.AdvanceBits(40, member: 1));
            }
        );

    [Fact]
    public async Task AnEvaluatorAtWorkDisturbsNothing()
    {
        using var engine = new CpuEngine();
        var set = Sets.Images();
        using var data = engine.Load(set);
        var net = Sets.Net(set, LossKind.CrossEntropy, [32, 17]);
        var spec = Sets.Spec(net, 32, OptimizerKind.Adam, 0.002);
        var (records, weights) = Run(engine, data, spec, 400);

        using var bundle = engine.CreateBundle(data, spec);
        using var watched = bundle.Snapshot(0);
        using var stop = new CancellationTokenSource();
        int looks = 0;
        var looking = Task.Run(() =>
        {
            using var evaluator = engine.CreateEvaluator(data, net);
            using var plane = evaluator.RandomPlane([watched], 1);
            do
            {
                evaluator.Evaluate(watched, EvaluationSet.All(Core.Data.Split.Train));
                var losses = new float[9];
                Array.Fill(losses, float.NaN);
                evaluator.Grid(plane, new(-1, 1, -1, 1), 3, EvaluationSet.All(Core.Data.Split.Train), losses, default);
                Interlocked.Increment(ref looks);
            } while (!stop.IsCancellationRequested);
        });
        while (Volatile.Read(ref looks) == 0 && !looking.IsCompleted)
            await Task.Yield();
        var seen = new List<int>();
        for (int part = 0; part < 20; part++)
            seen.AddRange(bundle.AdvanceBits(20));
        stop.Cancel();
        await looking;
        Assert.Equal(records, seen);
        Assert.Equal(weights, Vectors.Bits(bundle.Weights()));
    }

    [Fact]
    public void InitialWeightsAreTheSameForAllBatchSizesAndPaths()
    {
        var set = Sets.Images();
        var all = new List<int[]>();
        foreach (var path in Paths.All)
        {
            using var engine = new CpuEngine(path);
            using var data = engine.Load(set);
            foreach (int batch in new[] { 1, 32, 300 })
            {
                using var bundle = engine.CreateBundle(data, Sets.Spec(Sets.Net(set, LossKind.CrossEntropy, [20]), batch));
                all.Add(Vectors.Bits(bundle.Weights()));
            }
        }
        Assert.All(all, bits => Assert.Equal(all[0], bits));
        Assert.Contains(all[0], bit => bit != 0);
    }

    private static void ForEverySpec(KernelPath path, Action<CpuEngine, IEngineData, BundleSpec> test)
    {
        using var engine = new CpuEngine(path);
        var images = Sets.Images();
        var plane = Sets.Plane();
        using var imageData = engine.Load(images);
        using var planeData = engine.Load(plane);
        foreach (var optimizer in Enum.GetValues<OptimizerKind>())
        {
            // 7 leaves remainders of 6 and 4; 200 takes two chunks.
            foreach (int batch in new[] { 1, 7, 200 })
            {
                test(engine, imageData, Sets.Spec(Sets.Net(images, LossKind.CrossEntropy, [24, 17]), batch, optimizer, 0.01));
                test(engine, planeData, Sets.Spec(Sets.Net(plane, LossKind.Logistic, [8, 8], Activation.Gelu), batch, optimizer, 0.01));
            }
            // Batches of 3, 9, 27, …, in pieces, under a rate that changes with every update.
            test(
                engine,
                planeData,
                Sets.Spec(Sets.Net(plane, LossKind.Logistic, [8, 8], Activation.Gelu), 3, optimizer, 0.01) with
                {
                    Schedule = new()
                    {
                        Kind = ScheduleKind.Cosine,
                        Epochs = 3,
                        Warmup = new(WarmupKind.Gradual, 0.5),
                    },
                    BatchSchedule = new(3, 1),
                    Sampler = new() { Remainder = RemainderPolicy.Reweight },
                    MicroBatch = 20,
                }
            );
        }
    }

    private static (int[] Records, int[] Weights) Run(CpuEngine engine, IEngineData data, BundleSpec spec, int updates = Updates)
    {
        using var bundle = engine.CreateBundle(data, spec);
        return (bundle.AdvanceBits(updates), Vectors.Bits(bundle.Weights()));
    }
}
