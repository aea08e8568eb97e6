using BatchViz.Core.Data;
using BatchViz.Engine.Cpu.Memory;

namespace BatchViz.Engine.Cpu.Surface;

/// <summary>Two weights on a known surface: the batch's loss is f(x, y) + ā·x + b̄·y, its gradient ∇f + (ā, b̄), means over its examples.</summary>
internal sealed unsafe class SurfaceModel(DataSet data) : Model
{
    private readonly NativeBuffer gradient = new(WeightLayout.Lanes);

    public override float* GradientPointer => gradient.Pointer;

    public override bool HasFactors => false;

    public override double Gradient(float* weights, ReadOnlySpan<int> batch, Span<double> squares, bool factors)
    {
        float[] shifts = data.Train.Floats!;
        double a = 0, b = 0, x = weights[0], y = weights[1];
        foreach (int i in batch)
        {
            a += shifts[2 * i];
            b += shifts[2 * i + 1];
        }
        a /= batch.Length;
        b /= batch.Length;
        var (gx, gy) = Surfaces.Gradient(data.Surface!.Value, x, y);
        gradient.Pointer[0] = (float)(gx + a);
        gradient.Pointer[1] = (float)(gy + b);
        squares[0] = (gx + a) * (gx + a) + (gy + b) * (gy + b);
        return Surfaces.Value(data.Surface.Value, x, y) + a * x + b * y;
    }

    public override void AddRankOne(float* weights, float scale) => throw new NotSupportedException();

    public override void Dispose() => gradient.Dispose();
}
