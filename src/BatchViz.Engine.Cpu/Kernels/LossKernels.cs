using System.Runtime.CompilerServices;

namespace BatchViz.Engine.Cpu.Kernels;

/// <summary>
/// Losses of a chunk of rows: losses[b] of each example and, unless delta is null, delta = scale·∂loss/∂output with padding 0.
/// Rows of outputs, targets and delta are <c>stride</c> floats apart; losses, spare and signs hold a multiple of 16 floats.
/// </summary>
internal static unsafe class LossKernels<L, V>
    where L : struct, ILanes<V>
    where V : struct
{
    /// <summary>Softmax cross-entropy: ln Σ eᶻ − z[label], with the row's largest z taken out first.</summary>
    /// <param name="spare">[rows], overwritten.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void CrossEntropy(
        int rows,
        int classes,
        int stride,
        float* z,
        int* labels,
        float* losses,
        float* spare,
        float* delta,
        float scale
    )
    {
        V lowest = L.Set(float.NegativeInfinity);
        for (int b = 0; b < rows; b++)
        {
            float* row = z + (nint)b * stride;
            V top = lowest;
            for (int j = 0; j < classes; j += L.Width)
                top = L.Max(top, L.Select(L.FirstLanes(classes - j), L.Load(row + j), lowest));
            float max = L.MaxOf(top);
            V shift = L.Set(max),
                sum = L.Zero;
            float* to = delta == null ? null : delta + (nint)b * stride;
            for (int j = 0; j < stride; j += L.Width)
            {
                V e = L.Select(L.FirstLanes(classes - j), VectorMath<L, V>.Exp(L.Sub(L.Load(row + j), shift)), L.Zero);
                sum = L.Add(sum, e);
                if (to != null)
                    L.Store(to + j, e);
            }
            float total = L.SumOf(sum);
            losses[b] = total;
            spare[b] = max - row[labels[b]];
            if (to == null)
                continue;
            int label = labels[b];
            V factor = L.Set(scale / total),
                others = L.Zero;
            for (int j = 0; j < stride; j += L.Width)
            {
                V share = L.Mul(L.Load(to + j), factor);
                others = L.Add(others, L.Select(L.FirstLanes(label - j), share, L.Select(L.FirstLanes(label + 1 - j), L.Zero, share)));
                L.Store(to + j, share);
            }
            // p − 1 of the right class would lose its digits where p is nearly 1; the other classes' shares have them.
            to[label] = 0f - L.SumOf(others);
        }
        for (int b = 0; b < rows; b += L.Width)
            L.Store(losses + b, L.Add(VectorMath<L, V>.Log(L.Load(losses + b)), L.Load(spare + b)));
    }

    /// <summary>Logistic loss ln(1 + e^(−t·z)) of the first output, t = ±1 in signs.</summary>
    /// <param name="spare">[rows], overwritten.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Logistic(int rows, int stride, float* z, float* signs, float* losses, float* spare, float* delta, float scale)
    {
        for (int b = 0; b < rows; b++)
            losses[b] = z[(nint)b * stride];
        V factor = L.Set(scale);
        for (int b = 0; b < rows; b += L.Width)
        {
            V t = L.Load(signs + b),
                y = L.Mul(t, L.Load(losses + b));
            L.Store(losses + b, LogisticOf(y, out V wrong));
            L.Store(spare + b, L.Mul(L.Sub(L.Zero, L.Mul(t, wrong)), factor));
        }
        if (delta == null)
            return;
        for (int b = 0; b < rows; b++)
        {
            float* to = delta + (nint)b * stride;
            for (int j = 0; j < stride; j += L.Width)
                L.Store(to + j, L.Zero);
            to[0] = spare[b];
        }
    }

    /// <summary>ln(1 + e^(−y)), and 1 / (1 + eʸ): the share by which a probability is wrong.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V LogisticOf(V y, out V wrong)
    {
        V one = L.Set(1f),
            u = VectorMath<L, V>.Exp(L.Sub(L.Zero, L.Abs(y)));
        wrong = L.Div(L.Select(L.Less(y, L.Zero), one, u), L.Add(one, u));
        // Max with y first would turn NaN into 0.
        return L.Add(L.Max(L.Zero, L.Sub(L.Zero, y)), VectorMath<L, V>.LogOnePlus(u));
    }

    /// <summary>½ Σ (output − target)² over the outputs.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Squared(int rows, int outputs, int stride, float* a, float* targets, float* losses, float* delta, float scale)
    {
        V factor = L.Set(scale);
        for (int b = 0; b < rows; b++)
        {
            nint at = (nint)b * stride;
            V sum = L.Zero;
            for (int j = 0; j < stride; j += L.Width)
            {
                V d = L.Select(L.FirstLanes(outputs - j), L.Sub(L.Load(a + at + j), L.Load(targets + at + j)), L.Zero);
                sum = L.MulAdd(d, d, sum);
                if (delta != null)
                    L.Store(delta + at + j, L.Mul(d, factor));
            }
            losses[b] = 0.5f * L.SumOf(sum);
        }
    }
}
