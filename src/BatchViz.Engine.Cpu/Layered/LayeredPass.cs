using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using BatchViz.Engine.Cpu.Dense;
using BatchViz.Engine.Cpu.Kernels;
using BatchViz.Engine.Cpu.Memory;

namespace BatchViz.Engine.Cpu.Layered;

/// <summary>Takes up to <see cref="Capacity"/> examples through a model of layers, forward and back: gather, layers, loss.</summary>
internal sealed unsafe class LayeredPass : IDisposable
{
    /// <summary>About half of a second-level cache.</summary>
    private const int CacheFloats = 320_000;

    private readonly KernelTable kernels;
    private readonly NetworkSpec network;
    private readonly LayerPath[] paths;
    private readonly Arena arena;
    private readonly LossHead? head;
    private readonly ContrastiveLoss? contrast;
    private readonly float* curvature;
    private readonly float* viewRow;

    public LayeredPass(KernelTable kernels, NetworkSpec network, WeightLayout layout, int capacity, Uses uses, Ledger? ledger = null)
    {
        (this.kernels, this.network) = (kernels, network);
        arena = new Arena(ledger);
        Capacity = capacity;
        paths = new LayerPath[network.Model.Towers];
        for (int t = 0, dropouts = 0; t < paths.Length; t++)
        {
            paths[t] = new LayerPath(
                kernels,
                layout,
                network,
                t,
                dropouts,
                uses == Uses.Curvature ? !network.Contrastive : network.Separable
            );
            dropouts += paths[t].Dropouts;
        }
        if (network.Contrastive)
            contrast = new ContrastiveLoss(kernels, network, layout, capacity);
        else
            head = new LossHead(kernels, network.Loss, Output.Channels);
        foreach (var path in paths)
            path.Reserve(arena, capacity, uses);
        contrast?.Reserve(arena, uses);
        head?.Reserve(arena, Arena.Pad(capacity));
        arena.Reserve(uses == Uses.Curvature ? capacity * Output.Floats : 0);
        arena.Reserve(paths.Length > 1 ? paths.Length * network.Graph.Input.Size : 0, MemoryUse.Batch);
        foreach (var path in paths)
            path.Take(arena, uses);
        contrast?.Take(arena);
        head?.Take(arena);
        curvature = arena.Take();
        viewRow = arena.Take();
    }

    /// <summary>Most examples at once.</summary>
    public int Capacity { get; }

    public LayerState State { get; } = new();

    public Tensor Output => paths[0].Output;

    /// <summary>Loss of each example, after <see cref="Loss"/>, where examples have losses of their own.</summary>
    public float* Losses => head!.Losses;

    /// <summary>Floats that a row takes, about.</summary>
    public static long RowFloats(KernelTable kernels, WeightLayout layout, NetworkSpec network)
    {
        long floats = 0;
        for (int t = 0; t < network.Model.Towers; t++)
            floats += new LayerPath(kernels, layout, network, t, 0, false).RowFloats;
        return floats;
    }

    /// <summary>Examples that stay in a second-level cache together with their gradients, from 4 to 128.</summary>
    public static int CachedRows(KernelTable kernels, WeightLayout layout, NetworkSpec network) =>
        (int)Math.Clamp(CacheFloats / RowFloats(kernels, layout, network), 4, 128);

    /// <summary>Brings one example's features and its label or targets into a row.</summary>
    public void Gather(DataSplit split, int example, int row)
    {
        GatherFeatures(split, example, row);
        head?.Gather(split, example, row);
    }

    public void GatherFeatures(DataSplit split, int example, int row)
    {
        if (paths.Length == 1)
        {
            Features.Copy(kernels, split, example, paths[0].Input.Row(row));
            return;
        }
        Features.Copy(kernels, split, example, viewRow);
        long bytes = network.Graph.Input.Size * sizeof(float);
        for (int t = 0; t < paths.Length; t++)
            Buffer.MemoryCopy(viewRow + t * network.Graph.Input.Size, paths[t].Input.Row(row), bytes, bytes);
    }

    /// <summary>For the weights (and statistics) of the state; to be called again when they have changed.</summary>
    public void Prepare(bool backward)
    {
        foreach (var path in paths)
            path.Prepare(State, backward);
    }

    public void PrepareTangent()
    {
        foreach (var path in paths)
            path.PrepareTangent(State);
    }

    public void Forward(int rows)
    {
        foreach (var path in paths)
            path.Forward(State, rows);
    }

    /// <summary>
    /// Sum of the losses of the first rows, added to <paramref name="sum"/>; of a contrastive loss the batch's mean times the rows.
    /// </summary>
    /// <param name="share">What the gradient is multiplied by; 0: none is wanted.</param>
    /// <param name="right">Counts up the examples classified rightly, or pairs found, unless null.</param>
    public double Loss(int rows, float share, double sum = 0, int* right = null)
    {
        if (contrast is not null)
        {
            float* deltaA = share == 0 ? null : paths[0].Output.Delta,
                deltaB = share == 0 ? null : paths[1].Output.Delta;
            return sum
                + contrast.Loss(
                    State.Weights,
                    State.Gradient,
                    rows,
                    paths[0].Output.Data,
                    paths[1].Output.Data,
                    deltaA,
                    deltaB,
                    share,
                    right
                );
        }
        if (right != null)
            *right += head!.CountRight(rows, Output.Data);
        return head!.Loss(rows, Output.Data, share == 0 ? null : Output.Delta, share, sum);
    }

    /// <summary>From the loss's gradient to the weights', added to the state's gradient.</summary>
    public void Backward(int rows)
    {
        foreach (var path in paths)
            path.Backward(State, rows);
    }

    /// <summary>Keeps what <see cref="HessianProduct"/> needs of the loss.</summary>
    public void CurveLoss(int rows) => head?.Curve(rows, Output.Data, curvature);

    /// <summary>
    /// Adds the rows' part of the Hessian's product with the state's direction; after Forward, Loss with a gradient, CurveLoss and Backward
    /// at the same weights.
    /// </summary>
    public void HessianProduct(int rows, float share)
    {
        foreach (var path in paths)
            path.ForwardTangent(State, rows);
        long floats = rows * Output.Floats;
        if (contrast is not null)
        {
            var other = paths[1].Output;
            contrast.Curve(
                State.Weights,
                State.Direction,
                State.Product,
                rows,
                Output.Data,
                other.Data,
                Output.Tangent,
                other.Tangent,
                Output.DeltaTangent,
                other.DeltaTangent
            );
            foreach (var path in paths)
                path.BackwardTangent(State, rows);
            return;
        }
        Buffer.MemoryCopy(Output.Tangent, Output.DeltaTangent, floats * sizeof(float), floats * sizeof(float));
        head!.MultiplyCurvature(rows, curvature, Output.DeltaTangent);
        kernels.Scale(floats, share, Output.DeltaTangent);
        paths[0].BackwardTangent(State, rows);
    }

    /// <summary>
    /// ⟨gᵢ, d⟩ of each row's own gradient with the state's direction, which is how its loss changes along it; after Forward and Loss with a
    /// gradient of share 1.
    /// </summary>
    public void Slopes(int rows, Span<double> slopes)
    {
        paths[0].ForwardTangent(State, rows);
        for (int row = 0; row < rows; row++)
            slopes[row] = Probes.Vectors.Dot(Output.Floats, Output.Delta + row * Output.Floats, Output.Tangent + row * Output.Floats);
    }

    /// <summary>Σ ⟨∂ℓ/∂f, f⟩² over the rows, f the outputs; after Forward and Loss with a gradient of share 1.</summary>
    public double SumSquareOutputSlopes(int rows)
    {
        double sum = 0;
        for (int row = 0; row < rows; row++)
        {
            double slope = Probes.Vectors.Dot(Output.Floats, Output.Delta + row * Output.Floats, Output.Row(row));
            sum += slope * slope;
        }
        return sum;
    }

    public void Commit()
    {
        foreach (var path in paths)
            path.Commit(State);
    }

    public void Dispose() => arena.Dispose();
}
