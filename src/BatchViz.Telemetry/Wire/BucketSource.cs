using System.Buffers.Binary;

namespace BatchViz.Telemetry.Wire;

/// <summary>Records that were recomputed: [count][<see cref="RunLog.Stride"/>] from a record on.</summary>
public sealed record RecordWindow(long First, int Count, float[] Rows);

/// <summary>Where buckets come from: the pyramid in memory, or records that are in memory, on the disk or were recomputed.</summary>
/// <param name="recomputed">Looked at last.</param>
internal sealed class BucketSource(RunLog log, RecordWindow? recomputed = null)
{
    private const int RowsAtOnce = 256;

    private Bucket[] buckets = [];
    private float[] rows = [];

    /// <summary>After a failure: the records that would be needed.</summary>
    public (long First, long Count) Missing { get; private set; }

    /// <summary>
    /// Writes a segment's buckets as docs/wire-format.md has them, column by column of <paramref name="size"/> bytes each.
    /// </summary>
    public bool TryWrite(Segment segment, ReadOnlySpan<int> columns, Span<byte> to, int size)
    {
        int n = segment.Count;
        if (buckets.Length < n * columns.Length)
            buckets = new Bucket[n * columns.Length];
        if (!TryPyramid(segment, columns) && !TryRecords(segment, columns))
            return false;
        for (int c = 0; c < columns.Length; c++)
        {
            var bytes = to.Slice(c * size, size);
            for (int i = 0; i < n; i++)
            {
                var bucket = buckets[c * n + i];
                BinaryPrimitives.WriteSingleLittleEndian(bytes[(4 * i)..], bucket.Min);
                BinaryPrimitives.WriteSingleLittleEndian(bytes[(4 * (n + i))..], bucket.Max);
                BinaryPrimitives.WriteSingleLittleEndian(bytes[(4 * (2 * n + i))..], bucket.Last);
                bytes[12 * n + i] = bucket.NonFinite;
            }
            bytes[(13 * n)..].Clear();
        }
        return true;
    }

    private bool TryPyramid(Segment segment, ReadOnlySpan<int> columns)
    {
        for (int c = 0; c < columns.Length; c++)
            if (!log.TryBuckets(segment.Level, segment.First, columns[c], buckets.AsSpan(c * segment.Count, segment.Count)))
                return false;
        return true;
    }

    private bool TryRecords(Segment segment, ReadOnlySpan<int> columns)
    {
        int shift = 2 * segment.Level,
            stride = log.Stride,
            n = segment.Count;
        long first = segment.First << shift,
            count = (long)n << shift;
        if (rows.Length == 0)
            rows = new float[RowsAtOnce * stride];
        for (long done = 0; done < count; )
        {
            int some = (int)Math.Min(RowsAtOnce, count - done);
            if (!TryRows(first + done, some))
            {
                Missing = (first, count);
                return false;
            }
            for (int c = 0; c < columns.Length; c++)
            {
                var of = buckets.AsSpan(c * n, n);
                for (int r = 0; r < some; r++)
                {
                    long at = done + r;
                    var value = Bucket.Of(rows[r * stride + columns[c]]);
                    int bucket = (int)(at >> shift);
                    of[bucket] = (at & ((1L << shift) - 1)) == 0 ? value : of[bucket].Then(value);
                }
            }
            done += some;
        }
        return true;
    }

    private bool TryRows(long first, int count)
    {
        if (log.TryRows(first, count, rows))
            return true;
        if (recomputed is not { } window || first < window.First || first + count > window.First + window.Count)
            return false;
        window.Rows.AsSpan((int)(first - window.First) * log.Stride, count * log.Stride).CopyTo(rows);
        return true;
    }
}
