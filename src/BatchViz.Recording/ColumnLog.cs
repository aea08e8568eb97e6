namespace BatchViz.Recording;

/// <summary>Extremes of an aligned row of 4^level values, the last of them, and how many were not finite (at most 255 are counted).</summary>
public readonly record struct Bucket(float Min, float Max, float Last, byte NonFinite)
{
    public static Bucket Of(float value) => float.IsFinite(value) ? new(value, value, value, 0) : new(float.NaN, float.NaN, value, 1);

    /// <summary>Of four values in order.</summary>
    public static Bucket Of(float a, float b, float c, float d) => Of(a).Then(Of(b)).Then(Of(c)).Then(Of(d));

    /// <summary>Of two neighbours in order; NaN extremes mean that nothing was finite.</summary>
    public Bucket Then(Bucket next) => new(
        Smaller(Min, next.Min), Larger(Max, next.Max), next.Last, (byte)Math.Min(255, NonFinite + next.NonFinite));

    private static float Smaller(float a, float b) => float.IsNaN(a) ? b : b < a ? b : a;

    private static float Larger(float a, float b) => float.IsNaN(a) ? b : b > a ? b : a;
}

/// <summary>
/// One column of a run: every value, and above them a pyramid of complete buckets, four to one. One thread appends; any number
/// may read what <see cref="Count"/> has published, without locks.
/// </summary>
public sealed class ColumnLog
{
    public const int Fan = 4, MaxLevel = 15;

    private readonly AppendOnly<float> values = new();
    private readonly AppendOnly<Bucket>[] levels = new AppendOnly<Bucket>[MaxLevel];
    private long count;

    public ColumnLog()
    {
        for (int l = 0; l < MaxLevel; l++) levels[l] = new AppendOnly<Bucket>(blockBits: Math.Max(4, 10 - 2 * l));
    }

    public long Count => Volatile.Read(ref count);

    /// <summary>Complete buckets of a level.</summary>
    public long CountAt(int level) => Count >> (2 * level);

    /// <summary>Groups of four values that fit before the next block of memory begins; none while a group is incomplete.</summary>
    internal int GroupsAhead => (values.Count & (Fan - 1)) != 0 ? 0 : values.Ahead / Fan;

    /// <summary>Where the next values and their buckets are to be written before <see cref="Publish"/>.</summary>
    internal Span<float> NextValues => values.Next;

    internal Span<Bucket> NextBuckets => levels[0].Next;

    /// <summary>So many groups of values and buckets have been written.</summary>
    internal void Publish(int groups)
    {
        values.Advance(Fan * groups);
        levels[0].Advance(groups);
        MergeFrom(1);
        Volatile.Write(ref count, values.Count);
    }

    public void Append(ReadOnlySpan<float> more)
    {
        long from = values.Count;
        values.AddRange(more);
        if (values.Count >> 2 > levels[0].Count) AppendFirst(levels[0], more, from);
        MergeFrom(1);
        Volatile.Write(ref count, values.Count);
    }

    /// <summary>Level by level: what a level gains depends on the whole of the level below.</summary>
    private void MergeFrom(int first)
    {
        for (int l = first; l < MaxLevel && levels[l - 1].Count >> 2 > levels[l].Count; l++)
        {
            var level = levels[l];
            while (level.Count < levels[l - 1].Count >> 2) level.Add(Merge(levels[l - 1], 4 * level.Count));
        }
    }

    /// <summary>Buckets of four values: the first of them may have begun before these.</summary>
    private void AppendFirst(AppendOnly<Bucket> level, ReadOnlySpan<float> more, long from)
    {
        int at = 0;
        if ((from & 3) != 0)
        {
            at = (int)(4 - (from & 3));
            long first = from & ~3L;
            level.Add(Bucket.Of(values[first], values[first + 1], values[first + 2], values[first + 3]));
        }
        for (; at + 4 <= more.Length; at += 4) level.Add(Bucket.Of(more[at], more[at + 1], more[at + 2], more[at + 3]));
    }

    /// <summary>Bucket <paramref name="index"/> of a level, which must be complete.</summary>
    public Bucket this[int level, long index] => level == 0 ? Bucket.Of(values[index]) : levels[level - 1][index];

    private static Bucket Merge(AppendOnly<Bucket> below, long first)
    {
        // A multiple of four and the three after it lie in one block.
        var four = below.Within(first, 4);
        return four[0].Then(four[1]).Then(four[2]).Then(four[3]);
    }
}

/// <summary>A growing list in blocks that never move: one writer, readers see every element below <see cref="Count"/>.</summary>
/// <param name="blockBits">Elements of a block, as a power of two: at least 4.</param>
public sealed class AppendOnly<T>(int blockBits = 12)
{
    private readonly int blockSize = 1 << blockBits;

    private T[]?[] blocks = new T[]?[4];
    private long count;

    public long Count => Volatile.Read(ref count);

    public T this[long index] => Volatile.Read(ref blocks)[index >> blockBits]![index & (blockSize - 1)];

    /// <summary>Some elements that lie in one block.</summary>
    public ReadOnlySpan<T> Within(long first, int length)
        => Volatile.Read(ref blocks)[first >> blockBits].AsSpan((int)(first & (blockSize - 1)), length);

    /// <summary>Elements that fit into the block at hand.</summary>
    public int Ahead => blockSize - (int)(count & (blockSize - 1));

    /// <summary>Where they go; write there first, then <see cref="Advance"/>.</summary>
    public Span<T> Next => Room().AsSpan((int)(count & (blockSize - 1)));

    public void Advance(int by) => Volatile.Write(ref count, count + by);

    public void AddRange(ReadOnlySpan<T> more)
    {
        while (more.Length > 0)
        {
            int place = (int)(count & (blockSize - 1)), part = Math.Min(more.Length, blockSize - place);
            more[..part].CopyTo(Room().AsSpan(place));
            Volatile.Write(ref count, count + part);
            more = more[part..];
        }
    }

    public void Add(T value)
    {
        long at = count;
        Room()[at & (blockSize - 1)] = value;
        Volatile.Write(ref count, at + 1);
    }

    /// <summary>The block that the next element goes into.</summary>
    private T[] Room()
    {
        int block = (int)(count >> blockBits);
        if (block == blocks.Length)
        {
            var more = new T[]?[blocks.Length * 2];
            blocks.CopyTo(more, 0);
            Volatile.Write(ref blocks, more);
        }
        return blocks[block] ??= new T[blockSize];
    }
}
