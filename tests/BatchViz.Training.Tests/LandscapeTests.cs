using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using BatchViz.Engine.Cpu;

namespace BatchViz.Training.Tests;

public class LandscapeTests
{
    private static readonly string Small = Labs
        .Moons.Replace("[1, 8, 32, \"full\"]", "[8, 32]")
        .Replace("\"epochs\": 6", "\"updates\": 64");

    [Fact]
    public async Task The_grid_refines_from_9_to_65_and_keeps_what_it_has()
    {
        using var experiment = await Labs.Run(Small);
        var landscape = await Settled(experiment);
        Assert.Equal([9, 17, 33, 65], landscape.Layers.Select(l => l.Resolution));
        foreach (var (coarse, fine) in landscape.Layers.Zip(landscape.Layers.Skip(1)))
            for (int y = 0; y < coarse.Resolution; y++)
            for (int x = 0; x < coarse.Resolution; x++)
                Assert.Equal(coarse.Losses[y * coarse.Resolution + x], fine.Losses[2 * y * fine.Resolution + 2 * x]);
        Assert.All(landscape.Layers[^1].Losses, loss => Assert.False(float.IsNaN(loss)));
    }

    [Fact]
    public async Task Every_path_point_is_at_its_true_place_and_loss()
    {
        using var experiment = await Labs.Run(Small);
        var landscape = await Settled(experiment);
        using var engine = new CpuEngine();
        using var data = engine.Load(experiment.Plan.Data);
        using var evaluator = engine.CreateEvaluator(data, experiment.Plan.Network);
        for (int r = 0; r < experiment.Runs.Count; r++)
        {
            var (snapshots, path) = (experiment.Runs[r].Snapshots, landscape.Paths[r]);
            Assert.Equal(snapshots.Count, path.Count);
            for (long i = 0; i < path.Count; i++)
            {
                var at = evaluator.Project(landscape.Plane!, snapshots[i].Weights);
                Assert.Equal((float)evaluator.Evaluate(snapshots[i].Weights, experiment.EvaluationSet).Loss, path[i].Loss);
                Assert.Equal(
                    ((uint)snapshots[i].Update, (float)at.X, (float)at.Y, (float)at.OffPlane),
                    (path[i].Update, path[i].X, path[i].Y, path[i].OffPlane)
                );
                Assert.InRange(path[i].X, landscape.Region.X0, landscape.Region.X1);
                Assert.InRange(path[i].Y, landscape.Region.Y0, landscape.Region.Y1);
            }
        }
    }

    [Fact]
    public async Task A_plane_of_principal_components_shows_its_share_beside_a_random_walks()
    {
        using var experiment = await Labs.Run(Small);
        var landscape = await Settled(experiment);
        Assert.Equal(
            (PlaneKind.Pca, "principal components of all 4 runs' weights", false, 64),
            (landscape.Kind, landscape.Title, landscape.Exact, landscape.FittedAt)
        );
        Assert.InRange(landscape.Explained!.Value, 0.3, 1);
        Assert.InRange(landscape.ExplainedByRandomWalk!.Value, 0.3, 1);
    }

    [Fact]
    public async Task The_plane_is_fitted_anew_at_each_doubling_counted_back_from_the_end()
    {
        using var experiment = Labs.New(Small.Replace("\"updates\": 64", "\"updates\": 6"), new() { Held = true });
        experiment.Start();
        foreach (var (update, plane) in new[] { (1, 1u), (2, 1u), (3, 2u), (5, 2u), (6, 3u) })
        {
            while (Labs.Counts(experiment).Min() < update)
            {
                long next = Labs.Counts(experiment).Min() + 1;
                experiment.StepOnce();
                await Labs.Until(() => Labs.Counts(experiment).Min() >= next, $"update {next}");
            }
            var landscape = await Settled(experiment, update);
            Assert.Equal(plane, landscape.PlaneId);
            Assert.All(landscape.Paths, path => Assert.Equal(update + 1, path.Count));
        }
    }

    [Fact]
    public async Task Another_plane_is_fitted_on_request()
    {
        using var experiment = await Labs.Run(Small);
        uint first = (await Settled(experiment)).PlaneId;
        experiment.FitPlane(PlaneKind.Random);
        await Labs.Until(() => experiment.Landscape!.PlaneId > first, "a new plane");
        var random = await Settled(experiment);
        Assert.Equal((PlaneKind.Random, null, null), (random.Kind, random.Explained, random.ExplainedByRandomWalk));
        Assert.Equal(experiment.Runs[0].Snapshots.Count, random.Paths[0].Count);
        experiment.FitPlane(PlaneKind.Auto);
        await Labs.Until(() => experiment.Landscape!.PlaneId > random.PlaneId, "the plane of before");
        Assert.Equal(PlaneKind.Pca, experiment.Landscape!.Kind);
        Assert.EndsWith(".", Assert.Throws<RefusedException>(() => experiment.FitPlane(PlaneKind.Weights)).Message);
    }

    [Fact]
    public async Task A_plane_through_three_runs_holds_their_ends()
    {
        using var experiment = await Labs.Run(Small.Replace("\"seeds\"", "\"landscape\": { \"plane\": \"runs\" }, \"seeds\""));
        var runs = experiment.Runs.OrderBy(run => run.Plan.BatchSize).ThenBy(run => run.Plan.Index).ToArray();
        Run[] three = [runs[0], runs[runs.Length / 2], runs[^1]];
        string title = $"through the weights of {string.Join(", ", three[..2].Select(Named))} and {Named(three[2])}";
        await Labs.Until(() => experiment.Landscape?.Title == title, title);
        var landscape = await Settled(experiment);
        Assert.Equal((PlaneKind.Runs, title, null), (landscape.Kind, landscape.Title, landscape.Explained));
        foreach (var run in three)
        {
            var end = landscape.Paths[run.Plan.Index][landscape.Paths[run.Plan.Index].Count - 1];
            Assert.InRange(end.OffPlane, 0, 1e-5f);
        }
        Assert.Equal((0f, 0f), End(three[0]));
        Assert.Equal(0, End(three[1]).Y, 1e-5f);

        (float X, float Y) End(Run run) =>
            landscape.Paths[run.Plan.Index][landscape.Paths[run.Plan.Index].Count - 1] is var end ? (end.X, end.Y) : default;
        string Named(Run run) => $"B = {run.Plan.BatchSize}, seed {run.Plan.Seed} after update {run.Log.Count}";
    }

    [Fact]
    public async Task A_plane_of_the_hessian_goes_through_a_runs_end_where_the_loss_curves_most()
    {
        using var experiment = await Labs.Run(Small);
        uint first = (await Settled(experiment)).PlaneId;
        experiment.FitPlane(PlaneKind.Hessian);
        await Labs.Until(() => experiment.Landscape!.PlaneId > first, "a new plane");
        var landscape = await Settled(experiment);
        var run = experiment.Runs.Where(r => r.Plan.BatchSize == experiment.Runs.Max(other => other.Plan.BatchSize)).First();
        var end = landscape.Paths[run.Plan.Index][landscape.Paths[run.Plan.Index].Count - 1];
        Assert.Equal((PlaneKind.Hessian, 0f, 0f, 0f), (landscape.Kind, end.X, end.Y, end.OffPlane));

        // The second difference along the first axis is the first eigenvalue, which the title names.
        using var engine = new CpuEngine();
        using var data = engine.Load(experiment.Plan.Data);
        using var probe = engine.CreateProbe(data, experiment.Plan.Network);
        var snapshot = run.Snapshots[run.Snapshots.Count - 1];
        using var top = probe.Eigenvalues(snapshot.Weights, experiment.EvaluationSet, 2, 60, experiment.Plan.Spec.Data.Seed);
        Assert.Contains(
            FormattableString.Invariant($"(λ = {top.Pairs[0].Value:0.###} and {top.Pairs[1].Value:0.###}) at B = {run.Plan.BatchSize}"),
            landscape.Title
        );
        using var evaluator = engine.CreateEvaluator(data, experiment.Plan.Network);
        const double Step = 0.02;
        var losses = new float[9];
        Array.Fill(losses, float.NaN);
        evaluator.Grid(landscape.Plane!, new(-Step, Step, -Step, Step), 3, experiment.EvaluationSet, losses, default);
        double curvature = (losses[3] + losses[5] - 2.0 * losses[4]) / (Step * Step);
        Assert.Equal(top.Pairs[0].Value, curvature, 0.05 * top.Pairs[0].Value + 0.01);
    }

    [Fact]
    public void A_plane_through_three_runs_needs_three()
    {
        using var experiment = Labs.New(Small.Replace("\"seeds\": [1, 2]", "\"seeds\": [1]"));
        Assert.Equal(
            "A plane through three runs needs three runs; this experiment has 2.",
            Assert.Throws<RefusedException>(() => experiment.FitPlane(PlaneKind.Runs)).Message
        );
    }

    [Fact]
    public async Task The_landscape_of_two_weights_is_exact()
    {
        using var experiment = await Labs.Run(Labs.Beale);
        var landscape = await Settled(experiment);
        Assert.True(landscape.Exact);
        Assert.Equal(1u, landscape.PlaneId);
        var (layer, region) = (landscape.Layers[^1], landscape.Region);
        for (int y = 0; y < 17; y++)
        {
            for (int x = 0; x < 17; x++)
            {
                double wx = region.X0 + (region.X1 - region.X0) * x / 16,
                    wy = region.Y0 + (region.Y1 - region.Y0) * y / 16;
                double value = Surfaces.Value(SurfaceKind.Beale, wx, wy);
                Assert.Equal(value, layer.Losses[y * 17 + x], tolerance: 1e-4 * (1 + value));
            }
        }
        var weights = new float[2];
        for (int r = 0; r < 2; r++)
        {
            var end = landscape.Paths[r][landscape.Paths[r].Count - 1];
            experiment.Runs[r].Snapshots[landscape.Paths[r].Count - 1].Weights.CopyTo(weights);
            Assert.Equal((weights[0], weights[1], 0f), (end.X, end.Y, end.OffPlane));
            Assert.Equal(Surfaces.Value(SurfaceKind.Beale, end.X, end.Y), end.Loss, tolerance: 1e-4);
        }
        Assert.EndsWith(".", Assert.Throws<RefusedException>(() => experiment.FitPlane(PlaneKind.Pca)).Message);
        experiment.FitPlane(PlaneKind.Auto);
    }

    [Fact]
    public async Task A_run_that_diverges_does_not_make_the_others_a_speck()
    {
        using var experiment = await Labs.Run(Labs.Diverging);
        var landscape = await Settled(experiment);
        Assert.True(landscape.Region.X1 - landscape.Region.X0 < 200, $"{landscape.Region}");
        Assert.Null(experiment.LandscapeFailure);
    }

    [Theory]
    [InlineData(""" "batchSizes": [8], "learningRate": 0.1, "budget": { "updates": 1 } """)]
    [InlineData(""" "batchSizes": [8], "learningRate": 1000, "budget": { "updates": 200 } """)]
    [InlineData(""" "batchSizes": [8, 16], "learningRate": 1000, "budget": { "updates": 200 } """)]
    [InlineData(""" "batchSizes": [8, 16], "learningRate": 1e-30, "budget": { "updates": 50 } """)]
    public async Task Runs_that_span_no_plane_or_all_diverge_do_no_harm(string rest)
    {
        string text =
            "{ \"data\": { \"kind\": \"line\", \"trainExamples\": 32 }, \"model\": { \"hidden\": [3] }, \"landscape\": { \"resolution\": 9 }, "
            + rest
            + " }";
        using var experiment = await Labs.Run(text);
        await Task.Delay(150);
        Assert.Null(experiment.LandscapeFailure);
    }

    /// <summary>
    /// One pair alone has no gradient of InfoNCE, a batch norm over one value lets only the last bias move, and a rate may be too small for
    /// a float.
    /// </summary>
    [Theory]
    [InlineData(
        """ "data": { "kind": "pairs", "base": "moons", "trainExamples": 32 }, "model": { "preset": "two-tower" }, "loss": "info-nce", "learningRate": 0.1 """
    )]
    [InlineData(""" "data": { "kind": "moons", "trainExamples": 32 }, "model": { "preset": "mlp-batchnorm" }, "learningRate": 0.1 """)]
    [InlineData(""" "data": { "kind": "moons", "trainExamples": 32 }, "model": { "hidden": [3], "bias": false }, "learningRate": 1e-30 """)]
    public async Task A_run_that_stays_where_it_was_or_moves_along_a_line_is_shown_on_random_directions(string rest)
    {
        using var experiment = await Labs.Run(
            "{ \"batchSizes\": [1], \"budget\": { \"updates\": 200 }, \"landscape\": { \"resolution\": 9 }, " + rest + " }"
        );
        await Labs.Until(() => experiment.LandscapeSettled, "a landscape with nothing to do");
        Assert.NotNull(experiment.Landscape);
        var landscape = experiment.Landscape;
        Assert.Equal(
            (PlaneKind.Random, "two random directions, filter-normalised", 9),
            (landscape.Kind, landscape.Title, landscape.Resolution)
        );
        Assert.True(landscape.Paths[0].Count > 2);
        Assert.NotEqual(landscape.Layers[^1].Losses[0], landscape.Layers[^1].Losses[^1]);
    }

    /// <summary>The landscape when the job has nothing left to do.</summary>
    private static async Task<Landscape> Settled(Experiment experiment, long? madeUpTo = null)
    {
        if (madeUpTo is { } made)
            await Labs.Until(() => experiment.Runs.All(r => r.Snapshots.Count > made), "snapshots");
        Landscape? landscape;
        do
        {
            await Labs.Until(
                () =>
                    experiment.LandscapeFailure is not null
                    || experiment.Landscape?.Resolution == experiment.Plan.Spec.Landscape.Resolution,
                "the finest grid"
            );
            Assert.Null(experiment.LandscapeFailure);
            landscape = experiment.Landscape;
            long rests = experiment.Job!.Rests;
            await Labs.Until(() => experiment.Job!.Rests >= rests + 2, "a landscape with nothing to do");
        } while (experiment.Landscape!.GridId != landscape!.GridId);
        return experiment.Landscape;
    }
}
