using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using BatchViz.Engine.Cpu.Kernels;
using BatchViz.Engine.Cpu.Memory;

namespace BatchViz.Engine.Cpu.Layered;

/// <summary>
/// A convolution without groups and the max pool behind it. What it gives before the pool exists for one row at a time, in the cache; and
/// of its deltas only those are multiplied with that the pool and whatever follows it let through (<see cref="PooledDeltas"/>), at most one
/// in four.
/// </summary>
internal sealed unsafe class PooledConvOp : LayerOp
{
    private readonly LayerShape layer;
    private readonly TensorShape shape;
    private readonly int kernel,
        pool,
        poolStride;
    private readonly bool oneChannel;
    private readonly Windows windows;
    private readonly PooledDeltas deltas;
    private float* image,
        which,
        turned,
        turnedTangent;
    private int* pixels,
        places;
    private byte* used;
    private Uses uses;

    /// <param name="shape">Of the convolution's outputs.</param>
    public PooledConvOp(
        KernelTable kernels,
        LayerSpec spec,
        LayerShape layer,
        LayerSpec pool,
        TensorShape shape,
        Tensor input,
        Tensor output
    )
        : base(kernels, input, output)
    {
        (this.layer, this.shape, this.pool, poolStride) = (layer, shape, pool.Kernel, pool.Stride);
        windows = new Windows(kernels, input, shape, spec.Kernel, spec.Stride, spec.Padding, 1, false);
        kernel = spec.Kernel;
        oneChannel = input.Channels == 1 && input.Planar && spec.Stride == 1;
        deltas = new PooledDeltas(kernels, windows, input, output, shape, layer, this.pool, poolStride);
    }

    /// <summary>
    /// Whether a convolution and what follows it is one of these: where windows of the pool lie apart enough that few deltas come through.
    /// </summary>
    public static bool Takes(LayerSpec convolution, LayerSpec pool) =>
        convolution is { Kind: LayerKind.Conv2d, Groups: 1 }
        && pool is { Kind: LayerKind.MaxPool, Kernel: >= 2, Stride: >= 2 }
        && pool.Kernel <= 2 * pool.Stride;

    /// <summary>Floats of a pixel before the pool.</summary>
    private int Width => shape.Channels <= WeightLayout.Lanes / 2 ? WeightLayout.Lanes / 2 : Arena.Pad(shape.Channels);

    private long TurnedFloats => (long)layer.Outputs * windows.RegisterFloats;

    public override void Reserve(Arena arena, int rows, Uses uses)
    {
        this.uses = uses;
        windows.Reserve(arena);
        arena.Reserve((long)shape.Pixels * Width);
        arena.Reserve(oneChannel ? (shape.Rows + kernel) * shape.Columns : 0);
        arena.Reserve(rows * Output.Floats, MemoryUse.Activations);
        arena.Reserve(Output.Pixels);
        arena.Reserve(pool * pool);
        if (uses == Uses.Loss)
            return;
        deltas.Reserve(arena);
        if (Input.NeedsGradient)
            arena.Reserve(TurnedFloats);
        if (uses == Uses.Curvature && Input.NeedsGradient)
            arena.Reserve(TurnedFloats);
    }

    public override void Take(Arena arena)
    {
        windows.Take(arena);
        image = arena.Take();
        used = (byte*)arena.Take();
        which = arena.Take();
        pixels = (int*)arena.Take();
        places = (int*)arena.Take();
        if (uses != Uses.Loss)
            deltas.Take(arena);
        if (uses != Uses.Loss && Input.NeedsGradient)
            turned = arena.Take();
        if (uses == Uses.Curvature && Input.NeedsGradient)
            turnedTangent = arena.Take();
        if (arena.Predicting)
            return;
        for (int y = 0, p = 0; y < Output.Shape.Rows; y++)
        for (int x = 0; x < Output.Shape.Columns; x++)
            pixels[p++] = (y * shape.Columns + x) * poolStride * Width;
        for (int d = 0; d < pool * pool; d++)
            places[d] = (d / pool * shape.Columns + d % pool) * Width;
    }

    public override void Prepare(LayerState state, bool backward)
    {
        if (backward && Input.NeedsGradient)
            windows.Turn(state.Weights + layer.Offset, layer.Stride, layer.Outputs, turned);
    }

    public override void PrepareTangent(LayerState state)
    {
        if (Input.NeedsGradient && turnedTangent != null)
            windows.Turn(state.Direction + layer.Offset, layer.Stride, layer.Outputs, turnedTangent);
    }

    public override void Forward(LayerState state, int rows)
    {
        for (int row = 0; row < rows; row++)
        {
            Convolve(state.Weights, true, Input.Row(row));
            Kernels.MaxPoolForward(
                Output.Pixels,
                pool * pool,
                Output.Width,
                layer.Outputs,
                image,
                pixels,
                places,
                Output.Row(row),
                which + row * Output.Floats
            );
        }
    }

    public override void ForwardTangent(LayerState state, int rows)
    {
        for (int row = 0; row < rows; row++)
        {
            Convolve(state.Direction, true, Input.Row(row));
            if (Input.NeedsGradient)
                Convolve(state.Weights, false, Input.Tangent + row * Input.Floats, true);
            Kernels.TakeLargest(
                Output.Pixels,
                pool * pool,
                Output.Width,
                layer.Outputs,
                image,
                pixels,
                places,
                which + row * Output.Floats,
                Output.Tangent + row * Output.Floats
            );
        }
    }

    public override void Backward(LayerState state, int rows) =>
        Gradients(Input.Data, Output.Delta, state.Gradient, state.ExampleSquares, true, turned, Input.Delta, rows, Adds);

    public override void BackwardTangent(LayerState state, int rows)
    {
        Gradients(Input.Data, Output.DeltaTangent, state.Product, null, true, turned, Input.DeltaTangent, rows, Adds);
        if (Input.NeedsGradient)
            Gradients(Input.Tangent, Output.Delta, state.Product, null, false, turnedTangent, Input.DeltaTangent, rows, true);
    }

    /// <summary>One row before the pool, into the image; or adds it to what that holds.</summary>
    private void Convolve(float* weights, bool biases, float* from, bool add = false)
    {
        float* w = weights + layer.Offset,
            bias = biases && layer.Bias ? weights + layer.BiasOffset : null;
        float* framed = windows.Frame(from);
        if (oneChannel && !add)
            Kernels.LineProduct(
                shape.Rows,
                shape.Columns,
                kernel,
                windows.RunStep,
                framed,
                layer.Stride,
                layer.Outputs,
                w,
                bias,
                image,
                Width,
                used
            );
        else
            Kernels.WindowProduct(
                shape.Pixels,
                layer.Inputs,
                layer.Stride,
                layer.Outputs,
                framed,
                windows.Pixels,
                windows.Values,
                w,
                bias,
                image,
                Width,
                add
            );
    }

    /// <summary>
    /// Adds the gradient of the weights to <paramref name="to"/> (all weights) unless that is null, and each row's squared norm of its own
    /// to <paramref name="squares"/> unless that is null; and the gradient of the input to <paramref name="back"/>, where that is wanted.
    /// </summary>
    /// <param name="biases">Whether the biases' belongs to it.</param>
    /// <param name="weights">Of which the input's gradient is one, filter by filter.</param>
    /// <param name="add">Goes on from what the input's gradient holds.</param>
    private void Gradients(
        float* from,
        float* delta,
        float* to,
        float* squares,
        bool biases,
        float* weights,
        float* back,
        int rows,
        bool add
    )
    {
        if (to != null)
            deltas.Begin(to + layer.Offset);
        for (int row = 0; row < rows; row++, from += Input.Floats, delta += Output.Floats, back += Input.Floats)
        {
            deltas.List(delta, which + row * Output.Floats);
            if (to != null && deltas.Add(delta, windows.Frame(from), biases) is var square && squares != null)
                squares[row] += square;
            if (!Input.NeedsGradient)
                continue;
            float* frame = windows.BeginBack(back, add);
            deltas.GiveInput(weights, frame);
            windows.EndBack(back, add);
        }
        if (to != null)
            deltas.End(to + layer.Offset);
    }
}
