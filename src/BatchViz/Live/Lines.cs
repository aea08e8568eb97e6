using System.Text;
using System.Text.Json.Nodes;
using BatchViz.Cli;
using BatchViz.Core;
using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using BatchViz.Lab;

namespace BatchViz.Live;

/// <summary>Lines between two runs' newest weights: one of each pair, and another when the runs have gone on.</summary>
public sealed class Lines(Experiment experiment)
{
    public Recomputation Between(int indexA, int indexB)
    {
        Run a = experiment.Runs[indexA], b = experiment.Runs[indexB];
        return new(("line", indexA, indexB), () => new(0, double.NaN), (replayer, progress, cancel) =>
        {
            var before = Newest(a, b);
            byte[] json = Encoding.UTF8.GetBytes(Json(a, b, LossLine.Between(experiment, a, b, progress, cancel, replayer)).ToJsonString());
            return new(json, before.Settled, () => Newest(a, b) == before);
        });
    }

    private static (long UpdateA, long UpdateB, bool Settled) Newest(Run a, Run b)
        => (LossLine.NewestOf(a), LossLine.NewestOf(b), a.Log.Ended && b.Log.Ended);

    private JsonObject Json(Run a, Run b, LossLine line) => new()
    {
        ["a"] = a.Plan.Id,
        ["b"] = b.Plan.Id,
        ["updates"] = new JsonArray(line.UpdateA, line.UpdateB),
        ["t"] = Numbers(Enumerable.Range(0, LossLine.Points).Select(LossLine.T)),
        ["train"] = Curve(line.Train),
        ["test"] = line.Test is { } test ? Curve(test) : null,
        ["trainExamples"] = experiment.EvaluationExamples,
        ["testExamples"] = experiment.TestExamples,
    };

    private static JsonObject Curve(Evaluation[] values)
        => new() { ["loss"] = Numbers(values.Select(value => value.Loss)), ["accuracy"] = Numbers(values.Select(value => value.Accuracy)) };

    private static JsonArray Numbers(IEnumerable<double> values) => [.. values.Select(RunCommand.Finite)];
}
