namespace BatchViz.Recording.Wire;

/// <summary>What a frame says besides its runs.</summary>
public readonly record struct FrameState(
    bool Held, bool Finished, uint Generation, uint Revision, uint Plane, uint Grid, int Resolution, int Viewers, double Seconds);

/// <summary>A run as the frame encoder sees it; the path belongs to the frame's plane.</summary>
public readonly record struct FrameRun(RunLog Log, AppendOnly<PathPoint> Path);

/// <summary>
/// Encodes the shared delta of an experiment, tick by tick: what has been recorded since the frame before, in at most 64 buckets
/// a run and column. One encoder serves all viewers; it is used by one thread.
/// </summary>
public sealed class FrameEncoder(int runs, int[] liveColumns)
{
    public const int MaxBuckets = 64, MaxPoints = 1024;

    private readonly WireWriter writer = new();
    private readonly List<Segment> segments = [];
    private readonly long[] heads = new long[runs], evaluations = new long[runs], paths = new long[runs];
    private readonly RunState[] states = new RunState[runs];
    private uint sequence, plane;

    /// <summary>The next frame. Runs without news are left out; a frame without any run still carries the state.</summary>
    public byte[] Next(FrameState state, IReadOnlyList<FrameRun> frameRuns)
    {
        if (state.Plane != plane)
        {
            Array.Clear(paths);
            plane = state.Plane;
        }
        writer.Clear();
        writer.U32(Blocks.FrameMagic);
        writer.U16(Blocks.Version);
        writer.U16((state.Held ? 1 : 0) | (state.Finished ? 2 : 0));
        writer.U32(++sequence);
        writer.U32(state.Generation);
        writer.U32(state.Revision);
        writer.U32(state.Plane);
        writer.U32(state.Grid);
        writer.U16(state.Resolution);
        writer.U16(Math.Min(state.Viewers, ushort.MaxValue));
        writer.F64(state.Seconds);
        int news = 0;
        for (int r = 0; r < frameRuns.Count; r++)
            if (HasNews(r, frameRuns[r])) news++;
        // Records may arrive between counting and writing; then the run simply waits for the next frame.
        writer.U16(news);
        writer.U16(liveColumns.Length);
        foreach (int column in liveColumns) writer.U8(column);
        writer.Align();
        for (int r = 0; r < frameRuns.Count && news > 0; r++)
        {
            if (!HasNews(r, frameRuns[r])) continue;
            Run(r, frameRuns[r]);
            news--;
        }
        return writer.ToArray();
    }

    private bool HasNews(int r, FrameRun run)
        => run.Log.Count > heads[r] || run.Log.Evaluations.Count > evaluations[r] || run.Path.Count > paths[r] || run.Log.State != states[r];

    private void Run(int r, FrameRun run)
    {
        // The state is read first: a run that says it has ended has all its records in place.
        states[r] = run.Log.State;
        long from = heads[r], to = run.Log.Count;
        long evaluationsTo = Math.Min(run.Log.Evaluations.Count, evaluations[r] + MaxPoints);
        long pathsTo = Math.Min(run.Path.Count, paths[r] + MaxPoints);
        Segments.SplitWithin(from, to, MaxBuckets, segments);
        writer.U16(r);
        writer.U8((int)states[r]);
        writer.U8(segments.Count);
        writer.U32(from);
        writer.U32(to);
        writer.U32(evaluations[r]);
        writer.U32(paths[r]);
        writer.U16((int)(evaluationsTo - evaluations[r]));
        writer.U16((int)(pathsTo - paths[r]));
        writer.Segments(run.Log, liveColumns, segments);
        writer.Points(run.Log.Evaluations, evaluations[r], evaluationsTo);
        writer.Points(run.Path, paths[r], pathsTo);
        (heads[r], evaluations[r], paths[r]) = (to, evaluationsTo, pathsTo);
    }
}
