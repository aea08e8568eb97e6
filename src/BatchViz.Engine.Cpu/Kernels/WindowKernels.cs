using System.Runtime.CompilerServices;

namespace BatchViz.Engine.Cpu.Kernels;

/// <summary>
/// Convolutions and pools. Operands are read through two tables of offsets, one for the rows of a product and one for its depth, so that
/// a window at any stride is read where it lies and nothing is copied apart. Every element adds up over its depth from first to last.
/// </summary>
internal static unsafe class WindowKernels<L, V> where L : struct, ILanes<V> where V : struct
{
    /// <summary>Steps that a tile makes before it goes on to other rows, so that a strip of B stays in the first-level cache.</summary>
    private const int DepthBlock = 256;

    /// <summary>C[r, j] = start[j] + Σ_d a[rowOffsets[r] + depthOffsets[d]]·B[d, j].</summary>
    /// <param name="columns">A multiple of <see cref="WeightLayout.Lanes"/>; B's row stride, and C's unless it has offsets.</param>
    /// <param name="start">[columns], or null for 0.</param>
    /// <param name="cOffsets">Where each row of C lies; null: one after another.</param>
    /// <param name="add">Goes on from what C holds (then start is not read).</param>
    public static void Product(int rows, int depth, int columns, float* a, int* rowOffsets, int* depthOffsets, float* b, float* start, float* c, int* cOffsets, bool add)
    {
        if (depth == 0)
        {
            for (int r = 0; r < rows && !add; r++)
            {
                float* to = Row(c, cOffsets, r, columns);
                for (int j = 0; j < columns; j += L.Width) L.Store(to + j, start == null ? L.Zero : L.Load(start + j));
            }
            return;
        }
        for (int d = 0; d < depth; d += DepthBlock)
        {
            int steps = Math.Min(DepthBlock, depth - d);
            bool on = add || d > 0;
            int* steps0 = depthOffsets + d;
            float* bBlock = b + (nint)d * columns;
            int j = 0;
            for (; j + 2 * L.Width <= columns; j += 2 * L.Width)
            {
                float* from = start == null ? null : start + j;
                int r = 0;
                if (L.TileRows == 8)
                    for (; r + 8 <= rows; r += 8) Wide8(steps, a, rowOffsets + r, steps0, bBlock + j, columns, from, c + j, r, cOffsets, on);
                for (; r + 4 <= rows; r += 4) Wide4(steps, a, rowOffsets + r, steps0, bBlock + j, columns, from, c + j, r, cOffsets, on);
                for (; r < rows; r++)
                {
                    Narrow1(steps, a + rowOffsets[r], steps0, bBlock + j, columns, from, Row(c, cOffsets, r, columns) + j, on);
                    Narrow1(steps, a + rowOffsets[r], steps0, bBlock + j + L.Width, columns, from == null ? null : from + L.Width, Row(c, cOffsets, r, columns) + j + L.Width, on);
                }
            }
            if (j < columns)
            {
                float* from = start == null ? null : start + j;
                int r = 0;
                for (; r + 8 <= rows; r += 8) Narrow8(steps, a, rowOffsets + r, steps0, bBlock + j, columns, from, c + j, r, cOffsets, on);
                for (; r + 4 <= rows; r += 4) Narrow4(steps, a, rowOffsets + r, steps0, bBlock + j, columns, from, c + j, r, cOffsets, on);
                for (; r < rows; r++) Narrow1(steps, a + rowOffsets[r], steps0, bBlock + j, columns, from, Row(c, cOffsets, r, columns) + j, on);
            }
        }
    }

    /// <summary>C[r, j] = start[j] + Σ_d a[rowOffsets[r] + depthOffsets[d] + j]·B[d, j]: every channel by itself.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void ChannelProduct(int rows, int depth, int columns, float* a, int* rowOffsets, int* depthOffsets, float* b, float* start, float* c, int* cOffsets, bool add)
    {
        for (int j = 0; j < columns; j += L.Width)
        {
            V first = start == null ? L.Zero : L.Load(start + j);
            int r = 0;
            for (; r + 4 <= rows; r += 4)
            {
                float* c0 = Row(c, cOffsets, r, columns) + j, c1 = Row(c, cOffsets, r + 1, columns) + j, c2 = Row(c, cOffsets, r + 2, columns) + j, c3 = Row(c, cOffsets, r + 3, columns) + j;
                float* a0 = a + rowOffsets[r] + j, a1 = a + rowOffsets[r + 1] + j, a2 = a + rowOffsets[r + 2] + j, a3 = a + rowOffsets[r + 3] + j;
                V s0 = add ? L.Load(c0) : first, s1 = add ? L.Load(c1) : first, s2 = add ? L.Load(c2) : first, s3 = add ? L.Load(c3) : first;
                float* at = b + j;
                for (int d = 0; d < depth; d++, at += columns)
                {
                    V w = L.Load(at);
                    nint o = depthOffsets[d];
                    s0 = L.MulAdd(L.Load(a0 + o), w, s0);
                    s1 = L.MulAdd(L.Load(a1 + o), w, s1);
                    s2 = L.MulAdd(L.Load(a2 + o), w, s2);
                    s3 = L.MulAdd(L.Load(a3 + o), w, s3);
                }
                L.Store(c0, s0); L.Store(c1, s1); L.Store(c2, s2); L.Store(c3, s3);
            }
            for (; r < rows; r++)
            {
                float* to = Row(c, cOffsets, r, columns) + j, from = a + rowOffsets[r] + j, at = b + j;
                V s = add ? L.Load(to) : first;
                for (int d = 0; d < depth; d++, at += columns) s = L.MulAdd(L.Load(from + depthOffsets[d]), L.Load(at), s);
                L.Store(to, s);
            }
        }
    }

    /// <summary>c[r, j] = the largest of a[rowOffsets[r] + depthOffsets[d] + j], and which d it was (the first of equals; NaN goes before all), as a float.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Largest(int rows, int depth, int columns, float* a, int* rowOffsets, int* depthOffsets, float* c, float* which)
    {
        for (int r = 0; r < rows; r++, c += columns, which += columns)
        {
            for (int j = 0; j < columns; j += L.Width)
            {
                float* from = a + rowOffsets[r] + j;
                V best = L.Load(from + depthOffsets[0]), place = L.Zero;
                for (int d = 1; d < depth; d++)
                {
                    V v = L.Load(from + depthOffsets[d]);
                    V larger = L.Select(L.Same(v, v), L.Less(best, v), L.Same(best, best));
                    best = L.Select(larger, v, best);
                    place = L.Select(larger, L.Set(d), place);
                }
                L.Store(c + j, best);
                L.Store(which + j, place);
            }
        }
    }

    /// <summary>c[r, j] = a at the place that <see cref="Largest"/> found.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void TakeLargest(int rows, int depth, int columns, float* a, int* rowOffsets, int* depthOffsets, float* which, float* c)
    {
        for (int r = 0; r < rows; r++, c += columns, which += columns)
        {
            for (int j = 0; j < columns; j += L.Width)
            {
                float* from = a + rowOffsets[r] + j;
                V place = L.Load(which + j), taken = L.Zero;
                for (int d = 0; d < depth; d++) taken = L.Select(L.Same(place, L.Set(d)), L.Load(from + depthOffsets[d]), taken);
                L.Store(c + j, taken);
            }
        }
    }

    /// <summary>back[rowOffsets[r] + depthOffsets[d] + j] += delta[r, j], at the place that <see cref="Largest"/> found.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void GiveLargest(int rows, int depth, int columns, float* delta, float* which, int* rowOffsets, int* depthOffsets, float* back)
    {
        for (int r = 0; r < rows; r++, delta += columns, which += columns)
        {
            for (int j = 0; j < columns; j += L.Width)
            {
                float* to = back + rowOffsets[r] + j;
                V given = L.Load(delta + j), place = L.Load(which + j);
                for (int d = 0; d < depth; d++)
                {
                    float* at = to + depthOffsets[d];
                    L.Store(at, L.Add(L.Load(at), L.Select(L.Same(place, L.Set(d)), given, L.Zero)));
                }
            }
        }
    }

    /// <summary>c[r, j] = the mean of a[rowOffsets[r] + depthOffsets[d] + j].</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Means(int rows, int depth, int columns, float* a, int* rowOffsets, int* depthOffsets, float* c)
    {
        V share = L.Set(1f / depth);
        for (int r = 0; r < rows; r++, c += columns)
        {
            for (int j = 0; j < columns; j += L.Width)
            {
                float* from = a + rowOffsets[r] + j;
                V s = L.Zero;
                for (int d = 0; d < depth; d++) s = L.Add(s, L.Load(from + depthOffsets[d]));
                L.Store(c + j, L.Mul(s, share));
            }
        }
    }

    /// <summary>back[rowOffsets[r] + depthOffsets[d] + j] += delta[r, j] / depth.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void GiveMeans(int rows, int depth, int columns, float* delta, int* rowOffsets, int* depthOffsets, float* back)
    {
        V share = L.Set(1f / depth);
        for (int r = 0; r < rows; r++, delta += columns)
        {
            for (int j = 0; j < columns; j += L.Width)
            {
                float* to = back + rowOffsets[r] + j;
                V given = L.Mul(L.Load(delta + j), share);
                for (int d = 0; d < depth; d++) L.Store(to + depthOffsets[d], L.Add(L.Load(to + depthOffsets[d]), given));
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float* Row(float* c, int* cOffsets, int row, int columns) => cOffsets == null ? c + (nint)row * columns : c + cOffsets[row];

    /// <summary>8 rows × 2 registers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Wide8(int depth, float* a, int* rows, int* steps, float* b, nint bStep, float* start, float* c, int row, int* cOffsets, bool add)
    {
        float* a0 = a + rows[0], a1 = a + rows[1], a2 = a + rows[2], a3 = a + rows[3], a4 = a + rows[4], a5 = a + rows[5], a6 = a + rows[6], a7 = a + rows[7];
        V f = start == null ? L.Zero : L.Load(start), g = start == null ? L.Zero : L.Load(start + L.Width);
        V s00 = f, s01 = g, s10 = f, s11 = g, s20 = f, s21 = g, s30 = f, s31 = g, s40 = f, s41 = g, s50 = f, s51 = g, s60 = f, s61 = g, s70 = f, s71 = g;
        int columns = (int)bStep;
        if (add)
        {
            float* p = Row(c, cOffsets, row, columns); s00 = L.Load(p); s01 = L.Load(p + L.Width);
            p = Row(c, cOffsets, row + 1, columns); s10 = L.Load(p); s11 = L.Load(p + L.Width);
            p = Row(c, cOffsets, row + 2, columns); s20 = L.Load(p); s21 = L.Load(p + L.Width);
            p = Row(c, cOffsets, row + 3, columns); s30 = L.Load(p); s31 = L.Load(p + L.Width);
            p = Row(c, cOffsets, row + 4, columns); s40 = L.Load(p); s41 = L.Load(p + L.Width);
            p = Row(c, cOffsets, row + 5, columns); s50 = L.Load(p); s51 = L.Load(p + L.Width);
            p = Row(c, cOffsets, row + 6, columns); s60 = L.Load(p); s61 = L.Load(p + L.Width);
            p = Row(c, cOffsets, row + 7, columns); s70 = L.Load(p); s71 = L.Load(p + L.Width);
        }
        for (int k = 0; k < depth; k++, b += bStep)
        {
            V b0 = L.Load(b), b1 = L.Load(b + L.Width), x;
            nint o = steps[k];
            x = L.Set(a0[o]); s00 = L.MulAdd(x, b0, s00); s01 = L.MulAdd(x, b1, s01);
            x = L.Set(a1[o]); s10 = L.MulAdd(x, b0, s10); s11 = L.MulAdd(x, b1, s11);
            x = L.Set(a2[o]); s20 = L.MulAdd(x, b0, s20); s21 = L.MulAdd(x, b1, s21);
            x = L.Set(a3[o]); s30 = L.MulAdd(x, b0, s30); s31 = L.MulAdd(x, b1, s31);
            x = L.Set(a4[o]); s40 = L.MulAdd(x, b0, s40); s41 = L.MulAdd(x, b1, s41);
            x = L.Set(a5[o]); s50 = L.MulAdd(x, b0, s50); s51 = L.MulAdd(x, b1, s51);
            x = L.Set(a6[o]); s60 = L.MulAdd(x, b0, s60); s61 = L.MulAdd(x, b1, s61);
            x = L.Set(a7[o]); s70 = L.MulAdd(x, b0, s70); s71 = L.MulAdd(x, b1, s71);
        }
        float* q = Row(c, cOffsets, row, columns); L.Store(q, s00); L.Store(q + L.Width, s01);
        q = Row(c, cOffsets, row + 1, columns); L.Store(q, s10); L.Store(q + L.Width, s11);
        q = Row(c, cOffsets, row + 2, columns); L.Store(q, s20); L.Store(q + L.Width, s21);
        q = Row(c, cOffsets, row + 3, columns); L.Store(q, s30); L.Store(q + L.Width, s31);
        q = Row(c, cOffsets, row + 4, columns); L.Store(q, s40); L.Store(q + L.Width, s41);
        q = Row(c, cOffsets, row + 5, columns); L.Store(q, s50); L.Store(q + L.Width, s51);
        q = Row(c, cOffsets, row + 6, columns); L.Store(q, s60); L.Store(q + L.Width, s61);
        q = Row(c, cOffsets, row + 7, columns); L.Store(q, s70); L.Store(q + L.Width, s71);
    }

    /// <summary>4 rows × 2 registers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Wide4(int depth, float* a, int* rows, int* steps, float* b, nint bStep, float* start, float* c, int row, int* cOffsets, bool add)
    {
        int columns = (int)bStep;
        float* a0 = a + rows[0], a1 = a + rows[1], a2 = a + rows[2], a3 = a + rows[3];
        float* c0 = Row(c, cOffsets, row, columns), c1 = Row(c, cOffsets, row + 1, columns), c2 = Row(c, cOffsets, row + 2, columns), c3 = Row(c, cOffsets, row + 3, columns);
        V f = start == null ? L.Zero : L.Load(start), g = start == null ? L.Zero : L.Load(start + L.Width);
        V s00 = add ? L.Load(c0) : f, s01 = add ? L.Load(c0 + L.Width) : g, s10 = add ? L.Load(c1) : f, s11 = add ? L.Load(c1 + L.Width) : g;
        V s20 = add ? L.Load(c2) : f, s21 = add ? L.Load(c2 + L.Width) : g, s30 = add ? L.Load(c3) : f, s31 = add ? L.Load(c3 + L.Width) : g;
        for (int k = 0; k < depth; k++, b += bStep)
        {
            V b0 = L.Load(b), b1 = L.Load(b + L.Width), x;
            nint o = steps[k];
            x = L.Set(a0[o]); s00 = L.MulAdd(x, b0, s00); s01 = L.MulAdd(x, b1, s01);
            x = L.Set(a1[o]); s10 = L.MulAdd(x, b0, s10); s11 = L.MulAdd(x, b1, s11);
            x = L.Set(a2[o]); s20 = L.MulAdd(x, b0, s20); s21 = L.MulAdd(x, b1, s21);
            x = L.Set(a3[o]); s30 = L.MulAdd(x, b0, s30); s31 = L.MulAdd(x, b1, s31);
        }
        L.Store(c0, s00); L.Store(c0 + L.Width, s01); L.Store(c1, s10); L.Store(c1 + L.Width, s11);
        L.Store(c2, s20); L.Store(c2 + L.Width, s21); L.Store(c3, s30); L.Store(c3 + L.Width, s31);
    }

    /// <summary>8 rows × 1 register.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Narrow8(int depth, float* a, int* rows, int* steps, float* b, nint bStep, float* start, float* c, int row, int* cOffsets, bool add)
    {
        int columns = (int)bStep;
        float* a0 = a + rows[0], a1 = a + rows[1], a2 = a + rows[2], a3 = a + rows[3], a4 = a + rows[4], a5 = a + rows[5], a6 = a + rows[6], a7 = a + rows[7];
        V f = start == null ? L.Zero : L.Load(start);
        V s0 = f, s1 = f, s2 = f, s3 = f, s4 = f, s5 = f, s6 = f, s7 = f;
        if (add)
        {
            s0 = L.Load(Row(c, cOffsets, row, columns)); s1 = L.Load(Row(c, cOffsets, row + 1, columns)); s2 = L.Load(Row(c, cOffsets, row + 2, columns)); s3 = L.Load(Row(c, cOffsets, row + 3, columns));
            s4 = L.Load(Row(c, cOffsets, row + 4, columns)); s5 = L.Load(Row(c, cOffsets, row + 5, columns)); s6 = L.Load(Row(c, cOffsets, row + 6, columns)); s7 = L.Load(Row(c, cOffsets, row + 7, columns));
        }
        for (int k = 0; k < depth; k++, b += bStep)
        {
            V v = L.Load(b);
            nint o = steps[k];
            s0 = L.MulAdd(L.Set(a0[o]), v, s0);
            s1 = L.MulAdd(L.Set(a1[o]), v, s1);
            s2 = L.MulAdd(L.Set(a2[o]), v, s2);
            s3 = L.MulAdd(L.Set(a3[o]), v, s3);
            s4 = L.MulAdd(L.Set(a4[o]), v, s4);
            s5 = L.MulAdd(L.Set(a5[o]), v, s5);
            s6 = L.MulAdd(L.Set(a6[o]), v, s6);
            s7 = L.MulAdd(L.Set(a7[o]), v, s7);
        }
        L.Store(Row(c, cOffsets, row, columns), s0); L.Store(Row(c, cOffsets, row + 1, columns), s1); L.Store(Row(c, cOffsets, row + 2, columns), s2); L.Store(Row(c, cOffsets, row + 3, columns), s3);
        L.Store(Row(c, cOffsets, row + 4, columns), s4); L.Store(Row(c, cOffsets, row + 5, columns), s5); L.Store(Row(c, cOffsets, row + 6, columns), s6); L.Store(Row(c, cOffsets, row + 7, columns), s7);
    }

    /// <summary>4 rows × 1 register.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Narrow4(int depth, float* a, int* rows, int* steps, float* b, nint bStep, float* start, float* c, int row, int* cOffsets, bool add)
    {
        int columns = (int)bStep;
        float* a0 = a + rows[0], a1 = a + rows[1], a2 = a + rows[2], a3 = a + rows[3];
        float* c0 = Row(c, cOffsets, row, columns), c1 = Row(c, cOffsets, row + 1, columns), c2 = Row(c, cOffsets, row + 2, columns), c3 = Row(c, cOffsets, row + 3, columns);
        V f = start == null ? L.Zero : L.Load(start);
        V s0 = add ? L.Load(c0) : f, s1 = add ? L.Load(c1) : f, s2 = add ? L.Load(c2) : f, s3 = add ? L.Load(c3) : f;
        for (int k = 0; k < depth; k++, b += bStep)
        {
            V v = L.Load(b);
            nint o = steps[k];
            s0 = L.MulAdd(L.Set(a0[o]), v, s0);
            s1 = L.MulAdd(L.Set(a1[o]), v, s1);
            s2 = L.MulAdd(L.Set(a2[o]), v, s2);
            s3 = L.MulAdd(L.Set(a3[o]), v, s3);
        }
        L.Store(c0, s0); L.Store(c1, s1); L.Store(c2, s2); L.Store(c3, s3);
    }

    /// <summary>1 row × 1 register.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Narrow1(int depth, float* a, int* steps, float* b, nint bStep, float* start, float* c, bool add)
    {
        V s = add ? L.Load(c) : start == null ? L.Zero : L.Load(start);
        for (int k = 0; k < depth; k++, b += bStep) s = L.MulAdd(L.Set(a[steps[k]]), L.Load(b), s);
        L.Store(c, s);
    }
}
