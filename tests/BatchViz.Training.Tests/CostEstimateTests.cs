using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using BatchViz.Engine.Cpu;

namespace BatchViz.Training.Tests;

/// <summary>What an experiment is said to cost, where no clock decides.</summary>
public class CostEstimateTests
{
    /// <summary>
    /// 203 training and 100 test examples; every one of 156 updates is a path point, 81 marks with the start have test figures.
    /// </summary>
    [Theory]
    [InlineData(""" "evaluationExamples": 1024 """, 203, 100)]
    [InlineData(""" "evaluationExamples": 50 """, 50, 50)]
    public void Evaluations_are_counted_at_every_mark_and_at_the_end(string landscape, long evaluation, long test)
    {
        var plan = Labs.Plan(Labs.Moons.Replace("\"budget\"", $"\"landscape\": {{ {landscape} }}, \"budget\""));
        var run = plan.Runs.First(r => r.BatchSize == 8);
        var tests = new BatchViz.Core.Sampling.MeasurementSchedule(run.TotalUpdates, 80);
        long marks = Enumerable.Range(0, 157).Count(update => tests.Due(update));
        Assert.Equal(157 * evaluation + marks * test + 203 + 100, CostEstimate.EvaluatedExamples(plan, run, new ExperimentOptions()));
        Assert.Equal(
            marks * (evaluation + test) + 100,
            CostEstimate.EvaluatedExamples(plan, run, new ExperimentOptions { Landscape = false, MeasureEnds = false })
        );
    }

    [Fact]
    public void Every_kind_of_net_has_an_estimate()
    {
        using var engine = new CpuEngine();
        foreach (
            string spec in new[]
            {
                Labs.Moons,
                Labs.Beale,
                Labs.Moons.Replace("\"epochs\": 6", "\"seconds\": 2"),
                """{ "data": { "kind": "pairs", "base": "moons", "trainExamples": 40 }, "model": { "preset": "two-tower" }, "loss": "info-nce", "learningRate": 0.1, "batchSizes": [1, 8], "budget": { "epochs": 2 } }""",
                """{ "data": { "kind": "moons", "trainExamples": 65 }, "model": { "preset": "mlp-batchnorm" }, "learningRate": 0.1, "batchSizes": [1, 64], "budget": { "epochs": 2 } }""",
                """{ "data": { "kind": "moons", "trainExamples": 65 }, "model": { "hidden": [4] }, "optimizer": { "kind": "lbfgs" }, "learningRate": 1, "batchSizes": [1, 64], "budget": { "epochs": 2 } }""",
            }
        )
        {
            var cost = CostEstimate.Of(Labs.Plan(spec), engine, new ExperimentOptions(), default);
            Assert.True(
                cost is { TrainingSeconds: > 0, EvaluationSeconds: > 0, MemoryBytes: > 0 }
                    && double.IsFinite(cost.TrainingSeconds + cost.EvaluationSeconds),
                $"{cost}"
            );
        }
    }
}
