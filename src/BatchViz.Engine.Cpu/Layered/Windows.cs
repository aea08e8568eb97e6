using BatchViz.Engine.Cpu.Memory;

namespace BatchViz.Engine.Cpu.Layered;

/// <summary>
/// Where a convolution's windows lie: offsets of output pixels and of a window's values in the input, and of input pixels and of
/// the outputs that they went into in the output's gradient. Both are read with zeros around them, so they are copied, one
/// row at a time, where there are any to add.
/// </summary>
internal sealed unsafe class Windows
{
    private readonly Tensor input, output;
    private readonly int kernel, stride, padding, low, high;
    private readonly bool depthwise, backward;
    private float* framed, framedDelta;

    /// <param name="depthwise">Offsets are those of pixels alone, since channels are read side by side.</param>
    /// <param name="backward">Whether input gradients are wanted.</param>
    public Windows(Tensor input, Tensor output, int kernel, int stride, int padding, bool depthwise, bool backward)
    {
        (this.input, this.output, this.kernel, this.stride, this.padding, this.depthwise, this.backward) = (input, output, kernel, stride, padding, depthwise, backward);
        Depth = kernel * kernel * (depthwise ? 1 : input.Channels);
        low = Math.Max(0, (kernel - 1) / stride - padding / stride);
        high = Math.Max(0, Math.Max((input.Shape.Rows - 1 + padding) / stride - (output.Shape.Rows - 1), (input.Shape.Columns - 1 + padding) / stride - (output.Shape.Columns - 1)));
        if (!backward) return;
        for (int y = 0; y < stride; y++)
        {
            for (int x = 0; x < stride; x++)
            {
                int rows = PhaseCount(y, input.Shape.Rows), columns = PhaseCount(x, input.Shape.Columns);
                if (rows * columns > 0) Phases.Add(new Phase(y, x, rows * columns, Taps(y) * Taps(x) * (depthwise ? 1 : output.Channels)));
            }
        }
    }

    /// <summary>Values of a window.</summary>
    public int Depth { get; }

    /// <summary>Of output pixels in the framed input.</summary>
    public int* Pixels { get; private set; }

    /// <summary>Of a window's values in the framed input, pixel after pixel, each with all channels.</summary>
    public int* Values { get; private set; }

    /// <summary>Input pixels at the same distance from a multiple of the stride: for them the way back is a convolution of stride 1.</summary>
    public List<Phase> Phases { get; } = [];

    public void Reserve(Arena arena)
    {
        arena.Reserve(output.Pixels);
        arena.Reserve(Depth);
        arena.Reserve(Framed ? FramedFloats(input, padding, padding) : 0);
        if (!backward) return;
        arena.Reserve(low + high > 0 ? FramedFloats(output, low, high) : 0);
        foreach (var phase in Phases)
        {
            arena.Reserve(phase.Rows);
            arena.Reserve(phase.Rows);
            arena.Reserve(phase.Depth);
        }
    }

    public void Take(Arena arena)
    {
        Pixels = (int*)arena.Take();
        Values = (int*)arena.Take();
        framed = arena.Take();
        if (backward)
        {
            framedDelta = arena.Take();
            foreach (var phase in Phases)
            {
                phase.Pixels = (int*)arena.Take();
                phase.Places = (int*)arena.Take();
                phase.Values = (int*)arena.Take();
            }
        }
        if (!arena.Predicting) Fill();
    }

    /// <summary>An input row with its zeros around it.</summary>
    public float* Frame(float* row)
    {
        if (!Framed) return row;
        Frame(input, row, framed, padding, padding);
        return framed;
    }

    /// <summary>A row of the output's gradient with its zeros around it.</summary>
    public float* FrameDelta(float* row)
    {
        if (low + high == 0) return row;
        Frame(output, row, framedDelta, low, high);
        return framedDelta;
    }

    /// <summary>Window rows (or columns) that a phase's pixels went into: ky = phase + stride·j.</summary>
    public int Taps(int phase) => phase < kernel ? (kernel - 1 - phase) / stride + 1 : 0;

    /// <summary>The window's row or column of a phase's tap.</summary>
    public int Tap(int phase, int j) => phase + stride * j;

    private bool Framed => padding > 0;

    private static long FramedFloats(Tensor tensor, int low, int high)
    {
        long pixels = (long)(tensor.Shape.Rows + low + high) * (tensor.Shape.Columns + low + high);
        return pixels * (tensor.Planar ? tensor.Channels : tensor.Width);
    }

    private static void Frame(Tensor tensor, float* from, float* to, int low, int high)
    {
        int rows = tensor.Shape.Rows, columns = tensor.Shape.Columns, wide = columns + low + high, planes = tensor.Planar ? tensor.Channels : 1;
        long bytes = (long)columns * tensor.Width * sizeof(float);
        for (int plane = 0; plane < planes; plane++, to += (nint)(rows + low + high) * wide * tensor.Width)
        {
            for (int y = 0; y < rows; y++, from += columns * tensor.Width)
                Buffer.MemoryCopy(from, to + ((nint)(y + low) * wide + low) * tensor.Width, bytes, bytes);
        }
    }

    /// <summary>Pixels along an axis with (pixel + padding) mod stride = phase.</summary>
    private int PhaseCount(int phase, int length)
    {
        int first = FirstOf(phase);
        return first >= length ? 0 : (length - 1 - first) / stride + 1;
    }

    private int FirstOf(int phase) => ((phase - padding) % stride + stride) % stride;

    private void Fill()
    {
        int wide = input.Shape.Columns + 2 * padding, tall = input.Shape.Rows + 2 * padding;
        int pixel = input.Width, plane = input.Planar ? wide * tall : 1;
        for (int y = 0, r = 0; y < output.Shape.Rows; y++)
            for (int x = 0; x < output.Shape.Columns; x++) Pixels[r++] = (y * stride * wide + x * stride) * pixel;
        for (int ky = 0, d = 0; ky < kernel; ky++)
        {
            for (int kx = 0; kx < kernel; kx++)
                for (int c = 0; c < (depthwise ? 1 : input.Channels); c++) Values[d++] = (ky * wide + kx) * pixel + c * plane;
        }
        int outWide = output.Shape.Columns + low + high;
        foreach (var phase in Phases)
        {
            int r = 0, d = 0;
            for (int y = FirstOf(phase.Y); y < input.Shape.Rows; y += stride)
            {
                for (int x = FirstOf(phase.X); x < input.Shape.Columns; x += stride)
                {
                    phase.Pixels[r] = (((y + padding) / stride + low) * outWide + (x + padding) / stride + low) * output.Width;
                    phase.Places[r++] = (y * input.Shape.Columns + x) * input.Width;
                }
            }
            for (int j = 0; j < Taps(phase.Y); j++)
            {
                for (int k = 0; k < Taps(phase.X); k++)
                    for (int o = 0; o < (depthwise ? 1 : output.Channels); o++) phase.Values[d++] = -(j * outWide + k) * output.Width + o;
            }
        }
    }

    /// <param name="Y">(row + padding) mod stride.</param>
    /// <param name="X">(column + padding) mod stride.</param>
    /// <param name="Rows">Its input pixels.</param>
    /// <param name="Depth">Values of the output's gradient that one of them adds up.</param>
    public sealed class Phase(int y, int x, int rows, int depth)
    {
        public int Y => y;

        public int X => x;

        public int Rows => rows;

        public int Depth => depth;

        /// <summary>Where each begins in the framed gradient, where it lies in the input, and what is read from its beginning on.</summary>
        public int* Pixels { get; set; }

        public int* Places { get; set; }

        public int* Values { get; set; }
    }
}
