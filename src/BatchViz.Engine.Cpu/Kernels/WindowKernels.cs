using System.Runtime.CompilerServices;

namespace BatchViz.Engine.Cpu.Kernels;

/// <summary>
/// Convolutions and pools. Operands are read through two tables of offsets, one for the rows of a product and one for its depth, so that
/// a window at any stride is read where it lies and nothing is copied apart. Every element adds up over its depth from first to last.
/// </summary>
internal static unsafe class WindowKernels<L, V>
    where L : struct, ILanes<V>
    where V : struct
{
    /// <summary>Steps that a tile makes before it goes on to other rows, so that a strip of B stays in the first-level cache.</summary>
    private const int DepthBlock = 256;

    /// <summary>Pixels that <see cref="LineProduct"/> computes at once.</summary>
    private const int LineTile = 8;

    /// <summary>C[r, j] = start[j] + Σ_d a[rowOffsets[r] + depthOffsets[d]]·B[d, j].</summary>
    /// <param name="columns">B's row stride.</param>
    /// <param name="width">How many of them are computed, a whole number of registers; the others are left alone.</param>
    /// <param name="start">[columns], or null for 0.</param>
    /// <param name="cRow">C's row stride.</param>
    /// <param name="add">Goes on from what C holds (then start is not read).</param>
    public static void Product(
        int rows,
        int depth,
        int columns,
        int width,
        float* a,
        int* rowOffsets,
        int* depthOffsets,
        float* b,
        float* start,
        float* c,
        nint cRow,
        bool add
    )
    {
        if (depth == 0)
        {
            for (int r = 0; r < rows && !add; r++)
            {
                float* to = c + r * cRow;
                for (int j = 0; j < width; j += L.Width)
                    L.Store(to + j, start == null ? L.Zero : L.Load(start + j));
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
            for (; j + 2 * L.Width <= width; j += 2 * L.Width)
            {
                float* from = start == null ? null : start + j;
                int r = 0;
                if (L.TileRows == 8)
                    for (; r + 8 <= rows; r += 8)
                        Wide8(steps, a, rowOffsets + r, steps0, bBlock + j, columns, from, c + r * cRow + j, cRow, on);
                for (; r + 4 <= rows; r += 4)
                    Wide4(steps, a, rowOffsets + r, steps0, bBlock + j, columns, from, c + r * cRow + j, cRow, on);
                for (; r < rows; r++)
                {
                    Narrow1(steps, a + rowOffsets[r], steps0, bBlock + j, columns, from, c + r * cRow + j, on);
                    Narrow1(
                        steps,
                        a + rowOffsets[r],
                        steps0,
                        bBlock + j + L.Width,
                        columns,
                        from == null ? null : from + L.Width,
                        c + r * cRow + j + L.Width,
                        on
                    );
                }
            }
            if (j < width)
            {
                float* from = start == null ? null : start + j;
                int r = 0;
                for (; r + 8 <= rows; r += 8)
                    Narrow8(steps, a, rowOffsets + r, steps0, bBlock + j, columns, from, c + r * cRow + j, cRow, on);
                for (; r + 4 <= rows; r += 4)
                    Narrow4(steps, a, rowOffsets + r, steps0, bBlock + j, columns, from, c + r * cRow + j, cRow, on);
                for (; r < rows; r++)
                    Narrow1(steps, a + rowOffsets[r], steps0, bBlock + j, columns, from, c + r * cRow + j, on);
            }
        }
    }

    /// <summary>C[r, j] = start[j] + Σ_d a[rowOffsets[r] + depthOffsets[d] + j]·B[d, j]: every channel by itself.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void ChannelProduct(
        int rows,
        int depth,
        int columns,
        float* a,
        int* rowOffsets,
        int* depthOffsets,
        float* b,
        float* start,
        float* c,
        bool add
    )
    {
        for (int j = 0; j < columns; j += L.Width)
        {
            V first = start == null ? L.Zero : L.Load(start + j);
            int r = 0;
            for (; r + 4 <= rows; r += 4)
            {
                float* c0 = c + (nint)r * columns + j,
                    c1 = (c + (nint)(r + 1) * columns) + j,
                    c2 = (c + (nint)(r + 2) * columns) + j,
                    c3 = (c + (nint)(r + 3) * columns) + j;
                float* a0 = a + rowOffsets[r] + j,
                    a1 = a + rowOffsets[r + 1] + j,
                    a2 = a + rowOffsets[r + 2] + j,
                    a3 = a + rowOffsets[r + 3] + j;
                V s0 = add ? L.Load(c0) : first,
                    s1 = add ? L.Load(c1) : first,
                    s2 = add ? L.Load(c2) : first,
                    s3 = add ? L.Load(c3) : first;
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
                L.Store(c0, s0);
                L.Store(c1, s1);
                L.Store(c2, s2);
                L.Store(c3, s3);
            }
            for (; r < rows; r++)
            {
                float* to = c + (nint)r * columns + j,
                    from = a + rowOffsets[r] + j,
                    at = b + j;
                V s = add ? L.Load(to) : first;
                for (int d = 0; d < depth; d++, at += columns)
                    s = L.MulAdd(L.Load(from + depthOffsets[d]), L.Load(at), s);
                L.Store(to, s);
            }
        }
    }

    /// <summary>
    /// c[r, j] = the largest of a[rowOffsets[r] + depthOffsets[d] + j], and which d it was (the first of equals; NaN goes before all), as a
    /// float.
    /// </summary>
    /// <param name="columns">Row stride of c and of which.</param>
    /// <param name="width">How many of them are computed, a whole number of registers.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void MaxPoolForward(
        int rows,
        int depth,
        int columns,
        int width,
        float* a,
        int* rowOffsets,
        int* depthOffsets,
        float* c,
        float* which
    )
    {
        for (int r = 0; r < rows; r++, c += columns, which += columns)
        {
            for (int j = 0; j < width; j += L.Width)
            {
                float* from = a + rowOffsets[r] + j;
                V best = L.Load(from + depthOffsets[0]),
                    place = L.Zero;
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

    /// <summary>c[r, j] = a at the place that <see cref="MaxPoolForward"/> found.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void TakeLargest(
        int rows,
        int depth,
        int columns,
        int width,
        float* a,
        int* rowOffsets,
        int* depthOffsets,
        float* which,
        float* c
    )
    {
        for (int r = 0; r < rows; r++, c += columns, which += columns)
        {
            for (int j = 0; j < width; j += L.Width)
            {
                float* from = a + rowOffsets[r] + j;
                V place = L.Load(which + j),
                    taken = L.Zero;
                for (int d = 0; d < depth; d++)
                    taken = L.Select(L.Same(place, L.Set(d)), L.Load(from + depthOffsets[d]), taken);
                L.Store(c + j, taken);
            }
        }
    }

    /// <summary>
    /// Windows back to where they came from: back[rowOffsets[r] + places[t] + lane] += windows[r, t·lanes + lane], row by row, register by
    /// register t.
    /// </summary>
    /// <param name="stride">Floats from row to row of the windows.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Col2Im(int rows, int registers, float* windows, nint stride, int* rowOffsets, int* places, float* back)
    {
        for (int r = 0; r < rows; r++, windows += stride)
        {
            float* to = back + rowOffsets[r];
            for (int t = 0; t < registers; t++)
                L.Store(to + places[t], L.Add(L.Load(to + places[t]), L.Load(windows + t * L.Width)));
        }
    }

    /// <summary>
    /// c[rowPlaces[r] + u·cStep + j] = Σ_k list[k].Value·x[list[k].Place + u·xStep + j] over row r's k, starts[r] ≤ k &lt; ends[r], in
    /// their order, for runs u and j &lt; width; or adds that to what c holds.
    /// </summary>
    /// <param name="width">Floats of a run, whole registers.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void ListedProducts(
        int rows,
        int* starts,
        int* ends,
        Listed* list,
        int runs,
        int width,
        nint xStep,
        float* x,
        int* rowPlaces,
        nint cStep,
        float* c,
        bool add
    )
    {
        for (int r = 0; r < rows; r++)
        {
            Listed* first = list + starts[r],
                end = list + ends[r];
            float* to = c + rowPlaces[r];
            int j = 0;
            for (; j + 2 * L.Width <= width; j += 2 * L.Width)
            {
                float* at = x + j,
                    put = to + j;
                int u = 0;
                for (; u + 5 <= runs; u += 5, at += 5 * xStep, put += 5 * cStep)
                {
                    V s0 = L.Zero,
                        s1 = L.Zero,
                        s2 = L.Zero,
                        s3 = L.Zero,
                        s4 = L.Zero,
                        t0 = L.Zero,
                        t1 = L.Zero,
                        t2 = L.Zero,
                        t3 = L.Zero,
                        t4 = L.Zero;
                    float* at2 = at + 2 * xStep,
                        at4 = at + 4 * xStep;
                    for (Listed* k = first; k < end; k++)
                    {
                        V v = L.Set(k->Value);
                        nint p = k->Place,
                            q = p + xStep;
                        s0 = L.MulAdd(v, L.Load(at + p), s0);
                        t0 = L.MulAdd(v, L.Load(at + p + L.Width), t0);
                        s1 = L.MulAdd(v, L.Load(at + q), s1);
                        t1 = L.MulAdd(v, L.Load(at + q + L.Width), t1);
                        s2 = L.MulAdd(v, L.Load(at2 + p), s2);
                        t2 = L.MulAdd(v, L.Load(at2 + p + L.Width), t2);
                        s3 = L.MulAdd(v, L.Load(at2 + q), s3);
                        t3 = L.MulAdd(v, L.Load(at2 + q + L.Width), t3);
                        s4 = L.MulAdd(v, L.Load(at4 + p), s4);
                        t4 = L.MulAdd(v, L.Load(at4 + p + L.Width), t4);
                    }
                    Put(put, s0, add);
                    Put(put + L.Width, t0, add);
                    Put(put + cStep, s1, add);
                    Put(put + cStep + L.Width, t1, add);
                    Put(put + 2 * cStep, s2, add);
                    Put(put + 2 * cStep + L.Width, t2, add);
                    Put(put + 3 * cStep, s3, add);
                    Put(put + 3 * cStep + L.Width, t3, add);
                    Put(put + 4 * cStep, s4, add);
                    Put(put + 4 * cStep + L.Width, t4, add);
                }
                for (; u + 3 <= runs; u += 3, at += 3 * xStep, put += 3 * cStep)
                {
                    V s0 = L.Zero,
                        s1 = L.Zero,
                        s2 = L.Zero,
                        t0 = L.Zero,
                        t1 = L.Zero,
                        t2 = L.Zero;
                    float* at2 = at + 2 * xStep;
                    for (Listed* k = first; k < end; k++)
                    {
                        V v = L.Set(k->Value);
                        nint p = k->Place,
                            q = p + xStep;
                        s0 = L.MulAdd(v, L.Load(at + p), s0);
                        t0 = L.MulAdd(v, L.Load(at + p + L.Width), t0);
                        s1 = L.MulAdd(v, L.Load(at + q), s1);
                        t1 = L.MulAdd(v, L.Load(at + q + L.Width), t1);
                        s2 = L.MulAdd(v, L.Load(at2 + p), s2);
                        t2 = L.MulAdd(v, L.Load(at2 + p + L.Width), t2);
                    }
                    Put(put, s0, add);
                    Put(put + L.Width, t0, add);
                    Put(put + cStep, s1, add);
                    Put(put + cStep + L.Width, t1, add);
                    Put(put + 2 * cStep, s2, add);
                    Put(put + 2 * cStep + L.Width, t2, add);
                }
                for (; u < runs; u++, at += xStep, put += cStep)
                {
                    V s = L.Zero,
                        t = L.Zero;
                    for (Listed* k = first; k < end; k++)
                    {
                        V v = L.Set(k->Value);
                        s = L.MulAdd(v, L.Load(at + k->Place), s);
                        t = L.MulAdd(v, L.Load(at + k->Place + L.Width), t);
                    }
                    Put(put, s, add);
                    Put(put + L.Width, t, add);
                }
            }
            if (j < width)
            {
                float* at = x + j,
                    put = to + j;
                int u = 0;
                for (; u + 5 <= runs; u += 5, at += 5 * xStep, put += 5 * cStep)
                {
                    V s0 = L.Zero,
                        s1 = L.Zero,
                        s2 = L.Zero,
                        s3 = L.Zero,
                        s4 = L.Zero;
                    float* at2 = at + 2 * xStep,
                        at4 = at + 4 * xStep;
                    for (Listed* k = first; k < end; k++)
                    {
                        V v = L.Set(k->Value);
                        nint p = k->Place,
                            q = p + xStep;
                        s0 = L.MulAdd(v, L.Load(at + p), s0);
                        s1 = L.MulAdd(v, L.Load(at + q), s1);
                        s2 = L.MulAdd(v, L.Load(at2 + p), s2);
                        s3 = L.MulAdd(v, L.Load(at2 + q), s3);
                        s4 = L.MulAdd(v, L.Load(at4 + p), s4);
                    }
                    Put(put, s0, add);
                    Put(put + cStep, s1, add);
                    Put(put + 2 * cStep, s2, add);
                    Put(put + 3 * cStep, s3, add);
                    Put(put + 4 * cStep, s4, add);
                }
                for (; u + 3 <= runs; u += 3, at += 3 * xStep, put += 3 * cStep)
                {
                    V s0 = L.Zero,
                        s1 = L.Zero,
                        s2 = L.Zero;
                    float* at2 = at + 2 * xStep;
                    for (Listed* k = first; k < end; k++)
                    {
                        V v = L.Set(k->Value);
                        nint p = k->Place,
                            q = p + xStep;
                        s0 = L.MulAdd(v, L.Load(at + p), s0);
                        s1 = L.MulAdd(v, L.Load(at + q), s1);
                        s2 = L.MulAdd(v, L.Load(at2 + p), s2);
                    }
                    Put(put, s0, add);
                    Put(put + cStep, s1, add);
                    Put(put + 2 * cStep, s2, add);
                }
                for (; u < runs; u++, at += xStep, put += cStep)
                {
                    V s = L.Zero;
                    for (Listed* k = first; k < end; k++)
                        s = L.MulAdd(L.Set(k->Value), L.Load(at + k->Place), s);
                    Put(put, s, add);
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Put(float* to, V v, bool add) => L.Store(to, add ? L.Add(L.Load(to), v) : v);

    /// <summary>to[p·channels + j] = from[p·stride + j], j &lt; channels; a register's rest behind each pixel is set to 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Pack(int pixels, int channels, int stride, float* from, float* to)
    {
        int whole = channels / L.Width * L.Width;
        V rest = L.FirstLanes(channels - whole);
        for (int p = 0; p < pixels; p++, from += stride, to += channels)
        {
            for (int j = 0; j < whole; j += L.Width)
                L.Store(to + j, L.Load(from + j));
            if (whole < channels)
                L.Store(to + whole, L.Select(rest, L.Load(from + whole), L.Zero));
        }
    }

    /// <summary>to[p·stride + j] = from[p·channels + j], j &lt; channels, 0 up to a register's end; or adds that.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Unpack(int pixels, int channels, int stride, float* from, float* to, bool add)
    {
        int whole = channels / L.Width * L.Width;
        V rest = L.FirstLanes(channels - whole);
        for (int p = 0; p < pixels; p++, from += channels, to += stride)
        {
            for (int j = 0; j < whole; j += L.Width)
                Put(to + j, L.Load(from + j), add);
            if (whole < channels)
                Put(to + whole, L.Select(rest, L.Load(from + whole), L.Zero), add);
        }
    }

    /// <summary>back[rowOffsets[r] + tapOffsets[t] + j] += delta[r, j]·w[t, j]: <see cref="ChannelProduct"/> the other way.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void GiveChannels(int rows, int taps, int columns, float* delta, int* rowOffsets, int* tapOffsets, float* w, float* back)
    {
        for (int r = 0; r < rows; r++, delta += columns)
        {
            for (int j = 0; j < columns; j += L.Width)
            {
                V d = L.Load(delta + j);
                float* to = back + rowOffsets[r] + j,
                    at = w + j;
                for (int t = 0; t < taps; t++, at += columns)
                    L.Store(to + tapOffsets[t], L.MulAdd(d, L.Load(at), L.Load(to + tapOffsets[t])));
            }
        }
    }

    /// <summary>back[rowOffsets[r] + depthOffsets[d] + j] += delta[r, j], at the place that <see cref="MaxPoolForward"/> found.</summary>
    /// <param name="add">Else every place of every window is written, once.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void MaxPoolBackward(
        int rows,
        int depth,
        int columns,
        float* delta,
        float* which,
        int* rowOffsets,
        int* depthOffsets,
        float* back,
        bool add
    )
    {
        for (int r = 0; r < rows; r++, delta += columns, which += columns)
        {
            for (int j = 0; j < columns; j += L.Width)
            {
                float* to = back + rowOffsets[r] + j;
                V given = L.Load(delta + j),
                    place = L.Load(which + j);
                for (int d = 0; d < depth; d++)
                {
                    float* at = to + depthOffsets[d];
                    V part = L.Select(L.Same(place, L.Set(d)), given, L.Zero);
                    L.Store(at, add ? L.Add(L.Load(at), part) : part);
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
                for (int d = 0; d < depth; d++)
                    s = L.Add(s, L.Load(from + depthOffsets[d]));
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
                for (int d = 0; d < depth; d++)
                    L.Store(to + depthOffsets[d], L.Add(L.Load(to + depthOffsets[d]), given));
            }
        }
    }

    /// <summary>g[t, j] = Σ x[q]·delta[places[q] − taps[t] + j] over the listed q in their order, or goes on from what g holds.</summary>
    /// <param name="width">Columns that are computed, a whole number of registers.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void ConvWeightGradient(
        int listed,
        int* list,
        int* places,
        int count,
        int* taps,
        int columns,
        int width,
        float* x,
        float* delta,
        float* g,
        bool add
    )
    {
        for (int j = 0; j < width; j += L.Width)
        {
            float* from = delta + j;
            int t = 0;
            for (; t + 8 <= count; t += 8)
            {
                float* to = g + (nint)t * columns + j;
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
                    s1 = L.Load(to + columns);
                    s2 = L.Load(to + 2 * columns);
                    s3 = L.Load(to + 3 * columns);
                    s4 = L.Load(to + 4 * columns);
                    s5 = L.Load(to + 5 * columns);
                    s6 = L.Load(to + 6 * columns);
                    s7 = L.Load(to + 7 * columns);
                }
                nint o0 = taps[t],
                    o1 = taps[t + 1],
                    o2 = taps[t + 2],
                    o3 = taps[t + 3],
                    o4 = taps[t + 4],
                    o5 = taps[t + 5],
                    o6 = taps[t + 6],
                    o7 = taps[t + 7];
                for (int k = 0; k < listed; k++)
                {
                    int q = list[k];
                    V v = L.Set(x[q]);
                    float* d = from + places[q];
                    s0 = L.MulAdd(v, L.Load(d - o0), s0);
                    s1 = L.MulAdd(v, L.Load(d - o1), s1);
                    s2 = L.MulAdd(v, L.Load(d - o2), s2);
                    s3 = L.MulAdd(v, L.Load(d - o3), s3);
                    s4 = L.MulAdd(v, L.Load(d - o4), s4);
                    s5 = L.MulAdd(v, L.Load(d - o5), s5);
                    s6 = L.MulAdd(v, L.Load(d - o6), s6);
                    s7 = L.MulAdd(v, L.Load(d - o7), s7);
                }
                L.Store(to, s0);
                L.Store(to + columns, s1);
                L.Store(to + 2 * columns, s2);
                L.Store(to + 3 * columns, s3);
                L.Store(to + 4 * columns, s4);
                L.Store(to + 5 * columns, s5);
                L.Store(to + 6 * columns, s6);
                L.Store(to + 7 * columns, s7);
            }
            for (; t < count; t++)
            {
                float* to = g + (nint)t * columns + j;
                V s = add ? L.Load(to) : L.Zero;
                nint o = taps[t];
                for (int k = 0; k < listed; k++)
                    s = L.MulAdd(L.Set(x[list[k]]), L.Load(from + places[list[k]] - o), s);
                L.Store(to, s);
            }
        }
    }

    /// <summary>
    /// <see cref="Product"/> of windows of one channel at stride 1: c[y·pixels + x, j] = start[j] + Σ_u Σ_v a[(y + u)·wide + x +
    /// v]·b[u·kernel + v, j]. Lines of the windows of a tile, <see cref="LineTile"/> pixels, that are all 0 are left out.
    /// </summary>
    /// <param name="pixels">Of each line.</param>
    /// <param name="wide">From line to line of a, behind the last of which a register may be read.</param>
    /// <param name="width">Columns that are computed, a whole number of registers.</param>
    /// <param name="used">Room for a byte for each tile of lines + kernel − 1.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void LineProduct(
        int lines,
        int pixels,
        int kernel,
        int wide,
        float* a,
        int columns,
        int width,
        float* b,
        float* start,
        float* c,
        nint cRow,
        byte* used
    )
    {
        int all = lines + kernel - 1;
        for (int x = 0; x < pixels; x += LineTile)
        {
            // The last may lie over the one before.
            float* from = a + Math.Max(0, Math.Min(x, pixels - LineTile));
            for (int y = 0; y < all; y++, from += wide)
            {
                uint found = 0;
                for (int i = 0; i < LineTile + kernel - 1; i += NonZero.Block)
                    found |= NonZero.Mask(from + i);
                *used++ = (byte)(found != 0 ? 1 : 0);
            }
        }
        used -= (pixels + LineTile - 1) / LineTile * all;
        for (int j = 0; j < width; j += L.Width)
        {
            V first = start == null ? L.Zero : L.Load(start + j);
            byte* tile = used;
            for (int x = 0; x < pixels; x += LineTile, tile += all)
            {
                int left = Math.Max(0, Math.Min(x, pixels - LineTile));
                for (int y = 0; y < lines; y++)
                {
                    float* at = b + j,
                        to = c + ((nint)y * pixels + left) * cRow + j,
                        line = a + (nint)y * wide + left;
                    if (pixels < LineTile)
                    {
                        for (int i = 0; i < pixels; i++, to += cRow)
                        {
                            V s = first;
                            for (int d = 0; d < kernel * kernel; d++)
                                s = L.MulAdd(L.Set(line[i + d / kernel * wide + d % kernel]), L.Load(at + (nint)d * columns), s);
                            L.Store(to, s);
                        }
                        continue;
                    }
                    V s0 = first,
                        s1 = first,
                        s2 = first,
                        s3 = first,
                        s4 = first,
                        s5 = first,
                        s6 = first,
                        s7 = first;
                    for (int u = 0; u < kernel; u++, line += wide)
                    {
                        if (tile[y + u] == 0)
                        {
                            at += (nint)kernel * columns;
                            continue;
                        }
                        for (int v = 0; v < kernel; v++, at += columns)
                        {
                            V w = L.Load(at);
                            float* p = line + v;
                            s0 = L.MulAdd(L.Set(p[0]), w, s0);
                            s1 = L.MulAdd(L.Set(p[1]), w, s1);
                            s2 = L.MulAdd(L.Set(p[2]), w, s2);
                            s3 = L.MulAdd(L.Set(p[3]), w, s3);
                            s4 = L.MulAdd(L.Set(p[4]), w, s4);
                            s5 = L.MulAdd(L.Set(p[5]), w, s5);
                            s6 = L.MulAdd(L.Set(p[6]), w, s6);
                            s7 = L.MulAdd(L.Set(p[7]), w, s7);
                        }
                    }
                    L.Store(to, s0);
                    L.Store(to + cRow, s1);
                    L.Store(to + 2 * cRow, s2);
                    L.Store(to + 3 * cRow, s3);
                    L.Store(to + 4 * cRow, s4);
                    L.Store(to + 5 * cRow, s5);
                    L.Store(to + 6 * cRow, s6);
                    L.Store(to + 7 * cRow, s7);
                }
            }
        }
    }

    /// <summary>8 rows × 2 registers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Wide8(int depth, float* a, int* rows, int* steps, float* b, nint bStep, float* start, float* c, nint cRow, bool add)
    {
        float* a0 = a + rows[0],
            a1 = a + rows[1],
            a2 = a + rows[2],
            a3 = a + rows[3],
            a4 = a + rows[4],
            a5 = a + rows[5],
            a6 = a + rows[6],
            a7 = a + rows[7];
        V f = start == null ? L.Zero : L.Load(start),
            g = start == null ? L.Zero : L.Load(start + L.Width);
        V s00 = f,
            s01 = g,
            s10 = f,
            s11 = g,
            s20 = f,
            s21 = g,
            s30 = f,
            s31 = g,
            s40 = f,
            s41 = g,
            s50 = f,
            s51 = g,
            s60 = f,
            s61 = g,
            s70 = f,
            s71 = g;
        if (add)
        {
            float* p = c;
            s00 = L.Load(p);
            s01 = L.Load(p + L.Width);
            p = c + 1 * cRow;
            s10 = L.Load(p);
            s11 = L.Load(p + L.Width);
            p = c + 2 * cRow;
            s20 = L.Load(p);
            s21 = L.Load(p + L.Width);
            p = c + 3 * cRow;
            s30 = L.Load(p);
            s31 = L.Load(p + L.Width);
            p = c + 4 * cRow;
            s40 = L.Load(p);
            s41 = L.Load(p + L.Width);
            p = c + 5 * cRow;
            s50 = L.Load(p);
            s51 = L.Load(p + L.Width);
            p = c + 6 * cRow;
            s60 = L.Load(p);
            s61 = L.Load(p + L.Width);
            p = c + 7 * cRow;
            s70 = L.Load(p);
            s71 = L.Load(p + L.Width);
        }
        for (int k = 0; k < depth; k++, b += bStep)
        {
            V b0 = L.Load(b),
                b1 = L.Load(b + L.Width),
                x;
            nint o = steps[k];
            x = L.Set(a0[o]);
            s00 = L.MulAdd(x, b0, s00);
            s01 = L.MulAdd(x, b1, s01);
            x = L.Set(a1[o]);
            s10 = L.MulAdd(x, b0, s10);
            s11 = L.MulAdd(x, b1, s11);
            x = L.Set(a2[o]);
            s20 = L.MulAdd(x, b0, s20);
            s21 = L.MulAdd(x, b1, s21);
            x = L.Set(a3[o]);
            s30 = L.MulAdd(x, b0, s30);
            s31 = L.MulAdd(x, b1, s31);
            x = L.Set(a4[o]);
            s40 = L.MulAdd(x, b0, s40);
            s41 = L.MulAdd(x, b1, s41);
            x = L.Set(a5[o]);
            s50 = L.MulAdd(x, b0, s50);
            s51 = L.MulAdd(x, b1, s51);
            x = L.Set(a6[o]);
            s60 = L.MulAdd(x, b0, s60);
            s61 = L.MulAdd(x, b1, s61);
            x = L.Set(a7[o]);
            s70 = L.MulAdd(x, b0, s70);
            s71 = L.MulAdd(x, b1, s71);
        }
        float* q = c;
        L.Store(q, s00);
        L.Store(q + L.Width, s01);
        q = c + 1 * cRow;
        L.Store(q, s10);
        L.Store(q + L.Width, s11);
        q = c + 2 * cRow;
        L.Store(q, s20);
        L.Store(q + L.Width, s21);
        q = c + 3 * cRow;
        L.Store(q, s30);
        L.Store(q + L.Width, s31);
        q = c + 4 * cRow;
        L.Store(q, s40);
        L.Store(q + L.Width, s41);
        q = c + 5 * cRow;
        L.Store(q, s50);
        L.Store(q + L.Width, s51);
        q = c + 6 * cRow;
        L.Store(q, s60);
        L.Store(q + L.Width, s61);
        q = c + 7 * cRow;
        L.Store(q, s70);
        L.Store(q + L.Width, s71);
    }

    /// <summary>4 rows × 2 registers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Wide4(int depth, float* a, int* rows, int* steps, float* b, nint bStep, float* start, float* c, nint cRow, bool add)
    {
        float* a0 = a + rows[0],
            a1 = a + rows[1],
            a2 = a + rows[2],
            a3 = a + rows[3];
        float* c0 = c,
            c1 = c + 1 * cRow,
            c2 = c + 2 * cRow,
            c3 = c + 3 * cRow;
        V f = start == null ? L.Zero : L.Load(start),
            g = start == null ? L.Zero : L.Load(start + L.Width);
        V s00 = add ? L.Load(c0) : f,
            s01 = add ? L.Load(c0 + L.Width) : g,
            s10 = add ? L.Load(c1) : f,
            s11 = add ? L.Load(c1 + L.Width) : g;
        V s20 = add ? L.Load(c2) : f,
            s21 = add ? L.Load(c2 + L.Width) : g,
            s30 = add ? L.Load(c3) : f,
            s31 = add ? L.Load(c3 + L.Width) : g;
        for (int k = 0; k < depth; k++, b += bStep)
        {
            V b0 = L.Load(b),
                b1 = L.Load(b + L.Width),
                x;
            nint o = steps[k];
            x = L.Set(a0[o]);
            s00 = L.MulAdd(x, b0, s00);
            s01 = L.MulAdd(x, b1, s01);
            x = L.Set(a1[o]);
            s10 = L.MulAdd(x, b0, s10);
            s11 = L.MulAdd(x, b1, s11);
            x = L.Set(a2[o]);
            s20 = L.MulAdd(x, b0, s20);
            s21 = L.MulAdd(x, b1, s21);
            x = L.Set(a3[o]);
            s30 = L.MulAdd(x, b0, s30);
            s31 = L.MulAdd(x, b1, s31);
        }
        L.Store(c0, s00);
        L.Store(c0 + L.Width, s01);
        L.Store(c1, s10);
        L.Store(c1 + L.Width, s11);
        L.Store(c2, s20);
        L.Store(c2 + L.Width, s21);
        L.Store(c3, s30);
        L.Store(c3 + L.Width, s31);
    }

    /// <summary>8 rows × 1 register.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Narrow8(
        int depth,
        float* a,
        int* rows,
        int* steps,
        float* b,
        nint bStep,
        float* start,
        float* c,
        nint cRow,
        bool add
    )
    {
        float* a0 = a + rows[0],
            a1 = a + rows[1],
            a2 = a + rows[2],
            a3 = a + rows[3],
            a4 = a + rows[4],
            a5 = a + rows[5],
            a6 = a + rows[6],
            a7 = a + rows[7];
        V f = start == null ? L.Zero : L.Load(start);
        V s0 = f,
            s1 = f,
            s2 = f,
            s3 = f,
            s4 = f,
            s5 = f,
            s6 = f,
            s7 = f;
        if (add)
        {
            s0 = L.Load(c);
            s1 = L.Load(c + 1 * cRow);
            s2 = L.Load(c + 2 * cRow);
            s3 = L.Load(c + 3 * cRow);
            s4 = L.Load(c + 4 * cRow);
            s5 = L.Load(c + 5 * cRow);
            s6 = L.Load(c + 6 * cRow);
            s7 = L.Load(c + 7 * cRow);
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
        L.Store(c, s0);
        L.Store(c + 1 * cRow, s1);
        L.Store(c + 2 * cRow, s2);
        L.Store(c + 3 * cRow, s3);
        L.Store(c + 4 * cRow, s4);
        L.Store(c + 5 * cRow, s5);
        L.Store(c + 6 * cRow, s6);
        L.Store(c + 7 * cRow, s7);
    }

    /// <summary>4 rows × 1 register.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Narrow4(
        int depth,
        float* a,
        int* rows,
        int* steps,
        float* b,
        nint bStep,
        float* start,
        float* c,
        nint cRow,
        bool add
    )
    {
        float* a0 = a + rows[0],
            a1 = a + rows[1],
            a2 = a + rows[2],
            a3 = a + rows[3];
        float* c0 = c,
            c1 = c + 1 * cRow,
            c2 = c + 2 * cRow,
            c3 = c + 3 * cRow;
        V f = start == null ? L.Zero : L.Load(start);
        V s0 = add ? L.Load(c0) : f,
            s1 = add ? L.Load(c1) : f,
            s2 = add ? L.Load(c2) : f,
            s3 = add ? L.Load(c3) : f;
        for (int k = 0; k < depth; k++, b += bStep)
        {
            V v = L.Load(b);
            nint o = steps[k];
            s0 = L.MulAdd(L.Set(a0[o]), v, s0);
            s1 = L.MulAdd(L.Set(a1[o]), v, s1);
            s2 = L.MulAdd(L.Set(a2[o]), v, s2);
            s3 = L.MulAdd(L.Set(a3[o]), v, s3);
        }
        L.Store(c0, s0);
        L.Store(c1, s1);
        L.Store(c2, s2);
        L.Store(c3, s3);
    }

    /// <summary>1 row × 1 register.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Narrow1(int depth, float* a, int* steps, float* b, nint bStep, float* start, float* c, bool add)
    {
        V s =
            add ? L.Load(c)
            : start == null ? L.Zero
            : L.Load(start);
        for (int k = 0; k < depth; k++, b += bStep)
            s = L.MulAdd(L.Set(a[steps[k]]), L.Load(b), s);
        L.Store(c, s);
    }
}

/// <summary>A value that is not 0, and where what it is multiplied with lies.</summary>
internal struct Listed
{
    public int Place;
    public float Value;
}
