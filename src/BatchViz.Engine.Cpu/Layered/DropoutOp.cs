using BatchViz.Core.Engines;
using BatchViz.Core.Numerics;
using BatchViz.Engine.Cpu.Kernels;
using BatchViz.Engine.Cpu.Memory;

namespace BatchViz.Engine.Cpu.Layered;

/// <summary>
/// Inverted dropout (Srivastava et al. 2014): while training each value is 0 with probability rate, else divided by 1 − rate; evaluating,
/// nothing happens. <see cref="DropoutMask"/> says what is dropped.
/// </summary>
internal sealed unsafe class DropoutOp(KernelTable kernels, double rate, int number, Tensor input, Tensor output)
    : LayerOp(kernels, input, output)
{
    private readonly DropoutMask dropped = new(rate);
    private float* mask;
    private bool masks,
        masked;

    public override void Reserve(Arena arena, int rows, Uses uses)
    {
        masks = uses == Uses.Gradient;
        if (masks)
            arena.Reserve(rows * Output.Floats);
    }

    public override void Take(Arena arena)
    {
        if (masks)
            mask = arena.Take();
    }

    public override void Forward(LayerState state, int rows)
    {
        long count = rows * Output.Floats;
        Copy(Input.Data, Output.Data, count, false);
        masked = state.Training && rate > 0;
        if (!masked)
            return;
        var stream = new Philox(state.Seed, Purpose.Dropout, state.Update);
        for (int row = 0; row < rows; row++)
            dropped.Draw(
                stream,
                state.FirstRow + row,
                number,
                Output.Shape,
                new Span<float>(mask + row * Output.Floats, (int)Output.Floats),
                Output.Width
            );
        Kernels.Multiply(count, mask, Output.Data);
    }

    public override void Backward(LayerState state, int rows)
    {
        if (!Input.NeedsGradient)
            return;
        long count = rows * Output.Floats;
        if (masked)
            Kernels.Multiply(count, mask, Output.Delta);
        Copy(Output.Delta, Input.Delta, count, Adds);
    }

    public override void ForwardTangent(LayerState state, int rows) => Copy(Input.Tangent, Output.Tangent, rows * Output.Floats, false);

    public override void BackwardTangent(LayerState state, int rows)
    {
        if (Input.NeedsGradient)
            Copy(Output.DeltaTangent, Input.DeltaTangent, rows * Output.Floats, Adds);
    }
}
