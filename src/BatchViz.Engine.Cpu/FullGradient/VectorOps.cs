using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace BatchViz.Engine.Cpu.FullGradient;

/// <summary>
/// Arithmetic over whole weight vectors in double precision, multiplied and added apart and in a fixed order, so that the bits do not
/// depend on the processor. Counts are multiples of 8.
/// </summary>
internal static unsafe class VectorOps
{
    /// <summary>Σ a·b, in eight partial sums.</summary>
    public static double Dot(long count, float* a, float* b)
    {
        Vector256<double> low = default,
            high = default;
        for (long i = 0; i < count; i += 8)
        {
            var (a0, a1) = Eight(a + i);
            var (b0, b1) = Eight(b + i);
            low += a0 * b0;
            high += a1 * b1;
        }
        return Sum(low + high);
    }

    public static double Dot(long count, float* a, double* b)
    {
        Vector256<double> low = default,
            high = default;
        for (long i = 0; i < count; i += 8)
        {
            var (a0, a1) = Eight(a + i);
            low += a0 * Vector256.Load(b + i);
            high += a1 * Vector256.Load(b + i + 4);
        }
        return Sum(low + high);
    }

    /// <summary>Σ |a|.</summary>
    public static double AbsoluteSum(long count, float* a)
    {
        Vector256<double> low = default,
            high = default;
        for (long i = 0; i < count; i += 8)
        {
            var (a0, a1) = Eight(a + i);
            low += Vector256.Abs(a0);
            high += Vector256.Abs(a1);
        }
        return Sum(low + high);
    }

    /// <summary>The largest |a|.</summary>
    public static double Largest(long count, double* a)
    {
        Vector256<double> most = default;
        for (long i = 0; i < count; i += 4)
            most = Vector256.Max(most, Vector256.Abs(Vector256.Load(a + i)));
        return Math.Max(Math.Max(most[0], most[2]), Math.Max(most[1], most[3]));
    }

    /// <summary>to = factor·a.</summary>
    public static void Scaled(long count, double factor, float* a, double* to)
    {
        for (long i = 0; i < count; i += 8)
        {
            var (a0, a1) = Eight(a + i);
            (a0 * factor).Store(to + i);
            (a1 * factor).Store(to + i + 4);
        }
    }

    /// <summary>to *= factor.</summary>
    public static void Scale(long count, double factor, double* to)
    {
        for (long i = 0; i < count; i += 4)
            (Vector256.Load(to + i) * factor).Store(to + i);
    }

    /// <summary>to += factor·a.</summary>
    public static void Add(long count, double factor, float* a, double* to)
    {
        for (long i = 0; i < count; i += 8)
        {
            var (a0, a1) = Eight(a + i);
            (Vector256.Load(to + i) + a0 * factor).Store(to + i);
            (Vector256.Load(to + i + 4) + a1 * factor).Store(to + i + 4);
        }
    }

    /// <summary>to = a + step·d, rounded to float.</summary>
    public static void Along(long count, float* a, double step, double* d, float* to)
    {
        for (long i = 0; i < count; i += 8)
        {
            var (a0, a1) = Eight(a + i);
            Vector256.Narrow(a0 + Vector256.Load(d + i) * step, a1 + Vector256.Load(d + i + 4) * step).Store(to + i);
        }
    }

    /// <summary>to = factor·to + decay·w, rounded to float.</summary>
    public static void Regularise(long count, double factor, double decay, float* w, float* to)
    {
        for (long i = 0; i < count; i += 8)
        {
            var (w0, w1) = Eight(w + i);
            var (g0, g1) = Eight(to + i);
            Vector256.Narrow(g0 * factor + w0 * decay, g1 * factor + w1 * decay).Store(to + i);
        }
    }

    /// <summary>to = a − b.</summary>
    public static void Difference(long count, float* a, float* b, float* to)
    {
        for (long i = 0; i < count; i += 8)
            (Vector256.Load(a + i) - Vector256.Load(b + i)).Store(to + i);
    }

    /// <summary>to = a, rounded to float.</summary>
    public static void Round(long count, double* a, float* to)
    {
        for (long i = 0; i < count; i += 8)
            Vector256.Narrow(Vector256.Load(a + i), Vector256.Load(a + i + 4)).Store(to + i);
    }

    public static void Copy(long count, float* from, float* to) =>
        Buffer.MemoryCopy(from, to, count * sizeof(float), count * sizeof(float));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector256<double> Low, Vector256<double> High) Eight(float* p) => Vector256.Widen(Vector256.Load(p));

    private static double Sum(Vector256<double> v) => (v[0] + v[2]) + (v[1] + v[3]);
}
