using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using BatchViz.Engine.Cpu.Kernels;
using BatchViz.Engine.Cpu.Memory;

namespace BatchViz.Engine.Cpu;

/// <summary>
/// What one core can stream from and to memory at most: the triad a[i] = b[i] + s·c[i] of McCalpin's STREAM, over arrays that no common
/// cache holds. As there, three floats count per element; that most processors read a line before they write it does not.
/// </summary>
public static class MemoryCeiling
{
    /// <summary>Of each array: 64 MiB, twice the largest cache that a core of common processors reaches.</summary>
    private const int Floats = 16 << 20;

    private const int Unroll = 4;

    /// <summary>That a measurement takes while it lasts.</summary>
    public const long Bytes = 3L * sizeof(float) * Floats;

    /// <summary>
    /// The best rate of the calling thread's core, in GB/s (10⁹ bytes a second), over passes of a few dozen milliseconds.
    /// </summary>
    /// <param name="path">Which registers.</param>
    /// <param name="seconds">How long to measure, on the wall; at least two passes are made.</param>
    /// <exception cref="PlatformNotSupportedException">This processor cannot run that path.</exception>
    /// <exception cref="OutOfMemoryException">There is no room for the arrays.</exception>
    public static double GigabytesPerSecond(KernelPath path, double seconds)
    {
        if (!CpuEngine.Available.Contains(path))
            throw new PlatformNotSupportedException($"this processor has no {path}");
        return path switch
        {
            KernelPath.Avx512 => Best<Lanes512, Vector512<float>>(seconds),
            KernelPath.Avx2 => Best<Lanes256, Vector256<float>>(seconds),
            _ => Best<Lanes128, Vector128<float>>(seconds),
        };
    }

    private static unsafe double Best<L, V>(double seconds)
        where L : struct, ILanes<V>
        where V : struct
    {
        using NativeBuffer a = new(Floats),
            b = new(Floats),
            c = new(Floats);
        double shortest = double.PositiveInfinity;
        long begin = Stopwatch.GetTimestamp();
        for (int pass = 0; pass < 2 || Stopwatch.GetElapsedTime(begin).TotalSeconds < seconds; pass++)
        {
            long start = Stopwatch.GetTimestamp();
            Triad<L, V>(a.Pointer, b.Pointer, c.Pointer);
            shortest = Math.Min(shortest, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }
        return Bytes / shortest * 1e-9;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static unsafe void Triad<L, V>(float* a, float* b, float* c)
        where L : struct, ILanes<V>
        where V : struct
    {
        V s = L.Set(0.5f);
        for (int i = 0; i < Floats; i += Unroll * L.Width)
        {
            for (int u = 0; u < Unroll; u++)
            {
                int at = i + u * L.Width;
                L.Store(a + at, L.MulAdd(s, L.Load(c + at), L.Load(b + at)));
            }
        }
    }
}
