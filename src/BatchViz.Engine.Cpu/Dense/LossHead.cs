using BatchViz.Core.Data;
using BatchViz.Core.Specs;
using BatchViz.Engine.Cpu.Kernels;
using BatchViz.Engine.Cpu.Memory;

namespace BatchViz.Engine.Cpu.Dense;

/// <summary>Labels or target values of the examples in a pass, and the losses of their outputs [rows, padded outputs].</summary>
/// <param name="outputs">Of the network.</param>
internal sealed unsafe class LossHead(KernelTable kernels, LossKind loss, int outputs)
{
    private readonly int stride = Arena.Pad(outputs);
    private int* labels;
    private float* targets,
        signs,
        spare;

    /// <summary>Loss of each example, after <see cref="Loss"/>.</summary>
    public float* Losses { get; private set; }

    /// <param name="rows">A multiple of <see cref="WeightLayout.Lanes"/>.</param>
    public void Reserve(Arena arena, int rows)
    {
        for (int i = 0; i < 4; i++)
            arena.Reserve(rows);
        arena.Reserve((long)rows * stride, MemoryUse.Batch);
    }

    public void Take(Arena arena)
    {
        Losses = arena.Take();
        spare = arena.Take();
        signs = arena.Take();
        labels = (int*)arena.Take();
        targets = arena.Take();
    }

    /// <summary>Brings one example's label or target values into a row of the targets.</summary>
    public void Gather(DataSplit split, int example, int row)
    {
        float* target = targets + (nint)row * stride;
        if (split.Labels is { } all)
        {
            int label = all[example];
            labels[row] = label;
            signs[row] = label == 1 ? 1 : -1;
            if (loss != LossKind.Squared)
                return;
            if (outputs == 1)
            {
                target[0] = signs[row];
            }
            else
            {
                new Span<float>(target, outputs).Clear();
                target[label] = 1;
            }
        }
        else
        {
            split.Targets.AsSpan(checked(example * outputs), outputs).CopyTo(new Span<float>(target, outputs));
        }
    }

    /// <summary>Sum of the losses of the first <paramref name="rows"/> examples, added to <paramref name="sum"/> one by one.</summary>
    /// <param name="z">Outputs.</param>
    /// <param name="delta">Where scale·∂loss/∂z goes, or null.</param>
    public double Loss(int rows, float* z, float* delta, float scale, double sum = 0)
    {
        switch (loss)
        {
            case LossKind.CrossEntropy:
                kernels.CrossEntropy(rows, outputs, stride, z, labels, Losses, spare, delta, scale);
                break;
            case LossKind.Logistic:
                kernels.Logistic(rows, stride, z, signs, Losses, spare, delta, scale);
                break;
            default:
                kernels.Squared(rows, outputs, stride, z, targets, Losses, delta, scale);
                break;
        }
        for (int b = 0; b < rows; b++)
            sum += Losses[b];
        return sum;
    }

    /// <summary>
    /// What a Hessian product needs of the loss: softmax probabilities, or the logistic loss's second derivative; see
    /// <see cref="MultiplyCurvature"/>.
    /// </summary>
    public void Curve(int rows, float* z, float* curvature)
    {
        if (loss == LossKind.CrossEntropy)
            kernels.Softmax(rows, outputs, stride, z, curvature);
        if (loss == LossKind.Logistic)
            kernels.LogisticCurvature(rows, stride, z, spare, curvature);
    }

    /// <summary>r ← the loss's Hessian by the outputs times r, of each row.</summary>
    public void MultiplyCurvature(int rows, float* curvature, float* r)
    {
        if (loss == LossKind.CrossEntropy)
            kernels.CrossEntropyCurvature(rows, outputs, stride, curvature, r);
        if (loss == LossKind.Logistic)
            kernels.Multiply((long)rows * stride, curvature, r);
    }

    /// <summary>How many of the first rows are classified rightly: the largest output, or the sign of a single one; NaN is wrong.</summary>
    public int CountRight(int rows, float* outputRows)
    {
        int right = 0;
        for (int b = 0; b < rows; b++)
        {
            float* z = outputRows + (nint)b * stride;
            int chosen = 0;
            if (outputs == 1)
            {
                chosen = z[0] > 0 ? 1 : 0;
            }
            else
            {
                for (int j = 1; j < outputs; j++)
                {
                    if (z[j] > z[chosen])
                        chosen = j;
                }
            }
            if (chosen == labels[b] && !float.IsNaN(z[outputs == 1 ? 0 : chosen]))
                right++;
        }
        return right;
    }
}
