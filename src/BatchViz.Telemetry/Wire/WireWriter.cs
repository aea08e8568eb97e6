using System.Buffers.Binary;

namespace BatchViz.Telemetry.Wire;

/// <summary>Little-endian bytes in a buffer that is reused from block to block.</summary>
internal sealed class WireWriter
{
    private byte[] buffer = new byte[4096];
    private int length;

    public void Clear() => length = 0;

    public byte[] ToArray() => buffer.AsSpan(0, length).ToArray();

    public int Length => length;

    /// <summary>Forgets what was written after so many bytes.</summary>
    public void Cut(int to) => length = to;

    public void U8(int value) => Take(1)[0] = (byte)value;

    public void U16(int value) => BinaryPrimitives.WriteUInt16LittleEndian(Take(2), (ushort)value);

    public void U32(uint value) => BinaryPrimitives.WriteUInt32LittleEndian(Take(4), value);

    public void U32(long value) => U32(checked((uint)value));

    public void F32(float value) => BinaryPrimitives.WriteSingleLittleEndian(Take(4), value);

    public void F64(double value) => BinaryPrimitives.WriteDoubleLittleEndian(Take(8), value);

    public void Align()
    {
        while ((length & 3) != 0)
            U8(0);
    }

    public Span<byte> Take(int bytes)
    {
        if (length + bytes > buffer.Length)
            Array.Resize(ref buffer, Math.Max(buffer.Length * 2, length + bytes));
        var span = buffer.AsSpan(length, bytes);
        length += bytes;
        return span;
    }

    /// <summary>
    /// Segments of one run, all columns. False, with nothing written, where a bucket has to be computed from records that are neither
    /// in memory nor on the disk.
    /// </summary>
    public bool TrySegments(BucketSource source, ReadOnlySpan<int> columns, List<Segment> segments)
    {
        int before = length;
        foreach (var segment in segments)
        {
            U8(segment.Level);
            U8(0);
            U16(segment.Count);
            U32(segment.First);
            int size = (13 * segment.Count + 3) & ~3;
            if (source.TryWrite(segment, columns, Take(size * columns.Length), size))
                continue;
            length = before;
            return false;
        }
        return true;
    }

    public void Points(AppendOnly<EvaluationPoint> points, long from, long to)
    {
        for (long i = from; i < to; i++)
        {
            var p = points[i];
            U32(p.Update);
            F32(p.Loss);
            F32(p.TestLoss);
            F32(p.TestAccuracy);
            F32(p.LaneSeconds);
        }
    }

    public void Points(AppendOnly<PathPoint> points, long from, long to)
    {
        for (long i = from; i < to; i++)
        {
            var p = points[i];
            U32(p.Update);
            F32(p.X);
            F32(p.Y);
            F32(p.Loss);
            F32(p.OffPlane);
        }
    }
}
