using System.Runtime.CompilerServices;
using BatchViz.Core.Specs;

namespace BatchViz.Engine.Cpu.Kernels;

/// <summary>
/// What the R-operator (Pearlmutter 1994) needs beside products: second derivatives of activations and losses, elementwise over
/// padded rows. Every derivative multiplies something whose padding is 0, so padding stays 0.
/// </summary>
internal static unsafe class CurvatureKernels<L, V>
    where L : struct, ILanes<V>
    where V : struct
{
    private const float InverseSqrt2Pi = 0.398942280401432678f;

    /// <summary>
    /// bend = delta·σ''(z), for tanh, sigmoid and GELU; the others have none. GELU reads z from bend and needs no a: φ(z)(2 − z²).
    /// Tanh: −2a(1 − a²). Sigmoid: a(1 − a)(1 − 2a).
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void ActivationSecondDerivative(Activation kind, long count, float* delta, float* a, float* bend)
    {
        V one = L.Set(1f),
            two = L.Set(2f);
        switch (kind)
        {
            case Activation.Tanh:
                for (long i = 0; i < count; i += L.Width)
                {
                    V t = L.Load(a + i);
                    V second = L.Mul(L.Mul(L.Set(-2f), t), L.Mul(L.Sub(one, t), L.Add(one, t)));
                    L.Store(bend + i, L.Mul(L.Load(delta + i), second));
                }
                break;
            case Activation.Sigmoid:
                for (long i = 0; i < count; i += L.Width)
                {
                    V s = L.Load(a + i);
                    V second = L.Mul(L.Mul(s, L.Sub(one, s)), L.Sub(one, L.Add(s, s)));
                    L.Store(bend + i, L.Mul(L.Load(delta + i), second));
                }
                break;
            case Activation.Gelu:
                for (long i = 0; i < count; i += L.Width)
                {
                    V z = L.Load(bend + i),
                        square = L.Mul(z, z);
                    V density = L.Mul(L.Set(InverseSqrt2Pi), VectorMath<L, V>.Exp(L.Mul(square, L.Set(-0.5f))));
                    // Where the density has vanished its square may have overflowed.
                    V second = L.Select(L.Less(L.Zero, density), L.Mul(density, L.Sub(two, square)), L.Zero);
                    L.Store(bend + i, L.Mul(L.Load(delta + i), second));
                }
                break;
        }
    }

    /// <summary>to += a∘b.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void AddProduct(long count, float* a, float* b, float* to)
    {
        for (long i = 0; i < count; i += L.Width)
            L.Store(to + i, L.MulAdd(L.Load(a + i), L.Load(b + i), L.Load(to + i)));
    }

    /// <summary>p = softmax of each row's first <paramref name="classes"/>, the rest 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Softmax(int rows, int classes, int stride, float* z, float* p)
    {
        V lowest = L.Set(float.NegativeInfinity);
        for (int b = 0; b < rows; b++)
        {
            float* row = z + (nint)b * stride,
                to = p + (nint)b * stride;
            V top = lowest;
            for (int j = 0; j < classes; j += L.Width)
                top = L.Max(top, L.Select(L.FirstLanes(classes - j), L.Load(row + j), lowest));
            V shift = L.Set(L.MaxOf(top)),
                sum = L.Zero;
            for (int j = 0; j < stride; j += L.Width)
            {
                V e = L.Select(L.FirstLanes(classes - j), VectorMath<L, V>.Exp(L.Sub(L.Load(row + j), shift)), L.Zero);
                sum = L.Add(sum, e);
                L.Store(to + j, e);
            }
            V factor = L.Set(1f / L.SumOf(sum));
            for (int j = 0; j < stride; j += L.Width)
                L.Store(to + j, L.Mul(L.Load(to + j), factor));
        }
    }

    /// <summary>
    /// r ← p∘r − p⟨p, r⟩ of each row: the Hessian of softmax cross-entropy. The r of the likeliest class is taken out first, which
    /// changes nothing but keeps the difference exact where that class has nearly all of p.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void CrossEntropyCurvature(int rows, int classes, int stride, float* p, float* r)
    {
        for (int b = 0; b < rows; b++)
        {
            float* row = p + (nint)b * stride,
                to = r + (nint)b * stride;
            int likeliest = 0;
            for (int j = 1; j < classes; j++)
            {
                if (row[j] > row[likeliest])
                    likeliest = j;
            }
            V shift = L.Set(to[likeliest]),
                sum = L.Zero;
            for (int j = 0; j < stride; j += L.Width)
            {
                V d = L.Sub(L.Load(to + j), shift);
                sum = L.MulAdd(L.Load(row + j), d, sum);
                L.Store(to + j, d);
            }
            V mean = L.Set(L.SumOf(sum));
            for (int j = 0; j < stride; j += L.Width)
                L.Store(to + j, L.Mul(L.Load(row + j), L.Sub(L.Load(to + j), mean)));
        }
    }

    /// <summary>Logistic loss: the first of each row is e^(−|z|) / (1 + e^(−|z|))², its second derivative by z; the rest 0.</summary>
    /// <param name="spare">[rows], a multiple of 16 floats, overwritten.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void LogisticCurvature(int rows, int stride, float* z, float* spare, float* curve)
    {
        for (int b = 0; b < rows; b++)
            spare[b] = z[(nint)b * stride];
        V one = L.Set(1f);
        for (int b = 0; b < rows; b += L.Width)
        {
            V u = VectorMath<L, V>.Exp(L.Sub(L.Zero, L.Abs(L.Load(spare + b)))),
                w = L.Add(one, u);
            L.Store(spare + b, L.Div(u, L.Mul(w, w)));
        }
        for (int b = 0; b < rows; b++)
        {
            float* to = curve + (nint)b * stride;
            for (int j = 0; j < stride; j += L.Width)
                L.Store(to + j, L.Zero);
            to[0] = spare[b];
        }
    }

    /// <summary>r ← curve∘r.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply(long count, float* curve, float* r)
    {
        for (long i = 0; i < count; i += L.Width)
            L.Store(r + i, L.Mul(L.Load(curve + i), L.Load(r + i)));
    }

    /// <summary>p ← factor·p.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Scale(long count, float factor, float* p)
    {
        V f = L.Set(factor);
        for (long i = 0; i < count; i += L.Width)
            L.Store(p + i, L.Mul(f, L.Load(p + i)));
    }
}
