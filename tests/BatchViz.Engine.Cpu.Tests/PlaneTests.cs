using BatchViz.Core.Engines;
using BatchViz.Core.Specs;

namespace BatchViz.Engine.Cpu.Tests;

/// <summary>Planes through three points and along given directions.</summary>
public class PlaneTests
{
    [Fact]
    public void APlaneThroughThreePointsContainsThemWhereItSays()
    {
        using var stage = new Stage(Sets.Images(), [13], 3);
        var (a, b, c) = (stage.Weights[0], stage.Weights[1], stage.Weights[2]);
        using var plane = stage.Evaluator.PlaneThrough(a, b, c);
        Assert.Equal(1, plane.UnitLength.X, 1e-6);
        Assert.Equal(1, plane.UnitLength.Y, 1e-6);
        double[] wa = a.Canonical().Doubles(),
            ab = [.. b.Canonical().Doubles().Zip(wa, (p, q) => p - q)],
            ac = [.. c.Canonical().Doubles().Zip(wa, (p, q) => p - q)];
        double length = Vectors.Norm(ab),
            along = ab.Zip(ac, (p, q) => p * q).Sum() / length;
        double up = Math.Sqrt(Vectors.Norm(ac) * Vectors.Norm(ac) - along * along);
        foreach (var (point, x, y) in new[] { (a, 0.0, 0.0), (b, length, 0.0), (c, along, up) })
        {
            var at = stage.Evaluator.Project(plane, point);
            Assert.Equal(x, at.X, 1e-6 * length);
            Assert.Equal(y, at.Y, 1e-6 * length);
            Assert.InRange(at.OffPlane, 0, 1e-6 * length);
        }
        // Two of its points are those of the grid, to the rounding of float weights.
        float[] losses = Stage.Gaps(2);
        stage.Evaluator.Grid(plane, new(0, length, 0, 1), 2, EvaluationSet.All(Core.Data.Split.Train), losses, default);
        for (int i = 0; i < 2; i++)
            Assert.Equal(stage.Evaluator.Evaluate(stage.Weights[i], EvaluationSet.All(Core.Data.Split.Train)).Loss, losses[i], 1e-5);
    }

    [Fact]
    public void ThreePointsOfOneLineSpanNoPlane()
    {
        using var stage = new Stage(Sets.Images(), [13], 2);
        var (a, b) = (stage.Weights[0], stage.Weights[1]);
        Assert.Throws<RefusedException>(() => stage.Evaluator.PlaneThrough(a, b, b));
        Assert.Throws<RefusedException>(() => stage.Evaluator.PlaneThrough(a, a, b));
        Assert.Throws<RefusedException>(() => stage.Evaluator.PlaneThrough(a, b, a));
    }

    [Theory, ClassData(typeof(Paths))]
    public void DirectionsAreOrthonormalised(KernelPath path)
    {
        using var stage = new Stage(Sets.Plane(), [5], 1, path, LossKind.Logistic);
        int n = (int)stage.Network.ParameterCount;
        var random = new Random(3);
        float[] u = [.. Enumerable.Range(0, n).Select(_ => (float)random.NextDouble())],
            v = [.. Enumerable.Range(0, n).Select(_ => (float)random.NextDouble())];
        using var plane = stage.Evaluator.DirectionPlane(stage.Weights[0], new Direction(u), new Direction(v));
        float[][] vectors = Stage.VectorsOf(plane);
        Assert.Equal(stage.Weights[0].Canonical(), vectors[0]);
        double length = Vectors.Norm(u.Doubles());
        for (int i = 0; i < n; i++)
            Assert.Equal(u[i] / length, vectors[1][i], 1e-6);
        Assert.Equal(1, Vectors.Norm(vectors[2].Doubles()), 1e-6);
        Assert.Equal(0, vectors[1].Zip(vectors[2], (p, q) => (double)p * q).Sum(), 1e-6);
        // What the second adds lies in the plane of both.
        double along = u.Zip(v, (p, q) => (double)p * q).Sum() / length;
        double[] rest = [.. v.Select((x, i) => x - along * u[i] / length)];
        for (int i = 0; i < n; i++)
            Assert.Equal(rest[i] / Vectors.Norm(rest), vectors[2][i], 1e-6);

        Assert.Throws<RefusedException>(() =>
            stage.Evaluator.DirectionPlane(stage.Weights[0], new Direction(u), new Direction([.. u.Select(x => -2 * x)]))
        );
        Assert.Throws<RefusedException>(() =>
            stage.Evaluator.DirectionPlane(stage.Weights[0], new Direction(new float[n]), new Direction(v))
        );
        Assert.Throws<ArgumentException>(() => stage.Evaluator.DirectionPlane(stage.Weights[0], new Direction(u[1..]), new Direction(v)));
    }

    private sealed class Direction(float[] components) : IDirection
    {
        public long Count => components.Length;

        public double Norm => Vectors.Norm(components.Doubles());

        public void CopyTo(Span<float> canonical) => components.CopyTo(canonical);

        public void Dispose() { }
    }
}
