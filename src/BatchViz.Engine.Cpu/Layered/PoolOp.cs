using BatchViz.Core.Specs;
using BatchViz.Engine.Cpu.Kernels;
using BatchViz.Engine.Cpu.Memory;

namespace BatchViz.Engine.Cpu.Layered;

/// <summary>The largest value or the mean of each window, channel by channel.</summary>
internal sealed unsafe class PoolOp : LayerOp
{
    private readonly bool largest;
    private readonly int window;
    private readonly int rowsTable,
        windowTable;
    private int* pixels,
        places;
    private float* which;
    private bool predicting;

    public PoolOp(KernelTable kernels, LayerSpec spec, Tensor input, Tensor output)
        : base(kernels, input, output)
    {
        largest = spec.Kind == LayerKind.MaxPool;
        (Kernel, Stride) = spec.Kernel == 0 ? ((input.Shape.Rows, input.Shape.Columns), 1) : ((spec.Kernel, spec.Kernel), spec.Stride);
        window = Kernel.Rows * Kernel.Columns;
        (rowsTable, windowTable) = (output.Pixels, window);
    }

    private (int Rows, int Columns) Kernel { get; }

    private int Stride { get; }

    /// <summary>Whether every input pixel is in exactly one window.</summary>
    private bool Tiles =>
        Kernel.Rows == Stride
        && Kernel.Columns == Stride
        && Output.Shape.Rows * Stride == Input.Shape.Rows
        && Output.Shape.Columns * Stride == Input.Shape.Columns;

    public override void Reserve(Arena arena, int rows, Uses uses)
    {
        predicting = arena.Predicting;
        arena.Reserve(rowsTable);
        arena.Reserve(windowTable);
        if (largest)
            arena.Reserve(rows * Output.Floats, MemoryUse.Activations);
    }

    public override void Take(Arena arena)
    {
        pixels = (int*)arena.Take();
        places = (int*)arena.Take();
        if (largest)
            which = arena.Take();
        if (predicting)
            return;
        int columns = Input.Shape.Columns;
        for (int y = 0, r = 0; y < Output.Shape.Rows; y++)
        for (int x = 0; x < Output.Shape.Columns; x++)
            pixels[r++] = (y * Stride * columns + x * Stride) * Input.Width;
        for (int y = 0, k = 0; y < Kernel.Rows; y++)
        for (int x = 0; x < Kernel.Columns; x++)
            places[k++] = (y * columns + x) * Input.Width;
    }

    public override void Forward(LayerState state, int rows)
    {
        for (int row = 0; row < rows; row++)
        {
            float* from = Input.Data + row * Input.Floats,
                to = Output.Data + row * Output.Floats;
            if (largest)
                Kernels.MaxPoolForward(
                    Output.Pixels,
                    window,
                    Output.Width,
                    Output.Channels,
                    from,
                    pixels,
                    places,
                    to,
                    which + row * Output.Floats
                );
            else
                Kernels.Means(Output.Pixels, window, Output.Width, from, pixels, places, to);
        }
    }

    public override void Backward(LayerState state, int rows)
    {
        if (Input.NeedsGradient)
            Back(Output.Delta, Input.Delta, rows);
    }

    public override void ForwardTangent(LayerState state, int rows)
    {
        for (int row = 0; row < rows; row++)
        {
            float* from = Input.Tangent + row * Input.Floats,
                to = Output.Tangent + row * Output.Floats;
            if (largest)
                Kernels.TakeLargest(
                    Output.Pixels,
                    window,
                    Output.Width,
                    Output.Channels,
                    from,
                    pixels,
                    places,
                    which + row * Output.Floats,
                    to
                );
            else
                Kernels.Means(Output.Pixels, window, Output.Width, from, pixels, places, to);
        }
    }

    public override void BackwardTangent(LayerState state, int rows)
    {
        if (Input.NeedsGradient)
            Back(Output.DeltaTangent, Input.DeltaTangent, rows);
    }

    private void Back(float* delta, float* back, int rows)
    {
        bool writes = largest && !Adds && Tiles;
        if (!Adds && !writes)
            new Span<float>(back, checked((int)(rows * Input.Floats))).Clear();
        for (int row = 0; row < rows; row++)
        {
            float* from = delta + row * Output.Floats,
                to = back + row * Input.Floats;
            if (largest)
                Kernels.MaxPoolBackward(
                    Output.Pixels,
                    window,
                    Output.Width,
                    from,
                    which + row * Output.Floats,
                    pixels,
                    places,
                    to,
                    !writes
                );
            else
                Kernels.GiveMeans(Output.Pixels, window, Output.Width, from, pixels, places, to);
        }
    }
}
