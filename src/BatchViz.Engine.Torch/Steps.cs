using BatchViz.Core.Numerics;
using BatchViz.Core.Specs;
using TorchSharp;
using static TorchSharp.torch;

namespace BatchViz.Engine.Torch;

/// <summary>
/// One step of an optimiser for M members at once on vectors [M, P]: <see cref="OptimizerSpec"/>'s formulas, which are those of
/// torch.optim, with the state in vectors that keyframes can hold and a rate that may change with every update.
/// </summary>
internal sealed class Steps(OptimizerSpec spec, ParameterLayout layout)
{
    /// <summary>Changes the state and returns what is to be added to the weights [M, P].</summary>
    /// <param name="update">Counts from 1, the first with this optimiser.</param>
    /// <param name="rate">η of this update.</param>
    /// <param name="weight">Factor of the gradient: below 1 for a reweighted short batch.</param>
    /// <param name="gradient">[M, P]; may be changed.</param>
    /// <param name="layerNorms">‖gradient‖ of each layer [M, layers]; null where it does not matter.</param>
    public Tensor Of(
        long update,
        double rate,
        double weight,
        Tensor gradient,
        Tensor weights,
        ReadOnlySpan<Tensor> state,
        Tensor? layerNorms
    )
    {
        var g = weight == 1 ? gradient : gradient.Times_((float)weight);
        if (spec.HasTrust)
            return Trusted(rate, weight, g, weights, state[0], layerNorms!);
        if (spec.WeightDecay != 0 && spec.Kind != OptimizerKind.AdamW)
            g = g.Plus_(weights, (float)spec.WeightDecay);
        switch (spec.Kind)
        {
            case OptimizerKind.Sgd:
                return g.Times_((float)-rate);
            case OptimizerKind.Momentum:
                return state[0].Times_((float)spec.Momentum).Plus_(g).Times((float)-rate);
            case OptimizerKind.Nesterov:
                state[0].Times_((float)spec.Momentum).Plus_(g);
                return g.Plus_(state[0], (float)spec.Momentum).Times_((float)-rate);
            case OptimizerKind.AdaGrad:
                state[0].PlusProduct_(g, g, 1f);
                return g.div_(state[0].sqrt().Plus_((float)spec.Epsilon)).Times_((float)-rate);
            case OptimizerKind.RmsProp:
                state[0].Times_((float)spec.Rho).PlusProduct_(g, g, (float)(1 - spec.Rho));
                return g.div_(state[0].sqrt().Plus_((float)spec.Epsilon)).Times_((float)-rate);
            case OptimizerKind.AdaDelta:
                state[0].Times_((float)spec.Rho).PlusProduct_(g, g, (float)(1 - spec.Rho));
                g.mul_(state[1].Plus((float)spec.Epsilon).sqrt_()).div_(state[0].Plus((float)spec.Epsilon).sqrt_());
                state[1].Times_((float)spec.Rho).PlusProduct_(g, g, (float)(1 - spec.Rho));
                return g.Times_((float)-rate);
            case OptimizerKind.Adam or OptimizerKind.AdamW:
                state[0].Times_((float)spec.Beta1).Plus_(g, (float)(1 - spec.Beta1));
                state[1].Times_((float)spec.Beta2).PlusProduct_(g, g, (float)(1 - spec.Beta2));
                double first = rate / (1 - PortableMath.Power(spec.Beta1, update)),
                    root = 1 / Math.Sqrt(1 - PortableMath.Power(spec.Beta2, update));
                var step = state[0].Times((float)-first);
                step.div_(state[1].sqrt().Times_((float)root).Plus_((float)spec.Epsilon));
                return spec.Kind == OptimizerKind.AdamW ? step.Plus_(weights, (float)(-rate * spec.WeightDecay)) : step;
            default:
                throw new ArgumentOutOfRangeException(nameof(update), spec.Kind, "not an optimiser of single steps");
        }
    }

    /// <summary>LARS: each layer's step has a length in proportion to the layer's weights.</summary>
    private Tensor Trusted(double rate, double weight, Tensor g, Tensor weights, Tensor velocity, Tensor layerNorms)
    {
        var norms = stack(
                layout.Places.Select(place =>
                    weights.narrow(1, place.Offset, place.Group.Count).Squared().sum(1, false, ScalarType.Float64)
                ),
                1
            )
            .sqrt();
        var scaled = layerNorms.Times(weight);
        var ratio = norms.Times(spec.Trust) / scaled.Plus(norms.Times(spec.WeightDecay));
        ratio = torch.where(scaled.logical_not().logical_or(norms.logical_not()), torch.ones_like(ratio), ratio).Times(rate);
        var each = cat([.. layout.Places.Select((place, l) => ratio.narrow(1, l, 1).expand(ratio.shape[0], place.Group.Count))], 1)
            .to(ScalarType.Float32);
        if (spec.WeightDecay != 0)
            g = g.Plus_(weights, (float)spec.WeightDecay);
        velocity.Times_((float)spec.Momentum).Plus_(g.mul_(each));
        return velocity.neg();
    }
}
