using BatchViz.Core.Specs;

namespace BatchViz.Engine.Cpu.Tests.Reference;

/// <summary>Optimisers in double precision, after the formulas of the spec.</summary>
internal sealed class ReferenceOptimizer(OptimizerSpec spec, double rate, int parameters)
{
    private readonly double[] first = new double[parameters], second = new double[parameters];
    private int updates;

    /// <summary>Changes the weights in place; returns the length of the change.</summary>
    public double Step(double[] w, double[] gradient, double gradientWeight = 1)
    {
        updates++;
        double square = 0;
        for (int i = 0; i < w.Length; i++)
        {
            double g = gradientWeight * gradient[i] + spec.WeightDecay * w[i], step;
            switch (spec.Kind)
            {
                case OptimizerKind.Sgd:
                    step = rate * g;
                    break;
                case OptimizerKind.Adam:
                    first[i] = spec.Beta1 * first[i] + (1 - spec.Beta1) * g;
                    second[i] = spec.Beta2 * second[i] + (1 - spec.Beta2) * g * g;
                    double mean = first[i] / (1 - Math.Pow(spec.Beta1, updates)), variance = second[i] / (1 - Math.Pow(spec.Beta2, updates));
                    step = rate * mean / (Math.Sqrt(variance) + spec.Epsilon);
                    break;
                default:
                    first[i] = spec.Momentum * first[i] + g;
                    step = rate * (spec.Kind == OptimizerKind.Nesterov ? g + spec.Momentum * first[i] : first[i]);
                    break;
            }
            w[i] -= step;
            square += step * step;
        }
        return Math.Sqrt(square);
    }
}
