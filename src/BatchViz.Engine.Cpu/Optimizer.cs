using BatchViz.Core.Specs;
using BatchViz.Engine.Cpu.Kernels;

namespace BatchViz.Engine.Cpu;

/// <summary>
/// Applies gradients: picks the kernel and its constants. State vectors belong to the members. Use: <see cref="Begin"/> once an
/// update, then <see cref="Step"/> over the weights range by range, in any ranges.
/// </summary>
internal sealed unsafe class Optimizer(KernelTable kernels, OptimizerSpec spec, long floats)
{
    private readonly float decay = (float)spec.WeightDecay, momentum = (float)spec.Momentum;
    private float rate, weight, corrected, root;

    /// <summary>State vectors of a member: none; v; or m and v.</summary>
    public int States { get; } = spec.Kind switch { OptimizerKind.Sgd => 0, OptimizerKind.Adam => 2, _ => 1 };

    /// <summary>Whether a step is −η·gradient and nothing else.</summary>
    public bool Plain { get; } = spec.Kind == OptimizerKind.Sgd && spec.WeightDecay == 0;

    /// <summary>Of a <see cref="Plain"/> step: what the gradient is multiplied with.</summary>
    public float Scale => -rate * weight;

    /// <param name="update">Counts from 1.</param>
    /// <param name="learningRate">η of this update.</param>
    /// <param name="gradientWeight">Factor of the gradient: below 1 for a reweighted short batch.</param>
    public void Begin(long update, double learningRate, float gradientWeight)
    {
        rate = (float)learningRate;
        weight = gradientWeight;
        if (spec.Kind != OptimizerKind.Adam) return;
        root = (float)(1 / Math.Sqrt(1 - Power(spec.Beta2, update)));
        corrected = (float)(learningRate / (1 - Power(spec.Beta1, update)));
    }

    /// <summary>A step of the weights from <paramref name="first"/> on; returns Σ Δw² and Σ w² of the weights before.</summary>
    /// <param name="w">All weights.</param>
    /// <param name="g">The gradient of the range alone.</param>
    /// <param name="state">All state vectors of the member.</param>
    public (double Update, double Weights) Step(long first, long count, float* w, float* g, float* state)
    {
        double norm;
        w += first;
        state += first;
        double update = spec.Kind switch
        {
            OptimizerKind.Sgd => kernels.Sgd(count, w, g, weight, decay, rate, out norm),
            OptimizerKind.Adam => kernels.Adam(count, w, g, state, state + floats, weight, decay, corrected, root,
                (float)spec.Beta1, (float)(1 - spec.Beta1), (float)spec.Beta2, (float)(1 - spec.Beta2), (float)spec.Epsilon, out norm),
            _ => kernels.Momentum(count, w, g, state, weight, decay, rate, momentum, spec.Kind == OptimizerKind.Nesterov, out norm),
        };
        return (update, norm);
    }

    /// <summary>xⁿ by squaring: the same bits everywhere, unlike the system's pow.</summary>
    private static double Power(double x, long n)
    {
        double result = 1;
        for (; n > 0; n >>= 1, x *= x)
        {
            if ((n & 1) != 0) result *= x;
        }
        return result;
    }
}
