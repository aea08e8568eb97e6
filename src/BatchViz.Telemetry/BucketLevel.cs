using System.Numerics;
using System.Runtime.InteropServices;

namespace BatchViz.Telemetry;

/// <summary>
/// Buckets of one level of a run, all columns of a bucket side by side, so that a row of records is taken in whole vectors. One
/// writer; readers see what it has put in before <see cref="RunLog.Count"/> said so. Some may be lacking: each says whether it is there.
/// </summary>
/// <param name="stride">Columns of a record, padded.</param>
internal sealed class BucketLevel(int stride)
{
    private const int BlockBits = 4,
        BlockSize = 1 << BlockBits;

    /// <summary>In a bucket without a finite value: no value is below +∞ or above −∞.</summary>
    private const float NoMin = float.PositiveInfinity,
        NoMax = float.NegativeInfinity;

    private Block?[] blocks = new Block?[4];

    private sealed class Block
    {
        /// <summary>For each bucket min, max and last of all columns; a bucket that is not there has NaN as its first minimum.</summary>
        public readonly float[] Values;
        public readonly byte[] Bad;

        public Block(int stride)
        {
            Values = new float[BlockSize * 3 * stride];
            Bad = new byte[BlockSize * stride];
            for (int i = 0; i < BlockSize; i++)
                Values[i * 3 * stride] = float.NaN;
        }
    }

    /// <summary>Bytes of memory that it holds.</summary>
    public long Bytes => blocks.Count(b => b is not null) * (long)(BlockSize * 13 * stride);

    public bool Has(long index) => BlockOf(index) is { } block && !float.IsNaN(block.Values[(int)(index & (BlockSize - 1)) * 3 * stride]);

    /// <summary>One column of a bucket that is there.</summary>
    public Bucket this[long index, int column]
    {
        get
        {
            var block = BlockOf(index)!;
            int slot = (int)(index & (BlockSize - 1)),
                at = slot * 3 * stride + column;
            float min = block.Values[at],
                max = block.Values[at + stride];
            return new(
                min == NoMin ? float.NaN : min,
                max == NoMax ? float.NaN : max,
                block.Values[at + 2 * stride],
                block.Bad[slot * stride + column]
            );
        }
    }

    /// <summary>Min, max and last of all columns [3][stride], and how many were not finite [stride], as they are kept.</summary>
    public (ReadOnlyMemory<float> Values, ReadOnlyMemory<byte> Bad) Row(long index)
    {
        var block = BlockOf(index)!;
        int slot = (int)(index & (BlockSize - 1));
        return (block.Values.AsMemory(slot * 3 * stride, 3 * stride), block.Bad.AsMemory(slot * stride, stride));
    }

    /// <summary>A bucket as <see cref="Row"/> gives one.</summary>
    public void Put(long index, ReadOnlySpan<float> values, ReadOnlySpan<byte> bad)
    {
        Room(index, out var to, out var toBad);
        bad.CopyTo(toBad);
        values[1..].CopyTo(to[1..]);
        to[0] = values[0];
    }

    /// <summary>The bucket over some rows of records, [rows][stride].</summary>
    public void PutRows(long index, ReadOnlySpan<float> rows)
    {
        Room(index, out var to, out var bad);
        int count = rows.Length / stride;
        Span<int> bads = stackalloc int[Vector<int>.Count];
        ref float start = ref MemoryMarshal.GetReference(rows);
        for (int c = 0; c < stride; c += Vector<float>.Count)
        {
            Vector<float> min = new(NoMin),
                max = new(NoMax),
                low = min,
                high = max;
            var finite = Vector<int>.Zero;
            nuint at = (nuint)c;
            for (int r = 0; r < count; r++, at += (nuint)stride)
            {
                var v = Vector.LoadUnsafe(ref start, at);
                // Only a finite value times zero is zero; a mask that is set is −1.
                var mask = Vector.Equals(v * Vector<float>.Zero, Vector<float>.Zero);
                min = Vector.MinNative(min, Vector.ConditionalSelect(mask, v, low));
                max = Vector.MaxNative(max, Vector.ConditionalSelect(mask, v, high));
                finite -= mask;
            }
            max.CopyTo(to[(stride + c)..]);
            (new Vector<int>(count) - finite).CopyTo(bads);
            for (int i = 0; i < bads.Length; i++)
                bad[c + i] = (byte)Math.Min(255, bads[i]);
            min.CopyTo(to[c..]);
        }
        rows[((count - 1) * stride)..].CopyTo(to[(2 * stride)..]);
    }

    /// <summary>The bucket over four of the level below, if all four are there.</summary>
    public bool PutMerged(long index, BucketLevel below)
    {
        for (int i = 0; i < 4; i++)
            if (!below.Has(4 * index + i))
                return false;
        Room(index, out var to, out var bad);
        int place = (int)(4 * index & (BlockSize - 1));
        var block = below.BlockOf(4 * index)!;
        var four = block.Values.AsSpan(place * 3 * stride, 12 * stride);
        int size = 3 * stride;
        for (int c = 0; c < stride; c += Vector<float>.Count)
        {
            Vector<float> At(ReadOnlySpan<float> from, int bucket, int part) => new(from[(bucket * size + part * stride + c)..]);
            Vector
                .MaxNative(Vector.MaxNative(At(four, 0, 1), At(four, 1, 1)), Vector.MaxNative(At(four, 2, 1), At(four, 3, 1)))
                .CopyTo(to[(stride + c)..]);
            Vector
                .MinNative(Vector.MinNative(At(four, 0, 0), At(four, 1, 0)), Vector.MinNative(At(four, 2, 0), At(four, 3, 0)))
                .CopyTo(to[c..]);
        }
        four[(3 * size + 2 * stride)..].CopyTo(to[(2 * stride)..]);
        var bads = block.Bad.AsSpan(place * stride, 4 * stride);
        for (int c = 0; c < stride; c++)
            bad[c] = (byte)Math.Min(255, bads[c] + bads[stride + c] + bads[2 * stride + c] + bads[3 * stride + c]);
        return true;
    }

    /// <summary>Lets go of whole blocks of memory in [from, before).</summary>
    public void Forget(long from, long before)
    {
        for (long b = (from + BlockSize - 1) >> BlockBits; b < before >> BlockBits && b < blocks.Length; b++)
            Volatile.Write(ref blocks[b], null);
    }

    private Block? BlockOf(long index)
    {
        var now = Volatile.Read(ref blocks);
        long block = index >> BlockBits;
        return block < now.Length ? Volatile.Read(ref now[block]) : null;
    }

    private void Room(long index, out Span<float> values, out Span<byte> bad)
    {
        int number = checked((int)(index >> BlockBits));
        if (number >= blocks.Length)
        {
            var more = new Block?[Math.Max(number + 1, blocks.Length * 2)];
            blocks.CopyTo(more, 0);
            Volatile.Write(ref blocks, more);
        }
        var block = blocks[number];
        if (block is null)
            Volatile.Write(ref blocks[number], block = new Block(stride));
        int slot = (int)(index & (BlockSize - 1));
        values = block.Values.AsSpan(slot * 3 * stride, 3 * stride);
        bad = block.Bad.AsSpan(slot * stride, stride);
    }
}
