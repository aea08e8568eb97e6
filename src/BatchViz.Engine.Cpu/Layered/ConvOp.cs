using BatchViz.Core.Specs;
using BatchViz.Engine.Cpu.Kernels;
using BatchViz.Engine.Cpu.Memory;

namespace BatchViz.Engine.Cpu.Layered;

/// <summary>
/// A convolution, a dense layer among them (one pixel, a window of one). A window of one pixel is a matrix product over all pixels of all
/// rows; others read their windows in place (<see cref="Windows"/>); depthwise ones go channel by channel; groups in between are
/// multiplied as the matrix with zeros that they are.
/// <para>
/// A row's own gradient G is formed and measured where that is cheap beside its product, and added to the batch's. Else ‖G‖² comes from the Gram
/// matrices of the windows and of the deltas, ‖G‖² = Σ_pq ⟨x_p, x_q⟩⟨δ_p, δ_q⟩ over pixels p, q (Rochette et al. 2019, arXiv:1912.06015), of which
/// (‖x‖² + 1)·‖δ‖² of a dense layer is the case of one pixel.
/// </para>
/// </summary>
internal sealed unsafe class ConvOp : LayerOp
{
    private readonly LayerShape layer;
    private readonly bool matrix, depthwise, examples;
    private readonly int groups;
    private readonly Windows? windows;
    private readonly SparseWindows? sparse;
    private float* forward, backward, forwardTangent, backwardTangent, scattered, gradient, ones, inputSquares, deltaSquares, gathered, gatheredT, gram, deltaGram, deltaT;
    private int* ends;
    private ushort* list;
    private Uses uses;

    /// <param name="examples">Whether rows have gradients of their own, so that these may be asked about.</param>
    public ConvOp(KernelTable kernels, LayerSpec spec, LayerShape layer, Tensor input, Tensor output, bool examples) : base(kernels, input, output)
    {
        (this.layer, this.examples) = (layer, examples);
        bool dense = spec.Kind == LayerKind.Dense;
        int kernel = dense ? 1 : spec.Kernel, stride = dense ? 1 : spec.Stride;
        groups = dense ? 1 : spec.Groups;
        matrix = kernel == 1 && stride == 1 && groups == 1 && !input.Planar;
        depthwise = groups > 1 && groups == input.Channels && groups == output.Channels && !input.Planar;
        if (!matrix) windows = new Windows(input, output, kernel, stride, spec.Padding, depthwise);
        if (!matrix && groups == 1) sparse = SparseWindows.For(kernels, input, output, kernel, stride, spec.Padding);
        Depth = depthwise ? kernel * kernel : kernel * kernel * input.Channels;
        long pixels = output.Pixels;
        UsesGram = examples && !depthwise && groups == 1 && (pixels == 1 || pixels * Arena.Pad((int)pixels) * (Depth + layer.Outputs) < GramShare * Depth * layer.Outputs);
    }

    /// <summary>Output pixels whose windows' gradients are formed before they are brought to the input's.</summary>
    private const int BlockPixels = 24;

    /// <summary>Up to this share of deltas products that leave out the zeros pay: behind a pool and ReLU most are 0.</summary>
    private const double MostListed = 0.4;

    /// <summary>A multiply-add of a Gram matrix in cache costs about a fourth of writing, measuring and adding up a component of a gradient.</summary>
    private const int GramShare = 4;

    /// <summary>Whether examples' norms come from Gram matrices, else from their gradients.</summary>
    public bool UsesGram { get; }

    private int Depth { get; }

    private bool Expands => groups > 1 && !depthwise;

    /// <summary>A dense layer, or an image of one pixel: rows are all the pixels there are.</summary>
    private bool OnePixel => matrix && Output.Pixels == 1;

    /// <summary>Whether one row's gradient is formed before it is added up.</summary>
    private bool OwnGradient => Expands || (examples && !UsesGram);

    private long ExpandedFloats => (long)Depth * layer.Stride;

    /// <summary>The weights transposed: [outputs, padded depth]. A depthwise layer reads them as they are.</summary>
    private long BackFloats => depthwise ? 0 : (long)layer.Outputs * BackStride;

    private int BackStride => matrix ? Input.Width : Arena.Pad(Depth);

    public override void Reserve(Arena arena, int rows, Uses uses)
    {
        this.uses = uses;
        windows?.Reserve(arena);
        sparse?.Reserve(arena, rows);
        arena.Reserve(Expands ? ExpandedFloats : 0);
        if (uses == Uses.Loss) return;
        arena.Reserve(Output.Pixels);
        if (Input.NeedsGradient)
        {
            arena.Reserve(BackFloats);
            // A register may be read behind the last.
            arena.Reserve(matrix || depthwise ? 0 : (long)BlockPixels * BackStride + WeightLayout.Lanes);
            arena.Reserve(BlockPixels);
            arena.Reserve(matrix || depthwise ? 0 : ((long)BlockPixels * layer.Outputs + 2) / 2);
        }
        if (OwnGradient) arena.Reserve(Math.Max(ExpandedFloats + layer.Stride, layer.Floats) + layer.Floats, MemoryUse.Gradients);
        if (UsesGram)
        {
            int pixels = Arena.Pad(Output.Pixels);
            arena.Reserve(OnePixel ? Arena.Pad(rows) : (long)pixels * Arena.Pad(Depth));
            arena.Reserve(OnePixel ? Arena.Pad(rows) : (long)Depth * pixels);
            arena.Reserve(OnePixel ? 0 : (long)pixels * pixels);
            arena.Reserve(OnePixel ? 0 : (long)pixels * pixels);
            arena.Reserve(OnePixel ? 0 : (long)layer.Outputs * pixels);
        }
        if (uses < Uses.Curvature) return;
        arena.Reserve(Expands ? ExpandedFloats : 0);
        if (Input.NeedsGradient) arena.Reserve(BackFloats);
    }

    public override void Take(Arena arena)
    {
        windows?.Take(arena);
        sparse?.Take(arena);
        forward = arena.Take();
        if (uses == Uses.Loss) return;
        ones = arena.Take();
        if (Input.NeedsGradient)
        {
            backward = arena.Take();
            scattered = arena.Take();
            ends = (int*)arena.Take();
            list = (ushort*)arena.Take();
        }
        if (OwnGradient) gradient = arena.Take();
        if (UsesGram)
        {
            inputSquares = gathered = arena.Take();
            deltaSquares = gatheredT = arena.Take();
            gram = arena.Take();
            deltaGram = arena.Take();
            deltaT = arena.Take();
        }
        if (uses == Uses.Curvature)
        {
            forwardTangent = arena.Take();
            if (Input.NeedsGradient) backwardTangent = arena.Take();
        }
        if (!arena.Predicting) new Span<float>(ones, Output.Pixels).Fill(1);
    }

    public override void Prepare(LayerState state, bool backward) => Prepare(state.Weights, forward, backward && !Few(state) ? this.backward : null);

    /// <summary>Whether a batch is so small that its dense layers are not transposed.</summary>
    private bool Few(LayerState state) => state.FewRows && OnePixel && !Adds;

    public override void PrepareTangent(LayerState state) => Prepare(state.Direction, forwardTangent, backwardTangent);

    public override void Forward(LayerState state, int rows)
        => Product(state.Weights, forward, layer.Bias ? state.Weights + layer.BiasOffset : null, Input.Data, Output.Data, rows, false);

    public override void Backward(LayerState state, int rows)
    {
        for (int row = 0; row < rows && sparse is not null; row++) sparse.List(row);
        if (state.Gradient != null) WeightGradient(Input.Data, Output.Delta, state.Gradient, state.ExampleSquares, rows, true);
        if (Input.NeedsGradient) InputGradient(state.Weights, backward, Output.Delta, Input.Delta, rows, Adds, Few(state));
    }

    public override void ForwardTangent(LayerState state, int rows)
    {
        Product(state.Direction, forwardTangent, layer.Bias ? state.Direction + layer.BiasOffset : null, Input.Data, Output.Tangent, rows, false);
        if (Input.NeedsGradient) Product(state.Weights, forward, null, Input.Tangent, Output.Tangent, rows, true);
    }

    public override void BackwardTangent(LayerState state, int rows)
    {
        WeightGradient(Input.Data, Output.DeltaTangent, state.Product, null, rows, true);
        if (!Input.NeedsGradient) return;
        WeightGradient(Input.Tangent, Output.Delta, state.Product, null, rows, false);
        InputGradient(state.Weights, backward, Output.DeltaTangent, Input.DeltaTangent, rows, Adds);
        InputGradient(state.Direction, backwardTangent, Output.Delta, Input.DeltaTangent, rows, true);
    }

    private float* Matrix(float* weights, float* expanded) => Expands ? expanded : weights + layer.Offset;

    private void Prepare(float* weights, float* expanded, float* back)
    {
        if (Expands) Expand(weights, expanded);
        if (back == null || !Input.NeedsGradient) return;
        if (!depthwise) Transpose.Run(Depth, layer.Outputs, Matrix(weights, expanded), layer.Stride, back, BackStride);
    }

    /// <summary>[pixels, channels of a group][outputs] to [pixels, channels][outputs], 0 between groups.</summary>
    private void Expand(float* weights, float* expanded)
    {
        int few = Input.Channels / groups, each = layer.Outputs / groups;
        new Span<float>(expanded, checked((int)ExpandedFloats)).Clear();
        for (int pixel = 0; pixel < layer.Area; pixel++)
        {
            for (int g = 0; g < groups; g++)
            {
                for (int c = 0; c < few; c++)
                    Buffer.MemoryCopy(weights + layer.Offset + ((nint)pixel * few + c) * layer.Stride + g * each,
                        expanded + ((nint)pixel * Input.Channels + g * few + c) * layer.Stride + g * each, each * sizeof(float), each * sizeof(float));
            }
        }
    }

    /// <summary>The reverse of <see cref="Expand"/>: what lies between the groups is left out.</summary>
    private void Contract(float* expanded, float* to)
    {
        int few = Input.Channels / groups, each = layer.Outputs / groups;
        for (int pixel = 0; pixel < layer.Area; pixel++)
        {
            for (int g = 0; g < groups; g++)
            {
                for (int c = 0; c < few; c++)
                    Buffer.MemoryCopy(expanded + ((nint)pixel * Input.Channels + g * few + c) * layer.Stride + g * each,
                        to + ((nint)pixel * few + c) * layer.Stride + g * each, each * sizeof(float), each * sizeof(float));
            }
        }
    }

    private void Product(float* weights, float* expanded, float* bias, float* from, float* to, int rows, bool add)
    {
        float* w = Matrix(weights, expanded);
        if (matrix)
        {
            Kernels.MatrixProduct(rows * Input.Pixels, layer.Inputs, layer.Stride, from, Input.Width, 1, w, bias, to, add);
            return;
        }
        for (int row = 0; row < rows; row++, from += Input.Floats, to += Output.Floats)
        {
            float* framed = windows!.Frame(from);
            if (depthwise) Kernels.ChannelProduct(Output.Pixels, Depth, layer.Stride, framed, windows.Pixels, windows.Values, w, bias, to, add);
            else Kernels.WindowProduct(Output.Pixels, Depth, layer.Stride, layer.Outputs, framed, windows.Pixels, windows.Values, w, bias, to, add);
        }
    }

    /// <summary>Whether a row of the data, and not of their tangent, leaves out its zeros.</summary>
    private bool IsSparse(float* from, int row) => sparse is not null && from == Input.Row(row) && sparse.IsListed(row);

    /// <param name="weights">All, which a depthwise layer reads.</param>
    /// <param name="few">Weights are read as they are, for transposing them costs more: only where nothing is added.</param>
    private void InputGradient(float* weights, float* back, float* delta, float* to, int rows, bool add, bool few = false)
    {
        if (few)
        {
            for (int row = 0; row < rows; row++, delta += Output.Floats, to += Input.Floats)
                Kernels.RowsTimesDelta(layer.Inputs, Input.Width, layer.Stride, weights + layer.Offset, delta, to);
            return;
        }
        if (matrix)
        {
            Kernels.MatrixProduct(rows * Input.Pixels, layer.Outputs, Input.Width, delta, Output.Width, 1, back, null, to, add);
            return;
        }
        for (int row = 0; row < rows; row++, delta += Output.Floats, to += Input.Floats)
        {
            float* sum = windows!.BeginBack(to, add);
            if (depthwise) Kernels.GiveChannels(Output.Pixels, windows.Taps, layer.Stride, delta, windows.Pixels, windows.TapPlaces, weights + layer.Offset, sum);
            for (int first = 0; first < Output.Pixels && !depthwise; first += BlockPixels)
            {
                int pixels = Math.Min(BlockPixels, Output.Pixels - first);
                float* block = delta + (nint)first * Output.Width;
                if (List(block, pixels) is var listed && listed <= MostListed * pixels * layer.Outputs)
                    Kernels.SparseProduct(pixels, ends, list, BackStride, block, Output.Width, back, null, scattered);
                else
                    Kernels.MatrixProduct(pixels, layer.Outputs, BackStride, block, Output.Width, 1, back, null, scattered, false);
                Kernels.GiveWindows(pixels, windows.Taps, Input.Channels, scattered, BackStride, windows.Pixels + first, windows.TapPlaces, sum);
            }
            windows.EndBack(to, add);
        }
    }

    /// <summary>Which values of some pixels' deltas are not 0, pixel after pixel; how many.</summary>
    private int List(float* delta, int pixels)
    {
        int n = 0;
        for (int p = 0; p < pixels; p++, delta += Output.Width)
        {
            // Writing first and counting after needs no branch for each value.
            for (int o = 0; o < layer.Outputs; o++)
            {
                list[n] = (ushort)o;
                n += delta[o] != 0 ? 1 : 0;
            }
            ends[p] = n;
        }
        return n;
    }

    /// <summary>Adds the gradient of the weights to <paramref name="to"/> (all weights), and each row's squared norm of its own to <paramref name="squares"/> unless that is null.</summary>
    /// <param name="biases">Whether the biases' belongs to it.</param>
    private void WeightGradient(float* from, float* delta, float* to, float* squares, int rows, bool biases)
    {
        to += layer.Offset;
        biases &= layer.Bias;
        if (OnePixel)
        {
            Kernels.MatrixProduct(layer.Inputs, rows, layer.Stride, from, 1, (nint)Input.Floats, delta, null, to, true);
            if (biases) AddBiases(delta, rows, to);
            if (squares != null && examples) AddFactors(from, delta, squares, rows);
            return;
        }
        for (int row = 0; row < rows; row++, from += Input.Floats, delta += Output.Floats)
        {
            if (UsesGram || !examples)
            {
                if (!Expands) Weights(row, from, delta, to, true);
                else
                {
                    Weights(row, from, delta, gradient, false);
                    float* own = gradient + ExpandedFloats;
                    Contract(gradient, own);
                    Copy(own, to, layer.Floats - (layer.Bias ? layer.Stride : 0), true);
                }
                if (biases) Kernels.MatrixProduct(1, Output.Pixels, layer.Stride, ones, 1, 1, delta, null, to + (nint)layer.Inputs * layer.Stride, true);
                if (squares != null && UsesGram) squares[row] += GramSquare(from, delta);
                continue;
            }
            // A row's own gradient, laid out like the layer.
            float* g = gradient;
            Weights(row, from, delta, g, false);
            if (Expands)
            {
                g += Math.Max(ExpandedFloats + layer.Stride, layer.Floats);
                Contract(gradient, g);
            }
            long floats = layer.Floats - (layer.Bias && !biases ? layer.Stride : 0);
            if (biases) Kernels.MatrixProduct(1, Output.Pixels, layer.Stride, ones, 1, 1, delta, null, g + (nint)layer.Inputs * layer.Stride, false);
            float square = Kernels.AddSquare(floats, g, to);
            if (squares != null) squares[row] += square;
        }
    }

    /// <summary>One row's gradient of the (expanded) weights.</summary>
    private void Weights(int row, float* from, float* delta, float* to, bool add)
    {
        if (IsSparse(from, row))
        {
            sparse!.Gradient(row, delta, to, add);
            return;
        }
        if (matrix)
        {
            Kernels.MatrixProduct(layer.Inputs, Output.Pixels, layer.Stride, from, 1, Input.Width, delta, null, to, add);
            return;
        }
        float* framed = windows!.Frame(from);
        if (depthwise) Kernels.ChannelProduct(Depth, Output.Pixels, layer.Stride, framed, windows.Values, windows.Pixels, delta, null, to, add);
        else Kernels.WindowProduct(Depth, Output.Pixels, layer.Stride, layer.Outputs, framed, windows.Values, windows.Pixels, delta, null, to, add);
    }

    private void AddBiases(float* delta, int rows, float* to)
    {
        // One pixel: the ones of a row serve one row at a time.
        for (int row = 0; row < rows; row++) Copy(delta + row * Output.Floats, to + (nint)layer.Inputs * layer.Stride, layer.Stride, true);
    }

    /// <summary>(‖x‖² + 1)·‖δ‖² of each row.</summary>
    private void AddFactors(float* from, float* delta, float* squares, int rows)
    {
        Kernels.RowSquares(rows, layer.Inputs, (int)Input.Floats, from, inputSquares);
        Kernels.RowSquares(rows, layer.Outputs, layer.Stride, delta, deltaSquares);
        float bias = layer.Bias ? 1 : 0;
        for (int row = 0; row < rows; row++) squares[row] += (inputSquares[row] + bias) * deltaSquares[row];
    }

    /// <summary>Σ_pq (⟨x_p, x_q⟩ + 1)⟨δ_p, δ_q⟩ over one row's pixels.</summary>
    private float GramSquare(float* from, float* delta)
    {
        int pixels = Output.Pixels, padded = Arena.Pad(pixels), depth = Arena.Pad(Depth);
        float* framed = matrix ? from : windows!.Frame(from);
        for (int p = 0; p < pixels; p++)
        {
            float* x = framed + (matrix ? (nint)p * Input.Width : windows!.Pixels[p]), to = gathered + (nint)p * depth;
            for (int d = 0; d < Depth; d++) to[d] = x[matrix ? d : windows!.Values[d]];
        }
        Transpose.Run(pixels, Depth, gathered, depth, gatheredT, padded);
        Transpose.Run(pixels, layer.Outputs, delta, Output.Width, deltaT, padded);
        Kernels.MatrixProduct(pixels, Depth, padded, gathered, depth, 1, gatheredT, null, gram, false);
        Kernels.MatrixProduct(pixels, layer.Outputs, padded, delta, Output.Width, 1, deltaT, null, deltaGram, false);
        double sum = 0;
        float bias = layer.Bias ? 1 : 0;
        for (int p = 0; p < pixels; p++)
            for (int q = 0; q < pixels; q++) sum += (double)(gram[(nint)p * padded + q] + bias) * deltaGram[(nint)p * padded + q];
        return (float)Math.Max(0, sum);
    }
}
