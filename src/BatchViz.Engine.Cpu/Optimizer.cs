using BatchViz.Core.Numerics;
using BatchViz.Core.Specs;
using BatchViz.Engine.Cpu.Kernels;
using BatchViz.Engine.Cpu.Tiny;

namespace BatchViz.Engine.Cpu;

/// <summary>
/// Applies gradients: keeps the constants of an update's step. State vectors belong to the members. Use: <see cref="Begin"/> once an
/// update, then <see cref="Step"/> over the weights range by range, in any ranges.
/// </summary>
internal sealed unsafe class Optimizer
{
    private readonly KernelTable kernels;
    private readonly OptimizerSpec spec;
    private readonly long floats;
    private double rate;
    private float weight;
    private StepConstants constants;

    /// <param name="floats">Floats of the padded weights, and of each state vector.</param>
    public Optimizer(KernelTable kernels, OptimizerSpec spec, long floats)
    {
        (this.kernels, this.spec, this.floats) = (kernels, spec, floats);
        var (keep1, keep2) = spec.HasBetas ? (spec.Beta1, spec.Beta2) : (spec.Momentum, spec.Rho);
        constants = new StepConstants
        {
            Kind = spec.Kind,
            Decay = spec.Kind == OptimizerKind.AdamW ? 0 : (float)spec.WeightDecay,
            Decay1 = (float)keep1,
            OneMinusDecay1 = (float)(1 - keep1),
            Decay2 = (float)keep2,
            OneMinusDecay2 = (float)(1 - keep2),
            Epsilon = (float)spec.Epsilon,
        };
    }

    /// <summary>State vectors of a member.</summary>
    public int States => spec.StateVectors;

    /// <summary>Whether a step is −η·gradient and nothing else.</summary>
    public bool Plain => spec.Kind == OptimizerKind.Sgd && spec.WeightDecay == 0;

    /// <summary>Where gradients go instead of being applied, as long as the weights; null: they are applied.</summary>
    public float* GradientSink { get; set; }

    /// <summary>Of a <see cref="Plain"/> step: what the gradient is multiplied with.</summary>
    /// <exception cref="InvalidOperationException">Gradients are taken: whoever steps by itself would step instead.</exception>
    public float Scale =>
        GradientSink == null
            ? -constants.Rate * constants.Weight
            : throw new InvalidOperationException("the gradient is wanted, not a step");

    /// <param name="update">Counts from 1, the first with this optimiser.</param>
    /// <param name="learningRate">η of this update.</param>
    /// <param name="gradientWeight">Factor of the gradient: below 1 for a reweighted short batch.</param>
    public void Begin(long update, double learningRate, float gradientWeight)
    {
        (rate, weight) = (learningRate, gradientWeight);
        constants.Weight = gradientWeight;
        constants.Rate = (float)learningRate;
        if (!spec.HasBetas)
            return;
        constants.Rate = (float)(learningRate / (1 - PortableMath.Power(spec.Beta1, update)));
        constants.Root = (float)(1 / Math.Sqrt(1 - PortableMath.Power(spec.Beta2, update)));
        constants.Shrink = spec.Kind == OptimizerKind.AdamW ? (float)(learningRate * spec.WeightDecay) : 0;
    }

    /// <summary>LARS: what the steps of a layer are scaled with, from the norms of its gradient and weights.</summary>
    public void ApplyTrustRatio(double gradientNorm, double weightNorm)
    {
        double scaled = weight * gradientNorm,
            ratio = scaled == 0 || weightNorm == 0 ? 1 : spec.Trust * weightNorm / (scaled + spec.WeightDecay * weightNorm);
        constants.Weight = (float)(rate * ratio * weight);
        constants.Decay = (float)(rate * ratio * spec.WeightDecay);
        constants.Rate = 1;
    }

    /// <summary>A step of the weights from <paramref name="first"/> on; returns Σ Δw² and Σ w² of the weights before.</summary>
    /// <param name="w">All weights.</param>
    /// <param name="g">The gradient of the range alone.</param>
    /// <param name="state">All state vectors of the member.</param>
    public (double Update, double Weights) Step(long first, long count, float* w, float* g, float* state)
    {
        if (GradientSink != null)
        {
            Buffer.MemoryCopy(g, GradientSink + first, count * sizeof(float), count * sizeof(float));
            return default;
        }
        double update = kernels.Step(count, w + first, g, state + first, state + floats + first, constants, out double norm);
        return (update, norm);
    }

    /// <summary>A step of tiny nets in lanes, everything without padding [parameters][lanes].</summary>
    public void StepLanes(in TinyPlan plan, float* w, float* g, float* state, long stateFloats, in LaneStatistics to) =>
        kernels.TinyStep(plan, w, g, state, state + stateFloats, constants, to);
}
