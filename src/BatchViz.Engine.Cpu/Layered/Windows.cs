using BatchViz.Engine.Cpu.Memory;

namespace BatchViz.Engine.Cpu.Layered;

/// <summary>
/// Where a convolution's windows lie in its input: offsets of output pixels, of a window's taps and of all its values. The input is read with zeros around it, and its gradient
/// is added up there, so both are copied, one row at a time, where there are any to add.
/// </summary>
internal sealed unsafe class Windows(Tensor input, Tensor output, int kernel, int stride, int padding, bool depthwise)
{
    private float* framed, framedBack;

    /// <summary>Pixels of a window.</summary>
    public int Taps => kernel * kernel;

    /// <summary>Values of a window that one product adds up: of one channel where it is depthwise.</summary>
    public int Depth => Taps * (depthwise ? 1 : input.Channels);

    /// <summary>Of output pixels.</summary>
    public int* Pixels { get; private set; }

    /// <summary>Of a window's pixels.</summary>
    public int* TapPlaces { get; private set; }

    /// <summary>Of a window's values, pixel after pixel, each with all channels.</summary>
    public int* Values { get; private set; }

    private long FramedFloats => (long)(input.Shape.Rows + 2 * padding) * (input.Shape.Columns + 2 * padding) * (input.Planar ? input.Channels : input.Width);

    public void Reserve(Arena arena)
    {
        arena.Reserve(output.Pixels);
        arena.Reserve(Taps);
        arena.Reserve(Depth);
        arena.Reserve(padding > 0 ? FramedFloats : 0);
        arena.Reserve(padding > 0 && input.NeedsGradient ? FramedFloats : 0);
    }

    public void Take(Arena arena)
    {
        Pixels = (int*)arena.Take();
        TapPlaces = (int*)arena.Take();
        Values = (int*)arena.Take();
        framed = arena.Take();
        framedBack = arena.Take();
        if (!arena.Predicting) Fill();
    }

    /// <summary>An input row with its zeros around it.</summary>
    public float* Frame(float* row)
    {
        if (padding == 0) return row;
        for (int line = 0; line < Lines; line++) Copy(row + (nint)line * LineFloats, InFrame(framed, line));
        return framed;
    }

    /// <summary>Where a row's gradient can be added up, zeros around it included: 0 at first, or what it holds already where it needs none.</summary>
    /// <param name="add">Goes on from what it holds.</param>
    public float* BeginBack(float* back, bool add)
    {
        float* to = padding == 0 ? back : framedBack;
        if (padding > 0 || !add) new Span<float>(to, checked((int)(padding > 0 ? FramedFloats : input.Floats))).Clear();
        return to;
    }

    /// <summary>Brings what was added up to where it belongs; what fell on the zeros is nobody's.</summary>
    public void EndBack(float* back, bool add)
    {
        if (padding == 0) return;
        for (int line = 0; line < Lines; line++)
        {
            float* from = InFrame(framedBack, line), to = back + (nint)line * LineFloats;
            if (!add) Copy(from, to);
            else for (int i = 0; i < LineFloats; i++) to[i] += from[i];
        }
    }

    /// <summary>Lines of pixels, of all planes.</summary>
    private int Lines => input.Shape.Rows * (input.Planar ? input.Channels : 1);

    private int LineFloats => input.Shape.Columns * input.Width;

    private float* InFrame(float* frame, int line)
    {
        int plane = line / input.Shape.Rows, y = line % input.Shape.Rows, wide = input.Shape.Columns + 2 * padding, tall = input.Shape.Rows + 2 * padding;
        return frame + (((nint)plane * tall + y + padding) * wide + padding) * input.Width;
    }

    private void Copy(float* from, float* to)
    {
        long bytes = LineFloats * sizeof(float);
        Buffer.MemoryCopy(from, to, bytes, bytes);
    }

    private void Fill()
    {
        int wide = input.Shape.Columns + 2 * padding, plane = input.Planar ? wide * (input.Shape.Rows + 2 * padding) : 1;
        for (int y = 0, r = 0; y < output.Shape.Rows; y++)
            for (int x = 0; x < output.Shape.Columns; x++) Pixels[r++] = (y * stride * wide + x * stride) * input.Width;
        for (int tap = 0, d = 0; tap < Taps; tap++)
        {
            TapPlaces[tap] = (tap / kernel * wide + tap % kernel) * input.Width;
            for (int c = 0; c < Depth / Taps; c++) Values[d++] = TapPlaces[tap] + c * plane;
        }
    }
}
