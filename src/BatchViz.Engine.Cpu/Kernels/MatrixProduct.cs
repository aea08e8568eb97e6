using System.Runtime.CompilerServices;

namespace BatchViz.Engine.Cpu.Kernels;

/// <summary>
/// The matrix product that all layers use: C[i, j] = start[j] + Σₖ A[i, k]·B[k, j], with k from first to last for every element whatever
/// the tile it lies in, so a result does not depend on where tiles fall. A is read element by element through two strides (a row
/// and a step of k), so it may lie transposed; rows of B and C are read and written as whole registers. Where many rows of A share a
/// strip of B whose rows lie far apart, it is copied together first, for rows at distances of powers of two share few places in the cache.
/// </summary>
internal static unsafe class MatrixProduct<L, V>
    where L : struct, ILanes<V>
    where V : struct
{
    /// <summary>
    /// Steps of k that a tile makes before it goes on to other rows, so that a strip of B stays in the first-level cache.
    /// </summary>
    private const int DepthBlock = 192;

    /// <summary>Rows of A from which copying a strip costs little beside using it, and columns from which it helps.</summary>
    private const int PackFromRows = 32,
        PackFromColumns = 128;

    /// <param name="start">[columns] added to every row, or null.</param>
    /// <param name="columns">A multiple of <see cref="WeightLayout.Lanes"/>; B's and C's row strides.</param>
    /// <param name="add">Goes on from what C holds (then start is not read).</param>
    public static void Run(int rows, int depth, int columns, float* a, nint aRow, nint aStep, float* b, float* start, float* c, bool add)
    {
        if (depth == 0)
        {
            if (!add)
                Start(rows, columns, start, c);
            return;
        }
        for (int k = 0; k < depth; k += DepthBlock)
        {
            Block(
                rows,
                Math.Min(DepthBlock, depth - k),
                columns,
                a + k * aStep,
                aRow,
                aStep,
                b + (nint)k * columns,
                start,
                c,
                add || k > 0
            );
        }
    }

    [SkipLocalsInit]
    private static void Block(int rows, int depth, int columns, float* a, nint aRow, nint aStep, float* b, float* start, float* c, bool add)
    {
        int tiled = rows / L.TileRows * L.TileRows;
        // Two rows left over by tiles of six: better two tiles of four.
        if (L.TileRows == 6 && rows - tiled == 2 && tiled > 0)
            tiled -= 6;
        int fours = L.TileRows > 4 ? tiled + (rows - tiled) / 4 * 4 : tiled;
        if (fours > 0)
        {
            bool pack = fours >= PackFromRows && columns >= PackFromColumns;
            float* buffer = stackalloc float[pack ? 2 * L.Width * DepthBlock + WeightLayout.Lanes : 1];
            float* strip = (float*)(((nint)buffer + 63) & ~63);
            int step = pack ? 2 * L.Width : columns,
                j = 0;
            for (; j + 2 * L.Width <= columns; j += 2 * L.Width)
            {
                float* from = start == null ? null : start + j;
                if (pack)
                    Copy(depth, b + j, columns, strip);
                else
                    strip = b + j;
                for (int i = 0; i < tiled; i += L.TileRows)
                {
                    if (L.TileRows == 8)
                        Tile8(depth, a + i * aRow, aRow, aStep, strip, step, c + (nint)i * columns + j, columns, from, add);
                    else if (L.TileRows == 6)
                        Tile6(depth, a + i * aRow, aRow, aStep, strip, step, c + (nint)i * columns + j, columns, from, add);
                    else
                        Tile4(depth, a + i * aRow, aRow, aStep, strip, step, c + (nint)i * columns + j, columns, from, add);
                }
                for (int i = tiled; i < fours; i += 4)
                    Tile4(depth, a + i * aRow, aRow, aStep, strip, step, c + (nint)i * columns + j, columns, from, add);
            }
            if (j < columns)
            {
                float* from = start == null ? null : start + j;
                int i = 0;
                for (; i + 8 <= fours; i += 8)
                    Narrow8(depth, a + i * aRow, aRow, aStep, b + j, columns, c + (nint)i * columns + j, columns, from, add);
                for (; i < fours; i++)
                    Row1(depth, a + i * aRow, aStep, b + j, columns, c + (nint)i * columns + j, from, add);
            }
        }
        int row = fours;
        if (rows - row >= 2)
        {
            Pair(depth, columns, a + row * aRow, aRow, aStep, b, start, c + (nint)row * columns, add);
            row += 2;
        }
        for (; row < rows; row++)
            Row(depth, columns, a + row * aRow, aStep, b, start, c + (nint)row * columns, add);
    }

    /// <summary>A strip of two registers, its rows one after another.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Copy(int depth, float* b, nint bStep, float* to)
    {
        for (int k = 0; k < depth; k++, b += bStep, to += 2 * L.Width)
        {
            L.Store(to, L.Load(b));
            L.Store(to + L.Width, L.Load(b + L.Width));
        }
    }

    private static void Pair(int depth, int columns, float* a, nint aRow, nint aStep, float* b, float* start, float* c, bool add)
    {
        int j = 0;
        for (; j + 4 * L.Width <= columns; j += 4 * L.Width)
            Pair4(depth, a, aRow, aStep, b + j, columns, c + j, columns, start == null ? null : start + j, add);
        if (j == columns)
            return;
        for (int i = 0; i < 2; i++)
        {
            for (int k = j; k < columns; k += L.Width)
                Row1(depth, a + i * aRow, aStep, b + k, columns, c + (nint)i * columns + k, start == null ? null : start + k, add);
        }
    }

    private static void Row(int depth, int columns, float* a, nint aStep, float* b, float* start, float* c, bool add)
    {
        int j = 0;
        for (; j + 4 * L.Width <= columns; j += 4 * L.Width)
            Row4(depth, a, aStep, b + j, columns, c + j, start == null ? null : start + j, add);
        for (; j < columns; j += L.Width)
            Row1(depth, a, aStep, b + j, columns, c + j, start == null ? null : start + j, add);
    }

    private static void Start(int rows, int columns, float* start, float* c)
    {
        for (int i = 0; i < rows; i++)
        {
            for (int j = 0; j < columns; j++)
                c[(nint)i * columns + j] = start == null ? 0 : start[j];
        }
    }

    /// <summary>8 rows × 2 registers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile8(int depth, float* a, nint aRow, nint aStep, float* b, nint bStep, float* c, nint cRow, float* start, bool add)
    {
        V s00,
            s01,
            s10,
            s11,
            s20,
            s21,
            s30,
            s31,
            s40,
            s41,
            s50,
            s51,
            s60,
            s61,
            s70,
            s71;
        if (add)
        {
            s00 = L.Load(c);
            s01 = L.Load(c + L.Width);
            s10 = L.Load(c + 1 * cRow);
            s11 = L.Load(c + 1 * cRow + L.Width);
            s20 = L.Load(c + 2 * cRow);
            s21 = L.Load(c + 2 * cRow + L.Width);
            s30 = L.Load(c + 3 * cRow);
            s31 = L.Load(c + 3 * cRow + L.Width);
            s40 = L.Load(c + 4 * cRow);
            s41 = L.Load(c + 4 * cRow + L.Width);
            s50 = L.Load(c + 5 * cRow);
            s51 = L.Load(c + 5 * cRow + L.Width);
            s60 = L.Load(c + 6 * cRow);
            s61 = L.Load(c + 6 * cRow + L.Width);
            s70 = L.Load(c + 7 * cRow);
            s71 = L.Load(c + 7 * cRow + L.Width);
        }
        else
        {
            V first = start == null ? L.Zero : L.Load(start),
                second = start == null ? L.Zero : L.Load(start + L.Width);
            s00 = first;
            s01 = second;
            s10 = first;
            s11 = second;
            s20 = first;
            s21 = second;
            s30 = first;
            s31 = second;
            s40 = first;
            s41 = second;
            s50 = first;
            s51 = second;
            s60 = first;
            s61 = second;
            s70 = first;
            s71 = second;
        }
        for (int k = 0; k < depth; k++, a += aStep, b += bStep)
        {
            V b0 = L.Load(b),
                b1 = L.Load(b + L.Width),
                x;
            x = L.Set(a[0]);
            s00 = L.MulAdd(x, b0, s00);
            s01 = L.MulAdd(x, b1, s01);
            x = L.Set(a[aRow]);
            s10 = L.MulAdd(x, b0, s10);
            s11 = L.MulAdd(x, b1, s11);
            x = L.Set(a[2 * aRow]);
            s20 = L.MulAdd(x, b0, s20);
            s21 = L.MulAdd(x, b1, s21);
            x = L.Set(a[3 * aRow]);
            s30 = L.MulAdd(x, b0, s30);
            s31 = L.MulAdd(x, b1, s31);
            x = L.Set(a[4 * aRow]);
            s40 = L.MulAdd(x, b0, s40);
            s41 = L.MulAdd(x, b1, s41);
            x = L.Set(a[5 * aRow]);
            s50 = L.MulAdd(x, b0, s50);
            s51 = L.MulAdd(x, b1, s51);
            x = L.Set(a[6 * aRow]);
            s60 = L.MulAdd(x, b0, s60);
            s61 = L.MulAdd(x, b1, s61);
            x = L.Set(a[7 * aRow]);
            s70 = L.MulAdd(x, b0, s70);
            s71 = L.MulAdd(x, b1, s71);
        }
        L.Store(c, s00);
        L.Store(c + L.Width, s01);
        L.Store(c + 1 * cRow, s10);
        L.Store(c + 1 * cRow + L.Width, s11);
        L.Store(c + 2 * cRow, s20);
        L.Store(c + 2 * cRow + L.Width, s21);
        L.Store(c + 3 * cRow, s30);
        L.Store(c + 3 * cRow + L.Width, s31);
        L.Store(c + 4 * cRow, s40);
        L.Store(c + 4 * cRow + L.Width, s41);
        L.Store(c + 5 * cRow, s50);
        L.Store(c + 5 * cRow + L.Width, s51);
        L.Store(c + 6 * cRow, s60);
        L.Store(c + 6 * cRow + L.Width, s61);
        L.Store(c + 7 * cRow, s70);
        L.Store(c + 7 * cRow + L.Width, s71);
    }

    /// <summary>6 rows × 2 registers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile6(int depth, float* a, nint aRow, nint aStep, float* b, nint bStep, float* c, nint cRow, float* start, bool add)
    {
        V s00,
            s01,
            s10,
            s11,
            s20,
            s21,
            s30,
            s31,
            s40,
            s41,
            s50,
            s51;
        if (add)
        {
            s00 = L.Load(c);
            s01 = L.Load(c + L.Width);
            s10 = L.Load(c + 1 * cRow);
            s11 = L.Load(c + 1 * cRow + L.Width);
            s20 = L.Load(c + 2 * cRow);
            s21 = L.Load(c + 2 * cRow + L.Width);
            s30 = L.Load(c + 3 * cRow);
            s31 = L.Load(c + 3 * cRow + L.Width);
            s40 = L.Load(c + 4 * cRow);
            s41 = L.Load(c + 4 * cRow + L.Width);
            s50 = L.Load(c + 5 * cRow);
            s51 = L.Load(c + 5 * cRow + L.Width);
        }
        else
        {
            V first = start == null ? L.Zero : L.Load(start),
                second = start == null ? L.Zero : L.Load(start + L.Width);
            s00 = first;
            s01 = second;
            s10 = first;
            s11 = second;
            s20 = first;
            s21 = second;
            s30 = first;
            s31 = second;
            s40 = first;
            s41 = second;
            s50 = first;
            s51 = second;
        }
        for (int k = 0; k < depth; k++, a += aStep, b += bStep)
        {
            V b0 = L.Load(b),
                b1 = L.Load(b + L.Width),
                x;
            x = L.Set(a[0]);
            s00 = L.MulAdd(x, b0, s00);
            s01 = L.MulAdd(x, b1, s01);
            x = L.Set(a[aRow]);
            s10 = L.MulAdd(x, b0, s10);
            s11 = L.MulAdd(x, b1, s11);
            x = L.Set(a[2 * aRow]);
            s20 = L.MulAdd(x, b0, s20);
            s21 = L.MulAdd(x, b1, s21);
            x = L.Set(a[3 * aRow]);
            s30 = L.MulAdd(x, b0, s30);
            s31 = L.MulAdd(x, b1, s31);
            x = L.Set(a[4 * aRow]);
            s40 = L.MulAdd(x, b0, s40);
            s41 = L.MulAdd(x, b1, s41);
            x = L.Set(a[5 * aRow]);
            s50 = L.MulAdd(x, b0, s50);
            s51 = L.MulAdd(x, b1, s51);
        }
        L.Store(c, s00);
        L.Store(c + L.Width, s01);
        L.Store(c + 1 * cRow, s10);
        L.Store(c + 1 * cRow + L.Width, s11);
        L.Store(c + 2 * cRow, s20);
        L.Store(c + 2 * cRow + L.Width, s21);
        L.Store(c + 3 * cRow, s30);
        L.Store(c + 3 * cRow + L.Width, s31);
        L.Store(c + 4 * cRow, s40);
        L.Store(c + 4 * cRow + L.Width, s41);
        L.Store(c + 5 * cRow, s50);
        L.Store(c + 5 * cRow + L.Width, s51);
    }

    /// <summary>4 rows × 2 registers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile4(int depth, float* a, nint aRow, nint aStep, float* b, nint bStep, float* c, nint cRow, float* start, bool add)
    {
        V s00,
            s01,
            s10,
            s11,
            s20,
            s21,
            s30,
            s31;
        if (add)
        {
            s00 = L.Load(c);
            s01 = L.Load(c + L.Width);
            s10 = L.Load(c + 1 * cRow);
            s11 = L.Load(c + 1 * cRow + L.Width);
            s20 = L.Load(c + 2 * cRow);
            s21 = L.Load(c + 2 * cRow + L.Width);
            s30 = L.Load(c + 3 * cRow);
            s31 = L.Load(c + 3 * cRow + L.Width);
        }
        else
        {
            V first = start == null ? L.Zero : L.Load(start),
                second = start == null ? L.Zero : L.Load(start + L.Width);
            s00 = first;
            s01 = second;
            s10 = first;
            s11 = second;
            s20 = first;
            s21 = second;
            s30 = first;
            s31 = second;
        }
        for (int k = 0; k < depth; k++, a += aStep, b += bStep)
        {
            V b0 = L.Load(b),
                b1 = L.Load(b + L.Width),
                x;
            x = L.Set(a[0]);
            s00 = L.MulAdd(x, b0, s00);
            s01 = L.MulAdd(x, b1, s01);
            x = L.Set(a[aRow]);
            s10 = L.MulAdd(x, b0, s10);
            s11 = L.MulAdd(x, b1, s11);
            x = L.Set(a[2 * aRow]);
            s20 = L.MulAdd(x, b0, s20);
            s21 = L.MulAdd(x, b1, s21);
            x = L.Set(a[3 * aRow]);
            s30 = L.MulAdd(x, b0, s30);
            s31 = L.MulAdd(x, b1, s31);
        }
        L.Store(c, s00);
        L.Store(c + L.Width, s01);
        L.Store(c + 1 * cRow, s10);
        L.Store(c + 1 * cRow + L.Width, s11);
        L.Store(c + 2 * cRow, s20);
        L.Store(c + 2 * cRow + L.Width, s21);
        L.Store(c + 3 * cRow, s30);
        L.Store(c + 3 * cRow + L.Width, s31);
    }

    /// <summary>8 rows × 1 register.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Narrow8(
        int depth,
        float* a,
        nint aRow,
        nint aStep,
        float* b,
        nint bStep,
        float* c,
        nint cRow,
        float* start,
        bool add
    )
    {
        V first = start == null ? L.Zero : L.Load(start);
        V s0 = add ? L.Load(c) : first,
            s1 = add ? L.Load(c + 1 * cRow) : first,
            s2 = add ? L.Load(c + 2 * cRow) : first,
            s3 = add ? L.Load(c + 3 * cRow) : first,
            s4 = add ? L.Load(c + 4 * cRow) : first,
            s5 = add ? L.Load(c + 5 * cRow) : first,
            s6 = add ? L.Load(c + 6 * cRow) : first,
            s7 = add ? L.Load(c + 7 * cRow) : first;
        for (int k = 0; k < depth; k++, a += aStep, b += bStep)
        {
            V b0 = L.Load(b);
            s0 = L.MulAdd(L.Set(a[0]), b0, s0);
            s1 = L.MulAdd(L.Set(a[aRow]), b0, s1);
            s2 = L.MulAdd(L.Set(a[2 * aRow]), b0, s2);
            s3 = L.MulAdd(L.Set(a[3 * aRow]), b0, s3);
            s4 = L.MulAdd(L.Set(a[4 * aRow]), b0, s4);
            s5 = L.MulAdd(L.Set(a[5 * aRow]), b0, s5);
            s6 = L.MulAdd(L.Set(a[6 * aRow]), b0, s6);
            s7 = L.MulAdd(L.Set(a[7 * aRow]), b0, s7);
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

    /// <summary>2 rows × 4 registers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Pair4(int depth, float* a, nint aRow, nint aStep, float* b, nint bStep, float* c, nint cRow, float* start, bool add)
    {
        float* first = add ? c : start,
            second = add ? c + cRow : start;
        V s0 = L.Zero,
            s1 = L.Zero,
            s2 = L.Zero,
            s3 = L.Zero,
            t0 = L.Zero,
            t1 = L.Zero,
            t2 = L.Zero,
            t3 = L.Zero;
        if (first != null)
        {
            s0 = L.Load(first);
            s1 = L.Load(first + L.Width);
            s2 = L.Load(first + 2 * L.Width);
            s3 = L.Load(first + 3 * L.Width);
            t0 = L.Load(second);
            t1 = L.Load(second + L.Width);
            t2 = L.Load(second + 2 * L.Width);
            t3 = L.Load(second + 3 * L.Width);
        }
        for (int k = 0; k < depth; k++, a += aStep, b += bStep)
        {
            V x = L.Set(a[0]),
                y = L.Set(a[aRow]),
                v = L.Load(b);
            s0 = L.MulAdd(x, v, s0);
            t0 = L.MulAdd(y, v, t0);
            v = L.Load(b + L.Width);
            s1 = L.MulAdd(x, v, s1);
            t1 = L.MulAdd(y, v, t1);
            v = L.Load(b + 2 * L.Width);
            s2 = L.MulAdd(x, v, s2);
            t2 = L.MulAdd(y, v, t2);
            v = L.Load(b + 3 * L.Width);
            s3 = L.MulAdd(x, v, s3);
            t3 = L.MulAdd(y, v, t3);
        }
        L.Store(c, s0);
        L.Store(c + L.Width, s1);
        L.Store(c + 2 * L.Width, s2);
        L.Store(c + 3 * L.Width, s3);
        c += cRow;
        L.Store(c, t0);
        L.Store(c + L.Width, t1);
        L.Store(c + 2 * L.Width, t2);
        L.Store(c + 3 * L.Width, t3);
    }

    /// <summary>1 row × 4 registers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Row4(int depth, float* a, nint aStep, float* b, nint bStep, float* c, float* start, bool add)
    {
        float* from = add ? c : start;
        V s0 = L.Zero,
            s1 = L.Zero,
            s2 = L.Zero,
            s3 = L.Zero;
        if (from != null)
        {
            s0 = L.Load(from);
            s1 = L.Load(from + L.Width);
            s2 = L.Load(from + 2 * L.Width);
            s3 = L.Load(from + 3 * L.Width);
        }
        for (int k = 0; k < depth; k++, a += aStep, b += bStep)
        {
            V x = L.Set(*a);
            s0 = L.MulAdd(x, L.Load(b), s0);
            s1 = L.MulAdd(x, L.Load(b + L.Width), s1);
            s2 = L.MulAdd(x, L.Load(b + 2 * L.Width), s2);
            s3 = L.MulAdd(x, L.Load(b + 3 * L.Width), s3);
        }
        L.Store(c, s0);
        L.Store(c + L.Width, s1);
        L.Store(c + 2 * L.Width, s2);
        L.Store(c + 3 * L.Width, s3);
    }

    /// <summary>1 row × 1 register.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Row1(int depth, float* a, nint aStep, float* b, nint bStep, float* c, float* start, bool add)
    {
        float* from = add ? c : start;
        V s = from == null ? L.Zero : L.Load(from);
        for (int k = 0; k < depth; k++, a += aStep, b += bStep)
            s = L.MulAdd(L.Set(*a), L.Load(b), s);
        L.Store(c, s);
    }
}
