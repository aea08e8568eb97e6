using System.Text.Json;

namespace BatchViz.Training.Tests;

public class LandscapeFileTests
{
    [Theory]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    [InlineData(double.NegativeInfinity)]
    [InlineData(1e308)]
    [InlineData(-0.0)]
    [InlineData(double.Epsilon)]
    public void The_head_keeps_every_number(double number)
    {
        var head = new LandscapeFile.HeadJson(
            1,
            2,
            "pca",
            "a plane",
            number,
            number,
            [number, number, number, number],
            9,
            7,
            1,
            new PlaneOrigin(["b1-s1"], [7], [number, number])
        );

        byte[] json = JsonSerializer.SerializeToUtf8Bytes(head, LandscapeContext.Default.HeadJson);

        using (JsonDocument.Parse(json)) { }
        var read = JsonSerializer.Deserialize(json, LandscapeContext.Default.HeadJson)!;
        Assert.Equal([.. Bits(head)], [.. Bits(read)]);
    }

    private static IEnumerable<long> Bits(LandscapeFile.HeadJson head) =>
        new[] { head.Explained!.Value, head.ExplainedByRandomWalk!.Value }
            .Concat(head.Region)
            .Concat(head.Origin!.Eigenvalues!)
            .Select(BitConverter.DoubleToInt64Bits);
}
