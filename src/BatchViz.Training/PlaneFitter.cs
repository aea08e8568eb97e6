using System.Globalization;
using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using BatchViz.Core.Landscapes;
using BatchViz.Core.Specs;
using static BatchViz.Core.Language;

namespace BatchViz.Training;

/// <param name="Title">Which slice it is, in English; <paramref name="Origin"/> says the same in numbers.</param>
internal sealed record PlaneFit(
    IPlane Plane,
    string Title,
    PlaneOrigin Origin,
    double? Explained = null,
    double? ExplainedByRandomWalk = null
);

/// <summary>Fits planes to the runs' weights (docs/decisions/0005). Belongs to the landscape's thread.</summary>
internal sealed class PlaneFitter(Experiment experiment)
{
    /// <summary>Snapshots of each run that a plane is fitted to.</summary>
    public const int SnapshotsPerRun = 24;

    private const int EigenIterations = 60;

    private uint draws;

    /// <summary>A plane through what there is; null when the snapshots do not span one yet.</summary>
    /// <exception cref="RefusedException">What was wanted cannot be had, however long one waits.</exception>
    public PlaneFit? Fit(IEvaluator evaluator, PlaneRequest wish, CancellationToken cancel) =>
        wish.Kind switch
        {
            PlaneKind.Weights => new(
                evaluator.WeightPlane(),
                experiment.Plan.Data.Surface is { } surface ? $"f(x, y) = {Surfaces.Describe(surface)}" : "the loss over both weights",
                OfAll()
            ),
            PlaneKind.Random => Random(evaluator),
            PlaneKind.Runs => Through(evaluator, wish),
            PlaneKind.Hessian => FitHessianPlane(evaluator, wish, cancel),
            _ => Principal(evaluator),
        };

    /// <summary>
    /// A loss above which a point neither shapes the plane nor stretches the region: ten times the starts' and one more. A run on
    /// its way to infinity would make everything else a speck; it simply leaves the picture.
    /// </summary>
    public double Ceiling()
    {
        double start = 0;
        foreach (var run in experiment.Runs)
            if (run.Snapshots.Count > 0 && double.IsFinite(run.Snapshots[0].Loss))
                start = Math.Max(start, run.Snapshots[0].Loss);
        return 10 * start + 1;
    }

    private PlaneFit? Random(IEvaluator evaluator)
    {
        var chosen = Choose();
        if (chosen.Count < 3)
            return null;
        var plane = evaluator.RandomPlane([.. chosen.Select(c => c.Snapshot.Weights)], seed: experiment.Plan.Spec.Data.Seed + draws++);
        return new(
            plane,
            draws == 1 ? "two random directions, filter-normalised" : $"two random directions, filter-normalised, draw {draws}",
            OfAll() with
            {
                Draw = (int)draws,
            }
        );
    }

    private PlaneFit? Principal(IEvaluator evaluator)
    {
        var chosen = Choose();
        if (chosen.Count < 3)
            return null;
        var weights = chosen.Select(c => c.Snapshot.Weights).ToArray();
        double[] gram = evaluator.CentredGram(weights);
        if (PrincipalComponents.Of(gram, weights.Length) is not { } components)
            return null;
        var plane = evaluator.CombinationPlane(weights, components.First, components.Second);
        string title =
            experiment.Runs.Count == 1
                ? "principal components of the run's weights"
                : $"principal components of all {experiment.Runs.Count} runs' weights";
        return new(plane, title, OfAll(), components.Explained, Walk(gram, chosen));
    }

    /// <summary>The plane through three runs' newest weights; null while they lie on one line, as at the start.</summary>
    private PlaneFit? Through(IEvaluator evaluator, PlaneRequest wish)
    {
        var byBatch = experiment.Runs.OrderBy(run => run.Plan.BatchSize).ThenBy(run => run.Plan.Index).ToArray();
        Run[] runs = wish.Runs is { } named ? [.. named.Select(Named)] : [byBatch[0], byBatch[byBatch.Length / 2], byBatch[^1]];
        double ceiling = Ceiling();
        Snapshot?[] newest = [.. runs.Select(run => Newest(run, ceiling))];
        if (Array.IndexOf(newest, null) is >= 0 and var missing)
            return wish.Runs is null
                ? null
                : throw new RefusedException(
                    Tr(
                        $"{runs[missing].Plan.Id} has no weights yet that a plane could go through.",
                        $"{runs[missing].Plan.Id} 还没有可供平面经过的权重。"
                    )
                );
        IPlane plane;
        try
        {
            plane = evaluator.PlaneThrough(newest[0]!.Weights, newest[1]!.Weights, newest[2]!.Weights);
        }
        catch (RefusedException)
        {
            return wish.Runs is null
                ? null
                : throw new RefusedException(
                    Tr(
                        "The weights of these three runs lie on one line, so no single plane goes through them.",
                        "这三个运行的权重在一条直线上，经过它们的平面不止一个。"
                    )
                );
        }
        string[] places = [.. runs.Zip(newest, (run, snapshot) => Place(run, snapshot!.Update))];
        return new(
            plane,
            $"through the weights of {places[0]}, {places[1]} and {places[2]}",
            new PlaneOrigin([.. runs.Select(run => run.Plan.Id)], [.. newest.Select(snapshot => snapshot!.Update)])
        );
    }

    /// <summary>
    /// The plane in which the loss curves most at a run's weights; null where the Hessian is not finite or has no two directions.
    /// </summary>
    private PlaneFit? FitHessianPlane(IEvaluator evaluator, PlaneRequest wish, CancellationToken cancel)
    {
        var run = wish.Runs is [var id] ? Named(id) : experiment.Runs.MaxBy(run => run.Plan.BatchSize)!;
        if (wish.Update is { } update)
        {
            if (Kept(run, update) is { } kept)
                return FitHessianPlane(evaluator, run, update, kept, cancel) ?? throw Flat(run, update);
            using var weights = experiment.Replayer.WeightsAt(run, update, null, cancel);
            return FitHessianPlane(evaluator, run, update, weights, cancel) ?? throw Flat(run, update);
        }
        return Newest(run, Ceiling()) is { } newest ? FitHessianPlane(evaluator, run, newest.Update, newest.Weights, cancel) : null;
    }

    private PlaneFit? FitHessianPlane(IEvaluator evaluator, Run run, long update, IWeights weights, CancellationToken cancel)
    {
        using var probe = experiment.Engine.CreateProbe(experiment.Data, experiment.Plan.Network);
        using var top = probe.Eigenvalues(
            weights,
            experiment.EvaluationSet,
            count: 2,
            EigenIterations,
            experiment.Plan.Spec.Data.Seed,
            cancel
        );
        if (top.Pairs.Count < 2)
            return null;
        var plane = evaluator.DirectionPlane(weights, top.Pairs[0].Vector, top.Pairs[1].Vector);
        string title = string.Create(
            CultureInfo.InvariantCulture,
            $"the Hessian's top two eigenvectors (λ = {top.Pairs[0].Value:0.###} and {top.Pairs[1].Value:0.###}) at {Place(run, update)}"
        );
        return new(plane, title, new PlaneOrigin([run.Plan.Id], [update], [top.Pairs[0].Value, top.Pairs[1].Value]));
    }

    private static RefusedException Flat(Run run, long update) =>
        new(
            Tr(
                $"The Hessian of {run.Plan.Id} after update {update:#,0} is not finite, or has no two directions.",
                $"{run.Plan.Id} 在第 {update:#,0} 次更新后的 Hessian 矩阵不是有限的，或者没有两个方向。"
            )
        );

    /// <summary>The weights after an update, if they happen to be a snapshot.</summary>
    private static IWeights? Kept(Run run, long update)
    {
        for (long i = run.Snapshots.Count - 1; i >= 0; i--)
            if (run.Snapshots[i].Update == update)
                return run.Snapshots[i].Weights;
        return null;
    }

    /// <summary>At most 24 snapshots of each run, evenly over its path and both ends among them.</summary>
    private List<(int Run, Snapshot Snapshot)> Choose()
    {
        var chosen = new List<(int, Snapshot)>();
        double ceiling = Ceiling();
        int each = Math.Max(3, Math.Min(SnapshotsPerRun, 160 / experiment.Runs.Count));
        for (int r = 0; r < experiment.Runs.Count; r++)
        {
            var sane = new List<Snapshot>();
            var snapshots = experiment.Runs[r].Snapshots;
            long count = snapshots.Count;
            for (long i = 0; i < count; i++)
                if (snapshots[i].Loss <= ceiling)
                    sane.Add(snapshots[i]);
            int take = Math.Min(each, sane.Count);
            for (int k = 0; k < take; k++)
                chosen.Add((r, sane[take == 1 ? 0 : (int)((long)k * (sane.Count - 1) / (take - 1))]));
        }
        return chosen;
    }

    /// <summary>The newest snapshot of a run that is not on its way to infinity.</summary>
    private static Snapshot? Newest(Run run, double ceiling)
    {
        for (long i = run.Snapshots.Count - 1; i >= 0; i--)
            if (run.Snapshots[i].Loss <= ceiling)
                return run.Snapshots[i];
        return null;
    }

    private PlaneOrigin OfAll() => new([.. experiment.Runs.Select(run => run.Plan.Id)]);

    private Run Named(string id) => experiment.Runs.First(run => run.Plan.Id == id);

    private string Place(Run run, long update)
    {
        string seed = experiment.Plan.Spec.Seeds.Count > 1 ? $", seed {run.Plan.Seed}" : "";
        return $"B = {run.Plan.BatchSize}{seed} after update {update.ToString("#,0", CultureInfo.InvariantCulture)}";
    }

    private double Walk(double[] gram, List<(int Run, Snapshot Snapshot)> chosen)
    {
        int n = chosen.Count;
        double Distance(int i, int j) => Math.Sqrt(Math.Max(0, gram[i * n + i] + gram[j * n + j] - 2 * gram[i * n + j]));
        var walks = new List<double[]>();
        var starts = new List<int>();
        double apart = 0;
        var seeds = experiment.Plan.Spec.Seeds;
        for (int i = 0; i < n; )
        {
            int end = i;
            while (end < n && chosen[end].Run == chosen[i].Run)
                end++;
            walks.Add([.. Enumerable.Range(i + 1, end - i - 1).Select(k => Distance(k - 1, k))]);
            starts.Add(seeds.Index().First(s => s.Item == experiment.Runs[chosen[i].Run].Plan.Seed).Index);
            if (starts[^1] > 0)
                apart = Math.Max(apart, Distance(0, i));
            i = end;
        }
        return RandomWalkNull.Explained(walks, starts, apart, experiment.Plan.Network.ParameterCount, seed: 1);
    }
}
