using BatchViz.Core.Engines;
using BatchViz.Engine.Cpu.Memory;

namespace BatchViz.Engine.Cpu.Planes;

/// <summary>Origin and two directions in padded weights, with what least squares on them need.</summary>
internal sealed unsafe class CpuPlane : IPlane
{
    private readonly NativeBuffer buffer;

    /// <summary>Copies three padded vectors.</summary>
    public CpuPlane(WeightLayout layout, ReadOnlySpan<double> origin, ReadOnlySpan<double> d1, ReadOnlySpan<double> d2)
    {
        Layout = layout;
        long n = layout.Floats;
        buffer = new NativeBuffer(3 * n);
        float* to = buffer.Pointer;
        for (int i = 0; i < n; i++)
        {
            to[i] = (float)origin[i];
            to[n + i] = (float)d1[i];
            to[2 * n + i] = (float)d2[i];
            // Of what was stored, so that Project inverts exactly what Grid evaluates.
            double a = to[n + i], b = to[2 * n + i];
            XX += a * a;
            XY += a * b;
            YY += b * b;
        }
    }

    /// <summary>Bytes of a plane in the weights of a network.</summary>
    public static long Bytes(NetworkSpec network) => 3 * WeightLayout.Of(network).Floats * sizeof(float);

    /// <summary>The line from one point to another: d₁ leads from the first to the second, d₂ nowhere.</summary>
    public static CpuPlane Line(WeightLayout layout, IWeights from, IWeights to)
    {
        double[] origin = WeightVectors.Of(layout, from), along = WeightVectors.Of(layout, to);
        WeightVectors.Subtract(along, origin);
        return new CpuPlane(layout, origin, along, new double[layout.Floats]);
    }

    public WeightLayout Layout { get; }

    /// <summary>Inner products of the directions.</summary>
    public double XX { get; }

    public double XY { get; }

    public double YY { get; }

    public (double X, double Y) UnitLength => (Math.Sqrt(XX), Math.Sqrt(YY));

    /// <summary>
    /// Least squares: the coordinates of the vector whose inner products with the directions are <paramref name="a"/> and <paramref name="b"/>.
    /// A direction of no length, or parallel to the other, gets coordinate 0.
    /// </summary>
    public (double X, double Y) Coordinates(double a, double b)
    {
        double determinant = XX * YY - XY * XY;
        if (determinant > 1e-12 * XX * YY) return ((a * YY - b * XY) / determinant, (b * XX - a * XY) / determinant);
        return (XX > 0 ? a / XX : 0, XX > 0 || YY == 0 ? 0 : b / YY);
    }

    /// <summary>Origin, first direction, second direction: three vectors of <see cref="WeightLayout.Floats"/> one after another.</summary>
    public BufferHold Hold() => buffer.Hold();

    public void Dispose() => buffer.Dispose();

    public static CpuPlane Of(IPlane plane, WeightLayout layout)
        => plane is CpuPlane ours && ours.Layout.SameAs(layout) ? ours : throw new ArgumentException("a plane of another engine or model", nameof(plane));
}
