using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using BatchViz.Engine.Cpu;
using BatchViz.Recording.Storage;

namespace BatchViz.Training.Tests;

/// <summary>Gradients at moments, batches against the full gradient, and decision boundaries.</summary>
public class MomentTests
{
    [Fact]
    public async Task ThePointAndTheGradientsAreThoseOfTheWeights()
    {
        using var experiment = await Labs.Run(Labs.Moons, new() { Files = new MemoryFiles() });
        await Labs.Until(() => experiment.LandscapeSettled, "a plane that stays");
        using var evaluator = experiment.Engine.CreateEvaluator(experiment.Data, experiment.Plan.Network);
        using var probe = experiment.Engine.CreateProbe(experiment.Data, experiment.Plan.Network);
        var plane = experiment.Landscape!.Plane!;
        foreach (var run in experiment.Runs)
        {
            foreach (long update in new[] { 0, run.Log.Count / 3, run.Log.Count - 1 })
            {
                var moment = experiment.Replayer.Moment(run, update, plane, null, default);
                var batch = experiment.Replayer.Batch(run, update + 1, null, default);
                using var weights = experiment.Replayer.WeightsAt(run, update, null, default);
                Assert.Equal(evaluator.Project(plane, weights), moment.Point);
                Assert.Equal(batch.Examples.Count, moment.NextBatchSize);

                var all = EvaluationSet.All(Split.Train);
                using var full = probe.Gradient(weights, all);
                var scatter = probe.PlaneGradients(weights, all, plane);
                Assert.Equal((full.Gradient.Norm, 203), (moment.Full.Norm, moment.FullExamples));
                Assert.Equal((scatter.X, scatter.Y), (moment.Full.X, moment.Full.Y), new Near(1e-6));
                Assert.Equal(scatter, moment.Scatter);

                using var own = probe.Gradient(weights, new EvaluationSet(Split.Train, [.. batch.Examples.Select(e => e.Index)]));
                var next = Assert.NotNull(moment.Batch);
                var on = evaluator.Project(plane, own.Gradient);
                Assert.Equal(new GradientOnPlane(on.X, on.Y, own.Gradient.Norm), next);
                Assert.Equal(batch.Record[RecordLayout.GradientNorm], next.Norm, 1e-5 * next.Norm);
                Assert.Equal(probe.Cosine(own.Gradient, full.Gradient), moment.Cosine);
                Assert.Equal((moment.Full.Norm, moment.Cosine, 203), (batch.Full.Norm, batch.Full.Cosine, batch.Full.Examples));
                if (run.Plan.BatchSize == 203)
                    Assert.Equal((1, 0), (batch.Full.Cosine, batch.Full.Degrees), new Near(1e-2));
            }
            var end = experiment.Replayer.Moment(run, run.Log.Count, plane, null, default);
            Assert.Null(end.Batch);
            Assert.True(double.IsNaN(end.Cosine));
        }
        var first = experiment.Runs[0];
        Assert.Contains(
            "counted from 0",
            Assert.Throws<RefusedException>(() => experiment.Replayer.Moment(first, -1, plane, null, default)).Message
        );
        Assert.Contains(
            "has made only",
            Assert.Throws<RefusedException>(() => experiment.Replayer.Moment(first, first.Log.Count + 1, plane, null, default)).Message
        );
    }

    [Fact]
    public async Task AShortBatchAtAnEpochsEndIsARemainderAndEpochsAreCounted()
    {
        using var experiment = await Labs.Run(Labs.Moons, new() { Files = new MemoryFiles(), Landscape = false });
        var run = experiment.Runs.First(r => r.Plan.BatchSize == 8);
        // 203 examples: 25 batches of 8, then one of 3.
        var expected = new (long Update, bool Remainder, long Epoch, int Size)[]
        {
            (1, false, 1, 8),
            (25, false, 1, 8),
            (26, true, 1, 3),
            (27, false, 2, 8),
            (52, true, 2, 3),
            (156, true, 6, 3),
        };
        foreach (var (update, remainder, epoch, size) in expected)
        {
            var batch = experiment.Replayer.Batch(run, update, null, default);
            Assert.Equal((remainder, epoch, size), (batch.Remainder, batch.Epoch, batch.Examples.Count));
        }
    }

    [Fact]
    public async Task AForkSharesItsBeginningAndThenGoesItsOwnWay()
    {
        using var experiment = await Labs.Run(Labs.Moons, new() { Files = new MemoryFiles() });
        await Labs.Until(() => experiment.LandscapeSettled, "a plane that stays");
        var parent = experiment.Runs.First(r => r.Plan.BatchSize == 8);
        var fork = experiment.Fork(parent.Plan.Id, 60, new Dictionary<string, string> { ["batchSize"] = "20" });
        await Labs.Until(() => fork.Log.Ended && experiment.LandscapeSettled, "the fork's end");
        var plane = experiment.Landscape!.Plane!;

        ReplayedMoment Of(Run run, long update) => experiment.Replayer.Moment(run, update, plane, null, default);
        Assert.Equal(Of(parent, 40) with { Run = fork.Plan.Id }, Of(fork, 40));
        var (left, stayed) = (Of(fork, 60), Of(parent, 60));
        Assert.Equal((stayed.Point, stayed.Full, 20, 8), (left.Point, left.Full, left.NextBatchSize, stayed.NextBatchSize));
        Assert.NotEqual(stayed.Batch, left.Batch);
        Assert.NotEqual(Of(parent, 61).Point, Of(fork, 61).Point);
    }

    [Fact]
    public async Task OnADoubleWellTheGradientIsThatOfTheSurface()
    {
        using var experiment = await Labs.Run(
            """
            { "data": { "kind": "double-well", "trainExamples": 300, "noise": 0.5 }, "learningRate": 0.02, "batchSizes": [4, "full"], "budget": { "updates": 100 }, "landscape": { "resolution": 17 } }
            """
        );
        await Labs.Until(() => experiment.LandscapeSettled, "a plane that stays");
        var run = experiment.Runs[0];
        var moment = experiment.Replayer.Moment(run, 50, experiment.Landscape!.Plane!, null, default);
        var (x, y) = Surfaces.Gradient(experiment.Plan.Data.Surface!.Value, moment.Point.X, moment.Point.Y);
        Assert.Equal((x, y), (moment.Full.X, moment.Full.Y), new Near(1e-5));
        // The examples' shifts are the noise.
        float[] shifts = experiment.Plan.Data.Train.Floats!;
        double variance = shifts.Where((_, i) => i % 2 == 0).Average(v => (double)v * v),
            both = Enumerable.Range(0, 300).Average(i => (double)shifts[2 * i] * shifts[2 * i + 1]);
        Assert.Equal((variance, both), (moment.Scatter!.XX, moment.Scatter.XY), new Near(1e-6));
        Assert.Contains("surface", Assert.Throws<RefusedException>(() => Boundary.Of(experiment, run, 5, 9, null, default)).Message);
    }

    [Fact]
    public void AGradientOverPiecesIsThatOverTheWholeAndIsKept()
    {
        var plan = Labs.Plan(
            """
            { "data": { "kind": "spirals", "trainExamples": 5000 }, "model": { "hidden": [9], "activation": "tanh" }, "learningRate": 0.1, "batchSizes": [50], "budget": { "updates": 3 } }
            """
        );
        using var engine = new CpuEngine();
        using var data = engine.Load(plan.Data);
        using var bundle = engine.CreateBundle(data, plan.BundleOf([plan.Runs[0]]));
        using var weights = bundle.Snapshot(0);
        using var probe = engine.CreateProbe(data, plan.Network);
        using var whole = probe.Gradient(weights, EvaluationSet.All(Split.Train));
        using var gradients = new FullGradients(plan.Data);
        var told = new List<double>();
        var found = gradients.At("a", 1, weights, probe, new Told(told.Add), default);
        Assert.Equal([1.0 / 3, 2.0 / 3, 1], told);
        Assert.Equal(1, probe.Cosine(whole.Gradient, found), 1e-9);
        Assert.Equal(whole.Gradient.Norm, found.Norm, 1e-6 * found.Norm);

        Assert.Same(found, gradients.At("a", 1, weights, probe, new Told(told.Add), default));
        Assert.Equal(3, told.Count);
        using var stop = new CancellationTokenSource();
        Assert.Throws<OperationCanceledException>(() => gradients.At("a", 2, weights, probe, new Told(_ => stop.Cancel()), stop.Token));
    }

    [Theory]
    [InlineData("logistic", "[8]", BoundaryKind.Probability)]
    [InlineData("cross-entropy", "[8]", BoundaryKind.Probability)]
    [InlineData("squared", "[8]", BoundaryKind.Class)]
    public async Task ABoundaryAgreesWithTheAnswersToTheExamples(string loss, string hidden, BoundaryKind kind)
    {
        using var experiment = await Labs.Run(
            $$"""
            { "data": { "kind": "moons", "trainExamples": 200, "testExamples": 50 }, "model": { "hidden": {{hidden}}, "activation": "tanh" }, "loss": "{{loss}}",
              "learningRate": 0.2, "batchSizes": [5], "budget": { "epochs": 30 } }
            """,
            new() { Files = new MemoryFiles(), Landscape = false }
        );
        var run = experiment.Runs[0];
        var boundary = Boundary.Of(experiment, run, run.Log.Count, 129, null, default);
        Assert.Equal((kind, 129, 129 * 129), (boundary.Kind, boundary.Resolution, boundary.Values.Length));
        var split = experiment.Plan.Data.Train;
        Assert.All(boundary.Values, v => Assert.InRange(v, 0, 1));
        int right = 0;
        var at = new float[2];
        for (int i = 0; i < split.Count; i++)
        {
            split.CopyFeatures(i, at);
            int Line(double v, double from, double to) => (int)Math.Round((v - from) / (to - from) * 128);
            int column = Line(at[0], boundary.Region.X0, boundary.Region.X1),
                row = Line(at[1], boundary.Region.Y0, boundary.Region.Y1);
            Assert.True(column is > 0 and < 128 && row is > 0 and < 128, "the region holds all examples");
            right += boundary.Values[row * 129 + column] > 0.5 == (split.Labels![i] == 1) ? 1 : 0;
        }
        Assert.Equal(run.Result!.TrainAccuracy, right / 200.0, 0.02);
        Assert.True(run.Result.TrainAccuracy > 0.8, $"{run.Result.TrainAccuracy}");
        Assert.NotEqual(boundary.Values, Boundary.Of(experiment, run, 0, 129, null, default).Values);
        Assert.Contains("from 2 to", Assert.Throws<RefusedException>(() => Boundary.Of(experiment, run, 1, 1, null, default)).Message);
    }

    private sealed class Told(Action<double> tell) : IProgress<double>
    {
        public void Report(double value) => tell(value);
    }

    private sealed class Near(double tolerance) : IEqualityComparer<(double, double)>
    {
        public bool Equals((double, double) a, (double, double) b) =>
            Math.Abs(a.Item1 - b.Item1) <= tolerance && Math.Abs(a.Item2 - b.Item2) <= tolerance;

        public int GetHashCode((double, double) pair) => 0;
    }
}
