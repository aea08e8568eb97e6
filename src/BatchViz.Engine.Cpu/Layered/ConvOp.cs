using BatchViz.Core.Specs;
using BatchViz.Engine.Cpu.Kernels;
using BatchViz.Engine.Cpu.Memory;

namespace BatchViz.Engine.Cpu.Layered;

/// <summary>
/// A convolution, a dense layer among them (one pixel, a window of one). A window of one pixel is a matrix product over all pixels of all
/// rows; others read their windows in place (<see cref="Windows"/>), group by group, or, depthwise ones, channel by channel.
/// <para>
/// A row's own gradient G is formed and measured where that is cheap beside its product, and added to the batch's. Else ‖G‖² comes from the
/// Gram matrices of the windows and of the deltas, ‖G‖² = Σ_pq ⟨x_p, x_q⟩⟨δ_p, δ_q⟩ over pixels p, q (Rochette et al. 2019,
/// arXiv:1912.06015), of which (‖x‖² + 1)·‖δ‖² of a dense layer is the case of one pixel.
/// </para>
/// </summary>
internal sealed unsafe class ConvOp : LayerOp
{
    private readonly LayerShape layer;
    private readonly bool matrix,
        depthwise,
        examples;
    private readonly int groups;
    private readonly Windows? windows;
    private readonly SparseWindows? sparse;
    private float* forward,
        backward,
        forwardTangent,
        backwardTangent,
        scattered,
        part,
        partGradient,
        gradient,
        ones,
        inputSquares,
        deltaSquares,
        gathered,
        gatheredT,
        gram,
        deltaGram,
        deltaT;
    private Uses uses;

    /// <param name="examples">Whether rows have gradients of their own, so that these may be asked about.</param>
    public ConvOp(KernelTable kernels, LayerSpec spec, LayerShape layer, Tensor input, Tensor output, bool examples)
        : base(kernels, input, output)
    {
        (this.layer, this.examples) = (layer, examples);
        bool dense = spec.Kind == LayerKind.Dense;
        int kernel = dense ? 1 : spec.Kernel,
            stride = dense ? 1 : spec.Stride;
        groups = dense ? 1 : spec.Groups;
        matrix = kernel == 1 && stride == 1 && groups == 1 && !input.Planar;
        depthwise = groups > 1 && groups == input.Channels && groups == output.Channels && !input.Planar;
        if (!matrix)
            windows = new Windows(kernels, input, output.Shape, kernel, stride, spec.Padding, groups, depthwise);
        if (!matrix && groups == 1)
            sparse = SparseWindows.For(kernels, input, output.Shape, output.Width, kernel, stride, spec.Padding);
        long pixels = output.Pixels;
        UsesGram =
            examples
            && groups == 1
            && (pixels == 1 || pixels * Arena.Pad((int)pixels) * (Depth + layer.Outputs) < GramShare * Depth * layer.Outputs);
    }

    /// <summary>Output pixels whose windows' gradients are formed before they are brought to the input's.</summary>
    private const int BlockPixels = 24;

    /// <summary>
    /// A multiply-add of a Gram matrix in cache costs about a fourth of writing, measuring and adding up a component of a gradient.
    /// </summary>
    private const int GramShare = 4;

    /// <summary>Whether examples' norms come from Gram matrices, else from their gradients.</summary>
    public bool UsesGram { get; }

    /// <summary>Values that an output adds up.</summary>
    private int Depth => layer.Inputs;

    /// <summary>More than one, and each with more than one channel in or out.</summary>
    private bool Grouped => groups > 1 && !depthwise;

    /// <summary>Channels of a group, in and out.</summary>
    private int Few => Input.Channels / groups;

    private int Each => layer.Outputs / groups;

    /// <summary>Floats from row to row of a group's weights.</summary>
    private int GroupStride => Grouped ? Arena.Pad(Each) : layer.Stride;

    /// <summary>A group's weights and their biases.</summary>
    private int GroupFloats => (Depth + 1) * GroupStride;

    /// <summary>A dense layer, or an image of one pixel: rows are all the pixels there are.</summary>
    private bool OnePixel => matrix && Output.Pixels == 1;

    /// <summary>Whether one row's gradient is formed before it is added up.</summary>
    private bool OwnGradient => Grouped || (examples && !UsesGram);

    /// <summary>The weights filter by filter. A depthwise layer reads them as they are.</summary>
    private long BackFloats => depthwise ? 0 : (long)layer.Outputs * BackStride;

    private int BackStride => matrix ? Input.Width : windows!.RegisterFloats;

    public override void Reserve(Arena arena, int rows, Uses uses)
    {
        this.uses = uses;
        windows?.Reserve(arena);
        arena.Reserve(Grouped ? groups * (long)GroupFloats : 0);
        arena.Reserve(Grouped ? (long)Output.Pixels * GroupStride : 0);
        if (uses == Uses.Loss)
            return;
        sparse?.Reserve(arena);
        arena.Reserve(Output.Pixels);
        if (Input.NeedsGradient)
        {
            arena.Reserve(BackFloats);
            arena.Reserve(matrix || depthwise ? 0 : (long)BlockPixels * BackStride);
        }
        if (OwnGradient)
            arena.Reserve(layer.Floats, MemoryUse.Gradients);
        arena.Reserve(Grouped ? (long)Depth * GroupStride : 0, MemoryUse.Gradients);
        if (UsesGram)
        {
            int pixels = Arena.Pad(Output.Pixels);
            arena.Reserve(OnePixel ? Arena.Pad(rows) : (long)pixels * Arena.Pad(Depth));
            arena.Reserve(OnePixel ? Arena.Pad(rows) : (long)Depth * pixels);
            arena.Reserve(OnePixel ? 0 : (long)pixels * pixels);
            arena.Reserve(OnePixel ? 0 : (long)pixels * pixels);
            arena.Reserve(OnePixel ? 0 : (long)layer.Outputs * pixels);
        }
        if (uses < Uses.Curvature)
            return;
        arena.Reserve(Grouped ? groups * (long)GroupFloats : 0);
        if (Input.NeedsGradient)
            arena.Reserve(BackFloats);
    }

    public override void Take(Arena arena)
    {
        windows?.Take(arena);
        forward = arena.Take();
        part = arena.Take();
        if (uses == Uses.Loss)
            return;
        sparse?.Take(arena);
        ones = arena.Take();
        if (Input.NeedsGradient)
        {
            backward = arena.Take();
            scattered = arena.Take();
        }
        if (OwnGradient)
            gradient = arena.Take();
        partGradient = arena.Take();
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
            if (Input.NeedsGradient)
                backwardTangent = arena.Take();
        }
        if (!arena.Predicting)
            new Span<float>(ones, Output.Pixels).Fill(1);
    }

    public override void Prepare(LayerState state, bool backward) =>
        Prepare(state.Weights, forward, backward && !Untransposed(state) ? this.backward : null);

    /// <summary>Whether a batch is so small that its dense layers are not transposed.</summary>
    private bool Untransposed(LayerState state) => state.FewRows && OnePixel && !Adds;

    public override void PrepareTangent(LayerState state) => Prepare(state.Direction, forwardTangent, backwardTangent);

    public override void Forward(LayerState state, int rows) => Product(state.Weights, forward, true, Input.Data, Output.Data, rows, false);

    public override void Backward(LayerState state, int rows) =>
        Gradients(
            Input.Data,
            Output.Delta,
            state.Gradient,
            state.ExampleSquares,
            true,
            state.Weights,
            backward,
            Input.Delta,
            rows,
            Adds,
            Untransposed(state)
        );

    public override void ForwardTangent(LayerState state, int rows)
    {
        Product(state.Direction, forwardTangent, true, Input.Data, Output.Tangent, rows, false);
        if (Input.NeedsGradient)
            Product(state.Weights, forward, false, Input.Tangent, Output.Tangent, rows, true);
    }

    public override void BackwardTangent(LayerState state, int rows)
    {
        Gradients(Input.Data, Output.DeltaTangent, state.Product, null, true, state.Weights, backward, Input.DeltaTangent, rows, Adds);
        if (Input.NeedsGradient)
            Gradients(
                Input.Tangent,
                Output.Delta,
                state.Product,
                null,
                false,
                state.Direction,
                backwardTangent,
                Input.DeltaTangent,
                rows,
                true
            );
    }

    /// <param name="split">Gets the weights of each group, [groups, depth + 1, <see cref="GroupStride"/>], where there are any.</param>
    /// <param name="back">Gets the weights filter by filter.</param>
    private void Prepare(float* weights, float* split, float* back)
    {
        weights += layer.Offset;
        for (int g = 0; g < groups && Grouped; g++)
            Columns(weights + g * Each, layer.Stride, split + (nint)g * GroupFloats, GroupStride, layer.Rows);
        if (back == null || !Input.NeedsGradient || depthwise)
            return;
        if (matrix)
            Transpose.Run(Depth, layer.Outputs, weights, layer.Stride, back, BackStride);
        for (int g = 0; g < groups && !matrix; g++)
            windows!.Turn(Grouped ? split + (nint)g * GroupFloats : weights, GroupStride, Each, back + (nint)g * Each * BackStride);
    }

    /// <summary>A group's columns from rows of one stride to rows of another.</summary>
    private void Columns(float* from, int fromStride, float* to, int toStride, int rows, bool add = false)
    {
        for (int r = 0; r < rows; r++, from += fromStride, to += toStride)
        for (int j = 0; j < Each; j++)
            to[j] = add ? to[j] + from[j] : from[j];
    }

    private void Product(float* weights, float* split, bool biases, float* from, float* to, int rows, bool add)
    {
        biases &= layer.Bias;
        weights += layer.Offset;
        float* bias = biases ? weights + (nint)Depth * layer.Stride : null;
        if (matrix)
        {
            Kernels.MatrixProduct(rows * Input.Pixels, Depth, layer.Stride, from, Input.Width, 1, weights, bias, to, add);
            return;
        }
        for (int row = 0; row < rows; row++, from += Input.Floats, to += Output.Floats)
        {
            float* framed = windows!.Frame(from);
            if (depthwise)
                Kernels.ChannelProduct(Output.Pixels, Depth, layer.Stride, framed, windows.Pixels, windows.Values, weights, bias, to, add);
            else if (!Grouped)
                Kernels.WindowProduct(
                    Output.Pixels,
                    Depth,
                    layer.Stride,
                    layer.Outputs,
                    framed,
                    windows.Pixels,
                    windows.Values,
                    weights,
                    bias,
                    to,
                    Output.Width,
                    add
                );
            for (int g = 0; g < groups && Grouped; g++)
            {
                float* w = split + (nint)g * GroupFloats;
                Kernels.WindowProduct(
                    Output.Pixels,
                    Depth,
                    GroupStride,
                    Each,
                    framed + g * Few,
                    windows.Pixels,
                    windows.Values,
                    w,
                    biases ? w + (nint)Depth * GroupStride : null,
                    part,
                    GroupStride,
                    false
                );
                Columns(part, GroupStride, to + g * Each, Output.Width, Output.Pixels, add);
            }
        }
    }

    /// <summary>
    /// Adds the gradient of the weights to <paramref name="to"/> (all weights) unless that is null, and each row's squared norm of its own
    /// to <paramref name="squares"/> unless that is null; and the gradient of the input to <paramref name="back"/>, where that is wanted.
    /// </summary>
    /// <param name="biases">Whether the biases' belongs to it.</param>
    /// <param name="weights">All, of which the input's gradient is one; <paramref name="turned"/> are those of this layer,
    /// prepared.</param>
    /// <param name="add">Goes on from what the input's gradient holds.</param>
    /// <param name="untransposed">Weights are read as they are: only where nothing is added.</param>
    private void Gradients(
        float* from,
        float* delta,
        float* to,
        float* squares,
        bool biases,
        float* weights,
        float* turned,
        float* back,
        int rows,
        bool add,
        bool untransposed = false
    )
    {
        to = to == null ? null : to + layer.Offset;
        weights += layer.Offset;
        biases &= layer.Bias;
        if (matrix)
        {
            if (to != null && OnePixel)
                OuterProducts(from, delta, to, squares, rows, biases);
            for (int row = 0; row < rows && to != null && !OnePixel; row++)
                AddRow(from + row * Input.Floats, row, delta + row * Output.Floats, to, squares, biases);
            if (!Input.NeedsGradient)
                return;
            if (!untransposed)
                Kernels.MatrixProduct(rows * Input.Pixels, layer.Outputs, Input.Width, delta, Output.Width, 1, turned, null, back, add);
            for (int row = 0; row < rows && untransposed; row++)
                Kernels.RowsTimesDelta(Depth, Input.Width, layer.Stride, weights, delta + row * Output.Floats, back + row * Input.Floats);
            return;
        }
        for (int row = 0; row < rows; row++, from += Input.Floats, delta += Output.Floats, back += Input.Floats)
        {
            if (to != null)
                AddRow(from, row, delta, to, squares, biases);
            if (!Input.NeedsGradient)
                continue;
            float* frame = windows!.BeginBack(back, add);
            if (depthwise)
                Kernels.GiveChannels(Output.Pixels, windows.Taps, layer.Stride, delta, windows.Pixels, windows.TapPlaces, weights, frame);
            else
                GiveWindows(delta, turned, frame);
            windows.EndBack(back, add);
        }
    }

    private void GiveWindows(float* delta, float* turned, float* frame)
    {
        for (int g = 0; g < groups; g++)
        {
            float* own = Delta(delta, g);
            for (int first = 0; first < Output.Pixels; first += BlockPixels)
            {
                int pixels = Math.Min(BlockPixels, Output.Pixels - first);
                Kernels.MatrixProduct(
                    pixels,
                    Each,
                    BackStride,
                    own + (nint)first * GroupStride,
                    GroupStride,
                    1,
                    turned + (nint)g * Each * BackStride,
                    null,
                    scattered,
                    false
                );
                Kernels.Col2Im(
                    pixels,
                    windows!.Registers,
                    scattered,
                    BackStride,
                    windows.Pixels + first,
                    windows.RegisterPlaces,
                    frame + g * Few
                );
            }
        }
    }

    /// <summary>A row's deltas of one group, [pixels, <see cref="GroupStride"/>].</summary>
    private float* Delta(float* delta, int g)
    {
        if (!Grouped)
            return delta;
        Columns(delta + g * Each, Output.Width, part, GroupStride, Output.Pixels);
        return part;
    }

    /// <summary>All rows' gradient of the weights where each has one pixel.</summary>
    private void OuterProducts(float* from, float* delta, float* to, float* squares, int rows, bool biases)
    {
        Kernels.MatrixProduct(Depth, rows, layer.Stride, from, 1, (nint)Input.Floats, delta, null, to, true);
        if (biases)
            AddBiases(delta, rows, to);
        if (squares != null && examples)
            AddFactors(from, delta, squares, rows);
    }

    /// <summary>One row's gradient of the weights.</summary>
    private void AddRow(float* from, int row, float* delta, float* to, float* squares, bool biases)
    {
        float* sum = OwnGradient ? gradient : to;
        if (sparse is not null && from == Input.Row(row) && sparse.List(from))
            sparse.Gradient(from, delta, sum, !OwnGradient);
        else
            Weights(from, delta, sum, !OwnGradient);
        if (biases)
            Kernels.MatrixProduct(1, Output.Pixels, layer.Stride, ones, 1, 1, delta, null, sum + (nint)Depth * layer.Stride, !OwnGradient);
        float square = 0;
        if (OwnGradient)
            square = Kernels.AddSquare(layer.Floats - (layer.Bias && !biases ? layer.Stride : 0), sum, to);
        if (squares != null && examples)
            squares[row] += UsesGram ? GramSquare(from, delta) : square;
    }

    private void Weights(float* from, float* delta, float* to, bool add)
    {
        if (matrix)
        {
            Kernels.MatrixProduct(Depth, Output.Pixels, layer.Stride, from, 1, Input.Width, delta, null, to, add);
            return;
        }
        float* framed = windows!.Frame(from);
        if (depthwise)
            Kernels.ChannelProduct(Depth, Output.Pixels, layer.Stride, framed, windows.Values, windows.Pixels, delta, null, to, add);
        else if (!Grouped)
            Kernels.WindowProduct(
                Depth,
                Output.Pixels,
                layer.Stride,
                layer.Outputs,
                framed,
                windows.Values,
                windows.Pixels,
                delta,
                null,
                to,
                layer.Stride,
                add
            );
        for (int g = 0; g < groups && Grouped; g++)
        {
            Kernels.WindowProduct(
                Depth,
                Output.Pixels,
                GroupStride,
                Each,
                framed + g * Few,
                windows.Values,
                windows.Pixels,
                Delta(delta, g),
                null,
                partGradient,
                GroupStride,
                false
            );
            Columns(partGradient, GroupStride, to + g * Each, layer.Stride, Depth);
        }
    }

    private void AddBiases(float* delta, int rows, float* to)
    {
        // One pixel: the ones of a row serve one row at a time.
        for (int row = 0; row < rows; row++)
            Copy(delta + row * Output.Floats, to + (nint)layer.Inputs * layer.Stride, layer.Stride, true);
    }

    /// <summary>(‖x‖² + 1)·‖δ‖² of each row.</summary>
    private void AddFactors(float* from, float* delta, float* squares, int rows)
    {
        Kernels.RowSquares(rows, layer.Inputs, (int)Input.Floats, from, inputSquares);
        Kernels.RowSquares(rows, layer.Outputs, layer.Stride, delta, deltaSquares);
        float bias = layer.Bias ? 1 : 0;
        for (int row = 0; row < rows; row++)
            squares[row] += (inputSquares[row] + bias) * deltaSquares[row];
    }

    /// <summary>Σ_pq (⟨x_p, x_q⟩ + 1)⟨δ_p, δ_q⟩ over one row's pixels.</summary>
    private float GramSquare(float* from, float* delta)
    {
        int pixels = Output.Pixels,
            padded = Arena.Pad(pixels),
            depth = Arena.Pad(Depth);
        float* framed = matrix ? from : windows!.Frame(from);
        for (int p = 0; p < pixels; p++)
        {
            float* x = framed + (matrix ? (nint)p * Input.Width : windows!.Pixels[p]),
                to = gathered + (nint)p * depth;
            for (int d = 0; d < Depth; d++)
                to[d] = x[matrix ? d : windows!.Values[d]];
        }
        Transpose.Run(pixels, Depth, gathered, depth, gatheredT, padded);
        Transpose.Run(pixels, layer.Outputs, delta, Output.Width, deltaT, padded);
        Kernels.MatrixProduct(pixels, Depth, padded, gathered, depth, 1, gatheredT, null, gram, false);
        Kernels.MatrixProduct(pixels, layer.Outputs, padded, delta, Output.Width, 1, deltaT, null, deltaGram, false);
        double sum = 0;
        float bias = layer.Bias ? 1 : 0;
        for (int p = 0; p < pixels; p++)
        for (int q = 0; q < pixels; q++)
            sum += (double)(gram[(nint)p * padded + q] + bias) * deltaGram[(nint)p * padded + q];
        return (float)Math.Max(0, sum);
    }
}
