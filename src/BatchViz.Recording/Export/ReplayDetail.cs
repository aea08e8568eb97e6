using BatchViz.Telemetry.Wire;

namespace BatchViz.Recording.Export;

/// <summary>
/// The tiles that go into a file. Each run is covered whole at one level, so that its curves have no gap: first coarsely in all
/// columns, then finer level by level while the file has room, and first in the columns that charts are drawn from.
/// </summary>
internal sealed class ReplayDetail
{
    /// <summary>Buckets of a run that a file has at least, or every update where there are fewer.</summary>
    private const int Coarsest = 64;

    private readonly ReplaySource source;
    private readonly List<Row> rows = [];

    /// <summary>One run's tiles of some columns, all of one level.</summary>
    private sealed class Row(int run, int[] columns, long updates)
    {
        public int Run { get; } = run;

        public int[] Columns { get; } = columns;

        public long Updates { get; } = updates;

        public int Level { get; private set; }

        public List<byte[]> Tiles { get; private set; } = [];

        public long Size { get; private set; }

        public void Take(int level, List<byte[]> tiles) => (Level, Tiles, Size) = (level, tiles, tiles.Sum(tile => (long)tile.Length));
    }

    /// <param name="room">Bytes for the tiles.</param>
    public ReplayDetail(ReplaySource source, long room)
    {
        (this.source, Room) = (source, room);
        var updates = source.Outline.Updates;
        var live = source.Outline.LiveColumns.Select((live, index) => (Index: index, Live: live)).ToLookup(c => c.Live, c => c.Index);
        Row[] drawn = Rows(live[true]),
            others = Rows(live[false]);
        foreach (var row in drawn)
            Begin(row, long.MaxValue);
        foreach (var row in others)
            Begin(row, Room);
        Refine(drawn);
        Refine(others);

        Row[] Rows(IEnumerable<int> columns) =>
            !columns.Any() ? [] : [.. updates.Select((made, index) => new Row(index, [.. columns], made)).Where(row => row.Updates > 0)];
    }

    /// <summary>Bytes that are left; fewer than none when even the coarsest detail takes more.</summary>
    public long Room { get; private set; }

    /// <summary>The tiles as elements of the page.</summary>
    public IEnumerable<byte[]> Tiles => rows.SelectMany(row => row.Tiles);

    private void Begin(Row row, long atMost)
    {
        int level = 0;
        while (row.Updates >> (2 * level) > Coarsest)
            level++;
        if (Pack(row, level, atMost) is not { } tiles)
            return;
        row.Take(level, tiles);
        rows.Add(row);
        Room -= row.Size;
    }

    /// <summary>
    /// The row with the fewest buckets is refined next, so that runs of many and of few updates look alike on one axis; a row whose
    /// next level does not fit stays as it is.
    /// </summary>
    private void Refine(Row[] some)
    {
        var open = some.Where(rows.Contains).ToList();
        while (open.Count > 0)
        {
            var row = open.MinBy(r => r.Updates >> (2 * r.Level))!;
            if (row.Level == 0 || Pack(row, row.Level - 1, Room + row.Size) is not { } tiles)
            {
                open.Remove(row);
                continue;
            }
            Room += row.Size;
            row.Take(row.Level - 1, tiles);
            Room -= row.Size;
        }
    }

    /// <summary>The row at a level, or null as soon as it takes more than so many bytes, or a tile is not to be had.</summary>
    private List<byte[]>? Pack(Row row, int level, long atMost)
    {
        var tiles = new List<byte[]>();
        long size = 0,
            span = (long)Blocks.TileBuckets << (2 * level);
        for (long index = 0; index * span < row.Updates; index++)
        {
            if (source.Tile(row.Run, row.Columns, level, index) is not { } block)
                return null;
            byte[] tile = HtmlReplay.Pack(block);
            if ((size += tile.Length) > atMost)
                return null;
            tiles.Add(tile);
        }
        return tiles;
    }
}
