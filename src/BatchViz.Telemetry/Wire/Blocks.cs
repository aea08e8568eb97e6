namespace BatchViz.Telemetry.Wire;

/// <summary>Blocks of history as docs/wire-format.md has them: tiles, evaluations, paths and grids.</summary>
public static class Blocks
{
    public const int Version = 1,
        TileBuckets = 1024;
    public const uint FrameMagic = 0x31465642,
        TileMagic = 0x31545642,
        EvaluationsMagic = 0x31455642,
        PathsMagic = 0x31505642,
        GridMagic = 0x31475642;

    /// <summary>
    /// One tile, and whether it can never change; or which records it has to be computed from, when they are not kept: then it is to
    /// be asked for again with them.
    /// </summary>
    /// <param name="recomputed">Records that were recomputed; null: none.</param>
    /// <returns>Null when the tile begins past the run's head, or there is no such level.</returns>
    public static Tile? Tile(
        uint generation,
        int runIndex,
        RunLog log,
        int[] columns,
        int level,
        long index,
        RecordWindow? recomputed = null
    )
    {
        if (level is < 0 or > RunLog.MaxLevel)
            return null;
        // Whether the run has ended is read first: one that has has all its records in place.
        bool ended = log.Ended;
        long head = log.Count,
            span = (long)TileBuckets << (2 * level);
        if (index < 0 || index > head / span || (index * span == head && index > 0))
            return null;
        long from = index * span,
            to = Math.Min(from + span, head);
        bool whole = ended || to == from + span;
        var segments = new List<Segment>();
        Segments.Split(from, to, level, segments);
        var w = new WireWriter();
        w.U32(TileMagic);
        w.U16(Version);
        w.U8(level);
        w.U8(whole ? 1 : 0);
        w.U32(generation);
        w.U16(runIndex);
        w.U16(columns.Length);
        w.U32(index);
        w.U32(from);
        w.U32(to);
        w.U16(segments.Count);
        w.U16(0);
        foreach (int column in columns)
            w.U8(column);
        w.Align();
        var source = new BucketSource(log, recomputed);
        return w.TrySegments(source, columns, segments)
            ? new Tile(w.ToArray(), whole, source.Missing)
            : new Tile(null, whole, source.Missing);
    }

    public static byte[] Evaluations(uint generation, int runIndex, AppendOnly<EvaluationPoint> points)
    {
        long count = points.Count;
        var w = Header(EvaluationsMagic, runIndex, generation, 0, count);
        w.Points(points, 0, count);
        return w.ToArray();
    }

    public static byte[] Paths(uint generation, uint plane, int runIndex, AppendOnly<PathPoint> points)
    {
        long count = points.Count;
        var w = Header(PathsMagic, runIndex, generation, plane, count);
        w.Points(points, 0, count);
        return w.ToArray();
    }

    /// <param name="losses">[resolution²], row by row from the first y.</param>
    public static byte[] Grid(
        uint generation,
        uint plane,
        uint grid,
        int resolution,
        float x0,
        float x1,
        float y0,
        float y1,
        ReadOnlySpan<float> losses
    )
    {
        var w = new WireWriter();
        w.U32(GridMagic);
        w.U16(Version);
        w.U16(resolution);
        w.U32(generation);
        w.U32(plane);
        w.U32(grid);
        w.F32(x0);
        w.F32(x1);
        w.F32(y0);
        w.F32(y1);
        foreach (float loss in losses[..(resolution * resolution)])
            w.F32(loss);
        return w.ToArray();
    }

    private static WireWriter Header(uint magic, int runIndex, uint generation, uint plane, long count)
    {
        var w = new WireWriter();
        w.U32(magic);
        w.U16(Version);
        w.U16(runIndex);
        w.U32(generation);
        w.U32(plane);
        w.U32(count);
        return w;
    }
}

/// <param name="Bytes">Null where records have to be recomputed first.</param>
/// <param name="Whole">It can never change.</param>
/// <param name="Missing">The records that are not kept.</param>
public readonly record struct Tile(byte[]? Bytes, bool Whole, (long First, long Count) Missing);
