using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using BatchViz.Engine.Cpu.Kernels;

namespace BatchViz.Engine.Cpu;

/// <summary>
/// What one core can do at most: multiply-adds on registers alone, in twelve independent chains (two units with a latency of four or
/// five need ten). No kernel can be faster, so a kernel's rate is told as a share of this.
/// </summary>
public static class FmaCeiling
{
    private const int Chains = 12,
        Steps = 50_000;

    /// <summary>
    /// The best rate of the calling thread's core, in GFLOP/s (10⁹ operations a second, two to a multiply-add), over slices of a
    /// fraction of a millisecond, so that other work on the machine lowers it little.
    /// </summary>
    /// <param name="path">Which registers; on the portable path a multiply-add is two instructions, as in its kernels.</param>
    /// <param name="seconds">How long to measure, on the wall.</param>
    /// <exception cref="PlatformNotSupportedException">This processor cannot run that path.</exception>
    public static double Gflops(KernelPath path, double seconds)
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

    private static double Best<L, V>(double seconds)
        where L : struct, ILanes<V>
        where V : struct
    {
        double shortest = double.PositiveInfinity;
        long begin = Stopwatch.GetTimestamp();
        do
        {
            long start = Stopwatch.GetTimestamp();
            float sum = Slice<L, V>();
            double taken = Stopwatch.GetElapsedTime(start).TotalSeconds;
            // The sum is a few dozen; looking at it keeps the compiler from leaving the work out.
            if (sum > 0 && taken < shortest)
                shortest = taken;
        } while (Stopwatch.GetElapsedTime(begin).TotalSeconds < seconds);
        return 2.0 * L.Width * Chains * Steps / shortest * 1e-9;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static float Slice<L, V>()
        where L : struct, ILanes<V>
        where V : struct
    {
        V by = L.Set(0.5f),
            plus = L.Set(0.25f);
        V a = L.Set(1),
            b = a,
            c = a,
            d = a,
            e = a,
            f = a,
            g = a,
            h = a,
            i = a,
            j = a,
            k = a,
            l = a;
        for (int step = 0; step < Steps; step++)
        {
            a = L.MulAdd(a, by, plus);
            b = L.MulAdd(b, by, plus);
            c = L.MulAdd(c, by, plus);
            d = L.MulAdd(d, by, plus);
            e = L.MulAdd(e, by, plus);
            f = L.MulAdd(f, by, plus);
            g = L.MulAdd(g, by, plus);
            h = L.MulAdd(h, by, plus);
            i = L.MulAdd(i, by, plus);
            j = L.MulAdd(j, by, plus);
            k = L.MulAdd(k, by, plus);
            l = L.MulAdd(l, by, plus);
        }
        V first = L.Add(L.Add(L.Add(a, b), L.Add(c, d)), L.Add(e, f)),
            second = L.Add(L.Add(L.Add(g, h), L.Add(i, j)), L.Add(k, l));
        return L.SumOf(L.Add(first, second));
    }
}
