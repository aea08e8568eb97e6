namespace BatchViz.Recording;

/// <summary>Extremes of an aligned row of 4^level values, the last of them, and how many were not finite (at most 255 are counted).</summary>
public readonly record struct Bucket(float Min, float Max, float Last, byte NonFinite)
{
    public static Bucket Of(float value) => float.IsFinite(value) ? new(value, value, value, 0) : new(float.NaN, float.NaN, value, 1);

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
        for (int l = 0; l < MaxLevel; l++) levels[l] = new AppendOnly<Bucket>();
    }

    public long Count => Volatile.Read(ref count);

    /// <summary>Complete buckets of a level.</summary>
    public long CountAt(int level) => Count >> (2 * level);

    public void Append(ReadOnlySpan<float> more)
    {
        foreach (float value in more)
        {
            values.Add(value);
            long made = values.Count;
            for (int l = 0; l < MaxLevel && (made & 3) == 0; l++, made >>= 2)
                levels[l].Add(Merge(l, made - 4));
        }
        Volatile.Write(ref count, values.Count);
    }

    /// <summary>Bucket <paramref name="index"/> of a level, which must be complete.</summary>
    public Bucket this[int level, long index] => level == 0 ? Bucket.Of(values[index]) : levels[level - 1][index];

    private Bucket Merge(int below, long first)
        => this[below, first].Then(this[below, first + 1]).Then(this[below, first + 2]).Then(this[below, first + 3]);
}

/// <summary>A growing list in blocks that never move: one writer, readers see every element below <see cref="Count"/>.</summary>
public sealed class AppendOnly<T>
{
    private const int BlockBits = 12, BlockSize = 1 << BlockBits;

    private T[]?[] blocks = new T[]?[4];
    private long count;

    public long Count => Volatile.Read(ref count);

    public T this[long index] => Volatile.Read(ref blocks)[index >> BlockBits]![index & (BlockSize - 1)];

    public void Add(T value)
    {
        long at = count;
        int block = (int)(at >> BlockBits);
        if (block == blocks.Length)
        {
            var more = new T[]?[blocks.Length * 2];
            blocks.CopyTo(more, 0);
            Volatile.Write(ref blocks, more);
        }
        (blocks[block] ??= new T[BlockSize])[at & (BlockSize - 1)] = value;
        Volatile.Write(ref count, at + 1);
    }
}
