using BatchViz.Core.Landscapes;

namespace BatchViz.Core.Tests.Landscapes;

public class PrincipalComponentsTests
{
    [Fact]
    public void The_plane_of_a_cloud_is_the_one_that_power_iteration_finds()
    {
        const int n = 30,
            d = 12;
        var points = Cloud(n, d);
        var found = PrincipalComponents.Of(Gram(points), n)!;
        double[][] directions = [Direction(points, found.First), Direction(points, found.Second)];
        double total = points.Sum(p => Dot(p, p)),
            in2 = 0;
        var left = points.Select(p => (double[])p.Clone()).ToArray();
        foreach (var direction in directions)
        {
            Assert.Equal(1, Dot(direction, direction), 10);
            double[] brute = PowerIteration(left, d);
            Assert.Equal(1, Math.Abs(Dot(direction, brute)), 8);
            in2 += left.Sum(p => Math.Pow(Dot(p, brute), 2));
            foreach (var p in left)
            {
                double along = Dot(p, brute);
                for (int i = 0; i < d; i++)
                    p[i] -= along * brute[i];
            }
        }
        Assert.Equal(0, Dot(directions[0], directions[1]), 10);
        Assert.Equal(in2 / total, found.Explained, 8);
    }

    [Fact]
    public void Points_on_a_line_or_at_one_place_span_no_plane()
    {
        Assert.Null(PrincipalComponents.Of(Gram([.. Enumerable.Range(0, 5).Select(i => new double[] { i - 2, 2 * (i - 2) })]), 5));
        Assert.Null(PrincipalComponents.Of(new double[16], 4));
        Assert.Null(PrincipalComponents.Of([1, -1, -1, 1], 2));
        Assert.Null(PrincipalComponents.Of([.. Enumerable.Repeat(double.NaN, 9)], 3));
    }

    [Fact]
    public void A_point_farthest_along_a_direction_lies_on_its_positive_side()
    {
        var found = PrincipalComponents.Of(Gram(Cloud(20, 5)), 20)!;
        Assert.Equal(found.First.Max(Math.Abs), found.First.Max());
        Assert.Equal(found.Second.Max(Math.Abs), found.Second.Max());
    }

    [Fact]
    public void Two_components_of_one_evenly_sampled_random_walk_hold_about_76_percent()
    {
        double share = RandomWalkNull.Explained(
            [
                [.. Enumerable.Repeat(1.0, 119)],
            ],
            [0],
            0,
            100_000,
            seed: 1
        );
        Assert.InRange(share, 0.70, 0.82);
        // In many dimensions the covariance of 120 centred points of a walk has the eigenvalues 1 / (4 sin²(πk/240)), k = 1 … 119.
        double[] values = [.. Enumerable.Range(1, 119).Select(k => 1 / Math.Pow(Math.Sin(Math.PI * k / 240), 2))];
        Assert.Equal((values[0] + values[1]) / values.Sum(), share, tolerance: 0.02);
        Assert.Equal(
            share,
            RandomWalkNull.Explained(
                [
                    [.. Enumerable.Repeat(1.0, 119)],
                ],
                [0],
                0,
                100_000,
                seed: 1
            )
        );
    }

    [Fact]
    public void Runs_that_share_a_start_explain_less_than_one_walk_and_seeds_far_apart_more()
    {
        double[] walk = [.. Enumerable.Repeat(1.0, 24)];
        double Share(int[] starts, double apart) => RandomWalkNull.Explained([.. starts.Select(_ => walk)], starts, apart, 1000, seed: 1);
        double one = Share([0], 0),
            five = Share([0, 0, 0, 0, 0], 0),
            apart = Share([0, 1, 2], 1000);
        Assert.True(five < one - 0.1, $"{five} against {one}");
        Assert.True(apart > 0.99, $"{apart}");
        Assert.Equal(
            1,
            RandomWalkNull.Explained(
                [
                    [0, 0, 0],
                ],
                [0],
                0,
                10,
                seed: 1
            )
        );
    }

    private static double[][] Cloud(int n, int d)
    {
        var random = new Random(3);
        var points = Enumerable
            .Range(0, n)
            .Select(_ => Enumerable.Range(0, d).Select(i => (random.NextDouble() - 0.5) * (d - i)).ToArray())
            .ToArray();
        for (int i = 0; i < d; i++)
        {
            double mean = points.Average(p => p[i]);
            foreach (var p in points)
                p[i] -= mean;
        }
        return points;
    }

    private static double[] Gram(double[][] points) => [.. from a in points from b in points select Dot(a, b)];

    private static double[] Direction(double[][] points, double[] coefficients) =>
        [.. Enumerable.Range(0, points[0].Length).Select(i => points.Zip(coefficients, (p, c) => c * p[i]).Sum())];

    private static double[] PowerIteration(double[][] points, int d)
    {
        double[] v = [.. Enumerable.Range(0, d).Select(i => 1.0 + i)];
        for (int step = 0; step < 3000; step++)
        {
            var next = new double[d];
            foreach (var p in points)
            {
                double along = Dot(p, v);
                for (int i = 0; i < d; i++)
                    next[i] += along * p[i];
            }
            double norm = Math.Sqrt(Dot(next, next));
            for (int i = 0; i < d; i++)
                v[i] = next[i] / norm;
        }
        return v;
    }

    private static double Dot(double[] a, double[] b) => a.Zip(b, (x, y) => x * y).Sum();
}
