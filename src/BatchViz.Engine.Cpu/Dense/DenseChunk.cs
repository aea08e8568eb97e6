using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using BatchViz.Engine.Cpu.Kernels;
using BatchViz.Engine.Cpu.Memory;
using BatchViz.Engine.Cpu.Probes;

namespace BatchViz.Engine.Cpu.Dense;

/// <summary>
/// Some examples of an evaluation set, and a network's linearisation at them: activations, ∂ℓ/∂z of every layer and the second
/// derivatives of activations and loss. Losses here are sums over the examples.
/// </summary>
internal sealed unsafe class DenseChunk : IDisposable
{
    private readonly KernelTable kernels;
    private readonly WeightLayout layout;
    private readonly LossKind loss;
    private readonly DensePass pass;
    private readonly Arena arena = new();
    private readonly float*[] deltas,
        bends;
    private readonly float* spare;

    public DenseChunk(KernelTable kernels, NetworkSpec network, WeightLayout layout, int capacity)
    {
        (this.kernels, this.layout, loss) = (kernels, layout, network.Loss);
        var layers = layout.Layers;
        pass = new DensePass(kernels, network, layout, capacity, slopes: true);
        deltas = new float*[layers.Length];
        bends = new float*[layers.Length];
        try
        {
            arena.Reserve(pass.Capacity);
            arena.Reserve(loss == LossKind.Squared ? 0 : (long)pass.Capacity * layers[^1].Stride);
            for (int l = 0; l < layers.Length; l++)
            {
                arena.Reserve((long)pass.Capacity * layers[l].Stride);
                if (Bends(pass.ActivationOf(l)))
                    arena.Reserve((long)pass.Capacity * layers[l].Stride);
            }
            spare = arena.Take();
            LossCurvature = arena.Take();
            for (int l = 0; l < layers.Length; l++)
            {
                deltas[l] = arena.Take();
                if (Bends(pass.ActivationOf(l)))
                    bends[l] = arena.Take();
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public int Capacity => pass.Capacity;

    /// <summary>Where the examples begin in their set; −1 before any came.</summary>
    public int First { get; private set; } = -1;

    public int Rows { get; private set; }

    /// <summary>Which linearisation this holds, by the owner's count; 0 for none.</summary>
    public long Linearisation { get; private set; }

    /// <summary>Whether that linearisation has second derivatives.</summary>
    public bool Curved { get; private set; }

    /// <summary>
    /// Softmax cross-entropy: probabilities; logistic: second derivative of the loss by the output; [examples, padded outputs].
    /// </summary>
    public float* LossCurvature { get; }

    /// <summary>What goes into layer l: features or activations [examples, padded inputs].</summary>
    public float* Input(int l) => l == 0 ? pass.Input : pass.Output(l - 1);

    public float* Output(int l) => pass.Output(l);

    public float* Slope(int l) => pass.Slope(l);

    /// <summary>∂ℓ/∂z of layer l.</summary>
    public float* Delta(int l) => deltas[l];

    /// <summary>∂ℓ/∂a·σ''(z) of layer l; null where σ'' is 0.</summary>
    public float* Bend(int l) => bends[l];

    public Activation ActivationOf(int l) => pass.ActivationOf(l);

    /// <summary>Floats that a chunk takes, about.</summary>
    public static long Floats(WeightLayout layout, int capacity) =>
        capacity * (Arena.Pad(layout.Layers[0].Inputs) + 2L * layout.Layers[^1].Stride + layout.Layers.Sum(layer => 4L * layer.Stride));

    public static bool Bends(Activation activation) => activation is Activation.Tanh or Activation.Sigmoid or Activation.Gelu;

    public void Forget() => First = -1;

    public void Gather(DataSplit split, Func<int, int> example, int first, int rows)
    {
        if (First == first && Rows == rows)
            return;
        (First, Rows, Linearisation) = (first, rows, 0);
        for (int b = 0; b < rows; b++)
        {
            pass.GatherFeatures(split, example(first + b), b);
            pass.GatherTarget(split, example(first + b), b);
        }
    }

    public double Loss(float* weights)
    {
        Linearisation = 0;
        pass.Forward(weights, Rows);
        return pass.Loss(Rows, null, 0);
    }

    /// <param name="transposed">Each layer's weights, transposed, from the second layer on.</param>
    public double Linearise(float* weights, float*[] transposed, bool curvature, long linearisation)
    {
        pass.Forward(weights, Rows);
        double sum = pass.Loss(Rows, deltas[^1], 1);
        if (curvature)
            CurveLoss();
        for (int l = layout.Layers.Length - 1; l >= 0; l--)
        {
            var layer = layout.Layers[l];
            long count = (long)Rows * layer.Stride;
            if (curvature && bends[l] != null)
                CurveActivation(l, weights);
            kernels.ActivationBackward(ActivationOf(l), count, deltas[l], pass.Output(l), pass.Slope(l));
            if (l > 0)
                kernels.MatrixProduct(
                    Rows,
                    layer.Outputs,
                    layout.Layers[l - 1].Stride,
                    deltas[l],
                    layer.Stride,
                    1,
                    transposed[l],
                    null,
                    deltas[l - 1],
                    false
                );
        }
        (Linearisation, Curved) = (linearisation, curvature);
        return sum;
    }

    /// <summary>Σ ⟨∂ℓ/∂f, f⟩² over the examples, f the network's outputs.</summary>
    public double SumSquareOutputSlopes(float* weights)
    {
        Linearisation = 0;
        pass.Forward(weights, Rows);
        pass.Loss(Rows, deltas[^1], 1);
        int stride = layout.Layers[^1].Stride,
            outputs = layout.Layers[^1].Outputs;
        double sum = 0;
        for (int b = 0; b < Rows; b++)
        {
            double slope = 0;
            for (int j = 0; j < outputs; j++)
                slope += (double)deltas[^1][(nint)b * stride + j] * pass.Output(layout.Layers.Length - 1)[(nint)b * stride + j];
            sum += slope * slope;
        }
        return sum;
    }

    /// <summary>
    /// Σ over layers of (‖x‖² + 1)·‖δ‖² for each example, x the layer's input: ‖gᵢ‖² of gradients that are outer products.
    /// </summary>
    public void GradientSquares(Span<double> squares)
    {
        for (int b = 0; b < Rows; b++)
        {
            double square = 0;
            for (int l = 0; l < layout.Layers.Length; l++)
            {
                var layer = layout.Layers[l];
                square +=
                    (kernels.SumSquares(layer.Inputs, Input(l) + (nint)b * Arena.Pad(layer.Inputs)) + (layer.Bias ? 1 : 0))
                    * kernels.SumSquares(layer.Stride, deltas[l] + (nint)b * layer.Stride);
            }
            squares[b] = square;
        }
    }

    /// <summary>⟨gᵢ, v⟩ for each example: Σ over layers of δᵀ(V·x), x the layer's input and V its part of v.</summary>
    /// <param name="products">Room for the widest layer [rows, padded width].</param>
    public void GradientSlopes(float* v, float* products, Span<double> slopes)
    {
        slopes.Clear();
        for (int l = 0; l < layout.Layers.Length; l++)
        {
            var layer = layout.Layers[l];
            float* bias = layer.Bias ? v + layer.BiasOffset : null;
            kernels.MatrixProduct(
                Rows,
                layer.Inputs,
                layer.Stride,
                Input(l),
                Arena.Pad(layer.Inputs),
                1,
                v + layer.Offset,
                bias,
                products,
                false
            );
            for (int b = 0; b < Rows; b++)
                slopes[b] += Vectors.Dot(layer.Stride, products + (nint)b * layer.Stride, deltas[l] + (nint)b * layer.Stride);
        }
    }

    public void Dispose()
    {
        pass.Dispose();
        arena.Dispose();
    }

    private void CurveLoss()
    {
        var last = layout.Layers[^1];
        float* outputs = pass.Output(layout.Layers.Length - 1);
        if (loss == LossKind.CrossEntropy)
            kernels.Softmax(Rows, last.Outputs, last.Stride, outputs, LossCurvature);
        if (loss == LossKind.Logistic)
            kernels.LogisticCurvature(Rows, last.Stride, outputs, spare, LossCurvature);
    }

    /// <summary>Reads ∂ℓ/∂a where ∂ℓ/∂z will be. GELU keeps no z, and gets it once more.</summary>
    private void CurveActivation(int l, float* weights)
    {
        var layer = layout.Layers[l];
        if (ActivationOf(l) == Activation.Gelu)
        {
            kernels.MatrixProduct(
                Rows,
                layer.Inputs,
                layer.Stride,
                Input(l),
                Arena.Pad(layer.Inputs),
                1,
                weights + layer.Offset,
                layer.Bias ? weights + layer.BiasOffset : null,
                bends[l],
                false
            );
        }
        kernels.ActivationSecondDerivative(ActivationOf(l), (long)Rows * layer.Stride, deltas[l], pass.Output(l), bends[l]);
    }
}
