namespace BatchViz.Training.Tests;

/// <summary>How far a record that was made once more is from what was recorded.</summary>
public class RecordDifferenceTests
{
    [Theory]
    [InlineData(3.2e-4f, 0f, 3.2e-4, 1)]
    [InlineData(0f, 3.2e-4f, 3.2e-4, 1)]
    [InlineData(1.5f, 1f, 0.5, 1 / 3.0)]
    [InlineData(-1f, 1f, 2, 2)]
    [InlineData(3e38f, -3e38f, 6e38, 2)]
    [InlineData(float.PositiveInfinity, 1f, double.PositiveInfinity, double.PositiveInfinity)]
    [InlineData(float.NaN, 0f, double.NaN, double.PositiveInfinity)]
    public void A_recorded_0_is_divided_by_nowhere(float now, float recorded, double absolute, double relative)
    {
        var difference = Assert.NotNull(RecordDifference.Of([1, now], [1, recorded]));

        Assert.Equal(1, difference.Column);
        Assert.Equal(absolute, difference.Absolute, new Close());
        Assert.Equal(relative, difference.Relative, new Close());
    }

    [Fact]
    public void Of_several_the_relatively_largest_is_told_and_of_none_nothing()
    {
        Assert.Equal(2, RecordDifference.Of([1000, 1, 0.02f], [1001, 1, 0.01f])!.Value.Column);
        Assert.Null(RecordDifference.Of([1, float.NaN], [1, float.NaN]));
    }

    private sealed class Close : IEqualityComparer<double>
    {
        public bool Equals(double a, double b) => a.Equals(b) || Math.Abs(a - b) <= 1e-6 * Math.Abs(b);

        public int GetHashCode(double value) => 0;
    }
}
