using BatchViz.Core.Engines;

namespace BatchViz.Core.Tests;

public class RecordLayoutTests
{
    private static readonly RecordLayout Full = new(3, searches: true);

    [Fact]
    public void Every_column_has_a_name_of_its_own_and_words_in_both_languages()
    {
        ColumnInfo[] columns = [.. Full.Columns, RecordLayout.Seconds];

        Assert.Equal(columns.Length, columns.DistinctBy(column => column.Name).Count());
        Assert.All(
            columns,
            column =>
            {
                Assert.NotEmpty(column.English.Label);
                Assert.NotEmpty(column.English.Description);
                Assert.DoesNotContain(column.English.Label + column.English.Description, IsHan);
                Assert.Contains(column.Chinese.Label, IsHan);
                Assert.Contains(column.Chinese.Description, IsHan);
            }
        );

        static bool IsHan(char letter) => letter is >= '\u4e00' and <= '\u9fff';
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_came_later_stands_behind_everything_that_recordings_of_earlier_builds_have(bool searches)
    {
        RecordLayout now = new(3, searches),
            then = new(3, searches, recorded: []);

        Assert.Equal(then.Columns.Select(column => column.Name), now.Columns.Take(then.Width).Select(column => column.Name));
        Assert.Equal(then.Width + RecordLayout.Later.Count, now.Width);
        Assert.Equal(-1, then.GradientInfinityNorm);
        Assert.Equal("gradientInfinityNorm", now.Columns[now.GradientInfinityNorm].Name);
        Assert.All(RecordLayout.Later, column => Assert.True(now.IndexOf(column.Name) >= then.Width));
    }

    [Fact]
    public void Indices_are_those_of_the_columns_that_they_name()
    {
        Assert.Equal("loss", Full.Columns[RecordLayout.Loss].Name);
        Assert.Equal("noiseScale", Full.Columns[RecordLayout.NoiseScale].Name);
        Assert.Equal("gradientShare0", Full.Columns[RecordLayout.Histogram].Name);
        Assert.Equal("gradientNorm3", Full.Columns[RecordLayout.LayerGradientNorm(2)].Name);
        Assert.Equal(
            ["flops", "stepLength", "gradients", "forwards", "skipped", "fallbacks"],
            new[] { Full.Flops, Full.StepLength, Full.Gradients, Full.Forwards, Full.Skipped, Full.Fallbacks }.Select(c =>
                Full.Columns[c].Name
            )
        );
        Assert.Equal(
            ["updateNorm", "updateRatio", "noiseScale", "stepLength"],
            Full.Columns.Where(column => column.OfStep).Select(column => column.Name)
        );
    }
}
