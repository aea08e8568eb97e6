using System.Runtime.CompilerServices;
using BatchViz.Core.Specs;

namespace BatchViz.Engine.Cpu.Kernels;

/// <summary>
/// Activations and their derivatives, elementwise over padded rows (count is a multiple of <see cref="WeightLayout.Lanes"/>).
/// </summary>
internal static unsafe class ActivationKernels<L, V>
    where L : struct, ILanes<V>
    where V : struct
{
    private const float SqrtHalf = 0.707106781186547524f,
        InverseSqrt2Pi = 0.398942280401432678f;

    /// <summary>
    /// a = σ(z) in place. GELU also writes σ'(z) to <paramref name="slope"/> unless it is null; the others' slope follows from a.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Activate(Activation kind, long count, float* z, float* slope)
    {
        switch (kind)
        {
            case Activation.Relu:
                // NaN stays NaN: Max gives its second operand then.
                for (long i = 0; i < count; i += L.Width)
                    L.Store(z + i, L.Max(L.Zero, L.Load(z + i)));
                break;
            case Activation.Tanh:
                for (long i = 0; i < count; i += L.Width)
                    L.Store(z + i, VectorMath<L, V>.Tanh(L.Load(z + i)));
                break;
            case Activation.Sigmoid:
                for (long i = 0; i < count; i += L.Width)
                    L.Store(z + i, VectorMath<L, V>.Sigmoid(L.Load(z + i)));
                break;
            case Activation.Gelu:
                Gelu(count, z, slope);
                break;
        }
    }

    /// <summary>delta = delta·σ'(z), from a = σ(z) or, for GELU, from the slope. ReLU's slope at 0 is 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void ActivationBackward(Activation kind, long count, float* delta, float* a, float* slope)
    {
        V one = L.Set(1f);
        switch (kind)
        {
            case Activation.Relu:
                for (long i = 0; i < count; i += L.Width)
                    L.Store(delta + i, L.Select(L.Less(L.Zero, L.Load(a + i)), L.Load(delta + i), L.Zero));
                break;
            case Activation.Tanh:
                for (long i = 0; i < count; i += L.Width)
                {
                    V t = L.Load(a + i);
                    L.Store(delta + i, L.Mul(L.Load(delta + i), L.Mul(L.Sub(one, t), L.Add(one, t))));
                }
                break;
            case Activation.Sigmoid:
                for (long i = 0; i < count; i += L.Width)
                {
                    V s = L.Load(a + i);
                    L.Store(delta + i, L.Mul(L.Load(delta + i), L.Mul(s, L.Sub(one, s))));
                }
                break;
            case Activation.Gelu:
                for (long i = 0; i < count; i += L.Width)
                    L.Store(delta + i, L.Mul(L.Load(delta + i), L.Load(slope + i)));
                break;
        }
    }

    /// <summary>z·Φ(z), Φ(z) = ½(1 + erf(z/√2)) (Hendrycks and Gimpel 2016, the exact form); slope Φ(z) + z·φ(z).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Gelu(long count, float* z, float* slope)
    {
        V half = L.Set(0.5f);
        for (long i = 0; i < count; i += L.Width)
        {
            V x = L.Load(z + i);
            V phi = L.MulAdd(half, VectorMath<L, V>.Erf(L.Mul(x, L.Set(SqrtHalf))), half);
            L.Store(z + i, L.Mul(x, phi));
            if (slope == null)
                continue;
            V density = L.Mul(L.Set(InverseSqrt2Pi), VectorMath<L, V>.Exp(L.Mul(L.Mul(x, x), L.Set(-0.5f))));
            L.Store(slope + i, L.MulAdd(x, density, phi));
        }
    }
}
