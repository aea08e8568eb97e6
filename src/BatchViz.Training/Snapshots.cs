using BatchViz.Core.Engines;
using BatchViz.Recording;

namespace BatchViz.Training;

/// <summary>Makes snapshots for the landscape out of keyframes, when a recording is taken up again.</summary>
internal static class Snapshots
{
    /// <summary>
    /// Gives each run snapshots at its keyframes up to <paramref name="update"/>, evenly if there are more than <paramref name="most"/>,
    /// with their true losses.
    /// </summary>
    /// <param name="bundle">Of these runs; it is left at some keyframe.</param>
    public static void Gather(
        Experiment experiment,
        Run[] runs,
        IBundle bundle,
        IEvaluator evaluator,
        long update,
        int most,
        CancellationToken cancel
    )
    {
        for (int m = 0; m < runs.Length; m++)
        {
            var run = runs[m];
            if (run.Snapshots.Count > 0)
                continue;
            // A bundle that was just made has the initial weights.
            if (run.Plan.Fork is null && bundle.Updates(m) == 0)
                Add(run, bundle, m, evaluator, experiment.EvaluationSet);
            long[] all = [.. run.Recorded!.Keyframes.Updates.Where(at => at > 0 && at <= update)];
            int take = Math.Min(all.Length, most);
            for (int k = 0; k < take; k++)
            {
                cancel.ThrowIfCancellationRequested();
                long at = all[take == 1 ? all.Length - 1 : (int)((long)k * (all.Length - 1) / (take - 1))];
                if (run.Recorded.Keyframes.Read(at) is not { } keyframe)
                    continue;
                bundle.Restore(m, keyframe);
                Add(run, bundle, m, evaluator, experiment.EvaluationSet);
            }
        }
    }

    private static void Add(Run run, IBundle bundle, int member, IEvaluator evaluator, EvaluationSet set)
    {
        var weights = bundle.Snapshot(member);
        run.LastPathUpdate = bundle.Updates(member);
        run.Snapshots.Add(new Snapshot(run.LastPathUpdate, weights, evaluator.Evaluate(weights, set).Loss));
    }
}
