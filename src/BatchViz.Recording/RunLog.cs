using BatchViz.Core.Engines;

namespace BatchViz.Recording;

public enum RunState : byte { Waiting, Running, Finished, Diverged, Stopped, Failed }

/// <summary>Losses at an update count; NaN where there is nothing to measure. 20 bytes on the wire.</summary>
public readonly record struct EvaluationPoint(uint Update, float Loss, float TestLoss, float TestAccuracy, float LaneSeconds);

/// <summary>A point of a run's path on a plane, with its true loss on the evaluation set. 20 bytes on the wire.</summary>
public readonly record struct PathPoint(uint Update, float X, float Y, float Loss, float OffPlane);

/// <summary>
/// Everything recorded of one run: a column for each of the engine's record layout, and the lane's processor seconds as one more,
/// kept apart from the deterministic ones. Written by the run's lane, read by anyone.
/// </summary>
public sealed class RunLog
{
    private readonly ColumnLog[] columns;
    private float[] buffer = [];
    private int state;
    private string? message;

    public RunLog(RecordLayout layout)
    {
        Layout = layout;
        columns = new ColumnLog[layout.Width + 1];
        for (int c = 0; c < columns.Length; c++) columns[c] = new ColumnLog();
    }

    public RecordLayout Layout { get; }

    /// <summary>Index of the column with the lane's processor seconds: a timing, never compared bit by bit.</summary>
    public int SecondsColumn => Layout.Width;

    public int ColumnCount => columns.Length;

    /// <summary>Records made.</summary>
    public long Count => columns[^1].Count;

    public AppendOnly<EvaluationPoint> Evaluations { get; } = new();

    public RunState State => (RunState)Volatile.Read(ref state);

    /// <summary>Why the run diverged, stopped or failed; one sentence.</summary>
    public string? Message => Volatile.Read(ref message);

    public bool Ended => State >= RunState.Finished;

    public ColumnLog this[int column] => columns[column];

    public void Enter(RunState next, string? why = null)
    {
        Volatile.Write(ref message, why);
        Volatile.Write(ref state, (int)next);
    }

    /// <summary>Appends <paramref name="rows"/> records, row-major [rows × layout width], made between two readings of the lane's clock.</summary>
    public void Append(ReadOnlySpan<float> records, int rows, double secondsBefore, double secondsAfter)
    {
        if (rows == 0) return;
        if (buffer.Length < rows) buffer = new float[rows];
        var column = buffer.AsSpan(0, rows);
        for (int c = 0; c < Layout.Width; c++)
        {
            for (int r = 0; r < rows; r++) column[r] = records[r * Layout.Width + c];
            columns[c].Append(column);
        }
        for (int r = 0; r < rows; r++) column[r] = (float)(secondsBefore + (secondsAfter - secondsBefore) * (r + 1) / rows);
        columns[^1].Append(column);
    }
}
