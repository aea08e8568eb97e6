using System.Runtime.CompilerServices;
using BatchViz.Core.Specs;
using BatchViz.Engine.Cpu.Tiny;

namespace BatchViz.Engine.Cpu.Kernels;

/// <summary>Where a net in lanes finds a weight: one number for all lanes, or a register with one for each.</summary>
internal unsafe interface ITinyWeights<L, V>
    where L : struct, ILanes<V>
    where V : struct
{
    /// <summary>Floats from a weight to the next, and places from a row of a matrix to the next.</summary>
    static abstract int Step { get; }
    static abstract int Row(int outputs);
    static abstract V At(float* p);
}

/// <summary>Weights in the engine's padded layout, the same for all lanes.</summary>
internal readonly unsafe struct SharedWeights<L, V> : ITinyWeights<L, V>
    where L : struct, ILanes<V>
    where V : struct
{
    public static int Step => 1;

    public static int Row(int outputs) => WeightLayout.Lanes;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V At(float* p) => L.Set(*p);
}

/// <summary>Weights without padding, a register each: another net in every lane.</summary>
internal readonly unsafe struct OwnWeights<L, V> : ITinyWeights<L, V>
    where L : struct, ILanes<V>
    where V : struct
{
    public static int Step => L.Width;

    public static int Row(int outputs) => outputs;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V At(float* p) => L.Load(p);
}

/// <summary>
/// Forward, loss and backward of tiny nets in lanes. The order of every sum is that of one net alone with its units in lanes
/// (<see cref="One"/>): over inputs in their order; over units j first those with equal j mod Width in their order, then by halves.
/// So a net has the same bits whichever way it is computed.
/// </summary>
internal static unsafe class TinyKernels<L, V>
    where L : struct, ILanes<V>
    where V : struct
{
    private const MethodImplOptions Fast = MethodImplOptions.AggressiveOptimization;

    private static int Layer => WeightLayout.Lanes * L.Width;

    /// <summary>Activations of all layers from the features.</summary>
    [MethodImpl(Fast)]
    public static void Forward<M>(in TinyPlan plan, float* w)
        where M : ITinyWeights<L, V>
    {
        for (int l = 0; l < plan.Layers; l++)
        {
            int inputs = plan.Sizes[l],
                outputs = plan.Sizes[l + 1];
            float* z = plan.Outputs + (l + 1) * Layer;
            Product<M>(inputs, outputs, plan.Bias, l == 0 ? plan.Features : z - Layer, w, z);
            ActivationKernels<L, V>.Activate(plan.ActivationOf(l), outputs * L.Width, z, plan.Slopes + (l + 1) * Layer);
            w += (inputs + (plan.Bias ? 1 : 0)) * M.Row(outputs) * M.Step;
        }
    }

    /// <summary>z_j = bias_j + Σ x_i·w_ij over i in order.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Product<M>(int inputs, int outputs, bool bias, float* x, float* w, float* z)
        where M : ITinyWeights<L, V>
    {
        int row = M.Row(outputs) * M.Step,
            j = 0;
        float* b = w + inputs * row;
        for (; j + 8 <= outputs; j += 8)
        {
            float* p = w + j * M.Step;
            V s0 = L.Zero,
                s1 = L.Zero,
                s2 = L.Zero,
                s3 = L.Zero,
                s4 = L.Zero,
                s5 = L.Zero,
                s6 = L.Zero,
                s7 = L.Zero;
            if (bias)
            {
                float* c = b + j * M.Step;
                s0 = M.At(c);
                s1 = M.At(c + M.Step);
                s2 = M.At(c + 2 * M.Step);
                s3 = M.At(c + 3 * M.Step);
                s4 = M.At(c + 4 * M.Step);
                s5 = M.At(c + 5 * M.Step);
                s6 = M.At(c + 6 * M.Step);
                s7 = M.At(c + 7 * M.Step);
            }
            for (int i = 0; i < inputs; i++, p += row)
            {
                V v = L.Load(x + i * L.Width);
                s0 = L.MulAdd(v, M.At(p), s0);
                s1 = L.MulAdd(v, M.At(p + M.Step), s1);
                s2 = L.MulAdd(v, M.At(p + 2 * M.Step), s2);
                s3 = L.MulAdd(v, M.At(p + 3 * M.Step), s3);
                s4 = L.MulAdd(v, M.At(p + 4 * M.Step), s4);
                s5 = L.MulAdd(v, M.At(p + 5 * M.Step), s5);
                s6 = L.MulAdd(v, M.At(p + 6 * M.Step), s6);
                s7 = L.MulAdd(v, M.At(p + 7 * M.Step), s7);
            }
            float* to = z + j * L.Width;
            L.Store(to, s0);
            L.Store(to + L.Width, s1);
            L.Store(to + 2 * L.Width, s2);
            L.Store(to + 3 * L.Width, s3);
            L.Store(to + 4 * L.Width, s4);
            L.Store(to + 5 * L.Width, s5);
            L.Store(to + 6 * L.Width, s6);
            L.Store(to + 7 * L.Width, s7);
        }
        for (; j < outputs; j++)
        {
            float* p = w + j * M.Step;
            V s = bias ? M.At(b + j * M.Step) : L.Zero;
            for (int i = 0; i < inputs; i++, p += row)
                s = L.MulAdd(L.Load(x + i * L.Width), M.At(p), s);
            L.Store(z + j * L.Width, s);
        }
    }

    /// <summary>The lanes' losses; ∂loss/∂output, times scale, into the last layer's deltas, 0 in lanes that are not valid.</summary>
    [MethodImpl(Fast)]
    public static V Loss(in TinyPlan plan, float scale, V valid)
    {
        int outputs = plan.Sizes[plan.Layers];
        float* z = plan.Outputs + plan.Layers * Layer,
            delta = plan.Deltas + plan.Layers * Layer;
        V factor = L.Set(scale),
            loss;
        switch (plan.Loss)
        {
            case LossKind.CrossEntropy:
                V label = L.Load(plan.Labels),
                    max = L.Load(z),
                    right = L.Load(z);
                for (int j = 1; j < outputs; j++)
                {
                    V output = L.Load(z + j * L.Width);
                    max = L.Max(max, output);
                    right = L.Select(L.Same(label, L.Set(j)), output, right);
                }
                for (int j = 0; j < outputs; j++)
                {
                    V e = VectorMath<L, V>.Exp(L.Sub(L.Load(z + j * L.Width), max));
                    L.Store(delta + j * L.Width, e);
                    float* part = plan.Scratch + (j & (L.Width - 1)) * L.Width;
                    L.Store(part, j < L.Width ? e : L.Add(L.Load(part), e));
                }
                V total = Halves(plan.Scratch, outputs);
                loss = L.Add(VectorMath<L, V>.Log(total), L.Sub(max, right));
                V share = L.Div(factor, total);
                for (int j = 0; j < outputs; j++)
                {
                    V d = L.Mul(L.Load(delta + j * L.Width), share),
                        other = L.Select(L.Same(label, L.Set(j)), L.Zero, d);
                    L.Store(delta + j * L.Width, d);
                    float* part = plan.Scratch + (j & (L.Width - 1)) * L.Width;
                    L.Store(part, j < L.Width ? other : L.Add(L.Load(part), other));
                }
                V own = L.Sub(L.Zero, Halves(plan.Scratch, outputs));
                for (int j = 0; j < outputs; j++)
                {
                    V d = L.Select(L.Same(label, L.Set(j)), own, L.Load(delta + j * L.Width));
                    L.Store(delta + j * L.Width, L.Select(valid, d, L.Zero));
                }
                return loss;
            case LossKind.Logistic:
                V t = L.Load(plan.Signs),
                    y = L.Mul(t, L.Load(z));
                loss = LossKernels<L, V>.LogisticOf(y, out V wrong);
                L.Store(delta, L.Select(valid, L.Mul(L.Sub(L.Zero, L.Mul(t, wrong)), factor), L.Zero));
                return loss;
            default:
                if (outputs == 1)
                {
                    V d = L.Sub(L.Load(z), L.Load(plan.Targets));
                    L.Store(delta, L.Select(valid, L.Mul(d, factor), L.Zero));
                    return L.Mul(L.Set(0.5f), L.Mul(d, d));
                }
                for (int j = 0; j < outputs; j++)
                {
                    V d = L.Sub(L.Load(z + j * L.Width), L.Load(plan.Targets + j * L.Width));
                    float* part = plan.Scratch + (j & (L.Width - 1)) * L.Width;
                    L.Store(part, L.MulAdd(d, d, j < L.Width ? L.Zero : L.Load(part)));
                    L.Store(delta + j * L.Width, L.Select(valid, L.Mul(d, factor), L.Zero));
                }
                return L.Mul(L.Set(0.5f), Halves(plan.Scratch, outputs));
        }
    }

    /// <summary>
    /// From ∂loss/∂output to ∂loss/∂z of every layer, adding each layer's inputs times deltas to <paramref name="gradient"/>
    /// [parameters without padding][lanes]. Returns the lanes' ‖gradient of the example‖², times scale².
    /// </summary>
    [MethodImpl(Fast)]
    public static V Backward<M>(in TinyPlan plan, float* w, float* gradient)
        where M : ITinyWeights<L, V>
    {
        int bias = plan.Bias ? 1 : 0;
        for (int l = 0; l < plan.Layers; l++)
        {
            w += (plan.Sizes[l] + bias) * M.Row(plan.Sizes[l + 1]) * M.Step;
            gradient += (plan.Sizes[l] + bias) * plan.Sizes[l + 1] * L.Width;
        }
        V square = L.Zero;
        for (int l = plan.Layers - 1; l >= 0; l--)
        {
            int inputs = plan.Sizes[l],
                outputs = plan.Sizes[l + 1];
            float* x = l == 0 ? plan.Features : plan.Outputs + l * Layer,
                delta = plan.Deltas + (l + 1) * Layer;
            w -= (inputs + bias) * M.Row(outputs) * M.Step;
            gradient -= (inputs + bias) * outputs * L.Width;
            ActivationKernels<L, V>.ActivationBackward(
                plan.ActivationOf(l),
                outputs * L.Width,
                delta,
                plan.Outputs + (l + 1) * Layer,
                plan.Slopes + (l + 1) * Layer
            );
            Outer(inputs, outputs, plan.Bias, x, delta, gradient);
            V inputSquare = L.Add(Squares(inputs, x, plan.Scratch), plan.Bias ? L.Set(1f) : L.Zero);
            square = L.Add(square, L.Mul(inputSquare, Squares(outputs, delta, plan.Scratch)));
            if (l > 0)
                Below<M>(inputs, outputs, w, delta, delta - Layer, plan.Scratch);
        }
        return square;
    }

    /// <summary>below_i = Σ over j of delta_j·w_ij.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Below<M>(int inputs, int outputs, float* w, float* delta, float* below, float* scratch)
        where M : ITinyWeights<L, V>
    {
        int row = M.Row(outputs) * M.Step;
        if (outputs == 1)
        {
            V d = L.Load(delta);
            for (int i = 0; i < inputs; i++, w += row)
                L.Store(below + i * L.Width, L.MulAdd(d, M.At(w), L.Zero));
            return;
        }
        if (outputs == 8 && L.Width >= 8)
        {
            V d0 = L.Load(delta),
                d1 = L.Load(delta + L.Width),
                d2 = L.Load(delta + 2 * L.Width),
                d3 = L.Load(delta + 3 * L.Width);
            V d4 = L.Load(delta + 4 * L.Width),
                d5 = L.Load(delta + 5 * L.Width),
                d6 = L.Load(delta + 6 * L.Width),
                d7 = L.Load(delta + 7 * L.Width);
            for (int i = 0; i < inputs; i++, w += row)
            {
                V s0 = L.Add(L.MulAdd(d0, M.At(w), L.Zero), L.MulAdd(d4, M.At(w + 4 * M.Step), L.Zero));
                V s1 = L.Add(L.MulAdd(d1, M.At(w + M.Step), L.Zero), L.MulAdd(d5, M.At(w + 5 * M.Step), L.Zero));
                V s2 = L.Add(L.MulAdd(d2, M.At(w + 2 * M.Step), L.Zero), L.MulAdd(d6, M.At(w + 6 * M.Step), L.Zero));
                V s3 = L.Add(L.MulAdd(d3, M.At(w + 3 * M.Step), L.Zero), L.MulAdd(d7, M.At(w + 7 * M.Step), L.Zero));
                L.Store(below + i * L.Width, L.Add(L.Add(s0, s2), L.Add(s1, s3)));
            }
            return;
        }
        for (int i = 0; i < inputs; i++, w += row)
        {
            for (int j = 0; j < outputs; j++)
            {
                float* part = scratch + (j & (L.Width - 1)) * L.Width;
                L.Store(part, L.MulAdd(L.Load(delta + j * L.Width), M.At(w + j * M.Step), j < L.Width ? L.Zero : L.Load(part)));
            }
            L.Store(below + i * L.Width, Halves(scratch, outputs));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Outer(int inputs, int outputs, bool bias, float* x, float* delta, float* gradient)
    {
        int j = 0;
        for (; j + 4 <= outputs; j += 4)
        {
            float* d = delta + j * L.Width,
                g = gradient + j * L.Width;
            V d0 = L.Load(d),
                d1 = L.Load(d + L.Width),
                d2 = L.Load(d + 2 * L.Width),
                d3 = L.Load(d + 3 * L.Width);
            for (int i = 0; i < inputs; i++, g += outputs * L.Width)
            {
                V v = L.Load(x + i * L.Width);
                L.Store(g, L.MulAdd(v, d0, L.Load(g)));
                L.Store(g + L.Width, L.MulAdd(v, d1, L.Load(g + L.Width)));
                L.Store(g + 2 * L.Width, L.MulAdd(v, d2, L.Load(g + 2 * L.Width)));
                L.Store(g + 3 * L.Width, L.MulAdd(v, d3, L.Load(g + 3 * L.Width)));
            }
        }
        for (; j < outputs; j++)
        {
            float* g = gradient + j * L.Width;
            V d = L.Load(delta + j * L.Width);
            for (int i = 0; i < inputs; i++, g += outputs * L.Width)
                L.Store(g, L.MulAdd(L.Load(x + i * L.Width), d, L.Load(g)));
        }
        if (!bias)
            return;
        gradient += inputs * outputs * L.Width;
        for (j = 0; j < outputs; j++, gradient += L.Width)
            L.Store(gradient, L.Add(L.Load(gradient), L.Load(delta + j * L.Width)));
    }

    /// <summary>Σ v_u² over units.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Squares(int units, float* v, float* scratch)
    {
        if (units <= 2)
        {
            V first = L.Load(v),
                second = units == 2 ? L.Load(v + L.Width) : L.Zero;
            return L.Add(L.Mul(first, first), L.Mul(second, second));
        }
        if (units == 8 && L.Width >= 8)
        {
            V a = L.Load(v),
                b = L.Load(v + L.Width),
                c = L.Load(v + 2 * L.Width),
                d = L.Load(v + 3 * L.Width);
            V e = L.Load(v + 4 * L.Width),
                f = L.Load(v + 5 * L.Width),
                g = L.Load(v + 6 * L.Width),
                h = L.Load(v + 7 * L.Width);
            return L.Add(
                L.Add(L.Add(L.Mul(a, a), L.Mul(e, e)), L.Add(L.Mul(c, c), L.Mul(g, g))),
                L.Add(L.Add(L.Mul(b, b), L.Mul(f, f)), L.Add(L.Mul(d, d), L.Mul(h, h)))
            );
        }
        for (int u = 0; u < units; u++)
        {
            V x = L.Load(v + u * L.Width);
            float* part = scratch + (u & (L.Width - 1)) * L.Width;
            L.Store(part, L.MulAdd(x, x, u < L.Width ? L.Zero : L.Load(part)));
        }
        return Halves(scratch, units);
    }

    /// <summary>Sum of min(units, Width) registers, in the order of <see cref="ILanes{V}.SumOf"/> over lanes; overwrites them.</summary>
    [MethodImpl(Fast)]
    public static V Halves(float* parts, int units)
    {
        int held = Math.Min(units, L.Width);
        for (int half = L.Width / 2; half >= 1; half /= 2)
        {
            for (int k = 0; k < half; k++)
            {
                float* p = parts + k * L.Width;
                if (k + half < held)
                    L.Store(p, L.Add(L.Load(p), L.Load(p + half * L.Width)));
                else if (k < held && held < L.Width)
                    L.Store(p, L.Add(L.Load(p), L.Zero));
            }
            held = Math.Min(held, half);
        }
        return L.Load(parts);
    }
}
