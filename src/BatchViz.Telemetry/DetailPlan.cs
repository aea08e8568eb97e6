using BatchViz.Core.Engines;

namespace BatchViz.Telemetry;

/// <summary>
/// How much of a run is kept: every record, or buckets of so many, with keyframes from which the records are recomputed. A pure
/// function of the spec and the record's index, never of the clock: how long an update takes is modelled from its counted FLOPs,
/// short where it decides on bytes a second, long where it decides how far apart keyframes are.
/// </summary>
public sealed class DetailPlan
{
    /// <summary>Bytes a second of a run above which records are not all kept.</summary>
    public const double MostBytesPerSecond = 8e6;

    private const double FastFlops = 200e9,
        FastUpdate = 0.2e-6,
        SlowFlops = 20e9,
        SlowUpdate = 1e-6;

    /// <summary>
    /// Keyframes a run has seconds of replay between them: as few as their bytes a second allow, and never more than one second.
    /// </summary>
    private const double KeyframeBytesPerSecond = 0.5e6,
        LeastReplay = 0.06,
        MostReplay = 1;

    private readonly List<(long From, int Level)> steps = [];

    private DetailPlan() { }

    /// <summary>Updates between keyframes.</summary>
    public long KeyframeStride { get; private init; }

    /// <summary>Every record, whatever it takes, and keyframes every so many updates.</summary>
    public static DetailPlan Everything(long keyframeStride)
    {
        var plan = new DetailPlan { KeyframeStride = keyframeStride };
        plan.steps.Add((0, 0));
        return plan;
    }

    /// <param name="columns">Deterministic columns of a record.</param>
    /// <param name="flopsPerUpdate">Counted, of the run's first batch.</param>
    /// <param name="mostFlopsPerUpdate">Of its largest batch.</param>
    /// <param name="total">The run's updates; null when unknown.</param>
    /// <param name="logBytes">The run's share of the budget for records.</param>
    /// <param name="exact">Whether a replay gives the same bits; else records are kept as long as the budget lasts, however fast they
    /// come.</param>
    public static DetailPlan For(
        int columns,
        double flopsPerUpdate,
        double mostFlopsPerUpdate,
        long parameters,
        int stateVectors,
        long? total,
        long logBytes,
        bool exact = true
    )
    {
        long keyframe = 4 * parameters * (1 + stateVectors) + 128;
        double replay = Math.Clamp(keyframe / KeyframeBytesPerSecond, LeastReplay, MostReplay),
            slow = SlowUpdate + mostFlopsPerUpdate / SlowFlops;
        var plan = new DetailPlan { KeyframeStride = Whole(Math.Max(1, (long)(replay / slow))) };
        double fast = FastUpdate + flopsPerUpdate / FastFlops;
        int level = 0;
        while (
            level < RunLog.MaxLevel
            && ((exact && Bytes(columns, level) / fast > MostBytesPerSecond) || (total is { } n && n * Bytes(columns, level) > logBytes))
        )
            level = Coarser(level);
        plan.steps.Add((0, level));
        // Where the end is not known, each half of what is left of the budget holds records four times as coarse as the half before.
        double left = logBytes,
            at = 0;
        while (level < RunLog.MaxLevel)
        {
            left /= 2;
            at += left / Bytes(columns, level);
            if (total is { } end && plan.BytesUpTo(columns, end) <= logBytes)
                break;
            level = Coarser(level);
            long size = 1L << (2 * level),
                from = ((long)at + size - 1) / size * size;
            plan.steps.Add((from, level));
            at = from;
        }
        return plan;
    }

    /// <summary>0: every record is kept; else buckets of this level are.</summary>
    public int LevelAt(long record)
    {
        int i = steps.Count - 1;
        while (steps[i].From > record)
            i--;
        return steps[i].Level;
    }

    /// <summary>The first record from which on another level is kept; long.MaxValue when there is none.</summary>
    public long EndOf(long record)
    {
        foreach (var (from, _) in steps)
            if (from > record)
                return from;
        return long.MaxValue;
    }

    private double BytesUpTo(int columns, long end)
    {
        double bytes = 0;
        for (int i = 0; i < steps.Count; i++)
        {
            long to = Math.Min(end, i + 1 < steps.Count ? steps[i + 1].From : end);
            bytes += Math.Max(0, to - steps[i].From) * Bytes(columns, steps[i].Level);
        }
        return bytes;
    }

    /// <summary>Keyframes lie at the ends of buckets, so that what comes after one can be compared with what was kept.</summary>
    private static long Whole(long updates) => updates < RunLog.ChunkRows ? updates : updates / RunLog.ChunkRows * RunLog.ChunkRows;

    private static int Coarser(int level) => level == 0 ? RunLog.ChunkLevel : level + 1;

    private static double Bytes(int columns, int level) => level == 0 ? 4.0 * columns : 13.0 * columns / (1L << (2 * level));
}
