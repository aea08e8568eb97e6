using BatchViz.Api;
using BatchViz.Core;
using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using BatchViz.Training;

namespace BatchViz.Live;

/// <summary>Lines between two runs' newest weights: one of each pair, and another when the runs have gone on.</summary>
public sealed class Lines(Experiment experiment)
{
    public Recomputation Between(int indexA, int indexB)
    {
        Run a = experiment.Runs[indexA],
            b = experiment.Runs[indexB];
        return new(
            ("line", indexA, indexB),
            () => new(0, double.NaN),
            (replayer, progress, cancel) =>
            {
                var before = Newest(a, b);
                byte[] json = ApiJson.Bytes(LineOf(a, b, LossLine.Between(experiment, a, b, progress, cancel, replayer)));
                return new(json, before.Settled, () => Newest(a, b) == before);
            }
        );
    }

    private static (long UpdateA, long UpdateB, bool Settled) Newest(Run a, Run b) =>
        (LossLine.NewestOf(a), LossLine.NewestOf(b), a.Log.Ended && b.Log.Ended);

    private Line LineOf(Run a, Run b, LossLine line) =>
        new(
            a.Plan.Id,
            b.Plan.Id,
            [line.UpdateA, line.UpdateB],
            [.. Enumerable.Range(0, LossLine.Points).Select(LossLine.T)],
            Curve(line.Train),
            line.Test is { } test ? Curve(test) : null,
            experiment.EvaluationExamples,
            experiment.TestExamples
        );

    private static LineCurve Curve(Evaluation[] values) =>
        new([.. values.Select(value => value.Loss)], [.. values.Select(value => value.Accuracy)]);
}
