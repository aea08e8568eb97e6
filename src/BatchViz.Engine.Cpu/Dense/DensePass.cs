using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using BatchViz.Engine.Cpu.Kernels;
using BatchViz.Engine.Cpu.Memory;

namespace BatchViz.Engine.Cpu.Dense;

/// <summary>
/// Takes up to <see cref="Capacity"/> examples through a dense network: gather, forward, loss. Holds their features, activations and
/// targets; rows are examples, padded to whole registers.
/// </summary>
internal sealed unsafe class DensePass : IDisposable
{
    private readonly KernelTable kernels;
    private readonly NetworkSpec network;
    private readonly WeightLayout layout;
    private readonly Arena arena;
    private readonly float*[] outputs,
        slopes;
    private readonly int* listed;
    private readonly LossHead head;
    private readonly SparseInput? sparse;

    /// <param name="capacity">Most examples at once.</param>
    /// <param name="slopes">Whether derivatives will be asked for.</param>
    /// <param name="data">A split that will be gathered from: where it is sparse, its zeros are left out of the first layer's
    /// products.</param>
    public DensePass(
        KernelTable kernels,
        NetworkSpec network,
        WeightLayout layout,
        int capacity,
        bool slopes,
        Ledger? ledger = null,
        DataSplit? data = null
    )
    {
        arena = new Arena(ledger);
        (this.kernels, this.network, this.layout) = (kernels, network, layout);
        Capacity = Arena.Pad(capacity);
        int layers = layout.Layers.Length;
        outputs = new float*[layers];
        this.slopes = new float*[layers];

        arena.Reserve((long)Capacity * Arena.Pad(layout.Layers[0].Inputs), MemoryUse.Batch);
        arena.Reserve(Arena.Pad(layout.Layers[0].Inputs));
        bool lists = capacity > 1 && data is not null && SparseSplit.Of(data) is not null;
        if (lists)
            SparseInput.Reserve(layout.Layers[0].Inputs, Capacity, arena);
        head = new LossHead(kernels, network.Loss, layout.Layers[^1].Outputs);
        head.Reserve(arena, Capacity);
        for (int l = 0; l < layers; l++)
        {
            arena.Reserve((long)Capacity * layout.Layers[l].Stride, MemoryUse.Activations);
            if (slopes && ActivationOf(l) == Activation.Gelu)
                arena.Reserve((long)Capacity * layout.Layers[l].Stride, MemoryUse.Activations);
        }

        Input = arena.Take();
        listed = (int*)arena.Take();
        if (lists)
            sparse = new SparseInput(kernels, layout.Layers[0].Inputs, Capacity, Input, arena);
        head.Take(arena);
        for (int l = 0; l < layers; l++)
        {
            outputs[l] = arena.Take();
            if (slopes && ActivationOf(l) == Activation.Gelu)
                this.slopes[l] = arena.Take();
        }
    }

    /// <summary>The gathered features without their zeros, where these are known.</summary>
    public SparseInput? Sparse => sparse is { Active: true } ? sparse : null;

    /// <summary>Most examples at once; a multiple of 16.</summary>
    public int Capacity { get; }

    /// <summary>Features [examples, padded inputs].</summary>
    public float* Input { get; }

    /// <summary>Loss of each example, after <see cref="Loss"/>.</summary>
    public float* Losses => head.Losses;

    /// <summary>
    /// Inputs that are not 0 when there is one example, after <see cref="Forward"/>: what its first layer has to read and update.
    /// </summary>
    public int Listed { get; private set; }

    public int* List => listed;

    /// <summary>Activations after layer l [examples, padded width].</summary>
    public float* Output(int layer) => outputs[layer];

    /// <summary>σ'(z) after layer l where its activation is GELU, else null.</summary>
    public float* Slope(int layer) => slopes[layer];

    public Activation ActivationOf(int layer) =>
        layer == layout.Layers.Length - 1 ? network.Model.OutputActivation : network.Model.Activation;

    /// <summary>Brings one example's features into a row of <see cref="Input"/>.</summary>
    public void GatherFeatures(DataSplit split, int example, int row)
    {
        sparse?.Add(split, example, row);
        Features.Copy(kernels, split, example, Input + (nint)row * Arena.Pad(split.Inputs));
    }

    /// <summary>Brings one example's label or target values into a row of the targets.</summary>
    public void GatherTarget(DataSplit split, int example, int row) => head.Gather(split, example, row);

    /// <summary>Activations of all layers from the gathered features.</summary>
    public void Forward(float* weights, int rows)
    {
        var first = layout.Layers[0];
        if (rows != 1)
        {
            Layer(weights, rows, 0);
        }
        else
        {
            Listed = 0;
            for (int i = 0; i < first.Inputs; i++)
            {
                listed[Listed] = i;
                Listed += Input[i] != 0 ? 1 : 0;
            }
            kernels.ListedRows(
                Listed,
                listed,
                first.Stride,
                Input,
                weights + first.Offset,
                first.Bias ? weights + first.BiasOffset : null,
                outputs[0]
            );
            kernels.Activate(ActivationOf(0), first.Stride, outputs[0], slopes[0]);
        }
        ForwardFrom(1, weights, rows);
    }

    /// <summary>Activations of layer <paramref name="layer"/> and all after it, from those of the layer before.</summary>
    public void ForwardFrom(int layer, float* weights, int rows)
    {
        for (int l = layer; l < layout.Layers.Length; l++)
            Layer(weights, rows, l);
    }

    /// <summary>Sum of the losses of the first <paramref name="rows"/> examples, added to <paramref name="sum"/> one by one.</summary>
    /// <param name="delta">Where scale·∂loss/∂(last activation) goes, or null.</param>
    public double Loss(int rows, float* delta, float scale, double sum = 0) => head.Loss(rows, outputs[^1], delta, scale, sum);

    /// <summary>How many of the first rows are classified rightly: the largest output, or the sign of a single one.</summary>
    public int CountRight(int rows) => head.CountRight(rows, outputs[^1]);

    public void Dispose() => arena.Dispose();

    private void Layer(float* weights, int rows, int l)
    {
        var layer = layout.Layers[l];
        float* input = l == 0 ? Input : outputs[l - 1];
        float* w = weights + layer.Offset,
            bias = layer.Bias ? weights + layer.BiasOffset : null;
        if (l == 0 && Sparse is { } few)
            few.Product(layer.Stride, w, bias, outputs[0]);
        else
            kernels.MatrixProduct(rows, layer.Inputs, layer.Stride, input, Arena.Pad(layer.Inputs), 1, w, bias, outputs[l], false);
        kernels.Activate(ActivationOf(l), (long)rows * layer.Stride, outputs[l], slopes[l]);
    }
}
