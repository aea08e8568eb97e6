using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using BatchViz.Engine.Cpu;
using BatchViz.Recording;
using BatchViz.Recording.Storage;
using BatchViz.Telemetry;

namespace BatchViz.Training.Tests;

/// <summary>
/// A net of two towers, from its first update to a reopened recording. B = 8 ends its epochs with three pairs, B = 1 has one at a time.
/// </summary>
public class ContrastiveTests
{
    private const string Towers = """
        { "data": { "kind": "pairs", "base": "moons", "trainExamples": 67, "testExamples": 40, "augmentation": 0.3 }, "loss": "LOSS", "optimizer": { "kind": "momentum" }, "learningRate": 0.02,
          "batchSizes": [1, 8, "full"], "seeds": [1, 2], "budget": { "epochs": 30 }, "probes": ["gradient", "sharpness", "eigenvalues", "trace"], "landscape": { "resolution": 17 },
          "model": { "kind": "layers", "towers": 2, "layers": [{ "kind": "dense", "units": 12 }, { "kind": "activation", "function": "tanh" }, { "kind": "dense", "units": 6 }] } }
        """;

    [Theory]
    [InlineData("info-nce")]
    [InlineData("sigmoid-contrastive")]
    public async Task It_is_recorded_replayed_forked_and_taken_up_again(string loss)
    {
        var files = new MemoryFiles();
        var random = new Random(1);
        Dictionary<string, string> hashes;
        using (var experiment = await Labs.Run(Text(loss), new() { Files = files }))
        {
            foreach (var run in experiment.Runs)
            {
                for (int i = 0; i < 4; i++)
                {
                    long update = 1 + random.NextInt64(run.Log.Count);
                    var batch = experiment.Replayer.Batch(run, update, null, default);
                    Assert.Equal(
                        (0.0, experiment.Plan.BundleOf([run.Plan]).ProgressOver(67).ExamplesOf(update)),
                        (batch.Deviation, batch.Examples.Count)
                    );
                    Assert.All(batch.Examples, e => Assert.True(double.IsNaN(e.Loss) && double.IsNaN(e.GradientNorm)));
                    foreach (var (column, value) in experiment.Runs[0].Log.Layout.Columns.Zip(batch.Record))
                        Assert.True(float.IsFinite(value) != column.OfExamples, $"{column.Name} is {value}");
                    if (loss == "info-nce" && run.Plan.BatchSize == 1)
                        Assert.Equal((0f, 0f), (batch.Record[RecordLayout.Loss], batch.Record[RecordLayout.GradientNorm]));
                }
                var same = experiment.Fork(run.Plan.Id, run.Log.Count / 3, new Dictionary<string, string>());
                await Labs.Ended(experiment);
                Assert.Equal((RunState.Finished, run.Result!.WeightsSha256), (same.Log.State, same.Result!.WeightsSha256));
                if (experiment.Runs.Count > 8)
                    break;
            }
            var other = experiment.Fork("b8-s1", 100, new Dictionary<string, string> { ["batchSize"] = "20", ["optimizer"] = "adam" });
            await Labs.Ended(experiment);
            Assert.Equal((RunState.Finished, 20), (other.Log.State, other.Plan.BatchSize));
            hashes = Labs.Hashes(experiment);
        }
        using (var opened = Taken(files, RecordingManifest.Read(files), resume: false))
        {
            opened.Start();
            await Labs.Ended(opened);
            Assert.Equal(hashes, Labs.Hashes(opened));
            Assert.Equal(0.0, opened.Replayer.Batch(opened.Runs[1], 77, null, default).Deviation);
        }

        string text = Text(loss).Replace("\"epochs\": 30", "\"epochs\": 600");
        var cut = new MemoryFiles();
        RecordingManifest manifest;
        using (var stopped = Labs.New(text, new() { Files = cut, Landscape = false }))
        {
            stopped.Start();
            await Labs.Until(() => stopped.Runs[0].Log.Count > 2500, "some updates");
            manifest = stopped.Recorder!.Manifest;
        }
        using var taken = Taken(cut, manifest, resume: true);
        taken.Start();
        using var whole = await Labs.Run(text, new() { Landscape = false });
        await Labs.Ended(taken);
        Assert.Equal(Labs.Hashes(whole), Labs.Hashes(taken));
        foreach (var (run, again) in whole.Runs.Zip(taken.Runs))
            Assert.Equal(
                run.Probes.ToArray().Select(p => (p.Update, p.Sharpness, p.GradientNorm)),
                again.Probes.ToArray().Select(p => (p.Update, p.Sharpness, p.GradientNorm))
            );
    }

    [Theory]
    [InlineData("info-nce")]
    [InlineData("sigmoid-contrastive")]
    public async Task It_has_probes_a_landscape_a_line_and_gradients_at_any_moment_but_no_scatter_of_single_examples(string loss)
    {
        using var experiment = await Labs.Run(Text(loss), new() { Files = new MemoryFiles() });
        await Labs.Until(() => experiment.LandscapeSettled, "the finest grid");
        var landscape = experiment.Landscape!;
        Assert.Equal((PlaneKind.Pca, 17), (landscape.Kind, landscape.Layers[^1].Resolution));
        Assert.All(landscape.Layers[^1].Losses, height => Assert.True(float.IsFinite(height)));
        using var evaluator = experiment.Engine.CreateEvaluator(experiment.Data, experiment.Plan.Network);
        foreach (var run in experiment.Runs)
        {
            var path = landscape.Paths[run.Plan.Index];
            Assert.Equal(
                (float)evaluator.Evaluate(run.Snapshots[path.Count - 1].Weights, experiment.EvaluationSet).Loss,
                path[path.Count - 1].Loss
            );
            var point = run.Probes[run.Probes.Count - 1];
            Assert.All(
                [point.GradientNorm, point.Sharpness, point.Trace, .. point.Eigenvalues],
                value => Assert.True(double.IsFinite(value))
            );
            // One pair alone has no gradient of InfoNCE, and soon none of the sigmoid loss that a float holds, so it goes in no direction.
            if (run.Plan.BatchSize > 1)
                Assert.InRange(point.BatchCosine, -1, 1);
            else if (loss == "info-nce")
                Assert.True(double.IsNaN(point.BatchCosine));

            long update = run.Log.Count / 2;
            var moment = experiment.Replayer.Moment(run, update, landscape.Plane!, null, default);
            var batch = experiment.Replayer.Batch(run, update + 1, null, default);
            Assert.Null(moment.Scatter);
            Assert.Equal(
                batch.Record[RecordLayout.GradientNorm],
                Assert.NotNull(moment.Batch).Norm,
                1e-5 * (1 + batch.Record[RecordLayout.GradientNorm])
            );
            Assert.Equal((moment.Full.Norm, moment.Cosine), (batch.Full.Norm, batch.Full.Cosine));
        }
        var (first, last) = (experiment.Runs[0], experiment.Runs[^1]);
        var line = LossLine.Between(experiment, first, last, null, default);
        Assert.All([.. line.Train, .. line.Test!], at => Assert.True(double.IsFinite(at.Loss) && at.Accuracy is >= 0 and <= 1));
        Assert.Equal((double)landscape.Paths[0][landscape.Paths[0].Count - 1].Loss, line.Train[20].Loss, 1e-4 * (1 + line.Train[20].Loss));

        uint before = landscape.PlaneId;
        experiment.FitPlane(PlaneKind.Hessian);
        await Labs.Until(() => experiment.Landscape!.PlaneId > before && experiment.LandscapeSettled, "the plane of the Hessian");
        Assert.Equal(PlaneKind.Hessian, experiment.Landscape!.Kind);
    }

    private static string Text(string loss) => Towers.Replace("LOSS", loss);

    private static Experiment Taken(IFiles files, RecordingManifest manifest, bool resume)
    {
        var plan = manifest.PlanOf(Labs.PlanOf(manifest.ReadSpec()));
        return new Experiment(plan, new CpuEngine(), new() { Resume = resume }, RecordingFolder.Open(files, manifest, plan));
    }
}
