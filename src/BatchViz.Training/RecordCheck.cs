using BatchViz.Core.Engines;
using BatchViz.Telemetry;

namespace BatchViz.Training;

/// <summary>
/// What was recorded before an interruption must come again, bit for bit: records where they were kept, else the buckets over them. An
/// engine whose bits do not come again is only measured: what it goes on with is another segment of the run.
/// </summary>
internal sealed class RecordCheck(Run run, bool exact)
{
    private readonly int width = run.Log.Layout.Width;
    private readonly int[] compared = [.. Enumerable.Range(0, run.Log.Layout.Width).Except(run.Log.Missing)];
    private readonly float[] recorded = new float[run.Log.Stride];
    private readonly Bucket[] open = new Bucket[run.Log.Layout.Width];
    private readonly Bucket[] kept = new Bucket[1];

    /// <summary>Where the bucket that is open began; −1 while none has been seen from its beginning.</summary>
    private long began = -1;

    /// <summary>
    /// Largest difference of a loss from the recorded one, as a share of the larger of both; 0 where the engine is exact.
    /// </summary>
    public double Deviation { get; private set; }

    /// <param name="rows">Records from <paramref name="first"/> on, as the engine made them now; all of them were made before.</param>
    /// <exception cref="LaneBegin.CannotException">They are others than were recorded.</exception>
    public void Take(long first, ReadOnlySpan<float> rows)
    {
        for (int r = 0; r < rows.Length / width; r++)
        {
            var row = rows.Slice(r * width, width);
            long record = first + r;
            if (run.Log.TryRows(record, 1, recorded))
            {
                if (!exact && recorded[RecordLayout.Loss] is var then && float.IsFinite(then))
                    Deviation = Math.Max(Deviation, new RecordDifference(RecordLayout.Loss, row[RecordLayout.Loss], then).Relative);
                if (!exact)
                    continue;
                foreach (int c in compared)
                    if (Bits(recorded[c]) != Bits(row[c]))
                        throw Other(record, c, recorded[c], row[c]);
            }
            if (exact)
                Gather(record, row);
        }
    }

    private void Gather(long record, ReadOnlySpan<float> row)
    {
        int level = run.Log.Plan.LevelAt(record);
        if (level < RunLog.ChunkLevel)
            return;
        long size = 1L << (2 * level),
            place = record & (size - 1);
        if (place == 0)
            began = record;
        if (began != record - place)
            return;
        for (int c = 0; c < width; c++)
            open[c] = place == 0 ? Bucket.Of(row[c]) : open[c].Then(Bucket.Of(row[c]));
        if (place != size - 1)
            return;
        foreach (int c in compared)
        {
            if (!run.Log.TryBuckets(level, record >> (2 * level), c, kept))
                return;
            if (
                Bits(kept[0].Min) != Bits(open[c].Min)
                || Bits(kept[0].Max) != Bits(open[c].Max)
                || Bits(kept[0].Last) != Bits(open[c].Last)
            )
                throw Other(record, c, kept[0].Last, open[c].Last);
        }
    }

    private LaneBegin.CannotException Other(long record, int column, float then, float now) =>
        new(
            $"Update {record + 1:#,0} does not come again as it was recorded ({run.Log.Layout.Columns[column].Name} {now:R}, recorded {then:R}): the recording is of another build or machine."
        );

    private static int Bits(float value) =>
        float.IsNaN(value) ? BitConverter.SingleToInt32Bits(float.NaN) : BitConverter.SingleToInt32Bits(value);
}
