using BatchViz.Telemetry;

namespace BatchViz.Training;

/// <summary>
/// A run's own part of its lane's processor seconds. Runs of a bundle train together, so that the lane's clock, which their logs have, is
/// that of all of them; each has an equal part of what passed while it trained.
/// </summary>
public static class LaneShare
{
    /// <param name="bundle">The logs of all runs that train together, <paramref name="run"/>'s among them.</param>
    /// <returns>Seconds up to the run's last record; NaN where they are not known.</returns>
    public static double Of(RunLog run, IReadOnlyList<RunLog> bundle)
    {
        double share = 0,
            before = 0;
        long[] ends = [.. bundle.Select(log => log.Count).Where(end => end > 0 && end <= run.Count).Distinct().Order()];
        foreach (long end in ends)
        {
            double after = run.SecondsAt(end - 1);
            share += (after - before) / bundle.Count(log => log.Count >= end);
            before = after;
        }
        return share;
    }

    /// <summary>Of a run of an experiment; a fork trains alone.</summary>
    public static double Of(Run run, Experiment experiment) =>
        Of(
            run.Log,
            run.Plan.Fork is not null
                ? [run.Log]
                :
                [
                    .. experiment
                        .Runs.Where(other => other.Plan.Fork is null && other.Plan.BatchSize == run.Plan.BatchSize)
                        .Select(other => other.Log),
                ]
        );
}
