using System.Text.Json.Nodes;
using BatchViz.Components.Library;
using BatchViz.Live;

namespace BatchViz.Tests;

public class RecordingPictureTests
{
    /// <summary>
    /// The fixture is computed from the ramp by a script of its own; the page's script is held to it, too (runs.test.ts).
    /// </summary>
    [Fact]
    public void Colours_are_those_of_the_page()
    {
        var cases = JsonNode.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "fixtures", "colours.json")))!.AsArray();
        Assert.NotEmpty(cases);
        foreach (var experiment in cases)
        {
            long[] Sizes(string key) => [.. experiment![key]!.AsArray().Select(size => size!.GetValue<long>())];
            var colours = new RunColours(Sizes("batchSizes").Reverse(), Sizes("forks"));
            foreach (var expected in experiment!["colours"]!.AsArray())
            {
                long size = expected!["batchSize"]!.GetValue<long>();
                var (dark, light) = (expected["dark"]!.GetValue<string>(), expected["light"]!.GetValue<string>());
                Assert.Equal((size, dark, light), (size, colours.Of(size, dark: true), colours.Of(size, dark: false)));
                Assert.Equal($"light-dark({light}, {dark})", colours.Of(size));
            }
        }
    }

    [Fact]
    public void Outlines_close_around_what_lies_below_a_level_and_run_the_other_way_around_holes()
    {
        const int n = 41;
        var values = new float[n * n];
        for (int y = 0; y < n; y++)
        for (int x = 0; x < n; x++)
            values[y * n + x] = MathF.Abs(MathF.Sqrt((x - 20) * (x - 20) + (y - 20) * (y - 20)) - 10);

        var outlines = Contours.Below(values, n, 4);

        double[] areas = [.. outlines.Select(Area).Order()];
        Assert.Equal(2, areas.Length);
        Assert.InRange(areas[0], -Math.PI * 36 * 1.02, -Math.PI * 36 * 0.98);
        Assert.InRange(areas[1], Math.PI * 196 * 0.99, Math.PI * 196 * 1.01);
    }

    [Fact]
    public void A_level_above_everything_is_outlined_by_the_grid_and_what_is_not_finite_is_left_out()
    {
        var values = new float[25];
        Assert.Equal(16, Area(Assert.Single(Contours.Below(values, 5, 1))), 9);
        values[12] = float.NaN;
        values[0] = float.PositiveInfinity;
        Assert.Equal(2, Contours.Below(values, 5, 1).Count);
        Assert.Empty(Contours.Below(values, 5, -1));
    }

    [Theory]
    [InlineData(0, "0 B")]
    [InlineData(999, "999 B")]
    [InlineData(1000, "1 kB")]
    [InlineData(203_277, "203 kB")]
    [InlineData(1_320_000, "1.32 MB")]
    [InlineData(999_600, "1 MB")]
    [InlineData(70_300_000, "70.3 MB")]
    [InlineData(5_000_000_000_000_000, "5000 TB")]
    public void Sizes_have_three_digits(long bytes, string expected) => Assert.Equal(expected, Sizes.Of(bytes));

    private static double Area(List<(double X, double Y)> outline) =>
        outline.Select((p, i) => outline[(i + 1) % outline.Count] is var q ? (p.X * q.Y - q.X * p.Y) / 2 : 0).Sum();
}
