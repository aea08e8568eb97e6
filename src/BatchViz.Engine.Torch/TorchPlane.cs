using BatchViz.Core.Engines;
using TorchSharp;
using static TorchSharp.torch;

namespace BatchViz.Engine.Torch;

/// <summary>
/// Origin and two directions [P] in float32, with what least squares on them need, and the running statistics that its points are evaluated
/// with.
/// </summary>
internal sealed class TorchPlane : IPlane
{
    /// <param name="statistics">Of batch norms [S], the same for all points; null where there are none.</param>
    /// <param name="along">What is added to them for each step of d₁: of lines.</param>
    public TorchPlane(ParameterLayout layout, Tensor origin, Tensor d1, Tensor d2, Tensor? statistics, Tensor? along = null)
    {
        Layout = layout;
        Vectors = stack([origin, d1, d2]).to(ScalarType.Float32).DetachFromDisposeScope();
        Statistics = statistics?.to(ScalarType.Float32).DetachFromDisposeScope();
        Along = along?.to(ScalarType.Float32).DetachFromDisposeScope();
        // Of what was stored, so that Project inverts exactly what Grid evaluates.
        double[] gram = Host.Doubles(Directions.mm(Directions.t()));
        (XX, XY, YY) = (gram[0], gram[1], gram[3]);
    }

    public ParameterLayout Layout { get; }

    /// <summary>[3, P]: origin, d₁, d₂.</summary>
    public Tensor Vectors { get; }

    public Tensor? Statistics { get; }

    public Tensor? Along { get; }

    public double XX { get; }

    public double XY { get; }

    public double YY { get; }

    public (double X, double Y) UnitLength => (Math.Sqrt(XX), Math.Sqrt(YY));

    private Tensor Directions => Vectors.narrow(0, 1, 2).to(ScalarType.Float64);

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

    /// <summary>Of a vector [P].</summary>
    /// <param name="fromOrigin">Whether it is a point, seen from the origin, or a direction.</param>
    public PlanePoint Project(Tensor vector, bool fromOrigin)
    {
        using var scope = NewDisposeScope();
        var rest = vector.to(ScalarType.Float64);
        if (fromOrigin)
            rest = rest - Vectors.select(0, 0).to(ScalarType.Float64);
        var directions = Directions;
        double[] along = Host.Doubles(directions.mv(rest));
        var (x, y) = Coordinates(along[0], along[1]);
        return new PlanePoint(
            x,
            y,
            Math.Sqrt(Host.Double((rest - directions.select(0, 0).Times(x) - directions.select(0, 1).Times(y)).Squared().sum()))
        );
    }

    /// <summary>Weights [M, P] of points of the plane.</summary>
    public Tensor Points(float[] xs, float[] ys)
    {
        var at = stack([tensor(xs), tensor(ys)], 1).to(Vectors.device);
        return Vectors.narrow(0, 0, 1).Plus(at.mm(Vectors.narrow(0, 1, 2)));
    }

    /// <summary>Running statistics [M, S] of points, or null.</summary>
    public Tensor? StatisticsOf(float[] xs)
    {
        if (Statistics is null)
            return null;
        var same = Statistics.unsqueeze(0).expand(xs.Length, Statistics.shape[0]);
        return Along is null ? same : same.Plus(tensor(xs).to(Vectors.device).unsqueeze(1) * Along.unsqueeze(0));
    }

    public PlaneVectors Export()
    {
        using var scope = NewDisposeScope();
        var vectors = new float[3][];
        for (int v = 0; v < vectors.Length; v++)
        {
            vectors[v] = new float[Layout.Parameters];
            Host.Copy(Vectors.select(0, v), vectors[v]);
        }
        return new PlaneVectors(vectors[0], vectors[1], vectors[2], Statistics is null ? null : Host.Doubles(Statistics));
    }

    public void Dispose()
    {
        Vectors.Dispose();
        Statistics?.Dispose();
        Along?.Dispose();
    }

    public static TorchPlane Of(IPlane plane, ParameterLayout layout) =>
        plane is TorchPlane ours && ours.Layout.SameAs(layout)
            ? ours
            : throw new ArgumentException("a plane of another engine or model", nameof(plane));
}
