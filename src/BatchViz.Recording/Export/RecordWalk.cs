namespace BatchViz.Recording.Export;

/// <summary>Takes records of a run front to back, a block at a time, so that no whole run is ever in memory.</summary>
/// <param name="from">The first record.</param>
/// <param name="count">How many.</param>
internal sealed class RecordWalk(IRecordSource run, long from, long count)
{
    /// <summary>A few hundred kilobytes of records.</summary>
    private const int BlockRows = 4096;

    private readonly float[] records = new float[BlockRows * run.Layout.Width],
        seconds = new float[BlockRows];

    /// <summary>Fills the buffers with one block after the other and gives its first record and its number of rows.</summary>
    /// <param name="progress">Told the share of the records that has been dealt with.</param>
    public IEnumerable<(long First, int Rows)> Blocks(IProgress<double>? progress, CancellationToken cancel)
    {
        for (long done = 0; done < count; )
        {
            cancel.ThrowIfCancellationRequested();
            int rows = (int)Math.Min(BlockRows, count - done);
            run.Read(from + done, rows, records.AsSpan(0, rows * run.Layout.Width), cancel);
            run.ReadSeconds(from + done, rows, seconds.AsSpan(0, rows));
            yield return (from + done, rows);
            done += rows;
            progress?.Report((double)done / count);
        }
    }

    /// <summary>One record of the block [layout width].</summary>
    public ReadOnlySpan<float> Record(int row) => records.AsSpan(row * run.Layout.Width, run.Layout.Width);

    /// <summary>Lane seconds after one record of the block.</summary>
    public float Seconds(int row) => seconds[row];
}
