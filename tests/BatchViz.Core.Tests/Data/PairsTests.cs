using BatchViz.Core.Data;
using BatchViz.Core.Specs;

namespace BatchViz.Core.Tests.Data;

/// <summary>Two views of each example, [view A | view B].</summary>
public class PairsTests
{
    private const int Rows = 8,
        Columns = 6,
        Pixels = Rows * Columns;

    [Fact]
    public void Without_augmentation_both_views_are_the_example()
    {
        foreach (var of in Pairs.Bases.Where(of => SpecReader.IsGenerated(of.Value)))
        {
            var spec = new DataSpec
            {
                Kind = DataKind.Pairs,
                Base = of.Value,
                TrainExamples = 30,
                TestExamples = 20,
                Augmentation = 0,
            };
            var set = Load(spec);
            var single = Load(
                new DataSpec
                {
                    Kind = of.Value,
                    TrainExamples = 30,
                    TestExamples = 20,
                }
            );
            Assert.Equal((4, 2, 30, 20), (set.Inputs, set.Views, set.Train.Count, set.Test!.Count));
            Assert.Equal(single.Train.Labels, set.Train.Labels);
            for (int i = 0; i < 30; i++)
            {
                float[] point = single.Train.Floats![(2 * i)..(2 * i + 2)];
                Assert.Equal([.. point, .. point], set.Train.Floats![(4 * i)..(4 * i + 4)]);
            }
        }
    }

    [Fact]
    public void Views_are_a_function_of_seed_split_and_index_alone()
    {
        var spec = new DataSpec
        {
            Kind = DataKind.Pairs,
            Base = DataKind.Moons,
            TrainExamples = 40,
        };
        var set = Load(spec);
        Assert.Equal(set.Fingerprint(), Load(spec).Fingerprint());
        Assert.NotEqual(set.Fingerprint(), Load(spec with { Seed = 2 }).Fingerprint());
        Assert.Equal(set.Train.Floats![..80], Load(spec with { TrainExamples = 20 }).Train.Floats!);
        // Views of one example differ, by the jitter and no more: its standard deviation is 0.1 at half strength.
        double square = 0;
        for (int i = 0; i < 160; i += 4)
        {
            Assert.NotEqual(set.Train.Floats![i..(i + 2)], set.Train.Floats![(i + 2)..(i + 4)]);
            square += Math.Pow(set.Train.Floats![i] - set.Train.Floats![i + 2], 2);
        }
        Assert.InRange(Math.Sqrt(square / 40), 0.09, 0.2);
    }

    [Fact]
    public void Images_are_moved_blotted_and_shaded_and_nothing_else()
    {
        var images = Images();
        var set = Pairs.Make(
            images,
            new DataSpec
            {
                Kind = DataKind.Pairs,
                Base = DataKind.Mnist,
                Augmentation = 1,
            }
        );
        Assert.Equal((2 * Pixels, (Rows, Columns)), (set.Inputs, set.Image!.Value));
        int moved = 0,
            blotted = 0,
            mirrored = 0;
        for (int v = 0; v < 2 * images.Train.Count; v++)
        {
            var view = set.Train.Bytes.AsSpan(v * Pixels, Pixels).ToArray();
            byte[] example = images.Train.Bytes![(v / 2 * Pixels)..(v / 2 * Pixels + Pixels)];
            // Each pixel that is left is one of the example's, at one and the same distance, times one and the same factor.
            var fitting = (
                from down in new[] { -1, 0, 1 }
                from right in new[] { -1, 0, 1 }
                where Fits(view, example, down, right)
                select (down, right)
            ).ToArray();
            Assert.NotEmpty(fitting);
            if (!fitting.Contains((0, 0)))
                moved++;
            if (view.Count(p => p == 0) >= 9)
                blotted++;
        }
        Assert.True(moved > 10 && blotted == 2 * images.Train.Count, $"{moved} moved, {blotted} blotted");

        var flipped = Pairs.Make(
            images,
            new DataSpec
            {
                Kind = DataKind.Pairs,
                Base = DataKind.FashionMnist,
                Augmentation = 1,
            }
        );
        for (int v = 0; v < 2 * images.Train.Count; v++)
        {
            byte[] view = [.. flipped.Train.Bytes.AsSpan(v * Pixels, Pixels).ToArray().Chunk(Columns).SelectMany(row => row.Reverse())];
            byte[] example = images.Train.Bytes![(v / 2 * Pixels)..(v / 2 * Pixels + Pixels)];
            if (
                (from down in new[] { -1, 0, 1 } from right in new[] { -1, 0, 1 } select Fits(view, example, down, right)).Any(fits => fits)
            )
                mirrored++;
        }
        Assert.InRange(mirrored, 10, 2 * images.Train.Count - 10);
    }

    private static bool Fits(byte[] view, byte[] example, int down, int right)
    {
        double least = 0,
            most = 2;
        for (int y = 0; y < Rows; y++)
        {
            for (int x = 0; x < Columns; x++)
            {
                byte seen = view[y * Columns + x];
                if (seen == 0)
                    continue;
                int row = y - down,
                    column = x - right;
                if (row < 0 || row >= Rows || column < 0 || column >= Columns)
                    return false;
                double from = example[row * Columns + column];
                (least, most) = (Math.Max(least, (seen - 0.51) / from), seen == 255 ? most : Math.Min(most, (seen + 0.51) / from));
            }
        }
        return least <= most;
    }

    /// <summary>Pixels that differ from their neighbours, none of them 0.</summary>
    private static DataSet Images()
    {
        byte[] bytes = [.. Enumerable.Range(0, 20 * Pixels).Select(i => (byte)(20 + i * 37 % 150 + i / Pixels))];
        var split = new DataSplit
        {
            Count = 20,
            Inputs = Pixels,
            Bytes = bytes,
            Scale = 1f / 255,
            Labels = new int[20],
        };
        return new DataSet("images", DataTask.Classification, Pixels, 2, split, null) { Image = (Rows, Columns) };
    }

    private static DataSet Load(DataSpec spec) => DataSource.Load(spec, name => throw new FileNotFoundException(name));
}
