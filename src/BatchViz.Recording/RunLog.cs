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
    /// <summary>Groups of rows that stay in the cache while one four columns after another is taken out of them.</summary>
    private const int TileGroups = 64;

    private readonly ColumnLog[] columns;
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
        Span<float> seconds = stackalloc float[RecordTile.Size * TileGroups];
        for (int at = 0; at < rows;)
        {
            var rest = records[(at * Layout.Width)..(rows * Layout.Width)];
            int groups = Math.Min(Math.Min(TileGroups, (rows - at) / RecordTile.Size), columns[0].GroupsAhead);
            if (groups > 0) AppendGroups(rest, groups);
            int taken = groups > 0 ? RecordTile.Size * groups : AppendRow(rest);
            for (int r = 0; r < taken; r++) seconds[r] = (float)(secondsBefore + (secondsAfter - secondsBefore) * (at + r + 1) / rows);
            columns[^1].Append(seconds[..taken]);
            at += taken;
        }
    }

    private void AppendGroups(ReadOnlySpan<float> records, int groups)
    {
        for (int c = 0; c < Layout.Width; c += RecordTile.Size)
        {
            var some = columns.AsSpan(c, Math.Min(RecordTile.Size, Layout.Width - c));
            RecordTile.Take(records, Layout.Width, c, groups, some);
            foreach (var column in some) column.Publish(groups);
        }
    }

    private int AppendRow(ReadOnlySpan<float> records)
    {
        for (int c = 0; c < Layout.Width; c++) columns[c].Append(records.Slice(c, 1));
        return 1;
    }
}
