using System.Diagnostics;
using BatchViz.Core.Engines;
using BatchViz.Telemetry;
using BatchViz.Training;

namespace BatchViz.Bench;

/// <summary>
/// The engine's updates with recording on, as a lane makes them: stretches of at most 20 ms, and after each the records of every
/// member appended to its run log. One unit is one update of all members.
/// </summary>
internal sealed class EngineUpdates(IBundle bundle) : IContestant, IDisposable
{
    private const int BlockRows = 2048;

    /// <summary>Records of all members together after which new logs are begun, for a benchmark should not fill the memory.</summary>
    private const long MostRecords = 1_000_000;

    private const double Stretch = 0.02;

    private readonly RecordBlock block = new(bundle.Members, BlockRows, bundle.Layout.Width);
    private readonly RunLog[] logs = new RunLog[bundle.Members];
    private double perUpdate = Stretch,
        shortest = double.PositiveInfinity;

    public string Name => "BatchViz";

    /// <summary>Least processor seconds of one update over the rounds so far.</summary>
    public double ProcessorMinimum { get; private set; } = double.PositiveInfinity;

    /// <summary>Share of the shortest round's time that went into the run logs.</summary>
    public double RecordingShare { get; private set; }

    public double Round(double seconds)
    {
        if (logs[0] is null || logs[0].Count * logs.Length > MostRecords)
            BeginLogs();
        long updates = 0,
            start = Stopwatch.GetTimestamp();
        double begin = LaneClock.Seconds,
            recorded = 0,
            wall;
        do
        {
            int granted = (int)Math.Clamp(Math.Min(Stretch, seconds) / perUpdate, 1, BlockRows);
            long before = Stopwatch.GetTimestamp();
            double laneBefore = LaneClock.Seconds;
            bundle.Advance(granted, block);
            double laneAfter = LaneClock.Seconds;
            long between = Stopwatch.GetTimestamp();
            for (int m = 0; m < logs.Length; m++)
            {
                if (block.Rows[m] < granted || bundle.Diverged(m))
                    throw new InvalidOperationException($"the run of seed {bundle.Spec.Seeds[m]} diverged");
                logs[m].Append(block.Of(m), granted, laneBefore, laneAfter);
            }
            recorded += Stopwatch.GetElapsedTime(between).TotalSeconds;
            perUpdate = Math.Max(1e-9, Stopwatch.GetElapsedTime(before).TotalSeconds / granted);
            updates += granted;
            wall = Stopwatch.GetElapsedTime(start).TotalSeconds;
        } while (wall < seconds);
        ProcessorMinimum = Math.Min(ProcessorMinimum, (LaneClock.Seconds - begin) / updates);
        if (wall / updates < shortest)
            (shortest, RecordingShare) = (wall / updates, recorded / wall);
        return wall / updates;
    }

    /// <summary>New logs with a block of records in each, since a log's first records cost more than all that follow.</summary>
    private void BeginLogs()
    {
        for (int m = 0; m < logs.Length; m++)
        {
            logs[m] = new RunLog(bundle.Layout);
            logs[m].Append(block.Of(m), BlockRows, 0, 0);
        }
    }

    public void Dispose() => bundle.Dispose();
}
