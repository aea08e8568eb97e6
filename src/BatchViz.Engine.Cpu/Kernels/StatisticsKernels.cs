using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace BatchViz.Engine.Cpu.Kernels;

/// <summary>Sums that are taken from gradients and examples on the way.</summary>
internal static unsafe class StatisticsKernels<L, V>
    where L : struct, ILanes<V>
    where V : struct
{
    /// <summary>Vectors after which four-bit counters go into eight-bit ones, and rounds of that until these are full.</summary>
    private const int NibbleRounds = 15,
        ByteRounds = 17;

    /// <summary>
    /// Σ g² of each of some ranges that follow one another, added to <paramref name="squares"/>: in blocks summed in float and added up
    /// in double, a block that overflows in double; and what else is told of a gradient, of them all, added to <paramref name="to"/>.
    /// </summary>
    /// <remarks>Inlined into its caller, which the JIT by itself does only up to some size: a fifth of the update of a small net.</remarks>
    /// <param name="floats">Floats in each range [ranges]: multiples of <see cref="WeightLayout.Lanes"/>.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.AggressiveInlining)]
    public static void SummarizeGradient(int ranges, long* floats, float* g, double* squares, ref GradientSummary to)
    {
        const int Block = 1024;
        V nibbles = L.Zero,
            even = L.Zero,
            odd = L.Zero,
            largest = L.Zero;
        int inNibbles = 0,
            inBytes = 0;
        for (int r = 0; r < ranges; r++)
        {
            int n;
            for (long left = floats[r]; left > 0; left -= n, g += n)
            {
                n = (int)Math.Min(left, Block);
                V s = L.Zero;
                for (int i = 0; i < n; i += L.Width)
                {
                    V v = L.Load(g + i);
                    s = L.MulAdd(v, v, s);
                    largest = L.MaxInts(largest, L.And(v, GradientSummary.Magnitude));
                    nibbles = L.AddInts(nibbles, L.NibbleOfMagnitude(v, GradientSummary.LowestExponent));
                    if (++inNibbles < NibbleRounds)
                        continue;
                    Widen(ref nibbles, ref even, ref odd);
                    inNibbles = 0;
                    if (++inBytes < ByteRounds)
                        continue;
                    Empty(ref even, ref odd, ref to);
                    inBytes = 0;
                }
                float sum = L.SumOf(s);
                if (float.IsFinite(sum))
                {
                    squares[r] += sum;
                }
                else
                {
                    for (int i = 0; i < n; i++)
                        squares[r] += (double)g[i] * g[i];
                }
            }
        }
        Widen(ref nibbles, ref even, ref odd);
        Empty(ref even, ref odd, ref to);
        to.Meet(L.MaxOfInts(largest));
    }

    /// <summary>Four-bit counters into eight-bit ones: bins 0, 2, 4, 6 and 1, 3, 5, 7.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Widen(ref V nibbles, ref V even, ref V odd)
    {
        even = L.AddInts(even, L.And(nibbles, 0x0F0F0F0F));
        odd = L.AddInts(odd, L.And(L.ShiftRightInts(nibbles, 4), 0x0F0F0F0F));
        nibbles = L.Zero;
    }

    /// <summary>Eight-bit counters of all lanes into the summary's.</summary>
    public static void Empty(ref V even, ref V odd, ref GradientSummary to)
    {
        Spread(even, ref to, 0);
        Spread(odd, ref to, 1);
        even = L.Zero;
        odd = L.Zero;
    }

    /// <summary>squares[b] = Σⱼ (row b)²: the factors of each example's squared gradient norm.</summary>
    /// <param name="columns">What is summed of a row; what lies between it and the stride may be anything.</param>
    /// <param name="stride">Floats from row to row; a multiple of <see cref="WeightLayout.Lanes"/>.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void RowSquares(int rows, int columns, int stride, float* p, float* squares)
    {
        int whole = columns / L.Width * L.Width,
            b = 0;
        V rest = L.FirstLanes(columns - whole);
        for (; b + 4 <= rows; b += 4, p += 4 * stride)
        {
            float* q = p + stride,
                r = q + stride,
                t = r + stride;
            V s0 = L.Zero,
                s1 = L.Zero,
                s2 = L.Zero,
                s3 = L.Zero;
            for (int j = 0; j < whole; j += L.Width)
            {
                V x0 = L.Load(p + j),
                    x1 = L.Load(q + j),
                    x2 = L.Load(r + j),
                    x3 = L.Load(t + j);
                s0 = L.MulAdd(x0, x0, s0);
                s1 = L.MulAdd(x1, x1, s1);
                s2 = L.MulAdd(x2, x2, s2);
                s3 = L.MulAdd(x3, x3, s3);
            }
            if (whole < columns)
            {
                V x0 = L.Select(rest, L.Load(p + whole), L.Zero),
                    x1 = L.Select(rest, L.Load(q + whole), L.Zero);
                V x2 = L.Select(rest, L.Load(r + whole), L.Zero),
                    x3 = L.Select(rest, L.Load(t + whole), L.Zero);
                s0 = L.MulAdd(x0, x0, s0);
                s1 = L.MulAdd(x1, x1, s1);
                s2 = L.MulAdd(x2, x2, s2);
                s3 = L.MulAdd(x3, x3, s3);
            }
            Vector128.Store(L.SumsOf(s0, s1, s2, s3), squares + b);
        }
        for (; b < rows; b++, p += stride)
        {
            V s = L.Zero;
            for (int j = 0; j < columns; j += L.Width)
            {
                V x = j < whole ? L.Load(p + j) : L.Select(rest, L.Load(p + j), L.Zero);
                s = L.MulAdd(x, x, s);
            }
            squares[b] = L.SumOf(s);
        }
    }

    /// <summary>to[b] += (inputs[b] + bias)·deltas[b]: a layer's part of each example's squared gradient norm.</summary>
    /// <param name="count">All three hold a multiple of <see cref="WeightLayout.Lanes"/>.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void AddProducts(int count, float bias, float* inputs, float* deltas, float* to)
    {
        V plus = L.Set(bias);
        for (int b = 0; b < count; b += L.Width)
            L.Store(to + b, L.Add(L.Load(to + b), L.Mul(L.Add(L.Load(inputs + b), plus), L.Load(deltas + b))));
    }

    /// <summary>squares[b] ← scale·squares[b] and norms[b] = √squares[b].</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Norms(int count, float scale, float* squares, float* norms)
    {
        V factor = L.Set(scale);
        for (int b = 0; b < count; b += L.Width)
        {
            V square = L.Mul(L.Load(squares + b), factor);
            L.Store(squares + b, square);
            L.Store(norms + b, L.Sqrt(square));
        }
    }

    private static void Spread(V bytes, ref GradientSummary to, int first)
    {
        int low = L.SumInts(L.And(bytes, 0x00FF00FF)),
            high = L.SumInts(L.And(L.ShiftRightInts(bytes, 8), 0x00FF00FF));
        to.Counts[first] += low & 0xFFFF;
        to.Counts[first + 2] += high & 0xFFFF;
        to.Counts[first + 4] += (int)((uint)low >> 16);
        to.Counts[first + 6] += (int)((uint)high >> 16);
    }
}
