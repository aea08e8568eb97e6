using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using BatchViz.Telemetry;

namespace BatchViz.Recording.Export;

/// <summary>
/// One run's exact records, any of them. A run may go on while it is exported; an export ends with the record that was the last when it
/// began.
/// </summary>
public interface IRecordSource
{
    RunPlan Plan { get; }

    RecordLayout Layout { get; }

    /// <summary>Records made; record i (from 0) belongs to update i + 1.</summary>
    long Count { get; }

    /// <summary>Updates made; fewer than records of a run that diverged, whose last record is of an update that was not made.</summary>
    long UpdatesMade { get; }

    /// <summary>Records [first, first + rows), row-major [rows × layout width]. Cheapest front to back.</summary>
    void Read(long first, int rows, Span<float> into, CancellationToken cancel);

    /// <summary>The lane's processor seconds after each of those updates (a timing), NaN where unknown.</summary>
    void ReadSeconds(long first, int rows, Span<float> into);

    IReadOnlyList<EvaluationPoint> Evaluations { get; }
}
