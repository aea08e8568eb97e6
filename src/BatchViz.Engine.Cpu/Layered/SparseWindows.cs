using BatchViz.Core.Engines;
using BatchViz.Engine.Cpu.Kernels;
using BatchViz.Engine.Cpu.Memory;

namespace BatchViz.Engine.Cpu.Layered;

/// <summary>
/// The first convolution of images of one channel, at stride 1, where most pixels are 0 as those of digits are: only the others are
/// multiplied with. Every sum has the order that it has with the zeros, pixel after pixel, so no bit depends on it while weights are
/// finite; see decision 8.
/// </summary>
internal sealed unsafe class SparseWindows
{
    /// <summary>Up to this share of pixels that are not 0 leaving out the others pays.</summary>
    private const double MostShare = 0.35;

    private readonly KernelTable kernels;
    private readonly Tensor input;
    private readonly TensorShape output;
    private readonly int width,
        kernel,
        padding,
        frame;
    private float* framed;
    private int* taps,
        places,
        list;
    private ushort* masks;
    private int listed;

    private SparseWindows(KernelTable kernels, Tensor input, TensorShape output, int width, int kernel, int padding)
    {
        (this.kernels, this.input, this.output, this.width, this.kernel, this.padding) = (kernels, input, output, width, kernel, padding);
        frame = kernel - 1 - padding;
    }

    /// <summary>Null where the layer is another.</summary>
    /// <param name="width">Floats of an output pixel.</param>
    public static SparseWindows? For(
        KernelTable kernels,
        Tensor input,
        TensorShape output,
        int width,
        int kernel,
        int stride,
        int padding
    ) => input is { Planar: true, Channels: 1 } && stride == 1 ? new SparseWindows(kernels, input, output, width, kernel, padding) : null;

    /// <summary>Pixels from line to line.</summary>
    public int Wide => output.Columns + 2 * frame;

    private int FramedPixels => (output.Rows + 2 * frame) * Wide;

    public void Reserve(Arena arena)
    {
        arena.Reserve((long)FramedPixels * width);
        arena.Reserve(kernel * kernel);
        arena.Reserve(input.Pixels);
        arena.Reserve(input.Pixels + NonZero.Burst);
        arena.Reserve(input.Pixels);
    }

    public void Take(Arena arena)
    {
        framed = arena.Take();
        taps = (int*)arena.Take();
        places = (int*)arena.Take();
        list = (int*)arena.Take();
        masks = (ushort*)arena.Take();
        if (arena.Predicting)
            return;
        for (int tap = 0; tap < kernel * kernel; tap++)
            taps[tap] = (tap / kernel * Wide + tap % kernel) * width;
        // Of the output pixel that a pixel goes to with the window's first weight.
        for (int q = 0; q < input.Pixels; q++)
            places[q] = ((q / input.Shape.Columns + padding + frame) * Wide + q % input.Shape.Columns + padding + frame) * width;
    }

    /// <summary>A line of output pixels, among others that are nobody's.</summary>
    public float* Line(int y) => framed + ((nint)(y + frame) * Wide + frame) * width;

    /// <summary>Lists the pixels of a row that are not 0, unless they are too many.</summary>
    public bool List(float* row)
    {
        int blocks = (input.Pixels + NonZero.Block - 1) / NonZero.Block;
        for (int i = 0; i < blocks; i++)
            masks[i] = (ushort)NonZero.Mask(row + i * NonZero.Block);
        listed = NonZero.Places(blocks, masks, list);
        return listed <= MostShare * input.Pixels;
    }

    /// <summary>to [taps, padded filters] = windowsᵀ·delta of the listed row, or goes on from what it holds.</summary>
    public void Gradient(float* row, float* delta, float* to, bool add)
    {
        // What lies in the frame belongs to no output, and stays 0.
        long bytes = output.Columns * width * sizeof(float);
        for (int y = 0; y < output.Rows; y++)
            Buffer.MemoryCopy(delta + (nint)y * output.Columns * width, Line(y), bytes, bytes);
        kernels.ConvWeightGradient(listed, list, places, kernel * kernel, taps, width, output.Channels, row, framed, to, add);
    }
}
