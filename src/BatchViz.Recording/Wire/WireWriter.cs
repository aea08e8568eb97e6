using System.Buffers.Binary;

namespace BatchViz.Recording.Wire;

/// <summary>Little-endian bytes in a buffer that is reused from block to block.</summary>
internal sealed class WireWriter
{
    private byte[] buffer = new byte[4096];
    private int length;

    public void Clear() => length = 0;

    public byte[] ToArray() => buffer.AsSpan(0, length).ToArray();

    public int Length => length;

    public void U8(int value) => Take(1)[0] = (byte)value;

    public void U16(int value) => BinaryPrimitives.WriteUInt16LittleEndian(Take(2), (ushort)value);

    public void U32(uint value) => BinaryPrimitives.WriteUInt32LittleEndian(Take(4), value);

    public void U32(long value) => U32(checked((uint)value));

    public void F32(float value) => BinaryPrimitives.WriteSingleLittleEndian(Take(4), value);

    public void F64(double value) => BinaryPrimitives.WriteDoubleLittleEndian(Take(8), value);

    public void Align()
    {
        while ((length & 3) != 0) U8(0);
    }

    public Span<byte> Take(int bytes)
    {
        if (length + bytes > buffer.Length) Array.Resize(ref buffer, Math.Max(buffer.Length * 2, length + bytes));
        var span = buffer.AsSpan(length, bytes);
        length += bytes;
        return span;
    }

    /// <summary>Segments of one run, all columns; the caller has seen that every bucket is complete.</summary>
    public void Segments(RunLog log, ReadOnlySpan<int> columns, List<Segment> segments)
    {
        foreach (var segment in segments)
        {
            U8(segment.Level);
            U8(0);
            U16(segment.Count);
            U32(segment.First);
            foreach (int column in columns) Buckets(log[column], segment);
        }
    }

    private void Buckets(ColumnLog column, Segment segment)
    {
        int n = segment.Count;
        var bytes = Take(13 * n);
        for (int i = 0; i < n; i++)
        {
            var bucket = column[segment.Level, segment.First + i];
            BinaryPrimitives.WriteSingleLittleEndian(bytes[(4 * i)..], bucket.Min);
            BinaryPrimitives.WriteSingleLittleEndian(bytes[(4 * (n + i))..], bucket.Max);
            BinaryPrimitives.WriteSingleLittleEndian(bytes[(4 * (2 * n + i))..], bucket.Last);
            bytes[12 * n + i] = bucket.NonFinite;
        }
        Align();
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
