using System.Runtime.CompilerServices;

namespace BatchViz.Engine.Cpu.Kernels;

/// <summary>
/// Statistics of columns and what norms do with them; rows of <c>columns</c> floats, a multiple of <see cref="WeightLayout.Lanes"/>. And
/// the sums that layers of all kinds need.
/// </summary>
internal static unsafe class NormKernels<L, V>
    where L : struct, ILanes<V>
    where V : struct
{
    /// <summary>Rows that are summed in float before they go into double.</summary>
    private const int Block = 32;

    /// <summary>to[j] += Σ_r x[r, j].</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void ColumnSums(int rows, int columns, float* x, double* to)
    {
        for (int first = 0; first < rows; first += Block, x += (nint)Block * columns)
        {
            int count = Math.Min(Block, rows - first);
            for (int j = 0; j < columns; j += L.Width)
            {
                V s = L.Zero;
                float* at = x + j;
                for (int r = 0; r < count; r++, at += columns)
                    s = L.Add(s, L.Load(at));
                L.AddToDoubles(to + j, s);
            }
        }
    }

    /// <summary>to[j] += Σ_r (x[r, j] − mean[j])².</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void ColumnSquares(int rows, int columns, float* x, float* mean, double* to)
    {
        for (int first = 0; first < rows; first += Block, x += (nint)Block * columns)
        {
            int count = Math.Min(Block, rows - first);
            for (int j = 0; j < columns; j += L.Width)
            {
                V s = L.Zero,
                    m = L.Load(mean + j);
                float* at = x + j;
                for (int r = 0; r < count; r++, at += columns)
                {
                    V d = L.Sub(L.Load(at), m);
                    s = L.MulAdd(d, d, s);
                }
                L.AddToDoubles(to + j, s);
            }
        }
    }

    /// <summary>to[j] += Σ_r y[r, j]·(x[r, j] − mean[j]); mean null: 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void ColumnProducts(int rows, int columns, float* y, float* x, float* mean, double* to)
    {
        for (int first = 0; first < rows; first += Block, x += (nint)Block * columns, y += (nint)Block * columns)
        {
            int count = Math.Min(Block, rows - first);
            for (int j = 0; j < columns; j += L.Width)
            {
                V s = L.Zero,
                    m = mean == null ? L.Zero : L.Load(mean + j);
                float* at = x + j,
                    by = y + j;
                for (int r = 0; r < count; r++, at += columns, by += columns)
                    s = L.MulAdd(L.Load(by), L.Sub(L.Load(at), m), s);
                L.AddToDoubles(to + j, s);
            }
        }
    }

    /// <summary>to[r, j] = (x[r, j] − mean[j])·scale[j] + shift[j]; mean or shift null: 0. Adds to what is there if asked to.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Affine(int rows, int columns, float* x, float* mean, float* scale, float* shift, float* to, bool add)
    {
        for (int j = 0; j < columns; j += L.Width)
        {
            V m = mean == null ? L.Zero : L.Load(mean + j),
                s = L.Load(scale + j),
                t = shift == null ? L.Zero : L.Load(shift + j);
            float* from = x + j,
                at = to + j;
            for (int r = 0; r < rows; r++, from += columns, at += columns)
            {
                V v = L.MulAdd(L.Sub(L.Load(from), m), s, t);
                L.Store(at, add ? L.Add(L.Load(at), v) : v);
            }
        }
    }

    /// <summary>to += g, Σ g².</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float AddSquare(long count, float* g, float* to)
    {
        V s0 = L.Zero,
            s1 = L.Zero,
            s2 = L.Zero,
            s3 = L.Zero;
        long i = 0;
        for (; i + 4 * L.Width <= count; i += 4 * L.Width)
        {
            V a = L.Load(g + i),
                b = L.Load(g + i + L.Width),
                c = L.Load(g + i + 2 * L.Width),
                d = L.Load(g + i + 3 * L.Width);
            s0 = L.MulAdd(a, a, s0);
            s1 = L.MulAdd(b, b, s1);
            s2 = L.MulAdd(c, c, s2);
            s3 = L.MulAdd(d, d, s3);
            L.Store(to + i, L.Add(L.Load(to + i), a));
            L.Store(to + i + L.Width, L.Add(L.Load(to + i + L.Width), b));
            L.Store(to + i + 2 * L.Width, L.Add(L.Load(to + i + 2 * L.Width), c));
            L.Store(to + i + 3 * L.Width, L.Add(L.Load(to + i + 3 * L.Width), d));
        }
        for (; i < count; i += L.Width)
        {
            V a = L.Load(g + i);
            s0 = L.MulAdd(a, a, s0);
            L.Store(to + i, L.Add(L.Load(to + i), a));
        }
        return L.SumOf(L.Add(L.Add(s0, s1), L.Add(s2, s3)));
    }

    /// <summary>to[j] = Σ_r x[r, j], in float from first to last.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Sum(int rows, int columns, float* x, float* to)
    {
        for (int j = 0; j < columns; j += L.Width)
        {
            V s = L.Zero;
            float* at = x + j;
            for (int r = 0; r < rows; r++, at += columns)
                s = L.Add(s, L.Load(at));
            L.Store(to + j, s);
        }
    }

    /// <summary>
    /// to += g in rows of <paramref name="columns"/> floats, of which only the lanes that the mask [columns] has set count; Σ g² of these.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float AddLanes(int rows, int columns, float* mask, float* g, float* to)
    {
        V s = L.Zero,
            t = L.Zero;
        for (int r = 0; r < rows; r++, g += columns, to += columns)
        {
            for (int j = 0; j < columns; j += L.Width)
            {
                V a = L.Select(L.Load(mask + j), L.Load(g + j), L.Zero);
                (s, t) = (t, L.MulAdd(a, a, s));
                L.Store(to + j, L.Add(L.Load(to + j), a));
            }
        }
        return L.SumOf(L.Add(s, t));
    }

    /// <summary>
    /// Sigmoid contrastive loss of rows of logits y [rows, stride], of which <paramref name="columns"/> count: losses[r] = Σ_j ln(1 + e^(−t
    /// y)), t = 1 for j = r, else −1; y ← scale·∂loss/∂y, 0 beyond the columns.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void PairLogistic(int rows, int columns, int stride, float* y, float* losses, float scale)
    {
        V one = L.Set(1f);
        for (int r = 0; r < rows; r++, y += stride)
        {
            V sum = L.Zero;
            for (int j = 0; j < stride; j += L.Width)
            {
                V valid = L.FirstLanes(columns - j),
                    own = L.Select(L.FirstLanes(r - j + 1), L.Select(L.FirstLanes(r - j), L.Zero, one), L.Zero);
                V sign = L.Sub(L.Add(own, own), one),
                    m = L.Mul(sign, L.Load(y + j));
                sum = L.Add(sum, L.Select(valid, LossKernels<L, V>.LogisticOf(m, out V wrong), L.Zero));
                L.Store(y + j, L.Select(valid, L.Mul(L.Mul(L.Sub(L.Zero, sign), wrong), L.Set(scale)), L.Zero));
            }
            losses[r] = L.SumOf(sum);
        }
    }
}
