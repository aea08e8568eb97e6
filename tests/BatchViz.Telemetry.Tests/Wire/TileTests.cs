using BatchViz.Telemetry.Wire;

namespace BatchViz.Telemetry.Tests.Wire;

public class TileTests
{
    private static readonly int[] Columns = [0, 6];

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(3)]
    public void Tiles_of_a_level_hold_the_whole_log(int level)
    {
        var random = new Random(1);
        var log = Logs.New();
        Logs.Append(log, 9_999, (c, r) => Logs.Value(random));
        long span = 1024L << (2 * level),
            at = 0;
        for (int index = 0; at < log.Count; index++)
        {
            var (bytes, whole, _) = Blocks.Tile(3, 5, log, Columns, level, index)!.Value;
            var tile = Decoder.Tile(bytes!);
            Assert.Equal((level, 3u, 5, (uint)index, at), (tile.Level, tile.Generation, tile.Run, tile.Index, tile.From));
            Assert.Equal(Math.Min(at + span, log.Count), tile.To);
            Assert.Equal((tile.To == at + span, whole), (whole, tile.Whole));
            Assert.True(tile.Segments.All(s => s.Level <= level));
            foreach (var segment in tile.Segments)
                for (int c = 0; c < 2; c++)
                for (int i = 0; i < segment.Count; i++)
                    Assert.Equal(Logs.At(log, Columns[c], segment.Level, segment.First + i), segment.Columns[c][i]);
            at = tile.To;
        }
        Assert.Null(Blocks.Tile(3, 5, log, Columns, level, (at + span - 1) / span));
    }

    [Fact]
    public void The_last_tile_is_whole_once_the_run_has_ended()
    {
        var log = Logs.New();
        Logs.Append(log, 1030, (c, r) => r);
        Assert.Equal(
            (true, false),
            (Blocks.Tile(1, 0, log, Columns, 0, 0)!.Value.Whole, Blocks.Tile(1, 0, log, Columns, 0, 1)!.Value.Whole)
        );
        log.Enter(RunState.Stopped);
        var (bytes, whole, _) = Blocks.Tile(1, 0, log, Columns, 0, 1)!.Value;
        Assert.True(whole);
        Assert.Equal((true, 1024L, 1030L), (Decoder.Tile(bytes!).Whole, Decoder.Tile(bytes!).From, Decoder.Tile(bytes!).To));
    }

    [Fact]
    public void The_ragged_end_of_a_tile_is_split_into_finer_buckets()
    {
        var log = Logs.New();
        Logs.Append(log, 4096 + 16 + 4 + 3, (c, r) => r);
        var tile = Decoder.Tile(Blocks.Tile(1, 0, log, Columns, 2, 0)!.Value.Bytes!);
        Assert.Equal([(2, 257), (1, 1), (0, 3)], tile.Segments.Select(s => (s.Level, s.Count)));
    }

    [Fact]
    public void A_tile_of_records_that_are_gone_says_which_they_are_and_is_the_same_once_they_are_recomputed()
    {
        var random = new Random(1);
        var log = Logs.New();
        float[] values = [.. Enumerable.Range(0, 60_000).Select(_ => Logs.Value(random))];
        Logs.Append(log, values.Length, (c, r) => values[r] + c);
        var gone = Blocks.Tile(1, 0, log, Columns, 1, 2)!.Value;
        Assert.Null(gone.Bytes);
        Assert.Equal((8192L, 4096L), gone.Missing);
        var rows = new float[4096 * log.Stride];
        for (int r = 0; r < 4096; r++)
        for (int c = 0; c < log.ColumnCount; c++)
            rows[r * log.Stride + c] = values[8192 + r] + c;
        var tile = Decoder.Tile(Blocks.Tile(1, 0, log, Columns, 1, 2, new RecordWindow(8192, 4096, rows))!.Value.Bytes!);
        for (int i = 0; i < 1024; i++)
            Assert.Equal(
                Logs.Brute([.. Enumerable.Range(8192 + 4 * i, 4).Select(r => values[r] + Columns[1])]),
                tile.Segments.Single().Columns[1][i]
            );
    }

    [Fact]
    public void A_log_without_records_has_one_empty_tile()
    {
        var tile = Decoder.Tile(Blocks.Tile(1, 0, Logs.New(), Columns, 0, 0)!.Value.Bytes!);
        Assert.Equal((0L, 0L, false, 0), (tile.From, tile.To, tile.Whole, tile.Segments.Length));
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(0, long.MaxValue)]
    [InlineData(0, -1)]
    [InlineData(15, 8_388_608)]
    [InlineData(15, 1)]
    [InlineData(16, 0)]
    [InlineData(-1, 0)]
    public void There_is_no_tile_beyond_the_head_or_the_pyramid(int level, long index)
    {
        var log = Logs.New();
        Logs.Append(log, 1024, (c, r) => r);
        Assert.Null(Blocks.Tile(1, 0, log, Columns, level, index));
    }

    [Fact]
    public void Evaluations_paths_and_grids_hold_their_numbers()
    {
        var evaluations = new AppendOnly<EvaluationPoint>();
        var path = new AppendOnly<PathPoint>();
        for (uint i = 0; i < 5000; i++)
        {
            evaluations.Add(new EvaluationPoint(i, i, -1, float.NaN, 2));
            path.Add(new PathPoint(i, 1, i, float.PositiveInfinity, 0));
        }
        var list = Decoder.List(Blocks.Evaluations(4, 2, evaluations), "BVE1");
        Assert.Equal((2, 4u, 0u, 5000), (list.Run, list.Generation, list.Plane, list.Entries.Length));
        Assert.Equal(new Entry(4999, 4999, -1, float.NaN, 2), list.Entries[^1]);
        list = Decoder.List(Blocks.Paths(4, 9, 2, path), "BVP1");
        Assert.Equal((2, 4u, 9u), (list.Run, list.Generation, list.Plane));
        Assert.Equal(new Entry(4999, 1, 4999, float.PositiveInfinity, 0), list.Entries[^1]);
        var grid = Decoder.Grid(Blocks.Grid(4, 9, 1, 2, -1, 1, -2, 2, [1, 2, float.PositiveInfinity, float.NaN]));
        Assert.Equal((2, 4u, 9u, 1u), (grid.Resolution, grid.Generation, grid.Plane, grid.Grid));
        Assert.Equal([-1, 1, -2, 2, 1, 2, float.PositiveInfinity, float.NaN], grid.Region.Concat(grid.Values));
    }
}
