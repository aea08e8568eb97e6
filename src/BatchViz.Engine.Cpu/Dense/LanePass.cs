using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using BatchViz.Engine.Cpu.Kernels;
using BatchViz.Engine.Cpu.Memory;

namespace BatchViz.Engine.Cpu.Dense;

/// <summary>
/// One thread's way through a dense network with examples in lanes, block after block, from the outputs of the first layer on.
/// Weights are in canonical order, those of the layers after the first alone where it says "later".
/// </summary>
internal sealed unsafe class LanePass : IDisposable
{
    private readonly KernelTable kernels;
    private readonly NetworkSpec network;
    private readonly LayerShape[] layers;
    private readonly LaneExamples examples;
    private readonly Arena arena;
    private readonly float* features,
        rows,
        even,
        odd;

    public LanePass(KernelTable kernels, NetworkSpec network, WeightLayout layout, LaneExamples examples, Ledger? ledger = null)
    {
        arena = new Arena(ledger);
        (this.kernels, this.network, this.examples) = (kernels, network, examples);
        layers = layout.Layers;
        long block = examples.Block;
        arena.Reserve(block * layers[0].Inputs, MemoryUse.Batch);
        arena.Reserve(block * Arena.Pad(layers[0].Inputs), MemoryUse.Batch);
        long widest = layers.Max(layer => layer.Outputs);
        arena.Reserve(block * widest, MemoryUse.Activations);
        arena.Reserve(layers.Length > 1 ? block * widest : 0, MemoryUse.Activations);
        features = arena.Take();
        rows = arena.Take();
        even = arena.Take();
        odd = arena.Take();
    }

    /// <summary>Brings a block's features in, for <see cref="FirstLayer"/>.</summary>
    public void Gather(int block) => examples.Gather(block, rows, features);

    /// <summary>z = W·x + b of the first layer and the gathered block.</summary>
    /// <param name="weights">All, canonical.</param>
    /// <param name="z">[units, block].</param>
    public void FirstLayer(float* weights, float* z) => Layer(layers[0], weights, features, z);

    /// <summary>Sum of a block's losses where the first layer's outputs are a + x·b.</summary>
    /// <param name="a">[units, block], as b.</param>
    /// <param name="right">Counts up the examples classified rightly, unless null.</param>
    public double Loss(int block, float* a, float x, float* b, float* later, int* right)
    {
        float* from = even,
            to = odd;
        kernels.CombineActivate(ActivationOf(0), (long)layers[0].Outputs * examples.Block, a, x, b, from);
        for (int l = 1; l < layers.Length; l++)
        {
            Layer(layers[l], later - layers[0].Parameters, from, to);
            kernels.Activate(ActivationOf(l), (long)layers[l].Outputs * examples.Block, to, null);
            float* free = from;
            from = to;
            to = free;
        }
        int valid = examples.Valid(block),
            outputs = layers[^1].Outputs;
        float* truth = examples.Truth(block);
        if (right != null)
            *right += CountRight(valid, from, truth);
        return network.Loss switch
        {
            LossKind.CrossEntropy => kernels.LaneCrossEntropy(valid, outputs, from, truth),
            LossKind.Logistic => kernels.LaneLogistic(valid, from, truth),
            _ => examples.Labelled
                ? kernels.LaneSquared(valid, outputs, from, truth, null)
                : kernels.LaneSquared(valid, outputs, from, null, truth),
        };
    }

    public void Dispose() => arena.Dispose();

    private Activation ActivationOf(int layer) => layer == layers.Length - 1 ? network.Model.OutputActivation : network.Model.Activation;

    private void Layer(LayerShape layer, float* weights, float* x, float* z)
    {
        float* w = weights + layer.FirstParameter;
        kernels.LaneLayer(layer.Inputs, layer.Outputs, w, layer.Bias ? w + (long)layer.Inputs * layer.Outputs : null, x, z);
    }

    /// <summary>How many are classified rightly: the largest output, or the sign of a single one; NaN is wrong.</summary>
    private int CountRight(int valid, float* z, float* labels)
    {
        int right = 0,
            outputs = layers[^1].Outputs,
            block = examples.Block;
        for (int b = 0; b < valid; b++)
        {
            int chosen = 0;
            for (int j = 1; j < outputs; j++)
            {
                if (z[j * block + b] > z[chosen * block + b])
                    chosen = j;
            }
            float best = z[chosen * block + b];
            int named = outputs == 1 ? (best > 0 ? 1 : 0) : chosen;
            if (named == (int)labels[b] && !float.IsNaN(best))
                right++;
        }
        return right;
    }
}
