using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using BatchViz.Engine.Cpu.Tests.Reference;
using FsCheck;
using FsCheck.Fluent;

namespace BatchViz.Engine.Cpu.Tests;

/// <summary>
/// Accumulation = big batch: weights, optimiser state and records have the same bits however a batch is cut into micro-batches.
/// </summary>
public class MicroBatchTests
{
    [Fact]
    public void HoweverABatchIsCutItsBitsAreTheSame()
    {
        var cuts =
            from seed in Gen.Choose(1, 100_000)
            from large in Gen.Frequency((9, Gen.Constant(false)), (1, Gen.Constant(true)))
            from m in Gen.Choose(1, large ? 300 : 72)
            from path in Gen.Elements<KernelPath>([.. Paths.All])
            select (seed, large, m, path);
        Prop.ForAll(
                cuts.ToArbitrary(),
                cut =>
                {
                    var random = RandomCase.Make(cut.seed, mostExamples: cut.large ? 400 : 70);
                    using var engine = new CpuEngine(cut.path);
                    using var data = engine.Load(random.Data);
                    var (records, keyframe) = Run(engine, data, random.Spec());
                    var (cutRecords, cutKeyframe) = Run(engine, data, random.Spec() with { MicroBatch = cut.m });
                    Assert.Equal(Vectors.Bits(keyframe.Weights), Vectors.Bits(cutKeyframe.Weights));
                    foreach (var (state, cutState) in keyframe.OptimizerState.Zip(cutKeyframe.OptimizerState))
                        Assert.Equal(Vectors.Bits(state), Vectors.Bits(cutState));
                    Assert.Equal(records, cutRecords);
                }
            )
            .Check(Config.QuickThrowOnFailure.WithMaxTest(300));
    }

    /// <summary>
    /// With few inputs, and with so many that those of 0 are left out, which a last piece of one example does in another way.
    /// </summary>
    [Theory, ClassData(typeof(Paths))]
    public void AShortLastPieceCountsByItsExamples(KernelPath path)
    {
        using var engine = new CpuEngine(path);
        foreach (int inputs in new[] { 49, 100 })
        {
            var set = Sets.Images(300, inputs);
            using var data = engine.Load(set);
            var spec = Sets.Spec(Sets.Net(set, LossKind.CrossEntropy, [130, 17]), 300, OptimizerKind.Momentum, 0.1);
            var (records, keyframe) = Run(engine, data, spec);
            foreach (int m in new[] { 1, 7, 16, 127, 128, 129, 299, 300, 5000 })
            {
                var (cut, cutKeyframe) = Run(engine, data, spec with { MicroBatch = m });
                Assert.Equal(records, cut);
                Assert.Equal(Vectors.Bits(keyframe.Weights), Vectors.Bits(cutKeyframe.Weights));
            }
        }
    }

    private static (int[] Records, Keyframe Keyframe) Run(CpuEngine engine, IEngineData data, BundleSpec spec)
    {
        using var bundle = engine.CreateBundle(data, spec);
        return (bundle.AdvanceBits(5), bundle.Export(0));
    }
}
