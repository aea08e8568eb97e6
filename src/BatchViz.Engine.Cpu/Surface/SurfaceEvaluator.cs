using BatchViz.Core;
using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using BatchViz.Engine.Cpu.Planes;

namespace BatchViz.Engine.Cpu.Surface;

/// <summary>
/// Exact values of a surface in double precision. Over the whole training split the examples' shifts cancel and are left out.
/// </summary>
internal sealed class SurfaceEvaluator(DataSet data, NetworkSpec network) : CpuEvaluator(data, network)
{
    public override Evaluation Evaluate(IWeights weights, EvaluationSet set)
    {
        Span<float> w = stackalloc float[2];
        CpuWeights.Of(weights, Layout).CopyTo(w);
        return new Evaluation(Loss(w[0], w[1], MeanShift(set)), double.NaN);
    }

    public override unsafe void Grid(
        IPlane plane,
        GridRegion region,
        int resolution,
        EvaluationSet set,
        Span<float> losses,
        CancellationToken cancel,
        int threads
    )
    {
        CheckGrid(resolution, losses, threads);
        var ours = CpuPlane.Of(plane, Layout);
        using var hold = ours.Hold();
        float* origin = hold.Pointer,
            d1 = origin + Layout.Floats,
            d2 = d1 + Layout.Floats;
        var shift = MeanShift(set);
        for (int row = 0; row < resolution; row++)
        {
            cancel.ThrowIfCancellationRequested();
            double y = Coordinate(region.Y0, region.Y1, row, resolution);
            for (int column = 0; column < resolution; column++)
            {
                ref float loss = ref losses[row * resolution + column];
                if (!float.IsNaN(loss))
                    continue;
                double x = Coordinate(region.X0, region.X1, column, resolution);
                loss = Height(Loss(origin[0] + x * d1[0] + y * d2[0], origin[1] + x * d1[1] + y * d2[1], shift));
            }
        }
    }

    public override void Line(
        IWeights from,
        IWeights to,
        double t0,
        double t1,
        int count,
        EvaluationSet set,
        Span<Evaluation> values,
        CancellationToken cancel
    )
    {
        CheckLine(count, values);
        Span<float> a = stackalloc float[2],
            b = stackalloc float[2];
        CpuWeights.Of(from, Layout).CopyTo(a);
        CpuWeights.Of(to, Layout).CopyTo(b);
        var shift = MeanShift(set);
        for (int i = 0; i < count; i++)
        {
            cancel.ThrowIfCancellationRequested();
            double t = Coordinate(t0, t1, i, count);
            values[i] = new Evaluation(Loss((1 - t) * a[0] + t * b[0], (1 - t) * a[1] + t * b[1], shift), double.NaN);
        }
    }

    public override void Outputs(IWeights weights, ReadOnlySpan<float> inputs, Span<float> outputs) =>
        throw new RefusedException(
            Language.Tr(
                "A surface is a function of its weights alone: it has no inputs and no outputs.",
                "曲面只是其权重的函数，没有输入，也没有输出。"
            )
        );

    public override void Dispose() { }

    private double Loss(double x, double y, (double A, double B) shift) =>
        Surfaces.Value(Data.Surface!.Value, x, y) + shift.A * x + shift.B * y;

    private (double A, double B) MeanShift(EvaluationSet set)
    {
        if (set.Indices is null && set.Split == Split.Train)
            return (0, 0);
        float[] shifts = Data.Of(set.Split).Floats!;
        int count = CountOf(set);
        double a = 0,
            b = 0;
        for (int k = 0; k < count; k++)
        {
            int i = set.Indices?[k] ?? k;
            a += shifts[2 * i];
            b += shifts[2 * i + 1];
        }
        return (a / count, b / count);
    }
}
