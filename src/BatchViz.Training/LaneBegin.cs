using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using BatchViz.Recording;

namespace BatchViz.Training;

/// <summary>
/// Where a lane begins: at update 0, at the keyframe at which a fork leaves its parent, or at the newest keyframe that all members of
/// an interrupted bundle have behind whole records. Records after it are made once more, and compared.
/// </summary>
internal sealed class LaneBegin(Experiment experiment, Run[] members)
{
    /// <summary>Points of a path that is taken up again: keyframes are projected at once, what was between them is not.</summary>
    private const int MostSnapshots = 128;

    private const int RowsAtOnce = 4096;

    /// <summary>A sentence for people: the run cannot be taken up again.</summary>
    public sealed class CannotException(string message) : Exception(message);

    /// <summary>Puts all members to the same update, and returns it.</summary>
    public long Restore(IBundle bundle, IEvaluator evaluator)
    {
        foreach (var run in members)
        {
            run.LastTestUpdate = run.Log.Evaluations.Count is > 0 and var n ? run.Log.Evaluations[n - 1].Update : -1;
            CompleteFork(run);
        }
        if (Common() is not var (update, keyframes))
            return 0;
        if (experiment.Job is not null)
            Snapshots.Gather(experiment, members, bundle, evaluator, update, MostSnapshots, experiment.Abandoning);
        for (int m = 0; m < members.Length; m++)
            bundle.Restore(m, keyframes[m]);
        return update;
    }

    /// <summary>The records between the start of a fork's log and the fork itself are its parent's, made once more.</summary>
    private void CompleteFork(Run run)
    {
        if (run.Plan.Fork is not { } fork || run.Log.Count >= fork.Update)
            return;
        var parent = experiment.Runs.Single(other => other.Plan.Id == fork.Parent);
        int width = run.Log.Layout.Width,
            stride = run.Log.Stride;
        var rows = new float[RowsAtOnce * width];
        while (run.Log.Count < fork.Update)
        {
            long first = run.Log.Count;
            int some = (int)Math.Min(fork.Update - first, RowsAtOnce);
            var window = experiment.Replayer.RowsAhead(parent, first, some, experiment.Abandoning);
            for (int r = 0; r < some; r++)
                window.Rows.AsSpan(r * stride, width).CopyTo(rows.AsSpan(r * width));
            double before = first > 0 ? parent.Log.SecondsAt(first - 1) : 0,
                after = parent.Log.SecondsAt(first + some - 1);
            run.Log.Append(rows.AsSpan(0, some * width), some, before, double.IsNaN(after) ? before : after);
        }
    }

    /// <summary>
    /// The newest keyframes of one update that every member has; null: there are none, and all begin with their initial weights.
    /// </summary>
    private (long Update, Keyframe[] Keyframes)? Common()
    {
        if (members.Any(run => run.Recorded is null))
            return null;
        long most = members.Min(run => run.Log.Count);
        var common = members
            .Select(run => run.Recorded!.Keyframes.Updates.Where(at => at <= most))
            .Aggregate((a, b) => a.Intersect(b))
            .OrderDescending();
        foreach (long update in common)
        {
            Keyframe?[] keyframes = [.. members.Select(run => run.Recorded!.Keyframes.Read(update))];
            if (keyframes.All(keyframe => keyframe is not null))
                return (update, [.. keyframes.Select(keyframe => keyframe!)]);
        }
        if (members[0].Plan.Fork is { } fork)
            throw new CannotException(
                $"The keyframe after update {fork.Update:#,0}, at which this run leaves {fork.Parent}, cannot be read."
            );
        return null;
    }
}
