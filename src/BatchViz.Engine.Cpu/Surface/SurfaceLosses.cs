using BatchViz.Core.Data;
using BatchViz.Engine.Cpu.FullGradient;

namespace BatchViz.Engine.Cpu.Surface;

/// <summary>f(x, y) + a·x + b·y for each example's shift (a, b).</summary>
internal sealed unsafe class SurfaceLosses(DataSet data) : Losses
{
    public override void Of(float* weights, ReadOnlySpan<int> examples, Span<float> losses)
    {
        float[] shifts = data.Train.Floats!;
        double x = weights[0],
            y = weights[1],
            value = Surfaces.Value(data.Surface!.Value, x, y);
        for (int i = 0; i < examples.Length; i++)
            losses[i] = (float)(value + shifts[2 * examples[i]] * x + shifts[2 * examples[i] + 1] * y);
    }

    public override void Dispose() { }
}
