using System.Diagnostics;
using System.Globalization;
using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using BatchViz.Core.Landscapes;
using BatchViz.Core.Specs;
using BatchViz.Recording;

namespace BatchViz.Lab;

/// <summary>
/// Keeps the landscape up with training, on a thread of its own: projects each new snapshot onto the current plane and fits a new
/// plane when asked to or when the longest run has doubled. It is the only one that makes planes; lanes only hand in snapshots,
/// and a <see cref="SurfaceJob"/> beside it computes the grids, so that no head on the picture waits for a surface.
/// </summary>
internal sealed class LandscapeJob : IDisposable
{
    private const int FitSnapshotsPerRun = 24, MaxRegions = 12, EigenIterations = 60;
    private static readonly TimeSpan SaveEvery = TimeSpan.FromSeconds(5);
    private const double Margin = 0.25, GrowthMargin = 0.5;

    private readonly Experiment experiment;
    private readonly Thread thread;
    private readonly SurfaceJob surface;
    private readonly Lock publishing = new();
    private readonly AutoResetEvent wake = new(false);
    private readonly CancellationTokenSource stop = new();
    private PlaneKind kind;
    private int requested = -1;
    private Landscape? current;
    private string? failure;
    private readonly long? total;
    private long nextFit, rests, unspanned, fitted;
    private uint planeId, gridId;
    private int regions;
    private long[] projected;
    private bool asked;
    private Landscape? saved;
    private long savedPoints;
    private bool rested;
    private readonly Stopwatch sinceSaved = Stopwatch.StartNew();
    private uint draws;

    /// <param name="recorded">The landscape to begin with: that of the recording which is opened.</param>
    public LandscapeJob(Experiment experiment, Landscape? recorded)
    {
        this.experiment = experiment;
        (current, saved, planeId, gridId) = (recorded, recorded, recorded?.PlaneId ?? 0, recorded?.GridId ?? 0);
        kind = experiment.Plan.Plane;
        projected = new long[experiment.Runs.Count];
        total = experiment.Runs.Max(run => run.Plan.TotalUpdates);
        nextFit = total is null ? 64 : FitAfter(0);
        thread = new Thread(Work) { IsBackground = true, Name = "landscape" };
        surface = new SurfaceJob(experiment, this);
    }

    public Landscape? Current => Volatile.Read(ref current);

    public string? Failure => Volatile.Read(ref failure) ?? surface.Failure;

    /// <summary>How often there was nothing to do.</summary>
    public long Rests => Interlocked.Read(ref rests);

    /// <summary>There is nothing left to do until someone asks for another plane.</summary>
    public bool Settled => Failure is not null || Volatile.Read(ref rested);

    public void Start()
    {
        thread.Start();
        surface.Start();
    }

    /// <summary>Adds a finished layer to its grid, unless another grid has taken its place.</summary>
    public void Add(uint grid, GridLayer layer)
    {
        lock (publishing)
        {
            if (Current is { } now && now.GridId == grid) Volatile.Write(ref current, now with { Layers = [.. now.Layers, layer] });
        }
        wake.Set();
    }

    public void Wake() => wake.Set();

    public void Request(PlaneKind wanted)
    {
        Volatile.Write(ref requested, (int)wanted);
        Volatile.Write(ref rested, false);
        wake.Set();
    }

    public void Dispose()
    {
        stop.Cancel();
        wake.Set();
        if (thread.IsAlive) thread.Join();
        surface.Dispose();
        Save();
        Current?.Plane?.Dispose();
    }

    private void Work()
    {
        // After the server, before the lanes: training is soon over anyway, and a picture is waited for.
        LaneClock.YieldToOthers(nice: 5);
        try
        {
            using var evaluator = experiment.Engine.CreateEvaluator(experiment.Data, experiment.Plan.Network);
            while (!stop.IsCancellationRequested)
            {
                // Looked at before: a grid that has just become fine enough may make another plane due.
                bool last = experiment.Finished && (Current is not { Plane: not null } now || now.Resolution >= experiment.Plan.Spec.Landscape.Resolution);
                if (Step(evaluator)) continue;
                Volatile.Write(ref rested, last);
                Interlocked.Increment(ref rests);
                if (experiment.Finished || sinceSaved.Elapsed > SaveEvery) Save();
                wake.WaitOne(50);
            }
        }
        catch (OperationCanceledException)
        {
        }
        catch (Exception e)
        {
            Volatile.Write(ref failure, $"The landscape cannot be computed: {e.Message}");
        }
    }

    /// <summary>One piece of work, the most urgent first; false when there is none.</summary>
    private bool Step(IEvaluator evaluator)
    {
        if (FitIsDue() && Fit(evaluator)) return true;
        if (Current is not { Plane: not null } landscape) return false;
        if (landscape.Paths.Count < experiment.Runs.Count)
        {
            // A fork has joined the runs.
            int runs = experiment.Runs.Count;
            Array.Resize(ref projected, runs);
            lock (publishing) Volatile.Write(ref current, landscape = Current! with { Paths = [.. landscape.Paths, .. Enumerable.Range(0, runs - landscape.Paths.Count).Select(_ => new AppendOnly<PathPoint>())] });
        }
        bool moved = Project(evaluator, landscape);
        if (Outgrown(landscape) is { } region)
        {
            Publish(landscape with { GridId = ++gridId, Region = region, Layers = [] });
        }
        return moved;
    }

    private bool FitIsDue()
    {
        int wanted = Interlocked.Exchange(ref requested, -1);
        if (wanted >= 0)
        {
            kind = (PlaneKind)wanted;
            (asked, unspanned) = (true, -1);
            Gather();
        }
        // Snapshots that spanned no plane will not span one when they are looked at again.
        if (kind != PlaneKind.Weights && unspanned == SnapshotCount()) return false;
        if (asked) return true;
        // A plane through where runs are has to end where they do.
        if (kind is PlaneKind.Runs or PlaneKind.Hessian && experiment.Finished && fitted != SnapshotCount()) return true;
        if (Current is { Plane: null }) return experiment.Runs.Any(run => run.Snapshots.Count > 0) && Longest() >= nextFit;
        if (Current is null) return kind == PlaneKind.Weights || Longest() >= nextFit;
        // Each plane lives long enough for a picture of it, however fast the run doubles.
        return kind is not (PlaneKind.Weights or PlaneKind.Random) && Pictured(Current) && Longest() >= nextFit;
    }

    /// <summary>Updates at the newest snapshot: records run ahead of it, and cannot be fitted to.</summary>
    private long Longest() => experiment.Runs.Max(run => run.Snapshots.Count is > 0 and var n ? run.Snapshots[n - 1].Update : 0);

    private long SnapshotCount() => experiment.Runs.Sum(run => run.Snapshots.Count);

    private bool Pictured(Landscape landscape) => landscape.Resolution >= Math.Min(17, experiment.Plan.Spec.Landscape.Resolution);

    /// <summary>The next doubling after <paramref name="updates"/>, counted back from the end so that the last plane is fitted to whole paths.</summary>
    private long FitAfter(long updates)
    {
        if (total is not { } end) return Math.Max(64, 2 * updates);
        for (int halvings = 7; halvings >= 0; halvings--)
            if (end >> halvings > updates) return end >> halvings;
        return long.MaxValue;
    }

    /// <summary>A new plane through what there is; false when the snapshots do not span one yet.</summary>
    private bool Fit(IEvaluator evaluator)
    {
        long longest = Longest(), snapshots = SnapshotCount();
        var byBatch = experiment.Runs.OrderBy(run => run.Plan.BatchSize).ThenBy(run => run.Plan.Index).ToArray();
        var chosen = kind switch
        {
            PlaneKind.Weights => [],
            PlaneKind.Runs => Newest(byBatch[0], byBatch[byBatch.Length / 2], byBatch[^1]),
            PlaneKind.Hessian => Newest(byBatch.First(run => run.Plan.BatchSize == byBatch[^1].Plan.BatchSize)),
            _ => Choose(),
        };
        if (chosen.Count < kind switch { PlaneKind.Weights => 0, PlaneKind.Hessian => 1, _ => 3 })
        {
            unspanned = snapshots;
            return false;
        }
        var weights = chosen.Select(c => c.Snapshot.Weights).ToArray();
        IPlane plane;
        string title;
        double? explained = null, walk = null;
        switch (kind)
        {
            case PlaneKind.Weights:
                plane = evaluator.WeightPlane();
                title = experiment.Plan.Data.Surface is { } surface ? $"f(x, y) = {Surfaces.Describe(surface)}" : "the loss over both weights";
                break;
            case PlaneKind.Random:
                plane = evaluator.RandomPlane(weights, seed: experiment.Plan.Spec.Data.Seed + draws++);
                title = draws == 1 ? "two random directions, filter-normalised" : $"two random directions, filter-normalised, draw {draws}";
                break;
            case PlaneKind.Runs or PlaneKind.Hessian:
                if ((kind == PlaneKind.Runs ? Through(evaluator, chosen) : Curving(evaluator, chosen[0])) is not var (along, named))
                {
                    unspanned = snapshots;
                    return false;
                }
                (plane, title) = (along, named);
                break;
            default:
                double[] gram = evaluator.CentredGram(weights);
                if (PrincipalComponents.Of(gram, weights.Length) is not { } components)
                {
                    unspanned = snapshots;
                    return false;
                }
                plane = evaluator.CombinationPlane(weights, components.First, components.Second);
                title = experiment.Runs.Count == 1 ? "principal components of the run's weights" : $"principal components of all {experiment.Runs.Count} runs' weights";
                explained = components.Explained;
                walk = Walk(gram, chosen);
                break;
        }
        asked = false;
        fitted = snapshots;
        nextFit = FitAfter(longest);
        projected = new long[experiment.Runs.Count];
        var next = new Landscape
        {
            PlaneId = ++planeId, GridId = ++gridId, Kind = kind, Title = title, Explained = explained, ExplainedByRandomWalk = walk,
            Region = default, Layers = [], Plane = plane,
            FittedAt = longest, Paths = [.. projected.Select(_ => new AppendOnly<PathPoint>())],
        };
        Project(evaluator, next);
        var before = Current;
        Publish(next with { Region = Region(next) });
        before?.Plane?.Dispose();
        return true;
    }

    /// <summary>
    /// A loss above which a point neither shapes the plane nor stretches the region: ten times the starts' and one more. A run on
    /// its way to infinity would make everything else a speck; it simply leaves the picture.
    /// </summary>
    private double Ceiling()
    {
        double start = 0;
        foreach (var run in experiment.Runs)
            if (run.Snapshots.Count > 0 && double.IsFinite(run.Snapshots[0].Loss)) start = Math.Max(start, run.Snapshots[0].Loss);
        return 10 * start + 1;
    }

    /// <summary>At most 24 snapshots of each run, evenly over its path and both ends among them.</summary>
    private List<(int Run, Snapshot Snapshot)> Choose()
    {
        var chosen = new List<(int, Snapshot)>();
        double ceiling = Ceiling();
        int each = Math.Max(3, Math.Min(FitSnapshotsPerRun, 160 / experiment.Runs.Count));
        for (int r = 0; r < experiment.Runs.Count; r++)
        {
            var sane = new List<Snapshot>();
            var snapshots = experiment.Runs[r].Snapshots;
            long count = snapshots.Count;
            for (long i = 0; i < count; i++)
                if (snapshots[i].Loss <= ceiling) sane.Add(snapshots[i]);
            int take = Math.Min(each, sane.Count);
            for (int k = 0; k < take; k++)
                chosen.Add((r, sane[take == 1 ? 0 : (int)((long)k * (sane.Count - 1) / (take - 1))]));
        }
        return chosen;
    }

    /// <summary>The newest snapshot of each run that is not on its way to infinity.</summary>
    private List<(int Run, Snapshot Snapshot)> Newest(params ReadOnlySpan<Run> runs)
    {
        var newest = new List<(int, Snapshot)>();
        double ceiling = Ceiling();
        foreach (var run in runs)
        {
            for (long i = run.Snapshots.Count - 1; i >= 0; i--)
            {
                if (!(run.Snapshots[i].Loss <= ceiling)) continue;
                newest.Add((run.Plan.Index, run.Snapshots[i]));
                break;
            }
        }
        return newest;
    }

    /// <summary>The plane through three runs' weights; null while they lie on one line, as at the start.</summary>
    private (IPlane Plane, string Title)? Through(IEvaluator evaluator, List<(int Run, Snapshot Snapshot)> chosen)
    {
        try
        {
            var plane = evaluator.PlaneThrough(chosen[0].Snapshot.Weights, chosen[1].Snapshot.Weights, chosen[2].Snapshot.Weights);
            return (plane, $"through the weights of {Place(chosen[0])}, {Place(chosen[1])} and {Place(chosen[2])}");
        }
        catch (SpecException)
        {
            return null;
        }
    }

    /// <summary>The plane in which the loss curves most at a run's weights; null where the Hessian is not finite or has no two directions.</summary>
    private (IPlane Plane, string Title)? Curving(IEvaluator evaluator, (int Run, Snapshot Snapshot) at)
    {
        using var probe = experiment.Engine.CreateProbe(experiment.Data, experiment.Plan.Network);
        using var top = probe.Eigenvalues(at.Snapshot.Weights, experiment.EvaluationSet, count: 2, EigenIterations, experiment.Plan.Spec.Data.Seed, stop.Token);
        if (top.Pairs.Count < 2) return null;
        var plane = evaluator.DirectionPlane(at.Snapshot.Weights, top.Pairs[0].Vector, top.Pairs[1].Vector);
        return (plane, string.Create(CultureInfo.InvariantCulture,
            $"the Hessian's top two eigenvectors (λ = {top.Pairs[0].Value:0.###} and {top.Pairs[1].Value:0.###}) at {Place(at)}"));
    }

    private string Place((int Run, Snapshot Snapshot) at)
    {
        var run = experiment.Runs[at.Run].Plan;
        string seed = experiment.Plan.Spec.Seeds.Count > 1 ? $", seed {run.Seed}" : "";
        return $"B = {run.BatchSize}{seed} after update {at.Snapshot.Update.ToString("#,0", CultureInfo.InvariantCulture)}";
    }

    private double Walk(double[] gram, List<(int Run, Snapshot Snapshot)> chosen)
    {
        int n = chosen.Count;
        double Distance(int i, int j) => Math.Sqrt(Math.Max(0, gram[i * n + i] + gram[j * n + j] - 2 * gram[i * n + j]));
        var walks = new List<double[]>();
        var starts = new List<int>();
        double apart = 0;
        var seeds = experiment.Plan.Spec.Seeds;
        for (int i = 0; i < n;)
        {
            int end = i;
            while (end < n && chosen[end].Run == chosen[i].Run) end++;
            walks.Add([.. Enumerable.Range(i + 1, end - i - 1).Select(k => Distance(k - 1, k))]);
            starts.Add(seeds.Index().First(s => s.Item == experiment.Runs[chosen[i].Run].Plan.Seed).Index);
            if (starts[^1] > 0) apart = Math.Max(apart, Distance(0, i));
            i = end;
        }
        return RandomWalkNull.Explained(walks, starts, apart, experiment.Plan.Network.ParameterCount, seed: 1);
    }

    /// <summary>Puts new snapshots on the plane; false when there were none.</summary>
    private bool Project(IEvaluator evaluator, Landscape landscape)
    {
        bool any = false;
        for (int r = 0; r < projected.Length; r++)
        {
            var snapshots = experiment.Runs[r].Snapshots;
            for (long count = snapshots.Count; projected[r] < count; projected[r]++)
            {
                var snapshot = snapshots[projected[r]];
                var at = evaluator.Project(landscape.Plane!, snapshot.Weights);
                landscape.Paths[r].Add(new PathPoint((uint)snapshot.Update, (float)at.X, (float)at.Y, (float)snapshot.Loss, (float)at.OffPlane));
                any = true;
            }
        }
        return any;
    }

    /// <summary>The region grown when a path has left it; null while all is inside.</summary>
    private GridRegion? Outgrown(Landscape landscape)
    {
        // A picture of the old region comes first, or a fast start would never get one.
        if (!Pictured(landscape)) return null;
        var (now, box) = (landscape.Region, Box(landscape));
        if (regions >= MaxRegions || box is not { } b || (b.X0 >= now.X0 && b.X1 <= now.X1 && b.Y0 >= now.Y0 && b.Y1 <= now.Y1)) return null;
        double width = now.X1 - now.X0, height = now.Y1 - now.Y0;
        var grown = new GridRegion(
            b.X0 < now.X0 ? Math.Max(b.X0 - GrowthMargin * width, now.X0 - 10 * width) : now.X0, b.X1 > now.X1 ? Math.Min(b.X1 + GrowthMargin * width, now.X1 + 10 * width) : now.X1,
            b.Y0 < now.Y0 ? Math.Max(b.Y0 - GrowthMargin * height, now.Y0 - 10 * height) : now.Y0, b.Y1 > now.Y1 ? Math.Min(b.Y1 + GrowthMargin * height, now.Y1 + 10 * height) : now.Y1);
        regions++;
        return grown;
    }

    private GridRegion Region(Landscape landscape)
    {
        regions = 0;
        var box = Box(landscape);
        if (experiment.Plan.Data.Surface is { } surface)
        {
            var (x0, x1, y0, y1) = Surfaces.View(surface);
            return box is not { } b ? new(x0, x1, y0, y1) : new(Math.Min(x0, b.X0), Math.Max(x1, b.X1), Math.Min(y0, b.Y0), Math.Max(y1, b.Y1));
        }
        var r = box ?? new GridRegion(0, 0, 0, 0);
        double width = r.X1 - r.X0, height = r.Y1 - r.Y0, floor = Math.Max(Math.Max(width, height) * 0.3, kind == PlaneKind.Weights ? 4 : 1e-3);
        double spanX = Math.Max(width, floor), spanY = Math.Max(height, floor), cx = (r.X0 + r.X1) / 2, cy = (r.Y0 + r.Y1) / 2;
        double hx = spanX * (0.5 + Margin), hy = spanY * (0.5 + Margin);
        return new(cx - hx, cx + hx, cy - hy, cy + hy);
    }

    private GridRegion? Box(Landscape landscape)
    {
        double ceiling = Ceiling();
        double x0 = double.MaxValue, x1 = double.MinValue, y0 = double.MaxValue, y1 = double.MinValue;
        foreach (var path in landscape.Paths)
        {
            for (long i = 0; i < path.Count; i++)
            {
                var p = path[i];
                if (!float.IsFinite(p.X) || !float.IsFinite(p.Y) || !(p.Loss <= ceiling)) continue;
                (x0, x1, y0, y1) = (Math.Min(x0, p.X), Math.Max(x1, p.X), Math.Min(y0, p.Y), Math.Max(y1, p.Y));
            }
        }
        return x0 > x1 ? null : new GridRegion(x0, x1, y0, y1);
    }

    /// <summary>Runs that had ended when the recording was opened get their snapshots only when a plane is to be fitted to them.</summary>
    private void Gather()
    {
        foreach (var run in experiment.Runs)
        {
            if (run.Snapshots.Count > 0 || run.Recorded is null || run.Memory is not null || !run.Log.Ended) continue;
            using var bundle = experiment.Engine.CreateBundle(experiment.Data, experiment.Plan.BundleOf([run.Plan]));
            using var evaluator = experiment.Engine.CreateEvaluator(experiment.Data, experiment.Plan.Network);
            Snapshots.Gather(experiment, [run], bundle, evaluator, run.Log.Count, FitSnapshotsPerRun * 4, stop.Token);
        }
    }

    /// <summary>Hands the landscape to the recorder, if it is another than before or has more points.</summary>
    private void Save()
    {
        if (experiment.Recorder is not { } recorder || Current is not { } landscape) return;
        long points = landscape.Paths.Sum(path => path.Count);
        if (ReferenceEquals(landscape, saved) && points == savedPoints) return;
        (saved, savedPoints) = (landscape, points);
        sinceSaved.Restart();
        recorder.SaveLandscape(LandscapeFile.Write(landscape));
    }

    private void Publish(Landscape landscape)
    {
        lock (publishing) Volatile.Write(ref current, landscape);
        surface.Restart();
    }
}
