using BatchViz.Core.Data;
using BatchViz.Core.Specs;

namespace BatchViz.Core.Tests.Data;

public class GeneratorsTests
{
    public static TheoryData<DataKind> Flat => [DataKind.Circles, DataKind.Xor, DataKind.Gaussians, DataKind.Spirals, DataKind.Moons];

    public static TheoryData<DataKind> Shifted => [DataKind.DoubleWell, DataKind.Saddle, DataKind.Beale];

    [Theory]
    [MemberData(nameof(Flat))]
    public void Two_dimensional_sets_are_balanced_and_repeat_themselves(DataKind kind)
    {
        var (set, again) = (Make(kind, 400), Make(kind, 400));
        Assert.Equal((DataTask.Classification, 2, 2, 400, 500), (set.Task, set.Inputs, set.Outputs, set.Train.Count, set.Test!.Count));
        foreach (var split in new[] { Split.Train, Split.Test })
        {
            Assert.Equal(set.Of(split).Count / 2, set.Of(split).Labels!.Sum());
            Assert.Equal(set.Of(split).Floats, again.Of(split).Floats);
            Assert.Equal(set.Of(split).Labels, again.Of(split).Labels);
        }
        Assert.NotEqual(set.Train.Floats!.Take(50), set.Test!.Floats!.Take(50));
        Assert.NotEqual(set.Train.Floats, Make(kind, 400, seed: 2).Train.Floats);
    }

    [Theory]
    [MemberData(nameof(Flat))]
    public void A_point_does_not_depend_on_how_many_there_are(DataKind kind) =>
        Assert.Equal(Make(kind, 10).Train.Floats, Make(kind, 1000).Train.Floats!.Take(20));

    [Theory]
    [MemberData(nameof(Flat))]
    public void Noise_is_the_deviation_of_each_coordinate(DataKind kind)
    {
        var (clean, noisy) = (Make(kind, 4000, noise: 0).Train.Floats!, Make(kind, 4000, noise: 0.3).Train.Floats!);
        double[] off = [.. clean.Zip(noisy, (a, b) => (double)(b - a))];
        Assert.InRange(off.Average(), -0.014, 0.014);
        Assert.InRange(Math.Sqrt(off.Average(d => d * d)), 0.29, 0.31);
        double correlation = Enumerable.Range(0, 4000).Average(i => off[2 * i] * off[2 * i + 1]) / 0.09;
        Assert.InRange(correlation, -0.065, 0.065);
    }

    [Fact]
    public void Xor_fills_all_four_quadrants_evenly_and_its_label_is_their_sign()
    {
        var set = Make(DataKind.Xor, 4000, noise: 0).Train;
        var quadrants = new int[4];
        for (int i = 0; i < 4000; i++)
        {
            float x = set.Floats![2 * i],
                y = set.Floats[2 * i + 1];
            Assert.InRange(Math.Abs(x), 0.08f, 1f);
            Assert.InRange(Math.Abs(y), 0.08f, 1f);
            Assert.Equal(x * y < 0 ? 1 : 0, set.Labels![i]);
            quadrants[(x > 0 ? 1 : 0) + (y > 0 ? 2 : 0)]++;
        }
        Assert.All(quadrants, q => Assert.InRange(q, 880, 1120));
        Assert.InRange(
            Enumerable.Range(0, 4000).Average(i => Math.Abs(set.Floats![2 * i]) * Math.Abs(set.Floats[2 * i + 1])),
            0.54 * 0.54 - 0.012,
            0.54 * 0.54 + 0.012
        );
    }

    [Fact]
    public void Without_noise_circles_spirals_and_moons_have_their_shapes()
    {
        var circles = Make(DataKind.Circles, 500, noise: 0).Train;
        for (int i = 0; i < 500; i++)
        {
            double r = Math.Sqrt(Math.Pow(circles.Floats![2 * i], 2) + Math.Pow(circles.Floats[2 * i + 1], 2));
            if (circles.Labels![i] == 1)
                Assert.InRange(r, 0, 0.5001);
            else
                Assert.InRange(r, 0.8999, 1.2001);
        }
        var moons = Make(DataKind.Moons, 500, noise: 0).Train;
        for (int i = 0; i < 500; i++)
        {
            double sign = moons.Labels![i] == 0 ? 1 : -1,
                x = sign * moons.Floats![2 * i] + 0.5,
                y = sign * moons.Floats[2 * i + 1] + 0.25;
            Assert.Equal(1, x * x + y * y, tolerance: 1e-5);
            Assert.True(y >= -1e-6);
        }
        var spirals = Make(DataKind.Spirals, 500, noise: 0).Train;
        for (int i = 0; i < 500; i++)
        {
            double x = spirals.Floats![2 * i],
                y = spirals.Floats[2 * i + 1],
                r = Math.Sqrt(x * x + y * y);
            double turn = Math.Atan2(x, y) - 1.75 * Math.Tau * r - spirals.Labels![i] * Math.PI;
            Assert.Equal(1, Math.Cos(turn), tolerance: 1e-4);
        }
    }

    [Fact]
    public void The_least_squares_line_is_near_the_true_one()
    {
        var line = Make(DataKind.Line, 5000);
        Assert.Equal((DataTask.Regression, 1, 1), (line.Task, line.Inputs, line.Outputs));
        float[] x = line.Train.Floats!,
            y = line.Train.Targets!;
        double mx = x.Average(),
            my = y.Average();
        double slope = x.Zip(y, (a, b) => (a - mx) * (b - my)).Sum() / x.Sum(a => (a - mx) * (a - mx)),
            intercept = my - slope * mx;
        Assert.InRange(slope, 1.45, 1.55);
        Assert.InRange(intercept, 0.47, 0.53);
        Assert.All(x, v => Assert.InRange(v, -1f, 1f));
        double residual = Math.Sqrt(x.Zip(y, (a, b) => Math.Pow(b - slope * a - intercept, 2)).Average());
        Assert.InRange(residual, 0.48, 0.52);
    }

    [Theory]
    [MemberData(nameof(Shifted))]
    public void Shifts_of_a_finite_sum_cancel_and_have_their_deviation(DataKind kind)
    {
        var set = Make(kind, 5000, noise: 2);
        Assert.Equal((DataTask.Surface, SpecReader.SurfaceOf(kind), null), (set.Task, set.Surface, set.Test));
        for (int c = 0; c < 2; c++)
        {
            double[] shifts = [.. Enumerable.Range(0, 5000).Select(i => (double)set.Train.Floats![2 * i + c])];
            Assert.Equal(0, shifts.Average(), tolerance: 1e-6);
            Assert.InRange(Math.Sqrt(shifts.Average(s => s * s)), 1.92, 2.08);
        }
    }

    [Fact]
    public void One_example_of_a_surface_is_the_surface() => Assert.Equal([0f, 0f], Make(DataKind.Beale, 1).Train.Floats!);

    private static DataSet Make(DataKind kind, int count, double? noise = null, uint seed = 1) =>
        Generators.Make(
            new DataSpec
            {
                Kind = kind,
                TrainExamples = count,
                Noise = noise,
                Seed = seed,
            }
        );
}
