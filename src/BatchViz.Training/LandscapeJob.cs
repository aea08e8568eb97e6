using System.Diagnostics;
using System.Globalization;
using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using BatchViz.Recording;
using BatchViz.Telemetry;
using static BatchViz.Core.Language;

namespace BatchViz.Training;

/// <summary>
/// Keeps the landscape up with training, on a thread of its own: projects each new snapshot onto the current plane and fits a new
/// plane when asked to or when the longest run has doubled. It is the only one that makes planes; lanes only hand in snapshots,
/// and a <see cref="SurfaceJob"/> beside it computes the grids, so that no head on the picture waits for a surface.
/// </summary>
internal sealed class LandscapeJob : IDisposable
{
    private const int MaxRegions = 12;
    private static readonly TimeSpan SaveEvery = TimeSpan.FromSeconds(5);
    private const double Margin = 0.25,
        GrowthMargin = 0.5;

    private readonly Experiment experiment;
    private readonly Thread thread;
    private readonly SurfaceJob surface;
    private readonly Lock publishing = new();
    private readonly AutoResetEvent wake = new(false);
    private readonly CancellationTokenSource stop = new();
    private readonly PlaneFitter fitter;
    private PlaneRequest wish,
        wishBefore;
    private Asked? requested,
        asked;
    private Landscape? current;
    private string? failure;
    private readonly long? total;
    private long nextFit,
        rests,
        unspanned,
        fitted;
    private uint planeId,
        gridId;
    private int regions;
    private long[] projected;
    private Landscape? saved;
    private long savedPoints;
    private bool rested;
    private readonly Stopwatch sinceSaved = Stopwatch.StartNew();

    /// <param name="Culture">Of whoever asked: refusals are told in it.</param>
    private sealed record Asked(PlaneRequest Wish, CultureInfo Culture, TaskCompletionSource Done);

    /// <param name="recorded">The landscape to begin with: that of the recording which is opened.</param>
    public LandscapeJob(Experiment experiment, Landscape? recorded)
    {
        this.experiment = experiment;
        recorded = WithPlane(recorded);
        (current, saved, planeId, gridId) = (recorded, recorded, recorded?.PlaneId ?? 0, recorded?.GridId ?? 0);
        wish = wishBefore = new PlaneRequest(experiment.Plan.Plane);
        fitter = new PlaneFitter(experiment);
        projected = new long[experiment.Runs.Count];
        total = experiment.Runs.Max(run => run.Plan.TotalUpdates);
        nextFit =
            recorded?.Plane is not null ? FitAfter(recorded.FittedAt)
            : total is null ? 64
            : FitAfter(0);
        thread = new Thread(Work) { IsBackground = true, Name = "landscape" };
        surface = new SurfaceJob(experiment, this);
    }

    /// <summary>
    /// A landscape out of a file on its own plane, if it holds one of this model. Of paths only what the logs have is kept: after a
    /// crash they may have been ahead, and what an engine makes again then need not be the same.
    /// </summary>
    private Landscape? WithPlane(Landscape? recorded)
    {
        if (recorded?.Vectors is not { } vectors)
            return recorded;
        var network = experiment.Plan.Network;
        int statistics = network.Layered ? network.Graph.Statistics : 0;
        bool fits =
            new[] { vectors.Origin, vectors.First, vectors.Second }.All(vector => vector.Length == network.ParameterCount)
            && (vectors.Statistics?.Length ?? 0) == statistics;
        if (!fits)
            return recorded with { Vectors = null };
        using var evaluator = experiment.Engine.CreateEvaluator(experiment.Data, network);
        return recorded with
        {
            Plane = evaluator.PlaneOf(vectors),
            Vectors = null,
            Paths = [.. recorded.Paths.Zip(experiment.Runs, Known)],
        };

        static AppendOnly<PathPoint> Known(AppendOnly<PathPoint> path, Run run)
        {
            var known = new AppendOnly<PathPoint>();
            foreach (var point in path.ToArray())
                if (point.Update <= run.Log.Count)
                    known.Add(point);
            return known;
        }
    }

    public Landscape? Current => Volatile.Read(ref current);

    public string? Failure => Volatile.Read(ref failure) ?? surface.Failure;

    /// <summary>How often there was nothing to do.</summary>
    public long Rests => Interlocked.Read(ref rests);

    /// <summary>There is nothing left to do until someone asks for another plane.</summary>
    public bool Settled => Failure is not null || (Volatile.Read(ref rested) && !Fitting);

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
            if (Current is { } now && now.GridId == grid)
                Volatile.Write(ref current, now with { Layers = [.. now.Layers, layer] });
        }
        wake.Set();
    }

    public void Wake() => wake.Set();

    /// <summary>A plane that was asked for has not been fitted yet.</summary>
    public bool Fitting => Failure is null && (Volatile.Read(ref requested) ?? Volatile.Read(ref asked)) is not null;

    /// <summary>
    /// Completes when the plane is there; its refusal is a <see cref="RefusedException"/>. It is cancelled with the experiment.
    /// </summary>
    public Task Request(PlaneRequest wanted)
    {
        var request = new Asked(wanted, CultureInfo.CurrentUICulture, new(TaskCreationOptions.RunContinuationsAsynchronously));
        Supersede(Interlocked.Exchange(ref requested, request));
        if (Failure is { } why)
            request.Done.TrySetException(new RefusedException(why));
        wake.Set();
        return request.Done.Task;
    }

    private static void Supersede(Asked? request) =>
        request?.Done.TrySetException(
            new RefusedException(
                Tr("Another plane was asked for before this one was fitted.", "在拟合这个平面之前，又有人要求了另一个平面。")
            )
        );

    public void Dispose()
    {
        stop.Cancel();
        wake.Set();
        if (thread.IsAlive)
            thread.Join();
        surface.Dispose();
        foreach (var request in new[] { requested, asked })
            request?.Done.TrySetCanceled();
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
                bool last =
                    experiment.Finished
                    && (Current is not { Plane: not null } now || now.Resolution >= experiment.Plan.Spec.Landscape.Resolution);
                if (Step(evaluator))
                    continue;
                Volatile.Write(ref rested, last);
                Interlocked.Increment(ref rests);
                if (experiment.Finished || sinceSaved.Elapsed > SaveEvery + SaveTime)
                    Save();
                wake.WaitOne(50);
            }
        }
        catch (OperationCanceledException) { }
        catch (Exception e)
        {
            Volatile.Write(ref failure, $"The landscape cannot be computed: {e.Message}");
            foreach (var request in new[] { Volatile.Read(ref requested), asked })
                request?.Done.TrySetException(new RefusedException(failure));
        }
    }

    /// <summary>One piece of work, the most urgent first; false when there is none.</summary>
    private bool Step(IEvaluator evaluator)
    {
        if (FitIsDue() && Fit(evaluator))
            return true;
        if (FallsBack() && Fit(evaluator))
            return true;
        if (Current is not { Plane: not null } landscape)
            return false;
        if (landscape.Paths.Count < experiment.Runs.Count)
        {
            // A fork has joined the runs.
            int runs = experiment.Runs.Count;
            Array.Resize(ref projected, runs);
            lock (publishing)
                Volatile.Write(
                    ref current,
                    landscape = Current! with
                    {
                        Paths =
                        [
                            .. landscape.Paths,
                            .. Enumerable.Range(0, runs - landscape.Paths.Count).Select(_ => new AppendOnly<PathPoint>()),
                        ],
                    }
                );
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
        if (Volatile.Read(ref requested) is { } request)
        {
            Volatile.Write(ref rested, false);
            Supersede(Interlocked.Exchange(ref asked, request));
            Interlocked.CompareExchange(ref requested, null, request);
            CultureInfo.CurrentUICulture = request.Culture;
            (wishBefore, wish, unspanned) = (wish, request.Wish, -1);
            Gather();
        }
        // Snapshots that spanned no plane will not span one when they are looked at again.
        if (wish.Kind != PlaneKind.Weights && unspanned == SnapshotCount())
            return false;
        if (asked is not null)
            return true;
        // One at a playhead shows that place, and stays there.
        if (wish.Update is not null)
            return false;
        // A plane through where runs are has to end where they do.
        if (wish.Kind is PlaneKind.Runs or PlaneKind.Hessian && experiment.Finished && fitted != SnapshotCount())
            return true;
        if (Current is { Plane: null })
            return experiment.Runs.Any(run => run.Snapshots.Count > 0) && Longest() >= nextFit;
        if (Current is null)
            return wish.Kind == PlaneKind.Weights || experiment.Finished || Longest() >= nextFit;
        // Each plane lives long enough for a picture of it, however fast the run doubles.
        return wish.Kind is not (PlaneKind.Weights or PlaneKind.Random) && Pictured(Current) && Longest() >= nextFit;
    }

    /// <summary>Runs that have ended without spanning a plane, such as one that never moved, are shown on a random one.</summary>
    private bool FallsBack()
    {
        if (Current is not null || asked is not null || wish.Kind != PlaneKind.Pca || !experiment.Finished || unspanned != SnapshotCount())
            return false;
        (wish, wishBefore, unspanned) = (new PlaneRequest(PlaneKind.Random), wish, -1);
        return true;
    }

    /// <summary>Updates at the newest snapshot: records run ahead of it, and cannot be fitted to.</summary>
    private long Longest() => experiment.Runs.Max(run => run.Snapshots.Count is > 0 and var n ? run.Snapshots[n - 1].Update : 0);

    private long SnapshotCount() => experiment.Runs.Sum(run => run.Snapshots.Count);

    private bool Pictured(Landscape landscape) => landscape.Resolution >= Math.Min(17, experiment.Plan.Spec.Landscape.Resolution);

    /// <summary>
    /// The next doubling after <paramref name="updates"/>, counted back from the end so that the last plane is fitted to whole paths.
    /// </summary>
    private long FitAfter(long updates)
    {
        if (total is not { } end)
            return Math.Max(64, 2 * updates);
        for (int halvings = 7; halvings >= 0; halvings--)
            if (end >> halvings > updates)
                return end >> halvings;
        return long.MaxValue;
    }

    /// <summary>A new plane through what there is; false when the snapshots do not span one yet, or it was refused.</summary>
    private bool Fit(IEvaluator evaluator)
    {
        long longest = Longest(),
            snapshots = SnapshotCount();
        PlaneFit? fit;
        try
        {
            fit = fitter.Fit(evaluator, wish, stop.Token);
        }
        catch (RefusedException refusal)
        {
            Refuse(refusal);
            return false;
        }
        if (fit is null)
        {
            unspanned = snapshots;
            return false;
        }
        fitted = snapshots;
        nextFit = FitAfter(longest);
        projected = new long[experiment.Runs.Count];
        var next = new Landscape
        {
            PlaneId = ++planeId,
            GridId = ++gridId,
            Kind = wish.Kind,
            Title = fit.Title,
            Origin = fit.Origin,
            Explained = fit.Explained,
            ExplainedByRandomWalk = fit.ExplainedByRandomWalk,
            Region = default,
            Layers = [],
            Plane = fit.Plane,
            FittedAt = longest,
            Paths = [.. projected.Select(_ => new AppendOnly<PathPoint>())],
        };
        Project(evaluator, next);
        var before = Current;
        Publish(next with { Region = Region(next) });
        before?.Plane?.Dispose();
        Interlocked.Exchange(ref asked, null)?.Done.TrySetResult();
        return true;
    }

    /// <summary>The plane that was asked for cannot be had: the one before stays.</summary>
    private void Refuse(RefusedException refusal)
    {
        (wish, unspanned) = (wishBefore, SnapshotCount());
        Interlocked.Exchange(ref asked, null)?.Done.TrySetException(refusal);
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
                // A path out of a recording has the points of the keyframes that it is taken up from.
                if (landscape.Paths[r].Count is > 0 and var points && snapshot.Update <= landscape.Paths[r][points - 1].Update)
                    continue;
                var at = evaluator.Project(landscape.Plane!, snapshot.Weights);
                landscape
                    .Paths[r]
                    .Add(new PathPoint((uint)snapshot.Update, (float)at.X, (float)at.Y, (float)snapshot.Loss, (float)at.OffPlane));
                any = true;
            }
        }
        return any;
    }

    /// <summary>The region grown when a path has left it; null while all is inside.</summary>
    private GridRegion? Outgrown(Landscape landscape)
    {
        // A picture of the old region comes first, or a fast start would never get one.
        if (!Pictured(landscape))
            return null;
        var (now, box) = (landscape.Region, Box(landscape));
        if (regions >= MaxRegions || box is not { } b || (b.X0 >= now.X0 && b.X1 <= now.X1 && b.Y0 >= now.Y0 && b.Y1 <= now.Y1))
            return null;
        double width = now.X1 - now.X0,
            height = now.Y1 - now.Y0;
        var grown = new GridRegion(
            b.X0 < now.X0 ? Math.Max(b.X0 - GrowthMargin * width, now.X0 - 10 * width) : now.X0,
            b.X1 > now.X1 ? Math.Min(b.X1 + GrowthMargin * width, now.X1 + 10 * width) : now.X1,
            b.Y0 < now.Y0 ? Math.Max(b.Y0 - GrowthMargin * height, now.Y0 - 10 * height) : now.Y0,
            b.Y1 > now.Y1 ? Math.Min(b.Y1 + GrowthMargin * height, now.Y1 + 10 * height) : now.Y1
        );
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
            return box is not { } b
                ? new(x0, x1, y0, y1)
                : new(Math.Min(x0, b.X0), Math.Max(x1, b.X1), Math.Min(y0, b.Y0), Math.Max(y1, b.Y1));
        }
        var r = box ?? new GridRegion(0, 0, 0, 0);
        double width = r.X1 - r.X0,
            height = r.Y1 - r.Y0,
            extent = Math.Max(width, height);
        // Of random directions 1 is the length of the weights, which shows something where paths do not.
        double least = wish.Kind switch
            {
                PlaneKind.Weights => 4,
                PlaneKind.Random when extent < 1e-3 => 2,
                _ => 1e-3,
            },
            floor = Math.Max(extent * 0.3, least);
        double spanX = Math.Max(width, floor),
            spanY = Math.Max(height, floor),
            cx = (r.X0 + r.X1) / 2,
            cy = (r.Y0 + r.Y1) / 2;
        double hx = spanX * (0.5 + Margin),
            hy = spanY * (0.5 + Margin);
        return new(cx - hx, cx + hx, cy - hy, cy + hy);
    }

    private GridRegion? Box(Landscape landscape)
    {
        double ceiling = fitter.Ceiling();
        double x0 = double.MaxValue,
            x1 = double.MinValue,
            y0 = double.MaxValue,
            y1 = double.MinValue;
        foreach (var path in landscape.Paths)
        {
            for (long i = 0; i < path.Count; i++)
            {
                var p = path[i];
                if (!float.IsFinite(p.X) || !float.IsFinite(p.Y) || !(p.Loss <= ceiling))
                    continue;
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
            if (run.Snapshots.Count > 0 || run.Recorded is null || run.Memory.Reserved is not null || !run.Log.Ended)
                continue;
            using var bundle = experiment.Engine.CreateBundle(experiment.Data, experiment.Plan.BundleOf([run.Plan]));
            using var evaluator = experiment.Engine.CreateEvaluator(experiment.Data, experiment.Plan.Network);
            Snapshots.Gather(experiment, [run], bundle, evaluator, run.Log.Count, PlaneFitter.SnapshotsPerRun * 4, stop.Token);
        }
    }

    /// <summary>While runs train, writing the plane's vectors again and again may take 4 MB/s at most.</summary>
    private TimeSpan SaveTime => TimeSpan.FromSeconds(3 * sizeof(float) * experiment.Plan.Network.ParameterCount / 4e6);

    /// <summary>Hands the landscape to the recorder, if it is another than before or has more points.</summary>
    private void Save()
    {
        if (experiment.Recorder is not { } recorder || Current is not { } landscape)
            return;
        long points = landscape.Paths.Sum(path => path.Count);
        if (ReferenceEquals(landscape, saved) && points == savedPoints)
            return;
        (saved, savedPoints) = (landscape, points);
        sinceSaved.Restart();
        recorder.SaveLandscape(LandscapeFile.Write(landscape, recorder.Manifest));
    }

    private void Publish(Landscape landscape)
    {
        lock (publishing)
            Volatile.Write(ref current, landscape);
        surface.Restart();
    }
}
