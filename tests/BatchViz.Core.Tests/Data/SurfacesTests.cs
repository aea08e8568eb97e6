using BatchViz.Core.Data;

namespace BatchViz.Core.Tests.Data;

public class SurfacesTests
{
    public static TheoryData<SurfaceKind> Kinds => [.. Enum.GetValues<SurfaceKind>()];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void The_gradient_is_that_of_the_value(SurfaceKind kind)
    {
        const double H = 1e-5;
        var (x0, x1, y0, y1) = Surfaces.View(kind);
        var random = new Random(1);
        for (int i = 0; i < 200; i++)
        {
            double x = x0 + (x1 - x0) * random.NextDouble(),
                y = y0 + (y1 - y0) * random.NextDouble();
            var (gx, gy) = Surfaces.Gradient(kind, x, y);
            double fx = (Surfaces.Value(kind, x + H, y) - Surfaces.Value(kind, x - H, y)) / (2 * H);
            double fy = (Surfaces.Value(kind, x, y + H) - Surfaces.Value(kind, x, y - H)) / (2 * H);
            double scale = 1 + Math.Abs(gx) + Math.Abs(gy);
            Assert.Equal(gx, fx, tolerance: 1e-7 * scale);
            Assert.Equal(gy, fy, tolerance: 1e-7 * scale);
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void The_Hessian_is_that_of_the_gradient(SurfaceKind kind)
    {
        const double H = 1e-5;
        var (x0, x1, y0, y1) = Surfaces.View(kind);
        var random = new Random(2);
        for (int i = 0; i < 200; i++)
        {
            double x = x0 + (x1 - x0) * random.NextDouble(),
                y = y0 + (y1 - y0) * random.NextDouble();
            var (xx, xy, yy) = Surfaces.Hessian(kind, x, y);
            var (right, left) = (Surfaces.Gradient(kind, x + H, y), Surfaces.Gradient(kind, x - H, y));
            var (up, down) = (Surfaces.Gradient(kind, x, y + H), Surfaces.Gradient(kind, x, y - H));
            double scale = 1 + Math.Abs(xx) + Math.Abs(xy) + Math.Abs(yy);
            Assert.Equal(xx, (right.X - left.X) / (2 * H), tolerance: 1e-6 * scale);
            Assert.Equal(xy, (right.Y - left.Y) / (2 * H), tolerance: 1e-6 * scale);
            Assert.Equal(xy, (up.X - down.X) / (2 * H), tolerance: 1e-6 * scale);
            Assert.Equal(yy, (up.Y - down.Y) / (2 * H), tolerance: 1e-6 * scale);
        }
    }

    [Fact]
    public void Beale_has_its_minimum_0_at_3_and_a_half()
    {
        Assert.Equal(0, Surfaces.Value(SurfaceKind.Beale, 3, 0.5));
        Assert.Equal((0, 0), Surfaces.Gradient(SurfaceKind.Beale, 3, 0.5));
    }

    [Fact]
    public void The_saddle_lies_at_0_between_two_minima()
    {
        Assert.Equal((0, 0), Surfaces.Gradient(SurfaceKind.Saddle, 0, 0));
        foreach (double y in new[] { -Math.Sqrt(2), Math.Sqrt(2) })
        {
            Assert.Equal(-0.5, Surfaces.Value(SurfaceKind.Saddle, 0, y), tolerance: 1e-12);
            Assert.Equal(0, Surfaces.Gradient(SurfaceKind.Saddle, 0, y).Y, tolerance: 1e-12);
        }
    }

    [Fact]
    public void The_left_well_is_the_deeper_one_and_runs_start_on_the_rim_of_the_right_one()
    {
        double left = Bottom(-1),
            right = Bottom(1);
        Assert.True(left < -0.9 && right > 0.8);
        Assert.True(Surfaces.Value(SurfaceKind.DoubleWell, left, 0) < Surfaces.Value(SurfaceKind.DoubleWell, right, 0) - 0.15);
        Assert.True(Surfaces.Start(SurfaceKind.DoubleWell).X > right);

        static double Bottom(double x)
        {
            for (int i = 0; i < 1000; i++)
                x -= 0.1 * Surfaces.Gradient(SurfaceKind.DoubleWell, x, 0).X;
            return x;
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Every_start_lies_in_view_and_every_formula_is_written_down(SurfaceKind kind)
    {
        var (x, y) = Surfaces.Start(kind);
        var (x0, x1, y0, y1) = Surfaces.View(kind);
        Assert.True(x > x0 && x < x1 && y > y0 && y < y1);
        Assert.Contains("²", Surfaces.Describe(kind));
    }
}
