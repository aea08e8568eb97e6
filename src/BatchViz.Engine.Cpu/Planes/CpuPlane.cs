using BatchViz.Core.Engines;
using BatchViz.Engine.Cpu.Memory;

namespace BatchViz.Engine.Cpu.Planes;

/// <summary>
/// Origin and two directions in padded weights, with what least squares on them need, and the running statistics that its points are
/// evaluated with.
/// </summary>
internal sealed unsafe class CpuPlane : IPlane
{
    private readonly NativeBuffer buffer;

    /// <summary>Copies three padded vectors.</summary>
    /// <param name="statistics">Of batch norms [statistics floats], the same for all points; empty only where there are none.</param>
    /// <param name="along">What is added to them for each step of d₁: of lines.</param>
    public CpuPlane(
        WeightLayout layout,
        ReadOnlySpan<double> origin,
        ReadOnlySpan<double> d1,
        ReadOnlySpan<double> d2,
        ReadOnlySpan<double> statistics = default,
        ReadOnlySpan<double> along = default
    )
    {
        Layout = layout;
        long n = layout.Floats;
        buffer = new NativeBuffer(3 * n + 2 * layout.StatisticsFloats);
        float* beside = buffer.Pointer + 3 * n;
        for (int i = 0; i < statistics.Length; i++)
            beside[i] = (float)statistics[i];
        for (int i = 0; i < along.Length; i++)
            beside[layout.StatisticsFloats + i] = (float)along[i];
        float* to = buffer.Pointer;
        for (int i = 0; i < n; i++)
        {
            to[i] = (float)origin[i];
            to[n + i] = (float)d1[i];
            to[2 * n + i] = (float)d2[i];
            // Of what was stored, so that Project inverts exactly what Grid evaluates.
            double a = to[n + i],
                b = to[2 * n + i];
            XX += a * a;
            XY += a * b;
            YY += b * b;
        }
    }

    /// <summary>Bytes of a plane in the weights of a network.</summary>
    public static long Bytes(NetworkSpec network) =>
        WeightLayout.Of(network) is var layout ? (3 * layout.Floats + 2 * layout.StatisticsFloats) * sizeof(float) : 0;

    /// <summary>The line from one point to another: d₁ leads from the first to the second, d₂ nowhere.</summary>
    public static CpuPlane Line(WeightLayout layout, IWeights from, IWeights to)
    {
        double[] origin = WeightVectors.Of(layout, from),
            along = WeightVectors.Of(layout, to);
        WeightVectors.Subtract(along, origin);
        double[] statistics = WeightVectors.MeanStatistics(layout, [from]),
            change = WeightVectors.MeanStatistics(layout, [to]);
        WeightVectors.Subtract(change, statistics);
        return new CpuPlane(layout, origin, along, new double[layout.Floats], statistics, change);
    }

    public WeightLayout Layout { get; }

    /// <summary>Inner products of the directions.</summary>
    public double XX { get; }

    public double XY { get; }

    public double YY { get; }

    public (double X, double Y) UnitLength => (Math.Sqrt(XX), Math.Sqrt(YY));

    /// <summary>
    /// Least squares: the coordinates of the vector whose inner products with the directions are <paramref name="a"/> and
    /// <paramref name="b"/>.
    /// A direction of no length, or parallel to the other, gets coordinate 0.
    /// </summary>
    public (double X, double Y) Coordinates(double a, double b)
    {
        double determinant = XX * YY - XY * XY;
        if (determinant > 1e-12 * XX * YY)
            return ((a * YY - b * XY) / determinant, (b * XX - a * XY) / determinant);
        return (XX > 0 ? a / XX : 0, XX > 0 || YY == 0 ? 0 : b / YY);
    }

    /// <summary>
    /// Origin, first direction, second direction: three vectors of <see cref="WeightLayout.Floats"/> one after another; then statistics,
    /// and their change along the first direction.
    /// </summary>
    public BufferHold Hold() => buffer.Hold();

    public PlaneVectors Export()
    {
        using var hold = buffer.Hold();
        float* from = hold.Pointer;
        var vectors = new float[3][];
        for (int v = 0; v < vectors.Length; v++)
        {
            vectors[v] = new float[Layout.Parameters];
            Layout.Unpack(from + v * Layout.Floats, vectors[v]);
        }
        double[]? statistics = Layout.Statistics == 0 ? null : new double[Layout.Statistics];
        if (statistics is not null)
            Layout.UnpackStatistics(from + 3 * Layout.Floats, statistics);
        return new PlaneVectors(vectors[0], vectors[1], vectors[2], statistics);
    }

    public void Dispose() => buffer.Dispose();

    public static CpuPlane Of(IPlane plane, WeightLayout layout) =>
        plane is CpuPlane ours && ours.Layout.SameAs(layout)
            ? ours
            : throw new ArgumentException("a plane of another engine or model", nameof(plane));
}
