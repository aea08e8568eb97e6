using System.Runtime.Intrinsics;
using BatchViz.Engine.Cpu.Kernels;
using BatchViz.Engine.Cpu.Tests.Reference;

namespace BatchViz.Engine.Cpu.Tests;

/// <summary>exp, log, tanh, sigmoid and erf against double precision over all magnitudes of floats.</summary>
public class VectorMathTests
{
    [Theory, ClassData(typeof(Paths))]
    public void ExpIsWithinTwoUlps(KernelPath path) => Check(path, Function.Exp, 2, Between(-86.6f, 88.72f), Math.Exp);

    [Theory, ClassData(typeof(Paths))]
    public void LogIsWithinTwoUlps(KernelPath path) => Check(path, Function.Log, 2, Magnitudes(float.Epsilon, float.MaxValue), Math.Log);

    /// <summary>Against the series for tiny u, where 1 + u loses it.</summary>
    [Theory, ClassData(typeof(Paths))]
    public void LogOnePlusIsWithinThreeUlps(KernelPath path) =>
        Check(path, Function.LogOnePlus, 3, Magnitudes(1e-37f, 1), u => u < 1e-5 ? u - u * u / 2 + u * u * u / 3 : Math.Log(1 + u));

    [Theory, ClassData(typeof(Paths))]
    public void TanhIsWithinSixUlps(KernelPath path) => Check(path, Function.Tanh, 6, Signed(Magnitudes(1e-37f, 100)), Math.Tanh);

    [Theory, ClassData(typeof(Paths))]
    public void SigmoidIsWithinThreeUlps(KernelPath path) =>
        Check(path, Function.Sigmoid, 3, Between(-86.5f, 200), z => 1 / (1 + Math.Exp(-z)));

    [Theory, ClassData(typeof(Paths))]
    public void ErfIsWithinTwoUlps(KernelPath path) => Check(path, Function.Erf, 2, Signed(Magnitudes(1e-37f, 100)), SpecialFunctions.Erf);

    [Theory, ClassData(typeof(Paths))]
    public void EdgesAreWhatTheyShouldBe(KernelPath path)
    {
        float inf = float.PositiveInfinity,
            nan = float.NaN;
        Assert.Equal([1, inf, inf, 0, 0, nan], Apply(path, Function.Exp, [0, 89, inf, -200, -inf, nan]));
        Assert.Equal([0, -inf, -inf, inf, nan, nan], Apply(path, Function.Log, [1, 0, -0f, inf, -1, nan]));
        Assert.Equal([0, 1, -1, 1, -1, nan], Apply(path, Function.Tanh, [0, inf, -inf, 30, -30, nan]));
        Assert.Equal([0.5f, 1, 0, 1, 0, nan], Apply(path, Function.Sigmoid, [0, inf, -inf, 100, -100, nan]));
        Assert.Equal([0, 1, -1, 1, -1, nan], Apply(path, Function.Erf, [0, inf, -inf, 5, -5, nan]));
    }

    private enum Function
    {
        Exp,
        Log,
        LogOnePlus,
        Tanh,
        Sigmoid,
        Erf,
    }

    private static void Check(KernelPath path, Function function, double ulps, float[] points, Func<double, double> exact)
    {
        float[] values = Apply(path, function, points);
        double worst = 0;
        float at = 0;
        for (int i = 0; i < points.Length; i++)
        {
            double wanted = exact(points[i]);
            // The spacing of floats around the exact value; below the normal range it no longer shrinks.
            double spacing = Math.Max(Math.Pow(2, Math.Floor(Math.Log2(Math.Abs(wanted))) - 23), Math.Pow(2, -149));
            double error = wanted == 0 ? (values[i] == 0 ? 0 : double.PositiveInfinity) : Math.Abs(values[i] - wanted) / spacing;
            if (error > worst || double.IsNaN(error))
                (worst, at) = (error, points[i]);
        }
        Assert.True(worst <= ulps, $"{function}({at:R}) is off by {worst:F2} units in the last place");
    }

    private static float[] Apply(KernelPath path, Function function, float[] points) =>
        path switch
        {
            KernelPath.Avx512 => Apply<Lanes512, Vector512<float>>(function, points),
            KernelPath.Avx2 => Apply<Lanes256, Vector256<float>>(function, points),
            _ => Apply<Lanes128, Vector128<float>>(function, points),
        };

    private static unsafe float[] Apply<L, V>(Function function, float[] points)
        where L : struct, ILanes<V>
        where V : struct
    {
        var values = new float[(points.Length + 15) / 16 * 16];
        points.CopyTo(values, 0);
        fixed (float* p = values)
        {
            for (int i = 0; i < values.Length; i += L.Width)
            {
                V a = L.Load(p + i);
                L.Store(
                    p + i,
                    function switch
                    {
                        Function.Exp => VectorMath<L, V>.Exp(a),
                        Function.Log => VectorMath<L, V>.Log(a),
                        Function.LogOnePlus => VectorMath<L, V>.LogOnePlus(a),
                        Function.Tanh => VectorMath<L, V>.Tanh(a),
                        Function.Sigmoid => VectorMath<L, V>.Sigmoid(a),
                        _ => VectorMath<L, V>.Erf(a),
                    }
                );
            }
        }
        return values[..points.Length];
    }

    private static float[] Between(float from, float to) =>
        [.. Enumerable.Range(0, 400_001).Select(i => from + (to - from) * (i / 400_000f))];

    /// <summary>Floats evenly spaced in their bits, so that every binade gets its share.</summary>
    private static float[] Magnitudes(float from, float to)
    {
        int first = BitConverter.SingleToInt32Bits(from),
            last = BitConverter.SingleToInt32Bits(to);
        return
        [
            .. Enumerable.Range(0, 400_001).Select(i => BitConverter.Int32BitsToSingle((int)(first + (long)(last - first) * i / 400_000))),
        ];
    }

    private static float[] Signed(float[] magnitudes) => [.. magnitudes.Select((m, i) => i % 2 == 0 ? m : -m)];
}
