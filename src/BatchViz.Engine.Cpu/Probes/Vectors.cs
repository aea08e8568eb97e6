using System.Numerics;

namespace BatchViz.Engine.Cpu.Probes;

/// <summary>Sums over whole vectors in double precision, multiplied and added apart and in a fixed order, so that the bits do not depend on the processor.</summary>
internal static unsafe class Vectors
{
    /// <summary>Σ a[i]·b[i], in eight partial sums.</summary>
    /// <param name="count">A multiple of 8.</param>
    public static double Dot(long count, float* a, float* b)
    {
        double s0 = 0, s1 = 0, s2 = 0, s3 = 0, s4 = 0, s5 = 0, s6 = 0, s7 = 0;
        for (long i = 0; i < count; i += 8)
        {
            s0 += (double)a[i] * b[i];
            s1 += (double)a[i + 1] * b[i + 1];
            s2 += (double)a[i + 2] * b[i + 2];
            s3 += (double)a[i + 3] * b[i + 3];
            s4 += (double)a[i + 4] * b[i + 4];
            s5 += (double)a[i + 5] * b[i + 5];
            s6 += (double)a[i + 6] * b[i + 6];
            s7 += (double)a[i + 7] * b[i + 7];
        }
        return ((s0 + s4) + (s2 + s6)) + ((s1 + s5) + (s3 + s7));
    }

    /// <summary>y += factor·x.</summary>
    public static void Add(double factor, ReadOnlySpan<double> x, Span<double> y)
    {
        int i = 0;
        for (; i + Vector<double>.Count <= x.Length; i += Vector<double>.Count)
            (new Vector<double>(y[i..]) + new Vector<double>(factor) * new Vector<double>(x[i..])).CopyTo(y[i..]);
        for (; i < x.Length; i++) y[i] += factor * x[i];
    }
}
