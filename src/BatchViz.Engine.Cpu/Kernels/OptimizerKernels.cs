using System.Runtime.CompilerServices;

namespace BatchViz.Engine.Cpu.Kernels;

/// <summary>
/// One step of an optimiser over padded weights, with g' = weight·g + decay·w; each returns Σ Δw² and, in norm, Σ w² of the weights
/// before it, both in blocks summed in float and added up in double. PyTorch's conventions (torch.optim.SGD, torch.optim.Adam).
/// </summary>
internal static unsafe class OptimizerKernels<L, V> where L : struct, ILanes<V> where V : struct
{
    private const int Block = 1024;

    /// <summary>w ← w − rate·g'.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static double Sgd(long count, float* w, float* g, float weight, float decay, float rate, out double norm)
    {
        V vWeight = L.Set(weight), vDecay = L.Set(decay), vRate = L.Set(-rate);
        double total = 0;
        norm = 0;
        for (long block = 0; block < count; block += Block)
        {
            long end = Math.Min(block + Block, count);
            V squares = L.Zero, weights = L.Zero;
            for (long i = block; i < end; i += L.Width)
            {
                V old = L.Load(w + i);
                weights = L.MulAdd(old, old, weights);
                V step = L.Mul(vRate, L.MulAdd(vDecay, old, L.Mul(vWeight, L.Load(g + i))));
                squares = L.MulAdd(step, step, squares);
                L.Store(w + i, L.Add(old, step));
            }
            total += L.SumOf(squares);
            norm += L.SumOf(weights);
        }
        return total;
    }

    /// <summary>v ← μ v + g'; w ← w − rate·v, or, Nesterov, w ← w − rate·(g' + μ v).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static double Momentum(long count, float* w, float* g, float* v, float weight, float decay, float rate, float mu, bool nesterov, out double norm)
    {
        V vWeight = L.Set(weight), vDecay = L.Set(decay), vRate = L.Set(-rate), vMu = L.Set(mu);
        double total = 0;
        norm = 0;
        for (long block = 0; block < count; block += Block)
        {
            long end = Math.Min(block + Block, count);
            V squares = L.Zero, weights = L.Zero;
            for (long i = block; i < end; i += L.Width)
            {
                V old = L.Load(w + i);
                weights = L.MulAdd(old, old, weights);
                V gradient = L.MulAdd(vDecay, old, L.Mul(vWeight, L.Load(g + i)));
                V velocity = L.MulAdd(vMu, L.Load(v + i), gradient);
                L.Store(v + i, velocity);
                V step = L.Mul(vRate, nesterov ? L.MulAdd(vMu, velocity, gradient) : velocity);
                squares = L.MulAdd(step, step, squares);
                L.Store(w + i, L.Add(old, step));
            }
            total += L.SumOf(squares);
            norm += L.SumOf(weights);
        }
        return total;
    }

    /// <summary>m ← β₁m + (1 − β₁)g'; v ← β₂v + (1 − β₂)g'²; w ← w − rate·m / (√v·root + ε), where rate and root carry the bias corrections.</summary>
    /// <param name="rate">η / (1 − β₁ᵗ).</param>
    /// <param name="root">1 / √(1 − β₂ᵗ).</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static double Adam(
        long count, float* w, float* g, float* m, float* v, float weight, float decay,
        float rate, float root, float beta1, float oneMinusBeta1, float beta2, float oneMinusBeta2, float epsilon, out double norm)
    {
        V vWeight = L.Set(weight), vDecay = L.Set(decay), vRate = L.Set(-rate), vRoot = L.Set(root), vEpsilon = L.Set(epsilon);
        V keep1 = L.Set(beta1), take1 = L.Set(oneMinusBeta1), keep2 = L.Set(beta2), take2 = L.Set(oneMinusBeta2);
        double total = 0;
        norm = 0;
        for (long block = 0; block < count; block += Block)
        {
            long end = Math.Min(block + Block, count);
            V squares = L.Zero, weights = L.Zero;
            for (long i = block; i < end; i += L.Width)
            {
                V old = L.Load(w + i);
                weights = L.MulAdd(old, old, weights);
                V gradient = L.MulAdd(vDecay, old, L.Mul(vWeight, L.Load(g + i)));
                V mean = L.MulAdd(keep1, L.Load(m + i), L.Mul(take1, gradient));
                V square = L.MulAdd(keep2, L.Load(v + i), L.Mul(take2, L.Mul(gradient, gradient)));
                L.Store(m + i, mean);
                L.Store(v + i, square);
                // A padded weight has m = 0 and v = 0; with ε = 0 its step would be 0/0.
                V step = L.Div(L.Mul(vRate, mean), L.MulAdd(L.Sqrt(square), vRoot, vEpsilon));
                step = L.Select(L.Same(mean, L.Zero), L.Zero, step);
                squares = L.MulAdd(step, step, squares);
                L.Store(w + i, L.Add(old, step));
            }
            total += L.SumOf(squares);
            norm += L.SumOf(weights);
        }
        return total;
    }
}
