using System.Runtime.CompilerServices;
using BatchViz.Core.Specs;
using BatchViz.Engine.Cpu.Tiny;

namespace BatchViz.Engine.Cpu.Kernels;

/// <summary>The gradient of one tiny net: from one example with its units in lanes, or from many with examples in lanes.</summary>
internal static unsafe class TinyAlone<L, V>
    where L : struct, ILanes<V>
    where V : struct
{
    private const int Row = WeightLayout.Lanes;

    /// <summary>
    /// One example whose features, label and targets lie in the plan with a unit a lane: rows of 16 floats, a layer each. Writes the
    /// gradient, padded like the weights.
    /// </summary>
    /// <returns>Loss and ‖gradient‖² of the example.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static (float Loss, float Square) One(in TinyPlan plan, float* w, float* gradient)
    {
        float* a = plan.Features,
            delta = plan.Deltas + plan.Layers * Row,
            slopes = plan.Slopes;
        for (int l = 0; l < plan.Layers; l++)
        {
            int inputs = plan.Sizes[l],
                outputs = plan.Sizes[l + 1],
                j = 0;
            float* to = plan.Outputs + (l + 1) * Row;
            for (; j < outputs; j += L.Width)
            {
                V s = plan.Bias ? L.Load(w + inputs * Row + j) : L.Zero;
                for (int i = 0; i < inputs; i++)
                    s = L.MulAdd(L.Set(a[i]), L.Load(w + i * Row + j), s);
                L.Store(to + j, s);
            }
            ActivationKernels<L, V>.Activate(plan.ActivationOf(l), j, to, slopes + (l + 1) * Row);
            w += (inputs + (plan.Bias ? 1 : 0)) * Row;
            gradient += (inputs + (plan.Bias ? 1 : 0)) * Row;
            a = to;
        }
        int classes = plan.Sizes[plan.Layers];
        int label = (int)plan.Labels[0];
        float* losses = plan.Scratch,
            spare = losses + Row;
        switch (plan.Loss)
        {
            case LossKind.CrossEntropy:
                LossKernels<L, V>.CrossEntropy(1, classes, Row, a, &label, losses, spare, delta, 1);
                break;
            case LossKind.Logistic:
                LossKernels<L, V>.Logistic(1, Row, a, plan.Signs, losses, spare, delta, 1);
                break;
            default:
                LossKernels<L, V>.Squared(1, classes, Row, a, plan.Targets, losses, delta, 1);
                break;
        }
        float square = 0;
        for (int l = plan.Layers - 1; l >= 0; l--)
        {
            int inputs = plan.Sizes[l],
                outputs = plan.Sizes[l + 1];
            w -= (inputs + (plan.Bias ? 1 : 0)) * Row;
            gradient -= (inputs + (plan.Bias ? 1 : 0)) * Row;
            ActivationKernels<L, V>.ActivationBackward(
                plan.ActivationOf(l),
                (outputs + L.Width - 1) / L.Width * L.Width,
                delta,
                a,
                slopes + (l + 1) * Row
            );
            a = l == 0 ? plan.Features : plan.Outputs + l * Row;
            for (int j = 0; j < outputs; j += L.Width)
            {
                V d = L.Load(delta + j);
                // Adding 0 leaves no −0, as a sum over many examples has none.
                for (int i = 0; i < inputs; i++)
                    L.Store(gradient + i * Row + j, L.Add(L.Mul(L.Set(a[i]), d), L.Zero));
                if (plan.Bias)
                    L.Store(gradient + inputs * Row + j, L.Add(d, L.Zero));
            }
            square += (Squares(inputs, a) + (plan.Bias ? 1 : 0)) * Squares(outputs, delta);
            if (l > 0)
                VectorKernels<L, V>.RowsTimesDelta(inputs, Row, Row, w, delta, delta - Row);
            delta -= Row;
        }
        return (losses[0], square);
    }

    /// <summary>
    /// Up to Width examples, gathered into the plan, through one net: adds to the gradient's registers [parameters][lanes], writes the
    /// lanes' losses and squared gradient norms.
    /// </summary>
    /// <param name="scale">1 / (examples in the batch).</param>
    public static void Group(in TinyPlan plan, float* w, int examples, float scale, float* gradient, float* losses, float* squares)
    {
        TinyKernels<L, V>.Forward<SharedWeights<L, V>>(plan, w);
        L.Store(losses, TinyKernels<L, V>.Loss(plan, scale, L.FirstLanes(examples)));
        L.Store(squares, TinyKernels<L, V>.Backward<SharedWeights<L, V>>(plan, w, gradient));
    }

    /// <summary>Sums the lanes of each parameter's register into the padded gradient.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Reduce(in TinyPlan plan, float* lanes, float* gradient)
    {
        for (int l = 0; l < plan.Layers; l++)
        {
            int rows = plan.Sizes[l] + (plan.Bias ? 1 : 0),
                outputs = plan.Sizes[l + 1];
            for (int i = 0; i < rows; i++, gradient += Row)
            {
                for (int j = 0; j < outputs; j++, lanes += L.Width)
                    gradient[j] = L.SumOf(L.Load(lanes));
            }
        }
    }

    private static float Squares(int units, float* v)
    {
        V sum = L.Zero;
        for (int u = 0; u < units; u += L.Width)
        {
            V x = L.Select(L.FirstLanes(units - u), L.Load(v + u), L.Zero);
            sum = L.MulAdd(x, x, sum);
        }
        return L.SumOf(sum);
    }
}
