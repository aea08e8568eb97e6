using BatchViz.Core.Engines;
using BatchViz.Engine.Cpu.Kernels;
using BatchViz.Engine.Cpu.Memory;

namespace BatchViz.Engine.Cpu.Layered;

/// <summary>
/// Where a convolution's windows lie in its input: offsets of output pixels, of a window's taps, values and registers. A row of the input
/// is read from a frame, with the zeros around it and its channels side by side without padding, and its gradient is added up in another;
/// both are copied, one row at a time, where the tensor is not such a frame itself. A depthwise layer's frame keeps the padding of
/// channels.
/// </summary>
internal sealed unsafe class Windows
{
    private readonly KernelTable kernels;
    private readonly Tensor input;
    private readonly TensorShape output;
    private readonly int kernel,
        stride,
        padding;
    private readonly bool copies;
    private float* framed,
        framedBack;

    public Windows(KernelTable kernels, Tensor input, TensorShape output, int kernel, int stride, int padding, int groups, bool depthwise)
    {
        (this.kernels, this.input, this.output, this.kernel, this.stride, this.padding) = (kernels, input, output, kernel, stride, padding);
        Depth = depthwise ? Taps : Taps * (input.Channels / groups);
        Step = depthwise ? input.Width : input.Channels;
        // Without groups the channels of a whole line of a window lie side by side.
        Runs = groups == 1 ? kernel : Taps;
        RunRegisters = (RunFloats + kernels.WindowLanes - 1) / kernels.WindowLanes;
        copies = padding > 0 || Step != input.Width || (!depthwise && RunFloats % WeightLayout.Lanes != 0);
    }

    /// <summary>Pixels of a window.</summary>
    public int Taps => kernel * kernel;

    /// <summary>Values of a window that one product adds up: those of one group, or of one channel where it is depthwise.</summary>
    public int Depth { get; }

    /// <summary>Pieces of a group's window that lie together.</summary>
    public int Runs { get; }

    public int RunFloats => Depth / Runs;

    /// <summary>Registers that a piece takes, the last of them perhaps in part.</summary>
    public int RunRegisters { get; }

    /// <summary>Its floats in registers.</summary>
    public int RunWidth => RunRegisters * kernels.WindowLanes;

    /// <summary>Floats from piece to piece where there are no groups.</summary>
    public int RunStep => Wide * Step;

    /// <summary>Of a group's window.</summary>
    public int Registers => Runs * RunRegisters;

    /// <summary>Floats of a group's window in registers, padded.</summary>
    public int RegisterFloats => Arena.Pad(Runs * RunWidth);

    /// <summary>Of output pixels.</summary>
    public int* Pixels { get; private set; }

    /// <summary>Of a window's pixels.</summary>
    public int* TapPlaces { get; private set; }

    /// <summary>Of a window's values, pixel after pixel, each with all channels of a group.</summary>
    public int* Values { get; private set; }

    /// <summary>Of a window's registers.</summary>
    public int* RegisterPlaces { get; private set; }

    /// <summary>Floats from pixel to pixel.</summary>
    private int Step { get; }

    private int Wide => input.Shape.Columns + 2 * padding;

    /// <summary>A register may be read, and zeros added, behind the last pixel.</summary>
    private long FramedFloats => (long)(input.Shape.Rows + 2 * padding) * Wide * Step + WeightLayout.Lanes;

    public void Reserve(Arena arena)
    {
        arena.Reserve(output.Pixels);
        arena.Reserve(Taps);
        arena.Reserve(Depth);
        arena.Reserve(Registers);
        arena.Reserve(copies ? FramedFloats : 0);
        arena.Reserve(copies && input.NeedsGradient ? FramedFloats : 0);
    }

    public void Take(Arena arena)
    {
        Pixels = (int*)arena.Take();
        TapPlaces = (int*)arena.Take();
        Values = (int*)arena.Take();
        RegisterPlaces = (int*)arena.Take();
        framed = arena.Take();
        framedBack = arena.Take();
        if (!arena.Predicting)
            Fill();
    }

    /// <summary>The frame of an input row.</summary>
    public float* Frame(float* row)
    {
        if (!copies)
            return row;
        int columns = input.Shape.Columns;
        for (int y = 0; y < input.Shape.Rows; y++)
        {
            float* to = Line(framed, y);
            if (Step == input.Width)
            {
                float* from = row + (nint)y * columns * Step;
                Buffer.MemoryCopy(from, to, columns * Step * sizeof(float), columns * Step * sizeof(float));
            }
            else if (input.Planar)
            {
                for (int c = 0; c < input.Channels; c++)
                {
                    float* from = row + (nint)c * input.Pixels + (nint)y * columns;
                    for (int x = 0; x < columns; x++)
                        to[(nint)x * Step + c] = from[x];
                }
            }
            else
            {
                kernels.Pack(columns, Step, input.Width, row + (nint)y * columns * input.Width, to);
            }
        }
        return framed;
    }

    /// <summary>Where a row's gradient can be added up, a frame: 0 at first, or what it holds already where it is none.</summary>
    /// <param name="add">Goes on from what it holds.</param>
    public float* BeginBack(float* back, bool add)
    {
        float* to = copies ? framedBack : back;
        if (copies || !add)
            new Span<float>(to, checked((int)(copies ? FramedFloats : input.Floats))).Clear();
        return to;
    }

    /// <summary>Brings what was added up to where it belongs; what fell on the zeros is nobody's.</summary>
    public void EndBack(float* back, bool add)
    {
        if (!copies)
            return;
        int columns = input.Shape.Columns;
        for (int y = 0; y < input.Shape.Rows; y++)
            kernels.Unpack(columns, Step, input.Width, Line(framedBack, y), back + (nint)y * columns * input.Width, add);
    }

    /// <summary>
    /// Weights of a group, [depth, weightStride], to filter by filter: a window's registers one after another, [filters,
    /// <see cref="RegisterFloats"/>], 0 where one is longer than its piece.
    /// </summary>
    public void Turn(float* weights, int weightStride, int filters, float* to)
    {
        for (int run = 0; run < Runs; run++)
            Transpose.Run(
                RunFloats,
                filters,
                weights + (nint)run * RunFloats * weightStride,
                weightStride,
                to + (nint)run * RunWidth,
                RegisterFloats,
                RunWidth
            );
    }

    /// <summary>The reverse of <see cref="Turn"/>.</summary>
    public void Return(float* from, int filters, float* weights, int weightStride)
    {
        for (int run = 0; run < Runs; run++)
            Transpose.Run(
                filters,
                RunFloats,
                from + (nint)run * RunWidth,
                RegisterFloats,
                weights + (nint)run * RunFloats * weightStride,
                weightStride,
                weightStride
            );
    }

    private float* Line(float* frame, int y) => frame + ((nint)(y + padding) * Wide + padding) * Step;

    private void Fill()
    {
        for (int y = 0, r = 0; y < output.Rows; y++)
        for (int x = 0; x < output.Columns; x++)
            Pixels[r++] = (y * stride * Wide + x * stride) * Step;
        for (int tap = 0, d = 0; tap < Taps; tap++)
        {
            TapPlaces[tap] = (tap / kernel * Wide + tap % kernel) * Step;
            for (int c = 0; c < Depth / Taps; c++)
                Values[d++] = TapPlaces[tap] + c;
        }
        for (int run = 0, r = 0; run < Runs; run++)
        for (int i = 0; i < RunRegisters; i++)
            RegisterPlaces[r++] = TapPlaces[run * (Taps / Runs)] + i * kernels.WindowLanes;
    }
}
