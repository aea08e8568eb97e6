using System.Runtime.CompilerServices;
using BatchViz.Core.Specs;

namespace BatchViz.Engine.Cpu.Kernels;

/// <summary>
/// Layers with examples in the lanes: of each unit four registers, one example a lane, unit after unit; weights are read one by one
/// in canonical order and go to all lanes. Narrow layers need no padding, and softmax works down the classes instead of across.
/// </summary>
internal static unsafe class LaneForward<L, V>
    where L : struct, ILanes<V>
    where V : struct
{
    /// <summary>Registers of a unit.</summary>
    public const int Registers = 4;

    /// <summary>Examples of a block.</summary>
    public static int Block => Registers * L.Width;

    /// <summary>z[o] = bias[o] + Σ w[o, i]·x[i], with i from first to last for every element whatever the tile it lies in.</summary>
    /// <param name="w">[outputs, inputs] row-major.</param>
    /// <param name="bias">[outputs], or null for 0.</param>
    /// <param name="x">[inputs, block].</param>
    /// <param name="z">[outputs, block].</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Layer(int inputs, int outputs, float* w, float* bias, float* x, float* z)
    {
        int o = 0;
        for (; o + 4 <= outputs; o += 4)
        {
            float* w0 = w + (nint)o * inputs,
                w1 = w0 + inputs,
                w2 = w1 + inputs,
                w3 = w2 + inputs;
            V b0 = L.Zero,
                b1 = L.Zero,
                b2 = L.Zero,
                b3 = L.Zero;
            if (bias != null)
            {
                b0 = L.Set(bias[o]);
                b1 = L.Set(bias[o + 1]);
                b2 = L.Set(bias[o + 2]);
                b3 = L.Set(bias[o + 3]);
            }
            for (int c = 0; c < Block; c += 2 * L.Width)
            {
                V s00 = b0,
                    s01 = b0,
                    s10 = b1,
                    s11 = b1,
                    s20 = b2,
                    s21 = b2,
                    s30 = b3,
                    s31 = b3,
                    v;
                float* p = x + c;
                for (nint i = 0; i < inputs; i++, p += Block)
                {
                    V x0 = L.Load(p),
                        x1 = L.Load(p + L.Width);
                    v = L.Set(w0[i]);
                    s00 = L.MulAdd(v, x0, s00);
                    s01 = L.MulAdd(v, x1, s01);
                    v = L.Set(w1[i]);
                    s10 = L.MulAdd(v, x0, s10);
                    s11 = L.MulAdd(v, x1, s11);
                    v = L.Set(w2[i]);
                    s20 = L.MulAdd(v, x0, s20);
                    s21 = L.MulAdd(v, x1, s21);
                    v = L.Set(w3[i]);
                    s30 = L.MulAdd(v, x0, s30);
                    s31 = L.MulAdd(v, x1, s31);
                }
                float* to = z + (nint)o * Block + c;
                L.Store(to, s00);
                L.Store(to + L.Width, s01);
                L.Store(to + Block, s10);
                L.Store(to + Block + L.Width, s11);
                L.Store(to + 2 * Block, s20);
                L.Store(to + 2 * Block + L.Width, s21);
                L.Store(to + 3 * Block, s30);
                L.Store(to + 3 * Block + L.Width, s31);
            }
        }
        if (o + 2 <= outputs)
        {
            float* w0 = w + (nint)o * inputs,
                w1 = w0 + inputs;
            V b0 = bias == null ? L.Zero : L.Set(bias[o]),
                b1 = bias == null ? L.Zero : L.Set(bias[o + 1]),
                v;
            V s00 = b0,
                s01 = b0,
                s02 = b0,
                s03 = b0,
                s10 = b1,
                s11 = b1,
                s12 = b1,
                s13 = b1;
            float* p = x;
            for (nint i = 0; i < inputs; i++, p += Block)
            {
                V x0 = L.Load(p),
                    x1 = L.Load(p + L.Width),
                    x2 = L.Load(p + 2 * L.Width),
                    x3 = L.Load(p + 3 * L.Width);
                v = L.Set(w0[i]);
                s00 = L.MulAdd(v, x0, s00);
                s01 = L.MulAdd(v, x1, s01);
                s02 = L.MulAdd(v, x2, s02);
                s03 = L.MulAdd(v, x3, s03);
                v = L.Set(w1[i]);
                s10 = L.MulAdd(v, x0, s10);
                s11 = L.MulAdd(v, x1, s11);
                s12 = L.MulAdd(v, x2, s12);
                s13 = L.MulAdd(v, x3, s13);
            }
            float* to = z + (nint)o * Block;
            L.Store(to, s00);
            L.Store(to + L.Width, s01);
            L.Store(to + 2 * L.Width, s02);
            L.Store(to + 3 * L.Width, s03);
            to += Block;
            L.Store(to, s10);
            L.Store(to + L.Width, s11);
            L.Store(to + 2 * L.Width, s12);
            L.Store(to + 3 * L.Width, s13);
            o += 2;
        }
        if (o < outputs)
        {
            float* w0 = w + (nint)o * inputs;
            V b0 = bias == null ? L.Zero : L.Set(bias[o]),
                s0 = b0,
                s1 = b0,
                s2 = b0,
                s3 = b0;
            float* p = x;
            for (nint i = 0; i < inputs; i++, p += Block)
            {
                V v = L.Set(w0[i]);
                s0 = L.MulAdd(v, L.Load(p), s0);
                s1 = L.MulAdd(v, L.Load(p + L.Width), s1);
                s2 = L.MulAdd(v, L.Load(p + 2 * L.Width), s2);
                s3 = L.MulAdd(v, L.Load(p + 3 * L.Width), s3);
            }
            float* to = z + (nint)o * Block;
            L.Store(to, s0);
            L.Store(to + L.Width, s1);
            L.Store(to + 2 * L.Width, s2);
            L.Store(to + 3 * L.Width, s3);
        }
    }

    /// <summary>to = σ(a + x·b), elementwise; ReLU and tanh in one pass.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void CombineActivate(Activation kind, long count, float* a, float x, float* b, float* to)
    {
        V vx = L.Set(x);
        switch (kind)
        {
            case Activation.Relu:
                for (long i = 0; i < count; i += L.Width)
                    L.Store(to + i, L.Max(L.Zero, L.MulAdd(vx, L.Load(b + i), L.Load(a + i))));
                break;
            case Activation.Tanh:
                for (long i = 0; i < count; i += L.Width)
                    L.Store(to + i, VectorMath<L, V>.Tanh(L.MulAdd(vx, L.Load(b + i), L.Load(a + i))));
                break;
            default:
                VectorKernels<L, V>.Combine(count, a, x, b, 0, null, to);
                ActivationKernels<L, V>.Activate(kind, count, to, null);
                break;
        }
    }
}
