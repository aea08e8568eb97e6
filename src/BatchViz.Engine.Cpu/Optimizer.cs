using BatchViz.Core.Specs;
using BatchViz.Engine.Cpu.Kernels;

namespace BatchViz.Engine.Cpu;

/// <summary>Applies gradients: picks the kernel and its constants. State vectors belong to the members.</summary>
internal sealed unsafe class Optimizer(KernelTable kernels, OptimizerSpec spec, double learningRate, long floats)
{
    private readonly float rate = (float)learningRate, decay = (float)spec.WeightDecay, momentum = (float)spec.Momentum;

    public OptimizerKind Kind => spec.Kind;

    /// <summary>State vectors of a member: none; v; or m and v.</summary>
    public int States { get; } = spec.Kind switch { OptimizerKind.Sgd => 0, OptimizerKind.Adam => 2, _ => 1 };

    /// <summary>Whether a step is −η·gradient and nothing else.</summary>
    public bool Plain { get; } = spec.Kind == OptimizerKind.Sgd && spec.WeightDecay == 0;

    public float LearningRate => rate;

    /// <summary>One step; <paramref name="update"/> counts from 1. Returns the squared length of the weights' change.</summary>
    /// <param name="gradientWeight">Factor of the gradient: below 1 for a reweighted short batch.</param>
    public double Step(float* w, float* g, float* state, long update, float gradientWeight)
    {
        switch (spec.Kind)
        {
            case OptimizerKind.Sgd:
                return kernels.Sgd(floats, w, g, gradientWeight, decay, rate);
            case OptimizerKind.Adam:
                double root = 1 / Math.Sqrt(1 - Power(spec.Beta2, update));
                double corrected = learningRate / (1 - Power(spec.Beta1, update));
                return kernels.Adam(floats, w, g, state, state + floats, gradientWeight, decay, (float)corrected, (float)root,
                    (float)spec.Beta1, (float)(1 - spec.Beta1), (float)spec.Beta2, (float)(1 - spec.Beta2), (float)spec.Epsilon);
            default:
                return kernels.Momentum(floats, w, g, state, gradientWeight, decay, rate, momentum, spec.Kind == OptimizerKind.Nesterov);
        }
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
