using System.Runtime.CompilerServices;

namespace BatchViz.Engine.Cpu.Kernels;

/// <summary>
/// Sums of the losses of one block with examples in the lanes (<see cref="LaneForward{L, V}"/>), over its first <c>valid</c> examples;
/// the same formulas as <see cref="LossKernels{L, V}"/>. Labels are class numbers as floats [block].
/// </summary>
internal static unsafe class LaneLosses<L, V>
    where L : struct, ILanes<V>
    where V : struct
{
    /// <summary>Softmax cross-entropy: ln Σ eᶻ − z[label], with the largest z taken out first.</summary>
    /// <param name="z">[classes, block].</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float CrossEntropy(int valid, int classes, float* z, float* labels)
    {
        int block = LaneForward<L, V>.Block;
        V total = L.Zero;
        for (int c = 0; c < valid; c += L.Width)
        {
            V label = L.Load(labels + c),
                top = L.Set(float.NegativeInfinity),
                own = L.Zero,
                sum = L.Zero;
            float* p = z + c;
            for (int j = 0; j < classes; j++, p += block)
            {
                V v = L.Load(p);
                top = L.Max(top, v);
                own = L.Select(L.Same(label, L.Set(j)), v, own);
            }
            p = z + c;
            for (int j = 0; j < classes; j++, p += block)
                sum = L.Add(sum, VectorMath<L, V>.Exp(L.Sub(L.Load(p), top)));
            V loss = L.Add(VectorMath<L, V>.Log(sum), L.Sub(top, own));
            total = L.Add(total, L.Select(L.FirstLanes(valid - c), loss, L.Zero));
        }
        return L.SumOf(total);
    }

    /// <summary>Logistic loss ln(1 + e^(−t·z)) of the first output, t = 1 for class 1, else −1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Logistic(int valid, float* z, float* labels)
    {
        V total = L.Zero;
        for (int c = 0; c < valid; c += L.Width)
        {
            V y = L.Mul(Sign(L.Load(labels + c)), L.Load(z + c));
            total = L.Add(total, L.Select(L.FirstLanes(valid - c), LossKernels<L, V>.LogisticOf(y, out _), L.Zero));
        }
        return L.SumOf(total);
    }

    /// <summary>½ Σ (output − target)² over the outputs.</summary>
    /// <param name="a">[outputs, block].</param>
    /// <param name="labels">Whose target is ±1 for a single output and else 1 at the label, 0 elsewhere; or null.</param>
    /// <param name="targets">[outputs, block] where there are no labels.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Squared(int valid, int outputs, float* a, float* labels, float* targets)
    {
        int block = LaneForward<L, V>.Block;
        V total = L.Zero,
            one = L.Set(1f);
        for (int c = 0; c < valid; c += L.Width)
        {
            V sum = L.Zero;
            for (int j = 0; j < outputs; j++)
            {
                V target =
                    labels == null ? L.Load(targets + (nint)j * block + c)
                    : outputs == 1 ? Sign(L.Load(labels + c))
                    : L.Select(L.Same(L.Load(labels + c), L.Set(j)), one, L.Zero);
                V d = L.Sub(L.Load(a + (nint)j * block + c), target);
                sum = L.MulAdd(d, d, sum);
            }
            total = L.Add(total, L.Select(L.FirstLanes(valid - c), L.Mul(L.Set(0.5f), sum), L.Zero));
        }
        return L.SumOf(total);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Sign(V label) => L.Select(L.Same(label, L.Set(1f)), L.Set(1f), L.Set(-1f));
}
