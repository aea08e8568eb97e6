namespace BatchViz.Telemetry.Tests.Wire;

internal sealed record SegmentBlock(int Level, long First, Bucket[][] Columns)
{
    public int Count => Columns[0].Length;
}

internal sealed record Entry(uint Update, float A, float B, float C, float D);

internal sealed record RunBlock(
    int Run,
    RunState State,
    long From,
    long To,
    uint FirstEvaluation,
    uint FirstPoint,
    SegmentBlock[] Segments,
    Entry[] Evaluations,
    Entry[] Points
);

internal sealed record FrameBlock(
    bool Held,
    bool Finished,
    uint Sequence,
    uint Generation,
    uint Revision,
    uint Plane,
    uint Grid,
    int Resolution,
    int Watching,
    double Seconds,
    int[] Columns,
    RunBlock[] Runs
);

internal sealed record TileBlock(
    int Level,
    bool Whole,
    uint Generation,
    int Run,
    uint Index,
    long From,
    long To,
    int[] Columns,
    SegmentBlock[] Segments
);

internal sealed record ListBlock(int Run, uint Generation, uint Plane, Entry[] Entries);

internal sealed record GridBlock(int Resolution, uint Generation, uint Plane, uint Grid, float[] Region, float[] Values);

/// <summary>A plain reader of docs/wire-format.md, written from that page and not from the encoder. Every byte must be used.</summary>
internal sealed class Decoder(byte[] bytes)
{
    private readonly BinaryReader reader = new(new MemoryStream(bytes));

    public static FrameBlock Frame(byte[] bytes)
    {
        var d = new Decoder(bytes);
        d.Magic("BVF1");
        int flags = d.reader.ReadUInt16();
        Assert.Equal(0, flags & ~3);
        var (sequence, generation, revision, plane, grid) = (d.U32(), d.U32(), d.U32(), d.U32(), d.U32());
        int resolution = d.reader.ReadUInt16(),
            watching = d.reader.ReadUInt16();
        double seconds = d.reader.ReadDouble();
        int runs = d.reader.ReadUInt16();
        int[] columns = d.Columns(d.reader.ReadUInt16());
        var frame = new FrameBlock(
            (flags & 1) != 0,
            (flags & 2) != 0,
            sequence,
            generation,
            revision,
            plane,
            grid,
            resolution,
            watching,
            seconds,
            columns,
            [.. Enumerable.Range(0, runs).Select(_ => d.Run(columns.Length))]
        );
        d.End();
        return frame;
    }

    public static TileBlock Tile(byte[] bytes)
    {
        var d = new Decoder(bytes);
        d.Magic("BVT1");
        int level = d.reader.ReadByte(),
            flags = d.reader.ReadByte();
        uint generation = d.U32();
        int run = d.reader.ReadUInt16(),
            columnCount = d.reader.ReadUInt16();
        uint index = d.U32(),
            from = d.U32(),
            to = d.U32();
        int segments = d.reader.ReadUInt16();
        Assert.Equal(0, d.reader.ReadUInt16());
        int[] columns = d.Columns(columnCount);
        var tile = new TileBlock(level, flags == 1, generation, run, index, from, to, columns, d.Segments(segments, columnCount, from, to));
        d.End();
        return tile;
    }

    public static ListBlock List(byte[] bytes, string magic)
    {
        var d = new Decoder(bytes);
        d.Magic(magic);
        int run = d.reader.ReadUInt16();
        var (generation, plane, count) = (d.U32(), d.U32(), d.U32());
        var list = new ListBlock(run, generation, plane, d.Entries((int)count));
        d.End();
        return list;
    }

    public static GridBlock Grid(byte[] bytes)
    {
        var d = new Decoder(bytes);
        d.Magic("BVG1");
        int n = d.reader.ReadUInt16();
        var grid = new GridBlock(n, d.U32(), d.U32(), d.U32(), d.Floats(4), d.Floats(n * n));
        d.End();
        return grid;
    }

    private RunBlock Run(int columns)
    {
        int run = reader.ReadUInt16();
        var state = (RunState)reader.ReadByte();
        int segments = reader.ReadByte();
        var (from, to, firstEvaluation, firstPoint) = (U32(), U32(), U32(), U32());
        int evaluations = reader.ReadUInt16(),
            points = reader.ReadUInt16();
        return new RunBlock(
            run,
            state,
            from,
            to,
            firstEvaluation,
            firstPoint,
            Segments(segments, columns, from, to),
            Entries(evaluations),
            Entries(points)
        );
    }

    private SegmentBlock[] Segments(int count, int columns, long from, long to)
    {
        var segments = new SegmentBlock[count];
        long at = from;
        for (int s = 0; s < count; s++)
        {
            int level = reader.ReadByte();
            Assert.Equal(0, reader.ReadByte());
            int n = reader.ReadUInt16();
            uint first = U32();
            Assert.Equal(at, (long)first << (2 * level));
            at += (long)n << (2 * level);
            segments[s] = new SegmentBlock(level, first, [.. Enumerable.Range(0, columns).Select(_ => Buckets(n))]);
        }
        Assert.Equal(to, at);
        return segments;
    }

    private Bucket[] Buckets(int n)
    {
        float[] min = Floats(n),
            max = Floats(n),
            last = Floats(n);
        byte[] nonFinite = reader.ReadBytes(n);
        Align();
        return [.. Enumerable.Range(0, n).Select(i => new Bucket(min[i], max[i], last[i], nonFinite[i]))];
    }

    private Entry[] Entries(int count) =>
        [
            .. Enumerable
                .Range(0, count)
                .Select(_ => new Entry(U32(), reader.ReadSingle(), reader.ReadSingle(), reader.ReadSingle(), reader.ReadSingle())),
        ];

    private float[] Floats(int count) => [.. Enumerable.Range(0, count).Select(_ => reader.ReadSingle())];

    private int[] Columns(int count)
    {
        int[] columns = [.. reader.ReadBytes(count)];
        Align();
        return columns;
    }

    private void Magic(string name)
    {
        Assert.Equal(name, new string(reader.ReadChars(4)));
        Assert.Equal(1, reader.ReadUInt16());
    }

    private uint U32() => reader.ReadUInt32();

    private void Align()
    {
        while (reader.BaseStream.Position % 4 != 0)
            Assert.Equal(0, reader.ReadByte());
    }

    private void End() => Assert.Equal(reader.BaseStream.Length, reader.BaseStream.Position);
}
