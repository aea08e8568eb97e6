using System.Runtime.CompilerServices;
using BatchViz.Core.Specs;
using BatchViz.Engine.Cpu.Tiny;

namespace BatchViz.Engine.Cpu.Kernels;

/// <summary>
/// One step of an optimiser over padded weights: one loop for all of them, which the compiler specialises for each rule. PyTorch's
/// conventions (torch.optim), as <see cref="OptimizerSpec"/> writes them down.
/// </summary>
internal static unsafe class OptimizerKernels<L, V>
    where L : struct, ILanes<V>
    where V : struct
{
    private const int Block = 1024;

    /// <summary>
    /// Returns Σ Δw² and, in norm, Σ w² of the weights before the step, both in blocks summed in float and added up in double.
    /// </summary>
    /// <param name="first">The first state vector from the same place on as the weights; null where there is none. Likewise
    /// <paramref name="second"/>.</param>
    public static double Step(long count, float* w, float* g, float* first, float* second, in StepConstants constants, out double norm) =>
        constants.Kind switch
        {
            OptimizerKind.Sgd => Run(count, w, g, new Sgd(constants), out norm),
            OptimizerKind.Momentum or OptimizerKind.Lars => Run(count, w, g, new Momentum(first, constants), out norm),
            OptimizerKind.Nesterov => Run(count, w, g, new Nesterov(first, constants), out norm),
            OptimizerKind.Adam or OptimizerKind.AdamW => Run(count, w, g, new Adam(first, second, constants), out norm),
            OptimizerKind.AdaGrad => Run(count, w, g, new AdaGrad(first, constants), out norm),
            OptimizerKind.AdaDelta => Run(count, w, g, new AdaDelta(first, second, constants), out norm),
            OptimizerKind.RmsProp => Run(count, w, g, new RmsProp(first, constants), out norm),
            _ => throw new ArgumentOutOfRangeException(nameof(constants), constants.Kind, "unknown optimiser"),
        };

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static double Run<R>(long count, float* w, float* g, R rule, out double norm)
        where R : struct, IRule
    {
        double total = 0;
        norm = 0;
        for (long block = 0; block < count; block += Block)
        {
            long end = Math.Min(block + Block, count);
            V squares = L.Zero,
                weights = L.Zero;
            for (long i = block; i < end; i += L.Width)
            {
                V old = L.Load(w + i);
                weights = L.MulAdd(old, old, weights);
                V step = rule.Change(i, old, L.Load(g + i));
                squares = L.MulAdd(step, step, squares);
                L.Store(w + i, L.Add(old, step));
            }
            total += L.SumOf(squares);
            norm += L.SumOf(weights);
        }
        return total;
    }

    /// <summary>
    /// A step of as many tiny nets as there are lanes, weights, gradients and states without padding [parameters][lanes]. Each lane's
    /// Σ Δw² and Σ w² are added up as <see cref="Step"/> does over padded rows.
    /// </summary>
    public static void StepLanes(
        in TinyPlan plan,
        float* w,
        float* g,
        float* first,
        float* second,
        in StepConstants constants,
        in LaneStatistics to
    )
    {
        switch (constants.Kind)
        {
            case OptimizerKind.Sgd:
                RunLanes(plan, w, g, new Sgd(constants), to);
                break;
            case OptimizerKind.Momentum:
                RunLanes(plan, w, g, new Momentum(first, constants), to);
                break;
            case OptimizerKind.Nesterov:
                RunLanes(plan, w, g, new Nesterov(first, constants), to);
                break;
            case OptimizerKind.Adam or OptimizerKind.AdamW:
                RunLanes(plan, w, g, new Adam(first, second, constants), to);
                break;
            case OptimizerKind.AdaGrad:
                RunLanes(plan, w, g, new AdaGrad(first, constants), to);
                break;
            case OptimizerKind.AdaDelta:
                RunLanes(plan, w, g, new AdaDelta(first, second, constants), to);
                break;
            case OptimizerKind.RmsProp:
                RunLanes(plan, w, g, new RmsProp(first, constants), to);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(constants), constants.Kind, "unknown optimiser");
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void RunLanes<R>(in TinyPlan plan, float* w, float* g, R rule, in LaneStatistics to)
        where R : struct, IRule
    {
        const int Row = WeightLayout.Lanes;
        float* updates = plan.Scratch,
            weights = plan.Scratch + Row * L.Width;
        new Span<float>(plan.Scratch, 2 * Row * L.Width).Clear();
        int row = 0;
        long i = 0;
        for (int l = 0; l < plan.Layers; l++)
        {
            int rows = plan.Sizes[l] + (plan.Bias ? 1 : 0),
                outputs = plan.Sizes[l + 1];
            for (int r = 0; r < rows; r++)
            {
                for (int j = 0; j < outputs; j++, i += L.Width)
                {
                    int part = (j & (L.Width - 1)) * L.Width;
                    V old = L.Load(w + i);
                    L.Store(weights + part, L.MulAdd(old, old, L.Load(weights + part)));
                    V step = rule.Change(i, old, L.Load(g + i));
                    L.Store(updates + part, L.MulAdd(step, step, L.Load(updates + part)));
                    L.Store(w + i, L.Add(old, step));
                }
                if (++row < Block / Row)
                    continue;
                Flush(plan, to);
                row = 0;
            }
        }
        Flush(plan, to);
    }

    private static void Flush(in TinyPlan plan, in LaneStatistics to)
    {
        const int Row = WeightLayout.Lanes;
        L.AddToDoubles(to.UpdateSquare, TinyKernels<L, V>.Halves(plan.Scratch, L.Width));
        L.AddToDoubles(to.WeightSquare, TinyKernels<L, V>.Halves(plan.Scratch + Row * L.Width, L.Width));
        new Span<float>(plan.Scratch, 2 * Row * L.Width).Clear();
    }

    /// <summary>a / b, and 0 where a is: a padded weight has no gradient and no past, and with ε = 0 its step would be 0/0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Ratio(V a, V b) => L.Select(L.Same(a, L.Zero), L.Zero, L.Div(a, b));

    private interface IRule
    {
        /// <summary>Δw of the register at <paramref name="i"/>; brings the state up to date.</summary>
        V Change(long i, V w, V g);
    }

    /// <summary>g' = weight·g + decay·w.</summary>
    private readonly struct Decayed(in StepConstants c)
    {
        private readonly V weight = L.Set(c.Weight),
            decay = L.Set(c.Decay);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Of(V w, V g) => L.MulAdd(decay, w, L.Mul(weight, g));
    }

    /// <summary>A mean that forgets: keep·mean + take·value.</summary>
    private readonly struct Decaying(float keep, float take)
    {
        private readonly V keep = L.Set(keep),
            take = L.Set(take);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V With(V value, float* mean)
        {
            V changed = L.MulAdd(keep, L.Load(mean), L.Mul(take, value));
            L.Store(mean, changed);
            return changed;
        }
    }

    /// <summary>Δw = −η g'.</summary>
    private readonly struct Sgd(in StepConstants c) : IRule
    {
        private readonly Decayed gradient = new(c);
        private readonly V rate = L.Set(-c.Rate);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Change(long i, V w, V g) => L.Mul(rate, gradient.Of(w, g));
    }

    /// <summary>v ← μ v + g'; Δw = −η v.</summary>
    private readonly struct Momentum(float* v, in StepConstants c) : IRule
    {
        private readonly Decayed gradient = new(c);
        private readonly V rate = L.Set(-c.Rate),
            mu = L.Set(c.Decay1);
        private readonly float* v = v;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Change(long i, V w, V g)
        {
            V velocity = L.MulAdd(mu, L.Load(v + i), gradient.Of(w, g));
            L.Store(v + i, velocity);
            return L.Mul(rate, velocity);
        }
    }

    /// <summary>v ← μ v + g'; Δw = −η (g' + μ v).</summary>
    private readonly struct Nesterov(float* v, in StepConstants c) : IRule
    {
        private readonly Decayed gradient = new(c);
        private readonly V rate = L.Set(-c.Rate),
            mu = L.Set(c.Decay1);
        private readonly float* v = v;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Change(long i, V w, V g)
        {
            V decayed = gradient.Of(w, g),
                velocity = L.MulAdd(mu, L.Load(v + i), decayed);
            L.Store(v + i, velocity);
            return L.Mul(rate, L.MulAdd(mu, velocity, decayed));
        }
    }

    /// <summary>
    /// m ← β₁ m + (1 − β₁) g'; v ← β₂ v + (1 − β₂) g'²; Δw = −rate·m / (√v·root + ε) − shrink·w, where rate and root carry the bias
    /// corrections. Adam decays in g' and does not shrink, AdamW the other way round.
    /// </summary>
    private readonly struct Adam(float* m, float* v, in StepConstants c) : IRule
    {
        private readonly Decayed gradient = new(c);
        private readonly Decaying means = new(c.Decay1, c.OneMinusDecay1),
            squares = new(c.Decay2, c.OneMinusDecay2);
        private readonly V rate = L.Set(-c.Rate),
            root = L.Set(c.Root),
            epsilon = L.Set(c.Epsilon),
            shrink = L.Set(-c.Shrink);
        private readonly float* m = m,
            v = v;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Change(long i, V w, V g)
        {
            V decayed = gradient.Of(w, g);
            V mean = means.With(decayed, m + i),
                square = squares.With(L.Mul(decayed, decayed), v + i);
            return L.MulAdd(shrink, w, Ratio(L.Mul(rate, mean), L.MulAdd(L.Sqrt(square), root, epsilon)));
        }
    }

    /// <summary>s ← s + g'²; Δw = −η g' / (√s + ε).</summary>
    private readonly struct AdaGrad(float* s, in StepConstants c) : IRule
    {
        private readonly Decayed gradient = new(c);
        private readonly V rate = L.Set(-c.Rate),
            epsilon = L.Set(c.Epsilon);
        private readonly float* s = s;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Change(long i, V w, V g)
        {
            V decayed = gradient.Of(w, g),
                sum = L.MulAdd(decayed, decayed, L.Load(s + i));
            L.Store(s + i, sum);
            return Ratio(L.Mul(rate, decayed), L.Add(L.Sqrt(sum), epsilon));
        }
    }

    /// <summary>s ← ρ s + (1 − ρ) g'²; d = g' √(u + ε) / √(s + ε); u ← ρ u + (1 − ρ) d²; Δw = −η d.</summary>
    private readonly struct AdaDelta(float* s, float* u, in StepConstants c) : IRule
    {
        private readonly Decayed gradient = new(c);
        private readonly Decaying squares = new(c.Decay2, c.OneMinusDecay2);
        private readonly V rate = L.Set(-c.Rate),
            epsilon = L.Set(c.Epsilon);
        private readonly float* s = s,
            u = u;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Change(long i, V w, V g)
        {
            V decayed = gradient.Of(w, g),
                square = squares.With(L.Mul(decayed, decayed), s + i);
            V d = Ratio(L.Mul(decayed, L.Sqrt(L.Add(L.Load(u + i), epsilon))), L.Sqrt(L.Add(square, epsilon)));
            squares.With(L.Mul(d, d), u + i);
            return L.Mul(rate, d);
        }
    }

    /// <summary>s ← ρ s + (1 − ρ) g'²; Δw = −η g' / (√s + ε).</summary>
    private readonly struct RmsProp(float* s, in StepConstants c) : IRule
    {
        private readonly Decayed gradient = new(c);
        private readonly Decaying squares = new(c.Decay2, c.OneMinusDecay2);
        private readonly V rate = L.Set(-c.Rate),
            epsilon = L.Set(c.Epsilon);
        private readonly float* s = s;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public V Change(long i, V w, V g)
        {
            V decayed = gradient.Of(w, g);
            return Ratio(L.Mul(rate, decayed), L.Add(L.Sqrt(squares.With(L.Mul(decayed, decayed), s + i)), epsilon));
        }
    }
}
