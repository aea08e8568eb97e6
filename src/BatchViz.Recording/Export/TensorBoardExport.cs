using BatchViz.Telemetry;

namespace BatchViz.Recording.Export;

/// <summary>
/// A run as TensorBoard scalars: a folder of its own with one event file. The step is the update; the wall time is the lane's
/// processor seconds since the run began, so the same recording always gives the same bytes.
/// </summary>
public static class TensorBoardExport
{
    /// <summary>
    /// Most records of a run that are written. They are records as they are, evenly spaced, with the first and the last; no averages.
    /// </summary>
    public const int MaxPoints = 10_000;

    /// <summary>TensorBoard looks for "tfevents" in the name; the number is usually a clock's.</summary>
    public const string FileName = "events.out.tfevents.0000000000.batchviz";

    /// <summary>Writes <c>ID/events.out.tfevents.…</c> and returns its path.</summary>
    public static string Write(IRecordSource run, string folder, IProgress<double>? progress = null, CancellationToken cancel = default)
    {
        string path = Path.Combine(folder, ExportFile.NameOf(run.Plan), FileName);
        ExportFile.Write(path, stream => Write(run, stream, progress, cancel));
        return path;
    }

    /// <summary>Records and evaluations in the order of their updates.</summary>
    public static void Write(IRecordSource run, Stream stream, IProgress<double>? progress = null, CancellationToken cancel = default)
    {
        byte[][] columns = [.. run.Layout.Columns.Select(column => EventWriter.TagOf(column.Name))];
        // Of the update with which a run diverged, and which was not made.
        int[] withoutStep = [.. Enumerable.Range(0, columns.Length).Where(c => !run.Layout.Columns[c].OfStep)];
        byte[][] columnsWithoutStep = [.. withoutStep.Select(c => columns[c])];
        long count = run.Count,
            points = Math.Min(count, MaxPoints),
            point = 0;
        var walk = new RecordWalk(run, 0, count);
        var events = new EventWriter(stream);
        var evaluations = new EvaluationEvents([.. run.Evaluations], events);
        foreach (var (first, rows) in walk.Blocks(progress, cancel))
        {
            for (; point < points && RecordOf(point, points, count) < first + rows; point++)
            {
                long record = RecordOf(point, points, count);
                int row = (int)(record - first);
                evaluations.WriteUpTo(record);
                if (record < run.UpdatesMade)
                {
                    events.Write(walk.Seconds(row), record + 1, columns, walk.Record(row));
                    continue;
                }
                float[] values = walk.Record(row).ToArray();
                events.Write(walk.Seconds(row), record + 1, columnsWithoutStep, [.. withoutStep.Select(c => values[c])]);
            }
        }
        evaluations.WriteUpTo(long.MaxValue);
    }

    /// <summary>The record of one of the points: the first for the first, the last for the last, evenly spaced between.</summary>
    private static long RecordOf(long point, long points, long records) =>
        points == 1 ? 0 : (long)((Int128)point * (records - 1) / (points - 1));

    /// <summary>
    /// Evaluations in order, each written once. What no evaluation of the run has, such as a test loss without a test split, gets no tag.
    /// </summary>
    private sealed class EvaluationEvents(EvaluationPoint[] points, EventWriter events)
    {
        private readonly (byte[] Tag, Func<EvaluationPoint, float> Of)[] measures =
        [
            .. new (string Name, Func<EvaluationPoint, float> Of)[]
            {
                ("evaluation/loss", point => point.Loss),
                ("test/loss", point => point.TestLoss),
                ("test/accuracy", point => point.TestAccuracy),
            }
                .Where(measure => points.Any(point => !float.IsNaN(measure.Of(point))))
                .Select(measure => (EventWriter.TagOf(measure.Name), measure.Of)),
        ];

        private int next;

        /// <summary>Writes those made after at most so many updates.</summary>
        public void WriteUpTo(long updates)
        {
            for (; next < points.Length && points[next].Update <= updates; next++)
            {
                var point = points[next];
                events.Write(point.LaneSeconds, point.Update, [.. measures.Select(m => m.Tag)], [.. measures.Select(m => m.Of(point))]);
            }
        }
    }
}
