using BatchViz.Core.Engines;
using BatchViz.Engine.Cpu.Kernels;
using BatchViz.Engine.Cpu.Memory;

namespace BatchViz.Engine.Cpu.Layered;

/// <summary>
/// The gradient of the first convolution of images of one channel, at stride 1, where most pixels are 0 as those of digits are: only the others are multiplied with. Every sum has the order that it has with the zeros, pixel after pixel, so no bit depends on it while weights are finite; see decision 8.
/// </summary>
internal sealed unsafe class SparseWindows
{
    /// <summary>Up to this share of pixels that are not 0 leaving out the others pays.</summary>
    private const double MostShare = 0.35;

    private readonly KernelTable kernels;
    private readonly Tensor input, output;
    private readonly int kernel, padding, valid, frame;
    private float* framed;
    private int* taps, places, lists, counts;

    private SparseWindows(KernelTable kernels, Tensor input, Tensor output, int kernel, int padding)
    {
        (this.kernels, this.input, this.output, this.kernel, this.padding) = (kernels, input, output, kernel, padding);
        valid = output.Channels;
        frame = kernel - 1 - padding;
    }

    /// <summary>Null where the layer is another.</summary>
    public static SparseWindows? For(KernelTable kernels, Tensor input, Tensor output, int kernel, int stride, int padding)
        => input is { Planar: true, Channels: 1 } && stride == 1 ? new SparseWindows(kernels, input, output, kernel, padding) : null;

    private int Wide => output.Shape.Columns + 2 * frame;

    private long FramedFloats => (long)(output.Shape.Rows + 2 * frame) * Wide * output.Width;

    public void Reserve(Arena arena, int rows)
    {
        arena.Reserve(FramedFloats);
        arena.Reserve(kernel * kernel);
        arena.Reserve(input.Pixels);
        arena.Reserve((long)rows * input.Pixels);
        arena.Reserve(rows);
    }

    public void Take(Arena arena)
    {
        framed = arena.Take();
        taps = (int*)arena.Take();
        places = (int*)arena.Take();
        lists = (int*)arena.Take();
        counts = (int*)arena.Take();
        if (arena.Predicting) return;
        for (int tap = 0; tap < kernel * kernel; tap++) taps[tap] = (tap / kernel * Wide + tap % kernel) * output.Width;
        // Of the output pixel that a pixel goes to with the window's first weight.
        for (int q = 0; q < input.Pixels; q++)
            places[q] = ((q / input.Shape.Columns + padding + frame) * Wide + q % input.Shape.Columns + padding + frame) * output.Width;
    }

    /// <summary>Lists the pixels of a row that are not 0, unless they are too many.</summary>
    public void List(int row)
    {
        float* x = input.Row(row);
        int* list = lists + (nint)row * input.Pixels;
        int n = 0;
        for (int q = 0; q < input.Pixels; q++)
        {
            // Writing first and counting after needs no branch for each value.
            list[n] = q;
            n += x[q] != 0 ? 1 : 0;
        }
        counts[row] = n <= MostShare * input.Pixels ? n : -1;
    }

    /// <summary>What <see cref="List"/> said of the row.</summary>
    public bool IsListed(int row) => counts[row] >= 0;

    /// <summary>to [taps, padded filters] = windowsᵀ·delta, or goes on from what it holds.</summary>
    public void Gradient(int row, float* delta, float* to, bool add)
    {
        // What lies in the frame belongs to no output, and stays 0.
        long bytes = output.Shape.Columns * output.Width * sizeof(float);
        for (int y = 0; y < output.Shape.Rows; y++) Buffer.MemoryCopy(delta + (nint)y * output.Shape.Columns * output.Width, Interior(y), bytes, bytes);
        kernels.GatherTaps(counts[row], lists + (nint)row * input.Pixels, places, kernel * kernel, taps, output.Width, valid, input.Row(row), framed, to, add);
    }

    private float* Interior(int y) => framed + ((nint)(y + frame) * Wide + frame) * output.Width;
}
