using BatchViz.Core.Data;
using BatchViz.Core.Specs;
using static BatchViz.Core.Tests.Specs.Texts;

namespace BatchViz.Core.Tests.Data;

/// <summary>A stream whose boundary turns as it goes by.</summary>
public class DriftTests
{
    [Fact]
    public void Classes_are_the_sides_of_a_line_that_turns()
    {
        var set = Generators.Make(
            new DataSpec
            {
                Kind = DataKind.Drift,
                TrainExamples = 1000,
                TestExamples = 250,
                Turns = 0.5,
                Noise = 0,
            }
        );
        Assert.True(set.Stream);
        foreach (var (split, first) in new[] { (set.Train, 0), (set.Test!, 1000) })
        {
            for (int i = 0; i < split.Count; i++)
            {
                double angle = Math.PI * (first + i) / 1000,
                    side = split.Floats![2 * i] * Math.Cos(angle) + split.Floats[2 * i + 1] * Math.Sin(angle);
                if (Math.Abs(side) > 1e-6)
                    Assert.Equal(side > 0 ? 1 : 0, split.Labels![i]);
            }
        }
        // After half a turn both sides have changed places.
        Assert.True(Agreement(set.Train, 0, 100) > 0.9 && Agreement(set.Train, 900, 100) < 0.1);
        Assert.InRange(Agreement(set.Train, 450, 100), 0.3, 0.7);
    }

    [Fact]
    public void A_longer_stream_begins_with_the_same_points()
    {
        float[] first = Generators.Make(new DataSpec { Kind = DataKind.Drift, TrainExamples = 50 }).Train.Floats!;
        Assert.Equal(first, Generators.Make(new DataSpec { Kind = DataKind.Drift, TrainExamples = 80 }).Train.Floats![..100]);
    }

    [Fact]
    public void The_order_is_the_streams_own_and_it_goes_by_once()
    {
        string stream = With(
            ("data", "{ \"kind\": \"drift\", \"trainExamples\": 100 }"),
            ("batchSizes", "[8]"),
            ("budget", "{ \"epochs\": 1 }")
        );
        Assert.Equal(SampleOrder.Sequential, Read(stream).Sampler.Order);
        Assert.Equal(
            "\"sampler.order\" is \"shuffle\", but the data \"drift\" is a stream; it must be \"sequential\" (or left out).",
            Refusal(stream.Replace("\"budget\"", "\"sampler\": { \"order\": \"shuffle\" }, \"budget\""))
        );
        Assert.Equal(13, Resolve(stream).Runs[0].TotalUpdates);
        Assert.Equal(
            "\"budget\" takes 200 examples, but Drift is a stream of 100 that goes by once; make \"data.trainExamples\" larger.",
            Refusal(() => Resolve(stream.Replace("\"epochs\": 1", "\"epochs\": 2")))
        );
        Assert.StartsWith(
            "\"budget.seconds\" cannot go with Drift",
            Refusal(() => Resolve(stream.Replace("\"epochs\": 1", "\"seconds\": 1")))
        );
    }

    /// <summary>Share of the points whose class is that of the line before it turned.</summary>
    private static double Agreement(DataSplit split, int first, int count) =>
        Enumerable.Range(first, count).Average(i => (split.Floats![2 * i] > 0) == (split.Labels![i] == 1) ? 1.0 : 0);

    private static ExperimentPlan Resolve(string text)
    {
        var spec = Read(text);
        return SpecResolver.Resolve(spec, DataSource.Load(spec.Data, name => throw new FileNotFoundException(name)));
    }
}
