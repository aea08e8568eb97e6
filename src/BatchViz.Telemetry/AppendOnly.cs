namespace BatchViz.Telemetry;

/// <summary>
/// A growing list in blocks that never move: one writer, readers see every element below <see cref="Count"/> without locks.
/// </summary>
public sealed class AppendOnly<T>
{
    private const int BlockBits = 8,
        BlockSize = 1 << BlockBits;

    private T[]?[] blocks = new T[]?[4];
    private long count;

    public long Count => Volatile.Read(ref count);

    public T this[long index] => Volatile.Read(ref blocks)[index >> BlockBits]![index & (BlockSize - 1)];

    public void Add(T value)
    {
        int block = (int)(count >> BlockBits);
        if (block == blocks.Length)
        {
            var more = new T[]?[blocks.Length * 2];
            blocks.CopyTo(more, 0);
            Volatile.Write(ref blocks, more);
        }
        (blocks[block] ??= new T[BlockSize])[count & (BlockSize - 1)] = value;
        Volatile.Write(ref count, count + 1);
    }

    /// <summary>All there are now.</summary>
    public T[] ToArray()
    {
        var all = new T[Count];
        for (long i = 0; i < all.Length; i++)
            all[i] = this[i];
        return all;
    }
}
