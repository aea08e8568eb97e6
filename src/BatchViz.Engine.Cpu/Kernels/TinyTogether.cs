using System.Runtime.CompilerServices;
using BatchViz.Engine.Cpu.Tiny;

namespace BatchViz.Engine.Cpu.Kernels;

/// <summary>
/// As many tiny nets as a register has lanes, each with its own weights and its own batch of equal size. Weights and gradients lie
/// without padding, [parameters][lanes].
/// </summary>
internal static unsafe class TinyTogether<L, V>
    where L : struct, ILanes<V>
    where V : struct
{
    /// <summary>
    /// The mean gradients of all lanes' batches, with the losses and squared gradient norms of every example [examples][lanes].
    /// </summary>
    /// <param name="gradient">With room behind it for log₂ Width more like it.</param>
    public static void Gradient(TinyPlan plan, in TinyBatch batch, float* w, int parameters, float* gradient)
    {
        Sum(ref plan, batch, w, parameters, 0, 1, gradient);
        if (batch.Count >= L.Width)
            return;
        // A net alone adds up a full register's lanes, of which those without an example hold 0.
        for (int p = 0; p < parameters; p++)
            L.Store(gradient + p * L.Width, L.Add(L.Load(gradient + p * L.Width), L.Zero));
    }

    /// <summary>
    /// The sum over the examples b ≡ first (mod step), in the order in which a net alone adds up its examples: those with equal
    /// b mod Width one after another, then these by halves.
    /// </summary>
    private static void Sum(ref TinyPlan plan, in TinyBatch batch, float* w, int parameters, int first, int step, float* into)
    {
        if (step < L.Width)
        {
            Sum(ref plan, batch, w, parameters, first, 2 * step, into);
            if (first + step >= batch.Count)
                return;
            float* other = into + parameters * L.Width;
            Sum(ref plan, batch, w, parameters, first + step, 2 * step, other);
            for (int p = 0; p < parameters * L.Width; p += L.Width)
                L.Store(into + p, L.Add(L.Load(into + p), L.Load(other + p)));
            return;
        }
        new Span<float>(into, parameters * L.Width).Clear();
        int inputs = plan.Sizes[0],
            outputs = plan.Sizes[plan.Layers];
        float scale = 1f / batch.Count;
        for (int b = first; b < batch.Count; b += L.Width)
        {
            plan.Features = batch.Features + b * inputs * L.Width;
            plan.Labels = batch.Labels + b * L.Width;
            plan.Signs = batch.Signs + b * L.Width;
            plan.Targets = batch.Targets + b * outputs * L.Width;
            TinyKernels<L, V>.Forward<OwnWeights<L, V>>(plan, w);
            L.Store(batch.Losses + b * L.Width, TinyKernels<L, V>.Loss(plan, scale, L.FirstLanes(L.Width)));
            L.Store(batch.Squares + b * L.Width, TinyKernels<L, V>.Backward<OwnWeights<L, V>>(plan, w, into));
        }
    }

    /// <summary>Adds up losses and norms over the examples, in their order.</summary>
    /// <param name="whole">What the squared norms are multiplied with: the square of the batch's size.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Examples(in TinyBatch batch, float whole, in LaneStatistics to)
    {
        V factor = L.Set(whole),
            least = L.Set(float.PositiveInfinity),
            most = L.Zero;
        for (int b = 0; b < batch.Count; b++)
        {
            V square = L.Mul(L.Load(batch.Squares + b * L.Width), factor),
                norm = L.Sqrt(square);
            L.AddToDoubles(to.Loss, L.Load(batch.Losses + b * L.Width));
            L.AddToDoubles(to.ExampleSquares, square);
            L.AddToDoubles(to.ExampleNorms, norm);
            least = L.Min(norm, least);
            most = L.Max(norm, most);
        }
        L.Store(to.ExampleMin, least);
        L.Store(to.ExampleMax, most);
    }

    /// <summary>
    /// Σ g² of every layer and the lanes' <see cref="GradientSummary"/>, in the order of
    /// <see cref="StatisticsKernels{L, V}.SummarizeGradient"/> over padded rows.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.AggressiveInlining)]
    public static void SummarizeGradients(in TinyPlan plan, float* gradient, in LaneStatistics to)
    {
        V nibbles = L.Zero,
            even = L.Zero,
            odd = L.Zero,
            largest = L.Zero;
        int inNibbles = 0,
            inBytes = 0;
        for (int l = 0; l < plan.Layers; l++)
        {
            int rows = plan.Sizes[l] + (plan.Bias ? 1 : 0),
                outputs = plan.Sizes[l + 1];
            new Span<float>(plan.Scratch, WeightLayout.Lanes * L.Width).Clear();
            for (int i = 0; i < rows; i++)
            {
                for (int j = 0; j < outputs; j++, gradient += L.Width)
                {
                    V g = L.Load(gradient);
                    float* part = plan.Scratch + (j & (L.Width - 1)) * L.Width;
                    L.Store(part, L.MulAdd(g, g, L.Load(part)));
                    largest = L.MaxInts(largest, L.And(g, GradientSummary.Magnitude));
                    nibbles = L.AddInts(nibbles, L.NibbleOfMagnitude(g, GradientSummary.LowestExponent));
                    if (++inNibbles < 15)
                        continue;
                    StatisticsKernels<L, V>.Widen(ref nibbles, ref even, ref odd);
                    inNibbles = 0;
                    if (++inBytes < 17)
                        continue;
                    Empty(ref even, ref odd, to.Gradients.Counts);
                    inBytes = 0;
                }
            }
            L.AddToDoubles(to.LayerSquares + l * L.Width, TinyKernels<L, V>.Halves(plan.Scratch, L.Width));
        }
        StatisticsKernels<L, V>.Widen(ref nibbles, ref even, ref odd);
        Empty(ref even, ref odd, to.Gradients.Counts);
        L.Store(to.Gradients.Largest, largest);
    }

    private static void Empty(ref V even, ref V odd, float* counts)
    {
        for (int k = 0; k < 4; k++)
        {
            float* first = counts + 2 * k * L.Width,
                second = first + L.Width;
            L.Store(first, L.AddInts(L.Load(first), L.And(L.ShiftRightInts(even, 8 * k), 0xFF)));
            L.Store(second, L.AddInts(L.Load(second), L.And(L.ShiftRightInts(odd, 8 * k), 0xFF)));
        }
        even = L.Zero;
        odd = L.Zero;
    }
}
