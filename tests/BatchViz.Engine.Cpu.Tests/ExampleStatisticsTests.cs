using BatchViz.Core.Engines;
using BatchViz.Core.Specs;

namespace BatchViz.Engine.Cpu.Tests;

/// <summary>Statistics of single examples can be left out, for measuring what they cost.</summary>
public class ExampleStatisticsTests
{
    private static readonly int[] OfExamples =
    [
        RecordLayout.ExampleNormMean,
        RecordLayout.ExampleNormMin,
        RecordLayout.ExampleNormMax,
        RecordLayout.GradientVariance,
        RecordLayout.NoiseScale,
    ];

    [Theory]
    [InlineData(1)]
    [InlineData(32)]
    [InlineData(200)]
    public void LeavingThemOutChangesTheirColumnsAndNothingElse(int batch)
    {
        var set = Sets.Images();
        using var with = new CpuEngine();
        using var without = new CpuEngine { ExampleStatistics = false };
        using var data = with.Load(set);
        var spec = Sets.Spec(Sets.Net(set, LossKind.CrossEntropy, [32]), batch);
        using var measuring = with.CreateBundle(data, spec);
        using var training = without.CreateBundle(data, spec);
        RecordBlock measured = measuring.Block(5),
            left = training.Block(5);
        measuring.Advance(5, measured);
        training.Advance(5, left);

        Assert.Equal(Vectors.Bits(measuring.Weights()), Vectors.Bits(training.Weights()));
        for (int row = 0; row < 5; row++)
        {
            for (int c = 0; c < measuring.Layout.Width; c++)
            {
                float full = measured.Row(0, row)[c],
                    less = left.Row(0, row)[c];
                if (OfExamples.Contains(c))
                    Assert.Equal(float.NaN, less);
                else
                    Assert.Equal(BitConverter.SingleToInt32Bits(full), BitConverter.SingleToInt32Bits(less));
            }
            Assert.True(measured.Row(0, row)[RecordLayout.ExampleNormMean] > 0);
        }
    }
}
