using System.Numerics;
using System.Runtime.InteropServices;
using BatchViz.Core.Engines;

namespace BatchViz.Telemetry;

public enum RunState : byte
{
    Waiting,
    Running,
    Finished,
    Diverged,
    Stopped,
    Failed,
}

/// <summary>Losses at an update count; NaN where there is nothing to measure. 20 bytes on the wire.</summary>
public readonly record struct EvaluationPoint(uint Update, float Loss, float TestLoss, float TestAccuracy, float LaneSeconds);

/// <summary>A point of a run's path on a plane, with its true loss on the evaluation set. 20 bytes on the wire.</summary>
public readonly record struct PathPoint(uint Update, float X, float Y, float Loss, float OffPlane);

/// <summary>Records of a run that are kept elsewhere than in memory.</summary>
public interface IRecordDetail
{
    /// <summary>Records [first, first + rows), each into <paramref name="stride"/> floats; false where they are not all kept.</summary>
    bool TryRead(long first, int rows, Span<float> into, int stride);
}

/// <summary>
/// What is known of one run at once: its newest records, the pyramid above all of them from <see cref="ChunkLevel"/> up, evaluations
/// and probes. Older records are in <see cref="Detail"/> (a file), or are recomputed. The lane's processor seconds are one more column,
/// kept apart from the deterministic ones. Written by the run's lane, read by anyone without locks.
/// </summary>
public sealed class RunLog
{
    /// <summary>The finest level whose buckets stay in memory: 256 records.</summary>
    public const int ChunkLevel = 4;

    public const int MaxLevel = 15,
        ChunkRows = 1 << (2 * ChunkLevel);

    /// <summary>Chunks of newest records that stay in memory: 32,768 records.</summary>
    public const int RingChunks = 128;

    /// <summary>Buckets of a level that stay in memory where a coarser level is all that is kept.</summary>
    private const int Window = 1024;

    private readonly float[]?[] ring = new float[RingChunks][];
    private readonly BucketLevel[] levels = new BucketLevel[MaxLevel + 1];
    private readonly DetailPlan plan;
    private readonly RunLog? parent;
    private readonly ManualResetEventSlim room = new(true);
    private long count,
        oldest,
        kept = long.MaxValue;
    private int state;
    private string? message;

    /// <param name="parent">The run that this one left after <paramref name="update"/> updates, whose records until then are its own
    /// too.</param>
    public RunLog(RecordLayout layout, DetailPlan? plan = null, RunLog? parent = null, long update = 0)
    {
        (Layout, this.plan, this.parent) = (layout, plan ?? DetailPlan.Everything(long.MaxValue), parent);
        // At the start of a bucket that the parent keeps: what is between there and the fork is made once more.
        First = parent?.Aligned(update) ?? 0;
        // Whole vectors of the widest kind there is here; at least of eight, as everywhere.
        int vector = Math.Max(8, Vector<float>.Count);
        Stride = (layout.Width + 1 + vector - 1) / vector * vector;
        for (int l = ChunkLevel; l <= MaxLevel; l++)
            levels[l] = new BucketLevel(Stride);
        count = oldest = First;
        if (parent is not null)
            TakeFrom(parent, update);
    }

    public RecordLayout Layout { get; }

    public DetailPlan Plan => plan;

    /// <summary>Columns of the layout that are no numbers since the run's file, of another build, does not have them.</summary>
    public IReadOnlyCollection<int> Missing { get; set; } = [];

    /// <summary>Floats from one row to the next: the layout's columns, the seconds, and padding.</summary>
    public int Stride { get; }

    /// <summary>Index of the column with the lane's processor seconds: a timing, never compared bit by bit.</summary>
    public int SecondsColumn => Layout.Width;

    public int ColumnCount => Layout.Width + 1;

    /// <summary>The first record of its own; 0 but for a fork.</summary>
    public long First { get; }

    /// <summary>Records made, a parent's among them; of a run that diverged one more than <see cref="UpdatesMade"/>.</summary>
    public long Count => Volatile.Read(ref count);

    /// <summary>
    /// Updates made, a parent's among them. The last record of a run that diverged is of an update that was not: its loss or
    /// gradient is not a finite number, and the weights stayed as they were.
    /// </summary>
    public long UpdatesMade => State == RunState.Diverged && Count > 0 ? Count - 1 : Count;

    public AppendOnly<EvaluationPoint> Evaluations { get; } = new();

    public AppendOnly<ProbePoint> Probes { get; } = new();

    public RunState State => (RunState)Volatile.Read(ref state);

    /// <summary>Why the run diverged, stopped or failed; one sentence.</summary>
    public string? Message => Volatile.Read(ref message);

    public bool Ended => State >= RunState.Finished;

    /// <summary>The run's figures at its end; null before.</summary>
    public RunResult? Result { get; set; }

    /// <summary>Whether it stopped since its budget in seconds was spent, and so has nothing left to do.</summary>
    public bool BudgetSpent { get; set; }

    /// <summary>Where older records are; null: nowhere.</summary>
    public IRecordDetail? Detail { get; set; }

    public void Enter(RunState next, string? why = null)
    {
        Volatile.Write(ref message, why);
        Volatile.Write(ref state, (int)next);
    }

    /// <summary>A run that had ended is to go on.</summary>
    public void TakeUp()
    {
        (Result, BudgetSpent) = (null, false);
        Enter(RunState.Waiting);
    }

    /// <summary>
    /// Appends <paramref name="rows"/> records, row-major [rows × layout width], made between two readings of the lane's clock.
    /// </summary>
    public void Append(ReadOnlySpan<float> records, int rows, double secondsBefore, double secondsAfter)
    {
        int width = Layout.Width;
        double slope = (secondsAfter - secondsBefore) / rows;
        for (int at = 0; at < rows; )
        {
            int place = (int)(count & (ChunkRows - 1)),
                some = Math.Min(rows - at, ChunkRows - place);
            var chunk = ChunkToWrite(place);
            CopyRows(records[(at * width)..], chunk.AsSpan(place * Stride, some * Stride), some, secondsBefore + slope * at, slope);
            at += some;
            if (place + some == ChunkRows)
            {
                long index = count >> (2 * ChunkLevel);
                levels[ChunkLevel].PutRows(index, chunk.AsSpan(0, ChunkRows * Stride));
                Raise(ChunkLevel, index);
            }
            Volatile.Write(ref count, count + some);
        }
    }

    /// <summary>One bucket whose records are not kept, [3][stride] and [stride], that begins at the head.</summary>
    public void AppendBucket(int level, ReadOnlySpan<float> values, ReadOnlySpan<byte> bad)
    {
        long index = count >> (2 * level);
        levels[level].Put(index, values, bad);
        Raise(level, index);
        Volatile.Write(ref oldest, (index + 1) << (2 * level));
        Volatile.Write(ref count, (index + 1) << (2 * level));
    }

    /// <summary>
    /// Someone else has all records before this one; rows are not overwritten before that. long.MaxValue: nobody needs to.
    /// </summary>
    public void Keep(long before)
    {
        Volatile.Write(ref kept, before);
        room.Set();
    }

    /// <summary>The newest value of a column; NaN while there is none.</summary>
    public float Newest(int column)
    {
        Span<float> row = stackalloc float[Stride];
        long n = Count;
        return n > First && TryRows(n - 1, 1, row) ? row[column] : float.NaN;
    }

    /// <summary>
    /// Records [first, first + rows) into [rows][<see cref="Stride"/>], seconds among them; false where they have to be recomputed.
    /// </summary>
    public bool TryRows(long first, int rows, Span<float> into)
    {
        if (first < 0 || first + rows > Count)
            return false;
        if (first < First)
        {
            int before = (int)Math.Min(rows, First - first);
            return parent!.TryRows(first, before, into) && (before == rows || TryRows(First, rows - before, into[(before * Stride)..]));
        }
        if (TryRing(first, rows, into))
            return true;
        if (Detail is null || !Detail.TryRead(first, rows, into, Stride))
            return false;
        for (int r = 0; r < rows; r++)
            into[r * Stride + SecondsColumn] = SecondsAt(first + r);
        return true;
    }

    /// <summary>One column's buckets [first, first + count) of a level; false where one has to be recomputed from records.</summary>
    public bool TryBuckets(int level, long first, int column, Span<Bucket> into)
    {
        if (level < ChunkLevel)
            return false;
        for (int i = 0; i < into.Length; i++)
        {
            long index = first + i;
            if (((index + 1) << (2 * level)) > Count)
                return false;
            if (levels[level].Has(index))
                into[i] = levels[level][index, column];
            else if (parent is null || (index + 1) << (2 * level) > First || !parent.TryBuckets(level, index, column, into.Slice(i, 1)))
                return false;
        }
        return true;
    }

    internal (ReadOnlyMemory<float> Values, ReadOnlyMemory<byte> Bad) BucketRow(int level, long index) => levels[level].Row(index);

    /// <summary>
    /// Records before the head of which this many at most are not yet in a bucket that is kept: where frames may end without the records
    /// themselves.
    /// </summary>
    public long Aligned(long record)
    {
        int level = Math.Max(ChunkLevel, plan.LevelAt(record));
        return record >> (2 * level) << (2 * level);
    }

    /// <summary>The lane's seconds after a record, straight between the ends of the smallest buckets around it.</summary>
    public float SecondsAt(long record)
    {
        for (int l = ChunkLevel; l <= MaxLevel; l++)
        {
            long index = record >> (2 * l);
            Span<Bucket> bucket = stackalloc Bucket[1];
            if (!TryBuckets(l, index, SecondsColumn, bucket))
                continue;
            float end = bucket[0].Last,
                start = index == 0 ? 0
                : TryBuckets(l, index - 1, SecondsColumn, bucket) ? bucket[0].Last
                : end;
            long size = 1L << (2 * l),
                place = (record & (size - 1)) + 1;
            return place == size ? end : start + (end - start) * (place / (float)size);
        }
        Span<float> row = stackalloc float[Stride];
        return TryRing(record, 1, row) ? row[SecondsColumn] : float.NaN;
    }

    /// <summary>Bytes of memory.</summary>
    public long Bytes => ring.Count(chunk => chunk is not null) * (long)(ChunkRows * Stride * 4) + levels.Sum(level => level?.Bytes ?? 0);

    /// <summary>Rows of the layout's width into rows of whole vectors, and the seconds behind each.</summary>
    private void CopyRows(ReadOnlySpan<float> from, Span<float> to, int count, double seconds, double slope)
    {
        int width = Layout.Width,
            stride = Stride;
        // What a whole vector takes beyond a row lies in the next one; the padding is nobody's.
        int whole = Math.Min(count, (from.Length - stride) / width + 1);
        ref float source = ref MemoryMarshal.GetReference(from),
            target = ref MemoryMarshal.GetReference(to);
        for (int r = 0; r < count; r++)
        {
            nuint read = (nuint)(r * width),
                write = (nuint)(r * stride);
            if (from.Length >= stride && r < whole)
            {
                for (int c = 0; c < stride; c += Vector<float>.Count)
                    Vector.StoreUnsafe(Vector.LoadUnsafe(ref source, read + (nuint)c), ref target, write + (nuint)c);
            }
            else
                from.Slice(r * width, width).CopyTo(to[(r * stride)..]);
            to[r * stride + width] = (float)(seconds + slope * (r + 1));
        }
    }

    private float[] ChunkToWrite(int place)
    {
        long number = count >> (2 * ChunkLevel);
        int slot = (int)(number % RingChunks);
        if (place == 0)
        {
            long overwritten = (number - RingChunks + 1) << (2 * ChunkLevel);
            if (overwritten > Volatile.Read(ref oldest))
            {
                WaitFor(overwritten);
                Volatile.Write(ref oldest, overwritten);
                // Whoever still reads what is overwritten next must find out afterwards.
                Interlocked.MemoryBarrier();
            }
        }
        return ring[slot] ??= new float[ChunkRows * Stride];
    }

    /// <summary>A lane that is faster than the disk waits for it.</summary>
    private void WaitFor(long before)
    {
        while (Volatile.Read(ref kept) < before)
        {
            room.Reset();
            if (Volatile.Read(ref kept) < before)
                room.Wait(100);
        }
    }

    private bool TryRing(long first, int rows, Span<float> into)
    {
        if (first < Volatile.Read(ref oldest))
            return false;
        for (int done = 0; done < rows; )
        {
            long at = first + done;
            int place = (int)(at & (ChunkRows - 1)),
                some = Math.Min(rows - done, ChunkRows - place);
            ring[(at >> (2 * ChunkLevel)) % RingChunks].AsSpan(place * Stride, some * Stride).CopyTo(into[(done * Stride)..]);
            done += some;
        }
        Interlocked.MemoryBarrier();
        return first >= Volatile.Read(ref oldest);
    }

    /// <summary>Buckets that are whole now that one of a level is, and an end to those that are no longer kept.</summary>
    private void Raise(int level, long index)
    {
        for (int l = level; l < MaxLevel && (index & 3) == 3; l++)
        {
            index >>= 2;
            if (!levels[l + 1].PutMerged(index, levels[l]))
                break;
        }
        if (level != ChunkLevel)
            return;
        long record = count;
        int wanted = plan.LevelAt(record);
        for (int l = ChunkLevel; l < wanted; l++)
        {
            long now = record >> (2 * l);
            if ((now & (Window - 1)) == 0)
                levels[l].Forget(StartOf(wanted) >> (2 * l), now - Window);
        }
    }

    /// <summary>Where a level as coarse as this begins to be all that is kept.</summary>
    private long StartOf(int level)
    {
        long at = 0;
        while (plan.LevelAt(at) < level)
            at = plan.EndOf(at);
        return at;
    }

    /// <summary>
    /// Buckets that will be the first parts of one in which this run begins are taken over; all others are asked of the parent.
    /// </summary>
    private void TakeFrom(RunLog other, long update)
    {
        for (int l = ChunkLevel; l < MaxLevel; l++)
        {
            for (long i = First >> (2 * l + 2) << 2; i < First >> (2 * l); i++)
            {
                var source = other;
                while (source is not null && !source.levels[l].Has(i))
                    source = source.parent;
                if (source is null)
                    continue;
                var (values, bad) = source.levels[l].Row(i);
                levels[l].Put(i, values.Span, bad.Span);
            }
        }
        for (long i = 0; i < other.Evaluations.Count; i++)
            if (other.Evaluations[i].Update <= update)
                Evaluations.Add(other.Evaluations[i]);
    }
}
