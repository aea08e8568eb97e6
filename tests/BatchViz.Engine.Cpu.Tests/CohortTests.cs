using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using BatchViz.Engine.Cpu.Tests.Reference;
using FsCheck;
using FsCheck.Fluent;

namespace BatchViz.Engine.Cpu.Tests;

/// <summary>Runs trained together, where tiny nets share the lanes of the registers, against the same runs alone: bit for bit.</summary>
public class CohortTests
{
    private const int Updates = 12;

    [Theory, ClassData(typeof(Paths))]
    public void ABundleIsItsRunsAlone(KernelPath path)
    {
        using var engine = new CpuEngine(path);
        var cases =
            from seed in Gen.Choose(1, 1_000_000)
            from widest in Gen.Elements(3, 8, 16, 40)
            from members in Gen.Elements(3, 4, 8, 9, 15, 16, 17, 20)
            from kind in Gen.Elements(Enum.GetValues<OptimizerKind>())
            select (Case: RandomCase.Make(seed, widest, 40), Members: members, Kind: kind);
        Prop.ForAll(
                cases.ToArbitrary(),
                drawn =>
                {
                    using var data = engine.Load(drawn.Case.Data);
                    uint[] seeds = [.. Enumerable.Range(0, drawn.Members).Select(m => (uint)(drawn.Case.Seed + m))];
                    var spec = drawn.Case.Spec(seeds) with
                    {
                        Optimizer = drawn.Case.Optimizer with { Kind = drawn.Kind },
                        Sampler = new() { Remainder = drawn.Case.Sampler.Remainder },
                    };
                    AgreesAlone(engine, data, spec, Updates);
                }
            )
            .Check(Config.QuickThrowOnFailure.WithMaxTest(60));
    }

    /// <summary>Members that blow up leave their lanes one by one; the others are not disturbed.</summary>
    [Theory, ClassData(typeof(Paths))]
    public void MembersThatDivergeLeaveAlone(KernelPath path)
    {
        using var engine = new CpuEngine(path);
        var set = Sets.Plane();
        using var data = engine.Load(set);
        var ends = new List<long[]>();
        foreach (var (kind, rate) in new[] { (OptimizerKind.Sgd, 1.5), (OptimizerKind.Momentum, 0.6), (OptimizerKind.Nesterov, 2) })
        {
            foreach (int batch in new[] { 1, 5 })
            {
                var spec = Sets.Spec(
                    Sets.Net(set, LossKind.Squared, [8, 8]),
                    batch,
                    kind,
                    rate,
                    [.. Enumerable.Range(1, 20).Select(s => (uint)s)]
                );
                ends.Add(AgreesAlone(engine, data, spec, 150));
            }
        }
        Assert.Contains(ends, updates => updates.Distinct().Count() > 4);
    }

    /// <summary>A member put back goes on apart from the others, and with them again when they are level.</summary>
    [Theory, ClassData(typeof(Paths))]
    public void MembersAtDifferentUpdatesGoOnAsAlone(KernelPath path)
    {
        using var engine = new CpuEngine(path);
        var set = Sets.Plane();
        using var data = engine.Load(set);
        var spec = Sets.Spec(
            Sets.Net(set, LossKind.Logistic, [8]),
            2,
            OptimizerKind.Nesterov,
            0.05,
            [.. Enumerable.Range(1, 16).Select(s => (uint)s)]
        );
        using var bundle = engine.CreateBundle(data, spec);
        bundle.AdvanceBits(10);
        var early = bundle.Export(2);
        bundle.AdvanceBits(15);
        bundle.Restore(2, early);
        bundle.AdvanceBits(30);
        for (int m = 0; m < 16; m++)
        {
            using var alone = engine.CreateBundle(data, spec with { Seeds = [spec.Seeds[m]] });
            alone.AdvanceBits(m == 2 ? 40 : 55);
            Assert.Equal(Vectors.Bits(alone.Weights()), Vectors.Bits(bundle.Weights(m)));
        }
    }

    /// <summary>Asserts that records, weights and states are the same; returns each member's updates.</summary>
    private static long[] AgreesAlone(CpuEngine engine, IEngineData data, BundleSpec spec, int updates)
    {
        using var bundle = engine.CreateBundle(data, spec);
        var block = bundle.Block(updates);
        bundle.Advance(updates, block);
        for (int m = 0; m < bundle.Members; m++)
        {
            using var alone = engine.CreateBundle(data, spec with { Seeds = [spec.Seeds[m]] });
            var own = alone.Block(updates);
            alone.Advance(updates, own);
            Assert.Equal(own.Rows[0], block.Rows[m]);
            Assert.Equal(alone.Diverged(0), bundle.Diverged(m));
            for (int row = 0; row < own.Rows[0]; row++)
                Assert.Equal(Numbers(own.Row(0, row)), Numbers(block.Row(m, row)));
            var (expected, actual) = (alone.Export(0), bundle.Export(m));
            Assert.Equal(expected.Updates, actual.Updates);
            Assert.Equal(Vectors.Bits(expected.Weights), Vectors.Bits(actual.Weights));
            Assert.Equal(expected.Statistics, actual.Statistics);
            for (int s = 0; s < expected.OptimizerState.Length; s++)
                Assert.Equal(Vectors.Bits(expected.OptimizerState[s]), Vectors.Bits(actual.OptimizerState[s]));
        }
        return [.. Enumerable.Range(0, bundle.Members).Select(bundle.Updates)];
    }

    /// <summary>Bits, but for what is not a number, of which there are several.</summary>
    private static int[] Numbers(ReadOnlySpan<float> record)
    {
        int[] bits = Vectors.Bits(record);
        for (int c = 0; c < bits.Length; c++)
            if (float.IsNaN(record[c]))
                bits[c] = -1;
        return bits;
    }
}
