using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using BatchViz.Engine.Cpu.Kernels;
using BatchViz.Engine.Cpu.Memory;

namespace BatchViz.Engine.Cpu.Dense;

/// <summary>
/// Backpropagation through a dense network, in chunks of at most <see cref="ChunkRows"/> examples so that the workspace stays in the
/// cache whatever the batch size; chunks add up in their order.
/// </summary>
internal sealed unsafe class DenseModel : Model
{
    public const int ChunkRows = 128;

    /// <summary>From this many examples on, transposing a weight matrix costs less than it saves.</summary>
    private const int TransposeFrom = 4;

    private readonly KernelTable kernels;
    private readonly DataSplit train;
    private readonly WeightLayout layout;
    private readonly DensePass pass;
    private readonly Arena arena = new();
    private readonly float*[] deltas, transposed;
    private readonly float* ones, gradient;
    private readonly int* all;

    /// <param name="plain">The optimiser applies plain gradients, so a batch of one needs no gradient of full size.</param>
    public DenseModel(KernelTable kernels, DataSet data, NetworkSpec network, WeightLayout layout, int batchSize, bool plain)
    {
        (this.kernels, this.layout, train) = (kernels, layout, data.Train);
        var layers = layout.Layers;
        pass = new DensePass(kernels, network, layout, Math.Min(batchSize, ChunkRows), slopes: true);
        deltas = new float*[layers.Length];
        transposed = new float*[layers.Length];
        int widest = layers.Max(layer => layer.Inputs);
        bool transposes = batchSize >= TransposeFrom;
        try
        {
            arena.Reserve(batchSize == 1 && plain ? 0 : layout.Floats);
            arena.Reserve(pass.Capacity);
            arena.Reserve(widest);
            foreach (var layer in layers)
            {
                arena.Reserve((long)pass.Capacity * layer.Stride);
                arena.Reserve(transposes && layer.Offset > 0 ? (long)layer.Outputs * Arena.Pad(layer.Inputs) : 0);
            }
            gradient = arena.Take();
            ones = arena.Take();
            all = (int*)arena.Take();
            for (int l = 0; l < layers.Length; l++)
            {
                deltas[l] = arena.Take();
                transposed[l] = arena.Take();
            }
        }
        catch
        {
            Dispose();
            throw;
        }
        new Span<float>(ones, pass.Capacity).Fill(1);
        for (int i = 0; i < widest; i++) all[i] = i;
    }

    public override float* GradientPointer => gradient;

    public override bool HasFactors => true;

    public override double Gradient(float* weights, ReadOnlySpan<int> batch, Span<double> squares, bool factors)
    {
        var layers = layout.Layers;
        float scale = 1f / batch.Length;
        double loss = 0;
        bool transpose = batch.Length >= TransposeFrom;
        if (transpose) TransposeWeights(weights);
        for (int start = 0; start < batch.Length; start += pass.Capacity)
        {
            int rows = Math.Min(pass.Capacity, batch.Length - start);
            for (int b = 0; b < rows; b++)
            {
                pass.GatherFeatures(train, batch[start + b], b);
                pass.GatherTarget(train, batch[start + b], b);
            }
            pass.Forward(weights, rows);
            loss += pass.Loss(rows, deltas[^1], scale);
            Backward(weights, rows, transpose);
            if (!factors) AddGradient(rows, add: start > 0);
        }
        for (int l = 0; l < layers.Length; l++)
        {
            squares[l] = factors
                ? (kernels.SumSquares(layers[l].Inputs, Input(l)) + (layers[l].Bias ? 1 : 0)) * kernels.SumSquares(layers[l].Stride, deltas[l])
                : kernels.SumSquares(layers[l].Floats, gradient + layers[l].Offset);
        }
        return loss / batch.Length;
    }

    public override void AddRankOne(float* weights, float scale)
    {
        for (int l = 0; l < layout.Layers.Length; l++)
        {
            var layer = layout.Layers[l];
            int listed = l == 0 ? pass.Listed : layer.Inputs;
            kernels.AddListedOuter(listed, l == 0 ? pass.List : all, layer.Stride, scale, Input(l), deltas[l], weights + layer.Offset);
            if (layer.Bias) kernels.AddListedOuter(1, all, layer.Stride, scale, ones, deltas[l], weights + layer.BiasOffset);
        }
    }

    public override void Dispose()
    {
        pass.Dispose();
        arena.Dispose();
    }

    private float* Input(int layer) => layer == 0 ? pass.Input : pass.Output(layer - 1);

    private void TransposeWeights(float* weights)
    {
        for (int l = 1; l < layout.Layers.Length; l++)
        {
            var layer = layout.Layers[l];
            Transpose.Run(layer.Inputs, layer.Outputs, weights + layer.Offset, layer.Stride, transposed[l], Arena.Pad(layer.Inputs));
        }
    }

    /// <summary>From ∂loss/∂(last activation) to ∂loss/∂z of every layer.</summary>
    private void Backward(float* weights, int rows, bool transpose)
    {
        for (int l = layout.Layers.Length - 1; l >= 0; l--)
        {
            var layer = layout.Layers[l];
            kernels.Derive(pass.ActivationOf(l), (long)rows * layer.Stride, deltas[l], pass.Output(l), pass.Slope(l));
            if (l == 0) return;
            int below = layout.Layers[l - 1].Stride;
            if (transpose)
            {
                kernels.MatrixProduct(rows, layer.Outputs, below, deltas[l], layer.Stride, 1, transposed[l], null, deltas[l - 1], false);
                continue;
            }
            for (int b = 0; b < rows; b++)
                kernels.RowsTimesDelta(layer.Inputs, below, layer.Stride, weights + layer.Offset, deltas[l] + (nint)b * layer.Stride, deltas[l - 1] + (nint)b * below);
        }
    }

    private void AddGradient(int rows, bool add)
    {
        for (int l = 0; l < layout.Layers.Length; l++)
        {
            var layer = layout.Layers[l];
            float* to = gradient + layer.Offset;
            kernels.MatrixProduct(layer.Inputs, rows, layer.Stride, Input(l), 1, Arena.Pad(layer.Inputs), deltas[l], null, to, add);
            if (layer.Bias) kernels.MatrixProduct(1, rows, layer.Stride, ones, 1, 1, deltas[l], null, gradient + layer.BiasOffset, add);
        }
    }
}
