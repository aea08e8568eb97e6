using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using BatchViz.Recording.Export;
using BatchViz.Telemetry;

namespace BatchViz.Training;

/// <summary>
/// A run's records for exports: those that were kept as they are, the others recomputed. Taken front to back, the replay goes on
/// where it stopped. What the run makes after this was made is left out.
/// </summary>
public sealed class RecordSource : IRecordSource
{
    private const int RowsAtOnce = 1024;

    private readonly Experiment experiment;
    private readonly Run run;
    private readonly float[] rows;

    public RecordSource(Experiment experiment, Run run)
    {
        (this.experiment, this.run) = (experiment, run);
        Count = run.Log.Count;
        UpdatesMade = Math.Min(Count, run.Log.UpdatesMade);
        rows = new float[RowsAtOnce * run.Log.Stride];
        Evaluations = [.. run.Log.Evaluations.ToArray().Where(point => point.Update <= Count)];
    }

    public RunPlan Plan => run.Plan;

    public RecordLayout Layout => run.Log.Layout;

    public long Count { get; }

    public long UpdatesMade { get; }

    public IReadOnlyList<EvaluationPoint> Evaluations { get; }

    /// <exception cref="RefusedException">What was not kept cannot be recomputed.</exception>
    public void Read(long first, int count, Span<float> into, CancellationToken cancel)
    {
        for (int done = 0; done < count; done += RowsAtOnce)
        {
            int some = Math.Min(RowsAtOnce, count - done);
            ReadSome(first + done, some, into.Slice(done * Layout.Width, some * Layout.Width), cancel);
        }
    }

    public void ReadSeconds(long first, int count, Span<float> into)
    {
        for (int r = 0; r < count; r++)
            into[r] = run.Log.SecondsAt(first + r);
    }

    private void ReadSome(long first, int count, Span<float> into, CancellationToken cancel)
    {
        int stride = run.Log.Stride,
            width = Layout.Width;
        float[] from = rows;
        if (!run.Log.TryRows(first, count, from))
            from = experiment.Replayer.Rows(run, first, count, null, cancel).Rows;
        for (int r = 0; r < count; r++)
            from.AsSpan(r * stride, width).CopyTo(into[(r * width)..]);
    }
}
