using System.Runtime.CompilerServices;
using BatchViz.Engine.Cpu.Dense;

namespace BatchViz.Engine.Cpu.Kernels;

/// <summary>
/// Products of a first layer whose inputs are mostly 0, as the pixels of digits are. A product with 0 changes no sum, so these give the
/// bits of <see cref="MatrixProduct{L, V}"/> for finite weights, and which of them is used is a question of speed alone.
/// </summary>
internal static unsafe class SparseKernels<L, V>
    where L : struct, ILanes<V>
    where V : struct
{
    private const MethodImplOptions Fast = MethodImplOptions.AggressiveOptimization;

    /// <summary>z[b, j] = start[j] + Σ x[b, i]·w[i, j] over the places i listed for row b, in their order.</summary>
    /// <param name="ends">Where the list of each row ends [rows]; the first begins at 0.</param>
    [MethodImpl(Fast)]
    public static void Product(int rows, int* ends, ushort* list, int columns, float* x, nint xRow, float* w, float* start, float* z)
    {
        int j = 0;
        for (; j + 8 * L.Width <= columns; j += 8 * L.Width)
        {
            V i0 = L.Zero,
                i1 = L.Zero,
                i2 = L.Zero,
                i3 = L.Zero,
                i4 = L.Zero,
                i5 = L.Zero,
                i6 = L.Zero,
                i7 = L.Zero;
            if (start != null)
            {
                float* s = start + j;
                i0 = L.Load(s);
                i1 = L.Load(s + L.Width);
                i2 = L.Load(s + 2 * L.Width);
                i3 = L.Load(s + 3 * L.Width);
                i4 = L.Load(s + 4 * L.Width);
                i5 = L.Load(s + 5 * L.Width);
                i6 = L.Load(s + 6 * L.Width);
                i7 = L.Load(s + 7 * L.Width);
            }
            for (int b = 0, k = 0; b < rows; b++)
            {
                V s0 = i0,
                    s1 = i1,
                    s2 = i2,
                    s3 = i3,
                    s4 = i4,
                    s5 = i5,
                    s6 = i6,
                    s7 = i7;
                float* row = x + b * xRow;
                for (; k < ends[b]; k++)
                {
                    float* p = w + (nint)list[k] * columns + j;
                    V v = L.Set(row[list[k]]);
                    s0 = L.MulAdd(v, L.Load(p), s0);
                    s1 = L.MulAdd(v, L.Load(p + L.Width), s1);
                    s2 = L.MulAdd(v, L.Load(p + 2 * L.Width), s2);
                    s3 = L.MulAdd(v, L.Load(p + 3 * L.Width), s3);
                    s4 = L.MulAdd(v, L.Load(p + 4 * L.Width), s4);
                    s5 = L.MulAdd(v, L.Load(p + 5 * L.Width), s5);
                    s6 = L.MulAdd(v, L.Load(p + 6 * L.Width), s6);
                    s7 = L.MulAdd(v, L.Load(p + 7 * L.Width), s7);
                }
                Store8(z + (nint)b * columns + j, s0, s1, s2, s3, s4, s5, s6, s7);
            }
        }
        for (; j < columns; j += L.Width)
        {
            V first = start == null ? L.Zero : L.Load(start + j);
            for (int b = 0, k = 0; b < rows; b++)
            {
                V s = first;
                float* row = x + b * xRow;
                for (; k < ends[b]; k++)
                    s = L.MulAdd(L.Set(row[list[k]]), L.Load(w + (nint)list[k] * columns + j), s);
                L.Store(z + (nint)b * columns + j, s);
            }
        }
    }

    /// <summary>g[i, j] = Σ x·delta[b, j] over what is listed of input i, in the order of b; or goes on from what g holds.</summary>
    /// <param name="counts">Listed values of each input [inputs].</param>
    /// <param name="list">[inputs, capacity].</param>
    [MethodImpl(Fast)]
    public static void Gradient(int inputs, int* counts, SparseValue* list, nint capacity, int columns, float* delta, float* g, bool add)
    {
        int j = 0;
        for (; j + 8 * L.Width <= columns; j += 8 * L.Width)
        {
            for (int i = 0; i < inputs; i++)
            {
                SparseValue* value = list + i * capacity,
                    end = value + counts[i];
                float* to = g + (nint)i * columns + j;
                V s0 = L.Zero,
                    s1 = L.Zero,
                    s2 = L.Zero,
                    s3 = L.Zero,
                    s4 = L.Zero,
                    s5 = L.Zero,
                    s6 = L.Zero,
                    s7 = L.Zero;
                if (add)
                {
                    s0 = L.Load(to);
                    s1 = L.Load(to + L.Width);
                    s2 = L.Load(to + 2 * L.Width);
                    s3 = L.Load(to + 3 * L.Width);
                    s4 = L.Load(to + 4 * L.Width);
                    s5 = L.Load(to + 5 * L.Width);
                    s6 = L.Load(to + 6 * L.Width);
                    s7 = L.Load(to + 7 * L.Width);
                }
                for (; value < end; value++)
                {
                    float* p = delta + (nint)value->Example * columns + j;
                    V v = L.Set(value->Value);
                    s0 = L.MulAdd(v, L.Load(p), s0);
                    s1 = L.MulAdd(v, L.Load(p + L.Width), s1);
                    s2 = L.MulAdd(v, L.Load(p + 2 * L.Width), s2);
                    s3 = L.MulAdd(v, L.Load(p + 3 * L.Width), s3);
                    s4 = L.MulAdd(v, L.Load(p + 4 * L.Width), s4);
                    s5 = L.MulAdd(v, L.Load(p + 5 * L.Width), s5);
                    s6 = L.MulAdd(v, L.Load(p + 6 * L.Width), s6);
                    s7 = L.MulAdd(v, L.Load(p + 7 * L.Width), s7);
                }
                Store8(to, s0, s1, s2, s3, s4, s5, s6, s7);
            }
        }
        for (; j < columns; j += L.Width)
        {
            for (int i = 0; i < inputs; i++)
            {
                SparseValue* value = list + i * capacity,
                    end = value + counts[i];
                float* to = g + (nint)i * columns + j;
                V s = add ? L.Load(to) : L.Zero;
                for (; value < end; value++)
                    s = L.MulAdd(L.Set(value->Value), L.Load(delta + (nint)value->Example * columns + j), s);
                L.Store(to, s);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store8(float* to, V s0, V s1, V s2, V s3, V s4, V s5, V s6, V s7)
    {
        L.Store(to, s0);
        L.Store(to + L.Width, s1);
        L.Store(to + 2 * L.Width, s2);
        L.Store(to + 3 * L.Width, s3);
        L.Store(to + 4 * L.Width, s4);
        L.Store(to + 5 * L.Width, s5);
        L.Store(to + 6 * L.Width, s6);
        L.Store(to + 7 * L.Width, s7);
    }
}
