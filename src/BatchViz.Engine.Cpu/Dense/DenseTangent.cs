using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using BatchViz.Engine.Cpu.Kernels;
using BatchViz.Engine.Cpu.Memory;

namespace BatchViz.Engine.Cpu.Dense;

/// <summary>
/// The R-operator of Pearlmutter 1994, R{·} = ∂/∂r at w + r·v: it goes through a network beside a linearisation that is there
/// already, so a Hessian product costs two matrix products for each one of a gradient (first layer: for each two, two).
/// Rz = Ra⁻W + a⁻V + v_b, Ra = σ'(z)Rz; backwards Rδ = σ'(z)R{∂ℓ/∂a} + σ''(z)·∂ℓ/∂a·Rz, and R{∂ℓ/∂a⁻} = Rδ Wᵀ + δVᵀ.
/// </summary>
internal sealed unsafe class DenseTangent : IDisposable
{
    private readonly KernelTable kernels;
    private readonly WeightLayout layout;
    private readonly LossKind loss;
    private readonly Arena arena = new();
    private readonly float*[] tangents,
        activations,
        deltas,
        transposed;
    private readonly float* ones;

    public DenseTangent(KernelTable kernels, NetworkSpec network, WeightLayout layout, int capacity)
    {
        (this.kernels, this.layout, loss) = (kernels, layout, network.Loss);
        var layers = layout.Layers;
        (tangents, activations) = (new float*[layers.Length], new float*[layers.Length]);
        (deltas, transposed) = (new float*[layers.Length], new float*[layers.Length]);
        try
        {
            arena.Reserve(capacity);
            foreach (var layer in layers)
            {
                for (int i = 0; i < 3; i++)
                    arena.Reserve((long)capacity * layer.Stride);
                arena.Reserve(layer.Offset > 0 ? (long)layer.Outputs * Arena.Pad(layer.Inputs) : 0);
            }
            ones = arena.Take();
            for (int l = 0; l < layers.Length; l++)
            {
                tangents[l] = arena.Take();
                activations[l] = arena.Take();
                deltas[l] = arena.Take();
                transposed[l] = arena.Take();
            }
        }
        catch
        {
            Dispose();
            throw;
        }
        new Span<float>(ones, capacity).Fill(1);
    }

    /// <summary>Goes to a vector.</summary>
    public void Start(float* v)
    {
        for (int l = 1; l < layout.Layers.Length; l++)
        {
            var layer = layout.Layers[l];
            Transpose.Run(layer.Inputs, layer.Outputs, v + layer.Offset, layer.Stride, transposed[l], Arena.Pad(layer.Inputs));
        }
    }

    /// <summary>Adds the chunk's Hessian times v to the product, or begins it.</summary>
    /// <param name="weightsTransposed">Each layer's weights, transposed, from the second layer on.</param>
    public void Add(DenseChunk chunk, float* weights, float*[] weightsTransposed, float* v, float* product, bool add)
    {
        for (int l = 0; l < layout.Layers.Length; l++)
            Forward(chunk, l, weights, v);
        Loss(chunk);
        for (int l = layout.Layers.Length - 1; l >= 0; l--)
            Backward(chunk, l, weightsTransposed, product, add);
    }

    public void Dispose() => arena.Dispose();

    private void Forward(DenseChunk chunk, int l, float* weights, float* v)
    {
        var layer = layout.Layers[l];
        int width = Arena.Pad(layer.Inputs);
        long count = (long)chunk.Rows * layer.Stride;
        // Rz is needed again only where σ'' is.
        bool keep = chunk.Bend(l) != null;
        float* bias = layer.Bias ? v + layer.BiasOffset : null,
            a = activations[l],
            z = keep ? tangents[l] : a;
        if (l > 0)
            kernels.MatrixProduct(
                chunk.Rows,
                layer.Inputs,
                layer.Stride,
                activations[l - 1],
                width,
                1,
                weights + layer.Offset,
                bias,
                z,
                false
            );
        kernels.MatrixProduct(chunk.Rows, layer.Inputs, layer.Stride, chunk.Input(l), width, 1, v + layer.Offset, bias, z, l > 0);
        if (keep)
            kernels.Combine(count, z, 0, null, 0, null, a);
        kernels.ActivationBackward(chunk.ActivationOf(l), count, a, chunk.Output(l), chunk.Slope(l));
    }

    /// <summary>R{∂ℓ/∂a} of the last layer: the loss's Hessian by the outputs, times their tangent.</summary>
    private void Loss(DenseChunk chunk)
    {
        var last = layout.Layers[^1];
        long count = (long)chunk.Rows * last.Stride;
        kernels.Combine(count, activations[^1], 0, null, 0, null, deltas[^1]);
        if (loss == LossKind.CrossEntropy)
            kernels.CrossEntropyCurvature(chunk.Rows, last.Outputs, last.Stride, chunk.LossCurvature, deltas[^1]);
        if (loss == LossKind.Logistic)
            kernels.Multiply(count, chunk.LossCurvature, deltas[^1]);
    }

    private void Backward(DenseChunk chunk, int l, float*[] weightsTransposed, float* product, bool add)
    {
        var layer = layout.Layers[l];
        int rows = chunk.Rows,
            width = Arena.Pad(layer.Inputs);
        long count = (long)rows * layer.Stride;
        kernels.ActivationBackward(chunk.ActivationOf(l), count, deltas[l], chunk.Output(l), chunk.Slope(l));
        if (chunk.Bend(l) != null)
            kernels.AddProduct(count, chunk.Bend(l), tangents[l], deltas[l]);

        float* to = product + layer.Offset;
        kernels.MatrixProduct(layer.Inputs, rows, layer.Stride, chunk.Input(l), 1, width, deltas[l], null, to, add);
        if (layer.Bias)
            kernels.MatrixProduct(1, rows, layer.Stride, ones, 1, 1, deltas[l], null, product + layer.BiasOffset, add);
        if (l == 0)
            return;
        kernels.MatrixProduct(layer.Inputs, rows, layer.Stride, activations[l - 1], 1, width, chunk.Delta(l), null, to, true);
        kernels.MatrixProduct(rows, layer.Outputs, width, deltas[l], layer.Stride, 1, weightsTransposed[l], null, deltas[l - 1], false);
        kernels.MatrixProduct(rows, layer.Outputs, width, chunk.Delta(l), layer.Stride, 1, transposed[l], null, deltas[l - 1], true);
    }
}
