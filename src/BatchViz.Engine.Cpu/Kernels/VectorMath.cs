using System.Runtime.CompilerServices;

namespace BatchViz.Engine.Cpu.Kernels;

/// <summary>
/// exp, log, tanh, sigmoid and erf of a register of floats, without the system's mathematics library, so that a kernel path has the
/// same bits on every machine. Errors (tested over the whole range): about 2 units in the last place, sigmoid 3, tanh 6 (near 1).
/// Polynomials: Cephes (Moshier) for exp and log; erf after N. Juffa's published minimax fit.
/// </summary>
internal static class VectorMath<L, V>
    where L : struct, ILanes<V>
    where V : struct
{
    private const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;
    private const float Log2E = 1.44269504088896341f,
        Ln2High = 0.693359375f,
        Ln2Low = -2.12194440e-4f;

    /// <summary>Adding it rounds a float below 2²² to an integer that is left in the low bits.</summary>
    private const float RoundingShift = 12582912f;

    /// <summary>eᵃ; results below 2.5e-38 are 0, above the largest float +∞; NaN stays NaN.</summary>
    [MethodImpl(Inline)]
    public static V Exp(V a)
    {
        V x = L.Max(L.Set(-87f), L.Min(L.Set(89f), a));
        V t = L.MulAdd(x, L.Set(Log2E), L.Set(RoundingShift));
        V r = Reduced(x, L.Sub(t, L.Set(RoundingShift)));
        V p = L.Add(ExpMinusOneOfReduced(r), L.Set(1f));
        V e = L.Mul(L.Mul(p, L.Set(2f)), L.PowerOfTwo(t, 126));
        return L.Select(L.Less(a, L.Set(-86.6f)), L.Zero, e);
    }

    /// <summary>Natural logarithm; log 0 = −∞, of a negative number NaN, of +∞ +∞.</summary>
    [MethodImpl(Inline)]
    public static V Log(V a)
    {
        V tiny = L.Less(a, L.Set(1.17549435e-38f));
        V x = L.Select(tiny, L.Mul(a, L.Set(8388608f)), a);
        V f = L.Sub(L.SplitExponent(x, out V e), L.Set(1f));
        e = L.Select(tiny, L.Sub(e, L.Set(23f)), e);
        V z = L.Mul(f, f);
        V y = L.MulAdd(L.Set(7.0376836292e-2f), f, L.Set(-1.1514610310e-1f));
        y = L.MulAdd(y, f, L.Set(1.1676998740e-1f));
        y = L.MulAdd(y, f, L.Set(-1.2420140846e-1f));
        y = L.MulAdd(y, f, L.Set(1.4249322787e-1f));
        y = L.MulAdd(y, f, L.Set(-1.6668057665e-1f));
        y = L.MulAdd(y, f, L.Set(2.0000714765e-1f));
        y = L.MulAdd(y, f, L.Set(-2.4999993993e-1f));
        y = L.MulAdd(y, f, L.Set(3.3333331174e-1f));
        y = L.Mul(y, L.Mul(f, z));
        y = L.MulAdd(e, L.Set(Ln2Low), y);
        y = L.MulAdd(z, L.Set(-0.5f), y);
        V log = L.MulAdd(e, L.Set(Ln2High), L.Add(f, y));
        log = L.Select(L.Same(a, L.Set(float.PositiveInfinity)), a, log);
        log = L.Select(L.Same(a, L.Zero), L.Set(float.NegativeInfinity), log);
        // NaN and negative numbers: neither below nor at zero, nor above it.
        return L.Select(L.Less(a, L.Zero), L.Set(float.NaN), L.Select(L.Same(a, a), log, a));
    }

    /// <summary>ln(1 + u) for 0 ≤ u ≤ 1, to the relative precision of a float also for tiny u.</summary>
    [MethodImpl(Inline)]
    public static V LogOnePlus(V u)
    {
        V w = L.Add(u, L.Set(1f));
        V lost = L.Sub(u, L.Sub(w, L.Set(1f)));
        return L.Add(Log(w), L.Div(lost, w));
    }

    /// <summary>
    /// tanh a = a·P(a²)/Q(a²), a minimax fit of both of degree 4 on |a| ≤ 9.1 (relative error 3e-8 before rounding), where tanh is 1;
    /// beyond, a² stays there and the product is cut at ±1. Half the work of a way through e²ᵃ, and small a keep their precision.
    /// </summary>
    [MethodImpl(Inline)]
    public static V Tanh(V a)
    {
        V one = L.Set(1f),
            s = L.Min(L.Set(9.1f * 9.1f), L.Mul(a, a));
        V p = L.MulAdd(L.Set(1.324290899162861e-8f), s, L.Set(2.053412754321471e-5f));
        V q = L.MulAdd(L.Set(7.732481890343479e-7f), s, L.Set(3.2784248469397426e-4f));
        p = L.MulAdd(p, s, L.Set(3.4912924747914076e-3f));
        q = L.MulAdd(q, s, L.Set(2.5860922411084175e-2f));
        p = L.MulAdd(p, s, L.Set(1.337750405073166e-1f));
        q = L.MulAdd(q, s, L.Set(4.6710827946662903e-1f));
        p = L.MulAdd(p, s, one);
        q = L.MulAdd(q, s, one);
        return L.Max(L.Set(-1f), L.Min(one, L.Div(L.Mul(a, p), q)));
    }

    /// <summary>1 / (1 + e⁻ᵃ).</summary>
    [MethodImpl(Inline)]
    public static V Sigmoid(V a) => L.Div(L.Set(1f), L.Add(L.Set(1f), Exp(L.Sub(L.Zero, a))));

    /// <summary>The error function 2/√π ∫₀ᵃ e^(−t²) dt.</summary>
    [MethodImpl(Inline)]
    public static V Erf(V a)
    {
        V t = L.Min(L.Set(4f), L.Abs(a)),
            s = L.Mul(t, t);
        V u = L.MulAdd(L.Set(-3.88396438e-3f), t, L.Set(2.42546219e-2f));
        V r = L.MulAdd(L.Set(-1.72853470e-5f), t, L.Set(3.83197126e-4f));
        r = L.MulAdd(r, s, u);
        r = L.MulAdd(r, t, L.Set(-1.06777877e-1f));
        r = L.MulAdd(r, t, L.Set(-6.34846687e-1f));
        r = L.MulAdd(r, t, L.Set(-1.28717512e-1f));
        r = L.Sub(L.Mul(r, t), t);
        V outer = L.Sub(L.Set(1f), Exp(r));

        V q = L.MulAdd(L.Set(-5.96761703e-4f), s, L.Set(4.99119423e-3f));
        q = L.MulAdd(q, s, L.Set(-2.67681349e-2f));
        q = L.MulAdd(q, s, L.Set(1.12819925e-1f));
        q = L.MulAdd(q, s, L.Set(-3.76125336e-1f));
        q = L.MulAdd(q, s, L.Set(1.28379166e-1f));
        V inner = L.MulAdd(q, t, t);
        return L.WithSign(L.Select(L.Less(L.Set(0.927734375f), t), outer, inner), a);
    }

    [MethodImpl(Inline)]
    private static V Reduced(V x, V n) => L.MulAdd(n, L.Set(-Ln2Low), L.MulAdd(n, L.Set(-Ln2High), x));

    /// <summary>eʳ − 1 for |r| ≤ ½ ln 2.</summary>
    [MethodImpl(Inline)]
    private static V ExpMinusOneOfReduced(V r)
    {
        V y = L.MulAdd(L.Set(1.9875691500e-4f), r, L.Set(1.3981999507e-3f));
        y = L.MulAdd(y, r, L.Set(8.3334519073e-3f));
        y = L.MulAdd(y, r, L.Set(4.1665795894e-2f));
        y = L.MulAdd(y, r, L.Set(1.6666665459e-1f));
        y = L.MulAdd(y, r, L.Set(5.0000001201e-1f));
        return L.MulAdd(y, L.Mul(r, r), r);
    }
}
