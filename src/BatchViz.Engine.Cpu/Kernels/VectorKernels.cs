using System.Runtime.CompilerServices;

namespace BatchViz.Engine.Cpu.Kernels;

/// <summary>One example at a time: the matrix-vector products and rank-one updates of batch size 1.</summary>
internal static unsafe class VectorKernels<L, V>
    where L : struct, ILanes<V>
    where V : struct
{
    /// <summary>z[j] = bias[j] + Σ x[i]·w[i, j] over the listed rows i, in their order.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void ListedRows(int listed, int* list, int columns, float* x, float* w, float* bias, float* z)
    {
        int j = 0;
        for (; j + 8 * L.Width <= columns; j += 8 * L.Width)
        {
            V s0 = L.Zero,
                s1 = L.Zero,
                s2 = L.Zero,
                s3 = L.Zero,
                s4 = L.Zero,
                s5 = L.Zero,
                s6 = L.Zero,
                s7 = L.Zero;
            if (bias != null)
            {
                float* b = bias + j;
                s0 = L.Load(b);
                s1 = L.Load(b + L.Width);
                s2 = L.Load(b + 2 * L.Width);
                s3 = L.Load(b + 3 * L.Width);
                s4 = L.Load(b + 4 * L.Width);
                s5 = L.Load(b + 5 * L.Width);
                s6 = L.Load(b + 6 * L.Width);
                s7 = L.Load(b + 7 * L.Width);
            }
            for (int k = 0; k < listed; k++)
            {
                int i = list[k];
                float* row = w + (nint)i * columns + j;
                V v = L.Set(x[i]);
                s0 = L.MulAdd(v, L.Load(row), s0);
                s1 = L.MulAdd(v, L.Load(row + L.Width), s1);
                s2 = L.MulAdd(v, L.Load(row + 2 * L.Width), s2);
                s3 = L.MulAdd(v, L.Load(row + 3 * L.Width), s3);
                s4 = L.MulAdd(v, L.Load(row + 4 * L.Width), s4);
                s5 = L.MulAdd(v, L.Load(row + 5 * L.Width), s5);
                s6 = L.MulAdd(v, L.Load(row + 6 * L.Width), s6);
                s7 = L.MulAdd(v, L.Load(row + 7 * L.Width), s7);
            }
            float* to = z + j;
            L.Store(to, s0);
            L.Store(to + L.Width, s1);
            L.Store(to + 2 * L.Width, s2);
            L.Store(to + 3 * L.Width, s3);
            L.Store(to + 4 * L.Width, s4);
            L.Store(to + 5 * L.Width, s5);
            L.Store(to + 6 * L.Width, s6);
            L.Store(to + 7 * L.Width, s7);
        }
        for (; j + 2 * L.Width <= columns; j += 2 * L.Width)
        {
            V s0 = L.Zero,
                s1 = L.Zero;
            if (bias != null)
            {
                s0 = L.Load(bias + j);
                s1 = L.Load(bias + j + L.Width);
            }
            for (int k = 0; k < listed; k++)
            {
                float* row = w + (nint)list[k] * columns + j;
                V v = L.Set(x[list[k]]);
                s0 = L.MulAdd(v, L.Load(row), s0);
                s1 = L.MulAdd(v, L.Load(row + L.Width), s1);
            }
            L.Store(z + j, s0);
            L.Store(z + j + L.Width, s1);
        }
        for (; j < columns; j += L.Width)
        {
            V s = bias == null ? L.Zero : L.Load(bias + j);
            for (int k = 0; k < listed; k++)
                s = L.MulAdd(L.Set(x[list[k]]), L.Load(w + (nint)list[k] * columns + j), s);
            L.Store(z + j, s);
        }
    }

    /// <summary>
    /// w[i, ·] += scale·x[i]·delta for the listed rows; returns Σ w·Δw with the weights before. Adds the gradient's components
    /// x[i]·delta[j] of these rows to the summary.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static double AddListedOuter(
        int listed,
        int* list,
        int columns,
        float scale,
        float* x,
        float* delta,
        float* w,
        ref GradientSummary summary
    )
    {
        V factor = L.Set(scale),
            nibbles = L.Zero,
            even = L.Zero,
            odd = L.Zero,
            largest = L.Zero;
        double total = 0;
        int rounds = 0;
        for (int j = 0; j < columns; j += 4 * L.Width)
        {
            int registers = Math.Min(4, (columns - j) / L.Width);
            V dots = L.Zero;
            for (int k = 0; k < listed; k++)
            {
                float* row = w + (nint)list[k] * columns + j;
                V v = L.Set(x[list[k]]);
                for (int r = 0; r < registers; r++)
                {
                    V g = L.Mul(v, L.Load(delta + j + r * L.Width)),
                        step = L.Mul(factor, g),
                        old = L.Load(row + r * L.Width);
                    dots = L.MulAdd(step, old, dots);
                    largest = L.MaxInts(largest, L.And(g, GradientSummary.Magnitude));
                    nibbles = L.AddInts(nibbles, L.NibbleOfMagnitude(g, GradientSummary.LowestExponent));
                    L.Store(row + r * L.Width, L.Add(old, step));
                }
                if ((k & 1) == 0 && k + 1 < listed)
                    continue;
                StatisticsKernels<L, V>.Widen(ref nibbles, ref even, ref odd);
                if (++rounds < 30)
                    continue;
                StatisticsKernels<L, V>.Empty(ref even, ref odd, ref summary);
                rounds = 0;
            }
            total += L.SumOf(dots);
        }
        StatisticsKernels<L, V>.Empty(ref even, ref odd, ref summary);
        summary.Meet(L.MaxOfInts(largest));
        return total;
    }

    /// <summary>back[i] = Σⱼ delta[j]·w[i, j] for i in 0 … rows − 1; back's padding up to <paramref name="padded"/> is set to 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void RowsTimesDelta(int rows, int padded, int columns, float* w, float* delta, float* back)
    {
        int i = 0;
        for (; i + 4 <= rows; i += 4)
        {
            float* w0 = w + (nint)i * columns,
                w1 = w0 + columns,
                w2 = w1 + columns,
                w3 = w2 + columns;
            V s0 = L.Zero,
                s1 = L.Zero,
                s2 = L.Zero,
                s3 = L.Zero;
            for (int j = 0; j < columns; j += L.Width)
            {
                V d = L.Load(delta + j);
                s0 = L.MulAdd(d, L.Load(w0 + j), s0);
                s1 = L.MulAdd(d, L.Load(w1 + j), s1);
                s2 = L.MulAdd(d, L.Load(w2 + j), s2);
                s3 = L.MulAdd(d, L.Load(w3 + j), s3);
            }
            back[i] = L.SumOf(s0);
            back[i + 1] = L.SumOf(s1);
            back[i + 2] = L.SumOf(s2);
            back[i + 3] = L.SumOf(s3);
        }
        for (; i < rows; i++)
        {
            V s = L.Zero;
            for (int j = 0; j < columns; j += L.Width)
                s = L.MulAdd(L.Load(delta + j), L.Load(w + (nint)i * columns + j), s);
            back[i] = L.SumOf(s);
        }
        for (; i < padded; i++)
            back[i] = 0;
    }

    /// <summary>Σ p², in blocks summed in float and added up in double; a block that overflows is summed again in double.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static double SumSquares(long count, float* p)
    {
        const int Block = 1024;
        double total = 0;
        while (count > 0)
        {
            int n = (int)Math.Min(count, Block),
                i = 0;
            V s0 = L.Zero,
                s1 = L.Zero;
            for (; i + 2 * L.Width <= n; i += 2 * L.Width)
            {
                V a = L.Load(p + i),
                    b = L.Load(p + i + L.Width);
                s0 = L.MulAdd(a, a, s0);
                s1 = L.MulAdd(b, b, s1);
            }
            float sum = L.SumOf(L.Add(s0, s1));
            for (; i < n; i++)
                sum += p[i] * p[i];
            if (float.IsFinite(sum))
            {
                total += sum;
            }
            else
            {
                for (i = 0; i < n; i++)
                    total += (double)p[i] * p[i];
            }
            p += n;
            count -= n;
        }
        return total;
    }

    /// <summary>to = a + x·b + y·c; a, b and c may be null for 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Combine(long count, float* a, float x, float* b, float y, float* c, float* to)
    {
        V vx = L.Set(x),
            vy = L.Set(y);
        for (long i = 0; i < count; i += L.Width)
        {
            V s = L.Load(a + i);
            if (b != null)
                s = L.MulAdd(vx, L.Load(b + i), s);
            if (c != null)
                s = L.MulAdd(vy, L.Load(c + i), s);
            L.Store(to + i, s);
        }
    }

    /// <summary>to[i] = scale·bytes[i] + offset, the two rounded apart, as <see cref="Core.Data.DataSplit.CopyFeatures"/> does.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void FromBytes(int count, byte* bytes, float scale, float offset, float* to)
    {
        V s = L.Set(scale),
            o = L.Set(offset);
        int i = 0;
        for (; i + L.Width <= count; i += L.Width)
            L.Store(to + i, L.Add(L.Mul(s, L.LoadBytes(bytes + i)), o));
        for (; i < count; i++)
            to[i] = scale * bytes[i] + offset;
    }
}
