using BatchViz.Core.Data;
using BatchViz.Engine.Cpu.Probes;

namespace BatchViz.Engine.Cpu.Surface;

/// <summary>
/// A surface's value and derivatives, from its formulas in double precision; the examples' shifts enter value and gradient by their mean.
/// </summary>
internal sealed unsafe class SurfaceObjective(SurfaceKind kind) : Objective
{
    private double a,
        b,
        x,
        y;

    public override double Loss(float* weights, CancellationToken cancel) =>
        Surfaces.Value(kind, weights[0], weights[1]) + a * weights[0] + b * weights[1];

    public override double Linearise(float* weights, float* gradient, bool curvature, CancellationToken cancel)
    {
        (x, y) = (weights[0], weights[1]);
        var (gx, gy) = Surfaces.Gradient(kind, x, y);
        if (gradient != null)
            (gradient[0], gradient[1]) = ((float)(gx + a), (float)(gy + b));
        return Loss(weights, cancel);
    }

    public override void HessianProduct(float* v, float* product, CancellationToken cancel)
    {
        var (xx, xy, yy) = Surfaces.Hessian(kind, x, y);
        (product[0], product[1]) = ((float)(xx * v[0] + xy * v[1]), (float)(xy * v[0] + yy * v[1]));
    }

    public override double ExampleGradients(float* weights, float* gradient, double[] squares, CancellationToken cancel)
    {
        double loss = Linearise(weights, gradient, false, cancel);
        var (gx, gy) = Surfaces.Gradient(kind, x, y);
        float[] shifts = Source.Floats!;
        for (int k = 0; k < Examples; k++)
        {
            double dx = gx + shifts[2 * Example(k)],
                dy = gy + shifts[2 * Example(k) + 1];
            squares[k] = dx * dx + dy * dy;
        }
        return loss;
    }

    public override double ExampleSlopes(float* weights, float* d1, float* d2, double[] along1, double[] along2, CancellationToken cancel)
    {
        double loss = Linearise(weights, null, false, cancel);
        var (gx, gy) = Surfaces.Gradient(kind, x, y);
        float[] shifts = Source.Floats!;
        for (int k = 0; k < Examples; k++)
        {
            double dx = gx + shifts[2 * Example(k)],
                dy = gy + shifts[2 * Example(k) + 1];
            (along1[k], along2[k]) = (dx * d1[0] + dy * d1[1], dx * d2[0] + dy * d2[1]);
        }
        return loss;
    }

    public override double MeanSquareOutputSlope(float* weights, CancellationToken cancel) =>
        throw new NotSupportedException("a surface has no outputs");

    public override void Dispose() { }

    /// <summary>Over the whole training split the shifts cancel, but for rounding, and are left out.</summary>
    protected override void SetChanged()
    {
        (a, b) = (0, 0);
        if (Set.Indices is null && Set.Split == Split.Train)
            return;
        float[] shifts = Source.Floats!;
        for (int k = 0; k < Examples; k++)
        {
            a += shifts[2 * Example(k)] / (double)Examples;
            b += shifts[2 * Example(k) + 1] / (double)Examples;
        }
    }
}
