using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using BatchViz.Engine.Cpu;
using BatchViz.Recording.Storage;

namespace BatchViz.Training.Tests;

/// <summary>Experiments whose test figures, batches or gradients are not those of a plain run.</summary>
public sealed class StreamTests
{
    /// <summary>After n examples of a stream, the test figures are of the next ones, beyond the training split's end too.</summary>
    [Fact]
    public async Task A_stream_is_tested_on_what_comes_next()
    {
        const int Train = 200,
            Test = 60;
        using var experiment = await Labs.Run(
            """
            { "data": { "kind": "drift", "trainExamples": 200, "testExamples": 60, "turns": 2 }, "learningRate": 0.2, "batchSizes": [8], "budget": { "epochs": 1 } }
            """,
            new() { Files = new MemoryFiles(), Landscape = false }
        );
        var run = experiment.Runs[0];
        using var engine = new CpuEngine();
        // The stream in one piece, to look at any stretch of it.
        var data = experiment.Plan.Data;
        float[] all = [.. data.Train.Floats!, .. data.Test!.Floats!];
        var whole = data.Train with { Count = Train + Test, Floats = all, Labels = [.. data.Train.Labels!, .. data.Test.Labels!] };
        using var stream = engine.Load(data with { Train = whole });
        using var evaluator = engine.CreateEvaluator(stream, experiment.Plan.Network);
        int beyond = 0;
        foreach (var point in run.Log.Evaluations.ToArray())
        {
            int used = (int)run.Plan.Progress.ExamplesAfter(point.Update);
            using var weights = experiment.Replayer.WeightsAt(run, point.Update, null, default);
            using var bundle = engine.CreateBundle(stream, experiment.Plan.BundleOf([run.Plan]));
            bundle.Restore(0, experiment.Replayer.At(run, point.Update, null, default));
            using var own = bundle.Snapshot(0);
            var expected = evaluator.Evaluate(own, new EvaluationSet(Split.Train, [.. Enumerable.Range(used, Test)]));
            Assert.Equal(expected.Loss, point.TestLoss, 1e-5);
            Assert.Equal(expected.Accuracy, point.TestAccuracy, 1e-6);
            if (used + Test > Train)
                beyond++;
        }
        Assert.True(beyond >= 2 && run.Log.Evaluations.Count > 10);
        Assert.Equal(run.Log.Evaluations[run.Log.Evaluations.Count - 1].TestAccuracy, run.Result!.TestAccuracy, 1e-6);
    }

    /// <summary>
    /// Pools, old weights and searches: recorded, then every batch replayed bit for bit with the examples that it was trained on.
    /// </summary>
    [Theory]
    [InlineData("\"optimizer\": { \"kind\": \"lbfgs\", \"memory\": 3 }, \"sampler\": { \"hard\": { \"pool\": 40 } }")]
    [InlineData("\"optimizer\": { \"kind\": \"conjugate-gradient\" }")]
    [InlineData(
        "\"optimizer\": { \"kind\": \"lars\", \"trust\": 0.1 }, \"workers\": { \"count\": 4, \"mode\": \"asynchronous\" }, \"sampler\": { \"hard\": { \"pool\": 40 } }"
    )]
    public async Task Batches_of_searches_pools_and_workers_come_again(string settings)
    {
        string text = $$"""
            { "data": { "kind": "moons", "trainExamples": 203, "testExamples": 100 }, "model": { "hidden": [20], "activation": "tanh" },
              "learningRate": 0.5, "batchSizes": [8, 32], "budget": { "epochs": 8 }, "probes": ["gradient"], {{settings}} }
            """;
        var files = new MemoryFiles();
        using var experiment = await Labs.Run(text, new() { Files = files, Landscape = false });
        var random = new Random(2);
        foreach (var run in experiment.Runs)
        {
            Assert.True(run.Probes.Count > 0);
            for (int i = 0; i < 6; i++)
            {
                long update = 1 + random.NextInt64(run.Log.Count);
                var batch = experiment.Replayer.Batch(run, update, null, default);
                Assert.Equal((true, 0.0), (batch.Recorded, batch.Deviation));
                Assert.Equal(batch.Record[RecordLayout.BatchSize], batch.Examples.Count);
                // A stale gradient's loss is that of older weights.
                if (run.Plan.Staleness == 0)
                    Assert.Equal(
                        batch.Record[RecordLayout.Loss],
                        batch.Examples.Average(e => e.Loss),
                        1e-4 * (1 + batch.Record[RecordLayout.Loss])
                    );
            }
            var fork = experiment.Fork(run.Plan.Id, run.Log.Count / 2, new Dictionary<string, string>());
            await Labs.Ended(experiment);
            Assert.Equal(run.Result!.WeightsSha256, fork.Result!.WeightsSha256);
        }
    }
}
