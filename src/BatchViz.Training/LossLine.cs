using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using static BatchViz.Core.Language;

namespace BatchViz.Training;

/// <summary>
/// Loss and accuracy on the straight line (1 − t)·a + t·b between two runs' newest weights (Goodfellow et al. 2015, arXiv:1412.6544), for
/// t from −1 to 2 as Keskar et al. 2017 (arXiv:1609.04836) show it.
/// </summary>
/// <param name="UpdateA">After which of a's updates it begins.</param>
/// <param name="Train">On the evaluation set [<see cref="Points"/>].</param>
/// <param name="Test">On the test set; null where the data have no test split.</param>
public sealed record LossLine(long UpdateA, long UpdateB, Evaluation[] Train, Evaluation[]? Test)
{
    public const double From = -1,
        To = 2;
    public const int Points = 61;

    public static double T(int point) => From + (To - From) * point / (Points - 1);

    /// <summary>Updates behind the weights that a line through this run uses now.</summary>
    public static long NewestOf(Run run) => run.Snapshots.Count is > 0 and var n ? run.Snapshots[n - 1].Update : run.Log.Count;

    /// <param name="replayer">Null: the experiment's.</param>
    /// <exception cref="RefusedException">One sentence: there is no such line.</exception>
    public static LossLine Between(
        Experiment experiment,
        Run a,
        Run b,
        IProgress<double>? progress,
        CancellationToken cancel,
        Replayer? replayer = null
    )
    {
        if (a == b)
            throw new RefusedException(Tr("A line needs two different runs.", "连线需要两个不同的运行。"));
        replayer ??= experiment.Replayer;
        using var from = End.Of(replayer, a, cancel);
        using var to = End.Of(replayer, b, cancel);
        using var evaluator = experiment.Engine.CreateEvaluator(experiment.Data, experiment.Plan.Network);
        var train = On(experiment.EvaluationSet);
        progress?.Report(experiment.TestSet is null ? 1 : 0.5);
        return new(from.Update, to.Update, train, experiment.TestSet is { } test ? On(test) : null);

        Evaluation[] On(EvaluationSet set)
        {
            var values = new Evaluation[Points];
            evaluator.Line(from.Weights, to.Weights, From, To, Points, set, values, cancel);
            return values;
        }
    }

    /// <summary>A run's newest weights. A recording's are recomputed from its last keyframe, and are ours to let go of.</summary>
    private readonly record struct End(long Update, IWeights Weights, bool Ours) : IDisposable
    {
        public static End Of(Replayer replayer, Run run, CancellationToken cancel)
        {
            if (run.Snapshots.Count is > 0 and var n)
                return new(run.Snapshots[n - 1].Update, run.Snapshots[n - 1].Weights, false);
            long update = NewestOf(run);
            return new(update, replayer.WeightsAt(run, update, null, cancel), true);
        }

        public void Dispose()
        {
            if (Ours)
                Weights.Dispose();
        }
    }
}
