using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using BatchViz.Engine.Cpu;
using BatchViz.Recording;
using BatchViz.Recording.Storage;

namespace BatchViz.Training.Tests;

/// <summary>Planes at a place that someone chose.</summary>
public class PlaneTests
{
    private static readonly string Small = Labs
        .Moons.Replace("\"epochs\": 6", "\"updates\": 64")
        .Replace("\"seeds\"", "\"landscape\": { \"resolution\": 17 }, \"seeds\"");

    [Fact]
    public async Task The_hessian_at_an_update_goes_through_the_weights_of_that_update()
    {
        using var experiment = await Labs.Run(Small);
        var run = experiment.Runs[3];
        const long Update = 37;

        await experiment.FitPlane(new PlaneRequest(PlaneKind.Hessian, [run.Plan.Id], Update));

        var landscape = experiment.Landscape!;
        using var engine = new CpuEngine();
        using var data = engine.Load(experiment.Plan.Data);
        using var evaluator = engine.CreateEvaluator(data, experiment.Plan.Network);
        using var weights = Weights(engine, data, experiment, run, Update);
        Assert.Equal(new PlanePoint(0, 0, 0), evaluator.Project(landscape.Plane!, weights));
        using var probe = engine.CreateProbe(data, experiment.Plan.Network);
        using var top = probe.Eigenvalues(weights, experiment.EvaluationSet, 2, 60, experiment.Plan.Spec.Data.Seed);
        Assert.Equal([run.Plan.Id], landscape.Origin!.Runs);
        Assert.Equal([Update], landscape.Origin.Updates);
        Assert.Equal(top.Pairs.Select(pair => pair.Value), landscape.Origin.Eigenvalues);
        Assert.Contains($"at B = {run.Plan.BatchSize}, seed {run.Plan.Seed} after update {Update}", landscape.Title);
    }

    [Fact]
    public async Task A_plane_at_an_update_stays_while_training_goes_on()
    {
        using var experiment = Labs.New(Small.Replace("\"updates\": 64", "\"updates\": 512"), new() { Held = true });
        experiment.Start();
        for (int made = 0; made < 4; made++)
        {
            experiment.StepOnce();
            await Labs.Until(() => Labs.Counts(experiment).Min() > made, $"update {made + 1}");
        }
        await Labs.Until(() => experiment.Landscape?.Plane is not null, "a first plane");
        await experiment.FitPlane(new PlaneRequest(PlaneKind.Hessian, [experiment.Runs[0].Plan.Id], 2));
        uint plane = experiment.Landscape!.PlaneId;

        experiment.Continue();
        await Labs.Ended(experiment);
        await Labs.Until(() => experiment.LandscapeSettled, "a landscape that is done");

        Assert.Equal(plane, experiment.Landscape!.PlaneId);
        Assert.All(experiment.Landscape.Paths, path => Assert.Equal(512u, path[path.Count - 1].Update));
    }

    [Fact]
    public async Task A_plane_through_chosen_runs_holds_the_ends_of_just_those()
    {
        using var experiment = await Labs.Run(Small);
        string[] chosen = [experiment.Runs[5].Plan.Id, experiment.Runs[0].Plan.Id, experiment.Runs[2].Plan.Id];

        await experiment.FitPlane(new PlaneRequest(PlaneKind.Runs, chosen));

        var landscape = experiment.Landscape!;
        Assert.Equal(chosen, landscape.Origin!.Runs);
        Assert.Equal([64L, 64, 64], landscape.Origin.Updates);
        var ends = experiment.Runs.Select(run => landscape.Paths[run.Plan.Index] is var path ? path[path.Count - 1] : default).ToArray();
        foreach (int r in new[] { 5, 0, 2 })
            Assert.InRange(ends[r].OffPlane, 0, 1e-5f);
        Assert.All(new[] { 1, 3, 4, 6, 7 }, r => Assert.True(ends[r].OffPlane > 1e-3f));
        Assert.Equal((0f, 0f), (ends[5].X, ends[5].Y));
        Assert.Equal(0, ends[0].Y, 1e-5f);
    }

    [Theory]
    [InlineData(PlaneKind.Hessian, "b8-s1", 65L, "\"update\" is 65, but b8-s1 has made only 64 updates.")]
    [InlineData(PlaneKind.Hessian, "b8-s1", -1L, "\"update\" is -1; it is 0 or more.")]
    [InlineData(PlaneKind.Hessian, "b8-s1 b8-s2", 1L, "The Hessian is taken at one run's weights; 2 runs are named.")]
    [InlineData(
        PlaneKind.Hessian,
        "b9-s9",
        1L,
        "b9-s9 is no run of this experiment; there are b1-s1, b1-s2, b8-s1, b8-s2, b32-s1, b32-s2, b203-s1, b203-s2."
    )]
    [InlineData(PlaneKind.Runs, "b8-s1 b8-s2", null, "A plane through runs needs three of them; 2 are named.")]
    [InlineData(PlaneKind.Runs, "b8-s1 b8-s2 b8-s1", null, "A plane through three runs needs three different ones.")]
    [InlineData(PlaneKind.Pca, "b8-s1", null, "Only the planes \"hessian\" and \"runs\" go through chosen runs.")]
    public async Task What_does_not_apply_is_refused_in_a_sentence(PlaneKind kind, string runs, long? update, string sentence)
    {
        using var experiment = await Labs.Run(Small);

        Assert.Equal(
            sentence,
            Assert.Throws<RefusedException>(() => experiment.FitPlane(new PlaneRequest(kind, runs.Split(' '), update)).GetType()).Message
        );
    }

    [Fact]
    public async Task A_plane_that_cannot_be_had_leaves_the_one_before()
    {
        // Held before its first update: all runs of a seed are at one point.
        using var experiment = Labs.New(Small, new() { Held = true });
        experiment.Start();
        await Labs.Until(() => experiment.Runs.All(run => run.Snapshots.Count == 1), "the initial weights");
        await experiment.FitPlane(new PlaneRequest(PlaneKind.Random));
        uint before = experiment.Landscape!.PlaneId;

        var refusal = await Assert.ThrowsAsync<RefusedException>(() =>
            experiment.FitPlane(new PlaneRequest(PlaneKind.Runs, ["b1-s1", "b8-s1", "b32-s1"])).WaitAsync(Timeouts.Hang)
        );

        Assert.Equal("The weights of these three runs lie on one line, so no single plane goes through them.", refusal.Message);
        Assert.Equal((before, false, null), (experiment.Landscape!.PlaneId, experiment.Fitting, experiment.LandscapeFailure));
    }

    [Fact]
    public async Task A_reopened_recording_gets_every_kind_of_plane_from_its_keyframes()
    {
        var files = new MemoryFiles();
        var plan = Labs.Plan(Small);
        string saved;
        PlaneVectors vectors;
        LossLine line;
        using (var engine = new CpuEngine())
        using (var experiment = new Experiment(plan, engine, new() { Files = files }))
        {
            experiment.Start();
            await Labs.Ended(experiment);
            await experiment.FitPlane(new PlaneRequest(PlaneKind.Hessian, ["b8-s1"], 20));
            saved = experiment.Landscape!.Title;
            vectors = experiment.Landscape.Plane!.Export();
            line = LossLine.Between(experiment, experiment.Runs[0], experiment.Runs[7], null, default);
        }
        using var again = new CpuEngine();
        using var opened = new Experiment(
            plan,
            again,
            new() { ReadOnly = true },
            RecordingFolder.Open(files, RecordingManifest.Read(files), plan)
        );
        opened.Start();
        Assert.Equal(saved, opened.Landscape!.Title);
        var kept = opened.Landscape.Plane!.Export();
        Assert.Equal(vectors.Origin, kept.Origin);
        Assert.Equal(vectors.First, kept.First);
        Assert.Equal(vectors.Second, kept.Second);
        Assert.Equal(["b8-s1"], opened.Landscape.Origin!.Runs);
        Assert.Equal([20L], opened.Landscape.Origin.Updates);
        Assert.Equal(2, opened.Landscape.Origin.Eigenvalues!.Count);

        var lineAgain = LossLine.Between(opened, opened.Runs[0], opened.Runs[7], null, default);
        Assert.Equal((line.UpdateA, line.UpdateB), (lineAgain.UpdateA, lineAgain.UpdateB));
        Assert.Equal(line.Train, lineAgain.Train);
        Assert.Equal(line.Test, lineAgain.Test);

        foreach (
            var wish in new[]
            {
                new PlaneRequest(PlaneKind.Hessian, ["b8-s1"], 20),
                new PlaneRequest(PlaneKind.Pca),
                new PlaneRequest(PlaneKind.Random),
                new PlaneRequest(PlaneKind.Runs),
                new PlaneRequest(PlaneKind.Hessian),
                new PlaneRequest(PlaneKind.Runs, ["b1-s2", "b8-s1", "b203-s1"]),
            }
        )
        {
            await opened.FitPlane(wish).WaitAsync(Timeouts.Hang);
            Assert.Equal(wish.Kind, opened.Landscape!.Kind);
            Assert.All(opened.Landscape.Paths, path => Assert.Equal(64u, path[path.Count - 1].Update));
            if (wish.Update is not null)
                Assert.Equal(saved, opened.Landscape.Title);
        }
    }

    private static IWeights Weights(CpuEngine engine, IEngineData data, Experiment experiment, Run run, long update)
    {
        using var bundle = engine.CreateBundle(data, experiment.Plan.BundleOf([run.Plan]));
        bundle.Advance((int)update, new RecordBlock(1, (int)update, bundle.Layout.Width));
        return bundle.Snapshot(0);
    }
}
