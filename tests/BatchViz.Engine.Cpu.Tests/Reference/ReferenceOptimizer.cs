using BatchViz.Core.Specs;

namespace BatchViz.Engine.Cpu.Tests.Reference;

/// <summary>Optimisers in double precision, after the formulas of the spec.</summary>
/// <param name="layers">Where each layer's weights and biases are; null: there is one.</param>
internal sealed class ReferenceOptimizer(OptimizerSpec spec, double rate, int parameters, IReadOnlyList<(int From, int To)>? layers = null)
{
    private readonly double[] first = new double[parameters],
        second = new double[parameters];
    private int updates;

    /// <summary>Goes on with other settings; another kind begins anew.</summary>
    public void Become(OptimizerSpec other, double otherRate)
    {
        if (other.Kind != spec.Kind)
        {
            Array.Clear(first);
            Array.Clear(second);
            updates = 0;
        }
        (spec, rate) = (other, otherRate);
    }

    /// <summary>Changes the weights in place; returns the length of the change.</summary>
    /// <param name="rateNow">η of this update, where a schedule changes it.</param>
    public double Step(double[] w, double[] gradient, double gradientWeight = 1, double? rateNow = null)
    {
        double eta = rateNow ?? rate;
        updates++;
        if (spec.Kind == OptimizerKind.Lars)
            return LarsStep(w, gradient, gradientWeight, eta);
        double square = 0;
        for (int i = 0; i < w.Length; i++)
        {
            bool apart = spec.Kind == OptimizerKind.AdamW;
            double g = gradientWeight * gradient[i] + (apart ? 0 : spec.WeightDecay) * w[i],
                step;
            switch (spec.Kind)
            {
                case OptimizerKind.Sgd:
                    step = eta * g;
                    break;
                case OptimizerKind.AdaGrad:
                    first[i] += g * g;
                    step = eta * g / (Math.Sqrt(first[i]) + spec.Epsilon);
                    break;
                case OptimizerKind.AdaDelta:
                    first[i] = spec.Rho * first[i] + (1 - spec.Rho) * g * g;
                    double change = g * Math.Sqrt(second[i] + spec.Epsilon) / Math.Sqrt(first[i] + spec.Epsilon);
                    second[i] = spec.Rho * second[i] + (1 - spec.Rho) * change * change;
                    step = eta * change;
                    break;
                case OptimizerKind.RmsProp:
                    first[i] = spec.Rho * first[i] + (1 - spec.Rho) * g * g;
                    step = eta * g / (Math.Sqrt(first[i]) + spec.Epsilon);
                    break;
                case OptimizerKind.Adam or OptimizerKind.AdamW:
                    first[i] = spec.Beta1 * first[i] + (1 - spec.Beta1) * g;
                    second[i] = spec.Beta2 * second[i] + (1 - spec.Beta2) * g * g;
                    double mean = first[i] / (1 - Math.Pow(spec.Beta1, updates)),
                        variance = second[i] / (1 - Math.Pow(spec.Beta2, updates));
                    step = eta * mean / (Math.Sqrt(variance) + spec.Epsilon) + (apart ? eta * spec.WeightDecay * w[i] : 0);
                    break;
                default:
                    first[i] = spec.Momentum * first[i] + g;
                    step = eta * (spec.Kind == OptimizerKind.Nesterov ? g + spec.Momentum * first[i] : first[i]);
                    break;
            }
            w[i] -= step;
            square += step * step;
        }
        return Math.Sqrt(square);
    }

    /// <summary>You et al. 2017, algorithm 1.</summary>
    private double LarsStep(double[] w, double[] gradient, double gradientWeight, double eta)
    {
        double square = 0;
        foreach (var (from, to) in layers ?? [(0, w.Length)])
        {
            double weights = Vectors.Norm(w[from..to]),
                gradients = gradientWeight * Vectors.Norm(gradient[from..to]);
            double ratio = weights == 0 || gradients == 0 ? 1 : spec.Trust * weights / (gradients + spec.WeightDecay * weights);
            for (int i = from; i < to; i++)
            {
                first[i] = spec.Momentum * first[i] + eta * ratio * (gradientWeight * gradient[i] + spec.WeightDecay * w[i]);
                w[i] -= first[i];
                square += first[i] * first[i];
            }
        }
        return Math.Sqrt(square);
    }
}
