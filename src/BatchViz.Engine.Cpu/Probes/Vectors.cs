using System.Numerics;
using BatchViz.Engine.Cpu.FullGradient;

namespace BatchViz.Engine.Cpu.Probes;

/// <summary>
/// Sums over whole vectors in double precision, multiplied and added apart and in a fixed order, so that the bits do not depend on the
/// processor.
/// </summary>
internal static unsafe class Vectors
{
    /// <summary>Σ a[i]·b[i], in eight partial sums.</summary>
    /// <param name="count">A multiple of 8.</param>
    public static double Dot(long count, float* a, float* b) => VectorOps.Dot(count, a, b);

    /// <summary>y += factor·x.</summary>
    public static void Add(double factor, ReadOnlySpan<double> x, Span<double> y)
    {
        int i = 0;
        for (; i + Vector<double>.Count <= x.Length; i += Vector<double>.Count)
            (new Vector<double>(y[i..]) + new Vector<double>(factor) * new Vector<double>(x[i..])).CopyTo(y[i..]);
        for (; i < x.Length; i++)
            y[i] += factor * x[i];
    }
}
