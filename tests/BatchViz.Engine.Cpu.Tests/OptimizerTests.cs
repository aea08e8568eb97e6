using BatchViz.Core.Specs;
using BatchViz.Engine.Cpu.Kernels;
using BatchViz.Engine.Cpu.Memory;
using BatchViz.Engine.Cpu.Tests.Reference;

namespace BatchViz.Engine.Cpu.Tests;

public unsafe class OptimizerTests
{
    private const int Count = 4096,
        Updates = 12;

    public static IEnumerable<object[]> All =>
        from path in Paths.All
        from kind in Enum.GetValues<OptimizerKind>()
        where new OptimizerSpec { Kind = kind }.WeightByWeight
        select new object[] { path, kind };

    /// <summary>Weight by weight against the reference, gradients over many powers of ten.</summary>
    [Theory, MemberData(nameof(All))]
    public void EveryWeightMovesAsTheReferenceSays(KernelPath path, OptimizerKind kind)
    {
        var spec = new OptimizerSpec { Kind = kind, WeightDecay = 0.1 };
        var random = new Random(3);
        using var run = new Steps(path, spec, random);
        var reference = new ReferenceOptimizer(spec, 0.02, Count);
        var w = run.Weights.ToArray().Select(v => (double)v).ToArray();
        for (int u = 1; u <= Updates; u++)
        {
            run.Draw(random);
            double before = Vectors.Norm(w),
                length = reference.Step(w, [.. run.Gradient.ToArray().Select(v => (double)v)], 0.5);
            var (update, weights) = run.Step(u, Count);
            Assert.Equal(length, Math.Sqrt(update), 1e-4 * length);
            Assert.Equal(before, Math.Sqrt(weights), 1e-5 * before);
        }
        Assert.All(Enumerable.Range(0, Count), i => Assert.Equal(w[i], run.Weights[i], 3e-5 * Math.Abs(w[i]) + 1e-5));
    }

    /// <summary>Padding has weight, gradient and state 0 and must keep them, also where ε is 0 and a step would be 0/0.</summary>
    [Theory, MemberData(nameof(All))]
    public void PaddingStaysZeroAndEverythingFinite(KernelPath path, OptimizerKind kind)
    {
        var random = new Random(4);
        using var run = new Steps(
            path,
            new OptimizerSpec
            {
                Kind = kind,
                WeightDecay = 0.1,
                Epsilon = 0,
            },
            random
        );
        for (int u = 1; u <= Updates; u++)
        {
            run.Draw(random);
            for (int i = 0; i < Count; i += 3)
                (run.Gradient[i], run.Weights[i]) = (0, 0);
            var (update, weights) = run.Step(u, Count);
            Assert.True(double.IsFinite(update) && double.IsFinite(weights));
        }
        for (int i = 0; i < Count; i++)
        {
            Assert.True(float.IsFinite(run.Weights[i]));
            if (i % 3 == 0)
                Assert.Equal(0, run.Weights[i]);
        }
    }

    [Theory, MemberData(nameof(All))]
    public void RangeByRangeIsTheSameAsAllAtOnce(KernelPath path, OptimizerKind kind)
    {
        Random one = new(5),
            other = new(5);
        var spec = new OptimizerSpec { Kind = kind };
        using Steps whole = new(path, spec, one),
            ranges = new(path, spec, other);
        for (int u = 1; u <= Updates; u++)
        {
            whole.Draw(one);
            ranges.Draw(other);
            whole.Step(u, Count);
            ranges.Step(u, 16 * (1 + u));
        }
        Assert.Equal(Vectors.Bits(whole.Weights), Vectors.Bits(ranges.Weights));
    }

    /// <summary>Weights, a gradient and an optimiser's state.</summary>
    private sealed class Steps : IDisposable
    {
        private readonly NativeBuffer memory;
        private readonly NativeBuffer gradient = new(Count);
        private readonly Optimizer optimizer;

        public Steps(KernelPath path, OptimizerSpec spec, Random random)
        {
            optimizer = new Optimizer(KernelTable.Of(path), spec, Count);
            memory = new NativeBuffer(Count * (1 + optimizer.States));
            foreach (ref float w in Weights)
                w = (float)(2 * random.NextDouble() - 1);
        }

        public Span<float> Weights => new(memory.Pointer, Count);

        public Span<float> Gradient => new(gradient.Pointer, Count);

        /// <summary>Another gradient, of either sign, from 1e-3 to 10.</summary>
        public void Draw(Random random)
        {
            foreach (ref float g in Gradient)
                g = (float)((random.Next(2) * 2 - 1) * Math.Pow(10, 4 * random.NextDouble() - 3));
        }

        /// <summary>A step of all weights with rate 0.02 and half the gradient, so many floats at a time.</summary>
        public (double Update, double Weights) Step(int update, int atOnce)
        {
            optimizer.Begin(update, 0.02, 0.5f);
            (double Update, double Weights) sum = default;
            for (int first = 0; first < Count; first += atOnce)
            {
                var (u, w) = optimizer.Step(
                    first,
                    Math.Min(atOnce, Count - first),
                    memory.Pointer,
                    gradient.Pointer + first,
                    memory.Pointer + Count
                );
                sum = (sum.Update + u, sum.Weights + w);
            }
            return sum;
        }

        public void Dispose()
        {
            memory.Dispose();
            gradient.Dispose();
        }
    }
}
