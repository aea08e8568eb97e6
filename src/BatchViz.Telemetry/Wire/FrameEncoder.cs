namespace BatchViz.Telemetry.Wire;

/// <summary>What a frame says besides its runs.</summary>
public readonly record struct FrameState(
    bool Held,
    bool Finished,
    uint Generation,
    uint Revision,
    uint Plane,
    uint Grid,
    int Resolution,
    int Viewers,
    double Seconds
);

/// <summary>A run as the frame encoder sees it; the path belongs to the frame's plane.</summary>
public readonly record struct FrameRun(RunLog Log, AppendOnly<PathPoint> Path);

/// <summary>
/// Encodes the shared delta of an experiment, tick by tick: what has been recorded since the frame before, in at most 64 buckets
/// a run and column. One encoder serves all viewers; it is used by one thread.
/// </summary>
public sealed class FrameEncoder(int[] liveColumns)
{
    public const int MaxBuckets = 64,
        MaxPoints = 1024;

    private const int ManyRecords = 4096;

    private readonly WireWriter writer = new();
    private readonly List<Segment> segments = [];
    private long[] heads = [],
        evaluations = [],
        paths = [];
    private RunState[] states = [];
    private BucketSource?[] sources = [];
    private uint sequence,
        plane;

    /// <summary>Whether <see cref="Next"/> would tell anything about a run.</summary>
    public bool HasNews(FrameState state, IReadOnlyList<FrameRun> frameRuns)
    {
        Follow(state.Plane, frameRuns.Count);
        for (int r = 0; r < frameRuns.Count; r++)
            if (HasNews(r, frameRuns[r]))
                return true;
        return false;
    }

    /// <summary>The next frame. Runs without news are left out; a frame without any run still carries the state.</summary>
    public byte[] Next(FrameState state, IReadOnlyList<FrameRun> frameRuns)
    {
        Follow(state.Plane, frameRuns.Count);
        sequence++;
        int news = 0;
        for (int r = 0; r < frameRuns.Count; r++)
            if (HasNews(r, frameRuns[r]))
                news++;
        // Lanes go on while this is written: a run with news since the counting simply waits for the next frame.
        Header(state, news);
        for (int r = 0; r < frameRuns.Count && news > 0; r++)
        {
            if (!HasNews(r, frameRuns[r]))
                continue;
            Run(r, frameRuns[r]);
            news--;
        }
        return writer.ToArray();
    }

    /// <summary>
    /// What a viewer gets first: every run with <c>from = to</c> at the end of the last frame, and nothing in between. Whoever has
    /// less than that fetches tiles, as after any gap.
    /// </summary>
    public byte[] Heads(FrameState state, IReadOnlyList<FrameRun> frameRuns)
    {
        Follow(state.Plane, frameRuns.Count);
        Header(state, frameRuns.Count);
        for (int r = 0; r < frameRuns.Count; r++)
            RunHeader(r, 0, heads[r], heads[r], 0, 0);
        return writer.ToArray();
    }

    private void Follow(uint newPlane, int runs)
    {
        if (runs > heads.Length)
        {
            Array.Resize(ref heads, runs);
            Array.Resize(ref evaluations, runs);
            Array.Resize(ref paths, runs);
            Array.Resize(ref states, runs);
            Array.Resize(ref sources, runs);
        }
        if (newPlane == plane)
            return;
        Array.Clear(paths);
        plane = newPlane;
    }

    private void Header(FrameState state, int runCount)
    {
        writer.Clear();
        writer.U32(Blocks.FrameMagic);
        writer.U16(Blocks.Version);
        writer.U16((state.Held ? 1 : 0) | (state.Finished ? 2 : 0));
        writer.U32(sequence);
        writer.U32(state.Generation);
        writer.U32(state.Revision);
        writer.U32(state.Plane);
        writer.U32(state.Grid);
        writer.U16(state.Resolution);
        writer.U16(Math.Min(state.Viewers, ushort.MaxValue));
        writer.F64(state.Seconds);
        writer.U16(runCount);
        writer.U16(liveColumns.Length);
        foreach (int column in liveColumns)
            writer.U8(column);
        writer.Align();
    }

    private bool HasNews(int r, FrameRun run) =>
        run.Log.Count > heads[r] || run.Log.Evaluations.Count > evaluations[r] || run.Path.Count > paths[r] || run.Log.State != states[r];

    private void RunHeader(int r, int segmentCount, long from, long to, long evaluationCount, long pathCount)
    {
        writer.U16(r);
        writer.U8((int)states[r]);
        writer.U8(segmentCount);
        writer.U32(from);
        writer.U32(to);
        writer.U32(evaluations[r]);
        writer.U32(paths[r]);
        writer.U16((int)evaluationCount);
        writer.U16((int)pathCount);
    }

    private void Run(int r, FrameRun run)
    {
        // The state is read first: a run that says it has ended has all its records in place.
        states[r] = run.Log.State;
        long from = heads[r],
            to = run.Log.Count;
        bool ended = run.Log.Ended;
        // Nobody sees the last few of many new records, and whoever wants single ones of them would find them overwritten.
        if (!ended && to - from > ManyRecords)
            to = Math.Max(from, run.Log.Aligned(to));
        long evaluationsTo = Math.Min(run.Log.Evaluations.Count, evaluations[r] + MaxPoints);
        long pathsTo = Math.Min(run.Path.Count, paths[r] + MaxPoints);
        int start = writer.Length;
        // Where records around an end are gone, from memory and the disk, the buckets they lie in are told whole: what was told before is
        // told once more.
        if (
            !TryRecords(r, run, from, to, evaluationsTo, pathsTo, start)
            && !TryRecords(r, run, run.Log.Aligned(from), to, evaluationsTo, pathsTo, start)
            && !TryRecords(r, run, run.Log.Aligned(from), to = Math.Max(heads[r], run.Log.Aligned(to)), evaluationsTo, pathsTo, start)
        )
            TryRecords(r, run, heads[r], to = heads[r], evaluationsTo, pathsTo, start);
        writer.Points(run.Log.Evaluations, evaluations[r], evaluationsTo);
        writer.Points(run.Path, paths[r], pathsTo);
        (heads[r], evaluations[r], paths[r]) = (to, evaluationsTo, pathsTo);
    }

    private bool TryRecords(int r, FrameRun run, long from, long to, long evaluationsTo, long pathsTo, int start)
    {
        writer.Cut(start);
        Segments.SplitWithin(from, to, MaxBuckets, segments);
        RunHeader(r, segments.Count, from, to, evaluationsTo - evaluations[r], pathsTo - paths[r]);
        return writer.TrySegments(sources[r] ??= new BucketSource(run.Log), liveColumns, segments);
    }
}
