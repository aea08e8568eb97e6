using BatchViz.Core.Numerics;
using BatchViz.Engine.Cpu.Kernels;
using BatchViz.Engine.Cpu.Memory;

namespace BatchViz.Engine.Cpu.Layered;

/// <summary>
/// Inverted dropout (Srivastava et al. 2014): while training each value is 0 with probability rate, else divided by 1 − rate; evaluating, nothing
/// happens. What is dropped is a function of seed, update, the example's place in the batch, the layer and the value's place.
/// </summary>
internal sealed unsafe class DropoutOp(KernelTable kernels, double rate, int number, Tensor input, Tensor output) : LayerOp(kernels, input, output)
{
    private const int Batch = 64;

    private readonly ulong keepBelow = (ulong)((1 - rate) * 4294967296.0);
    private readonly float kept = (float)(1 / (1 - rate));
    private float* mask;
    private bool masks, masked;

    public override void Reserve(Arena arena, int rows, Uses uses)
    {
        masks = uses == Uses.Gradient;
        if (masks) arena.Reserve(rows * Output.Floats);
    }

    public override void Take(Arena arena)
    {
        if (masks) mask = arena.Take();
    }

    public override void Forward(LayerState state, int rows)
    {
        long count = rows * Output.Floats;
        Copy(Input.Data, Output.Data, count, false);
        masked = state.Training && rate > 0;
        if (!masked) return;
        var stream = new Philox(state.Seed, Purpose.Dropout, state.Update);
        for (int row = 0; row < rows; row++) Draw(stream, state.FirstRow + row, mask + row * Output.Floats);
        Kernels.Multiply(count, mask, Output.Data);
    }

    public override void Backward(LayerState state, int rows)
    {
        if (!Input.NeedsGradient) return;
        long count = rows * Output.Floats;
        if (masked) Kernels.Multiply(count, mask, Output.Delta);
        Copy(Output.Delta, Input.Delta, count, Adds);
    }

    public override void ForwardTangent(LayerState state, int rows) => Copy(Input.Tangent, Output.Tangent, rows * Output.Floats, false);

    public override void BackwardTangent(LayerState state, int rows)
    {
        if (Input.NeedsGradient) Copy(Output.DeltaTangent, Input.DeltaTangent, rows * Output.Floats, Adds);
    }

    /// <summary>Two values from each block: block index = row · 2³² + layer · 2²⁶ + value / 2, values in the order of channels and pixels.</summary>
    private void Draw(Philox stream, int row, float* to)
    {
        ulong first = ((ulong)(uint)row << 32) | ((ulong)(uint)number << 26);
        Span<ulong> words = stackalloc ulong[Batch];
        long size = Output.Shape.Size;
        int channels = Output.Channels, width = Output.Width;
        int pixel = 0, channel = 0;
        for (long value = 0; value < size; value += 2 * Batch)
        {
            int pairs = (int)Math.Min(Batch, (size - value + 1) / 2);
            stream.Words(first + (ulong)(value / 2), words[..pairs]);
            for (int i = 0; i < 2 * pairs && value + i < size; i++)
            {
                uint word = (i & 1) == 0 ? (uint)(words[i / 2] >> 32) : (uint)words[i / 2];
                to[(nint)pixel * width + channel] = word < keepBelow ? kept : 0;
                if (++channel == channels)
                {
                    channel = 0;
                    pixel++;
                }
            }
        }
    }
}
