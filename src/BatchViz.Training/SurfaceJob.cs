using BatchViz.Core.Engines;

namespace BatchViz.Training;

/// <summary>
/// Computes the grid of the current plane, 9 → 17 → 33 → 65, on a thread of its own; each resolution reuses the last one's points, and
/// helpers where no lane needs their cores.
/// </summary>
internal sealed class SurfaceJob : IDisposable
{
    private readonly Experiment experiment;
    private readonly LandscapeJob landscapes;
    private readonly Thread thread;
    private readonly AutoResetEvent wake = new(false);
    private readonly Lock gate = new();
    private CancellationTokenSource work = new();
    private volatile bool stopping;
    private string? failure;

    public SurfaceJob(Experiment experiment, LandscapeJob landscapes)
    {
        (this.experiment, this.landscapes) = (experiment, landscapes);
        thread = new Thread(Work) { IsBackground = true, Name = "surface" };
    }

    public string? Failure => Volatile.Read(ref failure);

    public void Start() => thread.Start();

    /// <summary>Leaves the grid under way for a new one.</summary>
    public void Restart()
    {
        lock (gate)
        {
            work.Cancel();
            work = new CancellationTokenSource();
        }
        wake.Set();
    }

    public void Dispose()
    {
        stopping = true;
        Restart();
        if (thread.IsAlive)
            thread.Join();
    }

    private void Work()
    {
        // After the server, before the lanes: training is soon over anyway, and a picture is waited for.
        LaneClock.YieldToOthers(nice: 5);
        try
        {
            using var evaluator = experiment.Engine.CreateEvaluator(experiment.Data, experiment.Plan.Network);
            while (!stopping)
                if (!Refine(evaluator))
                    wake.WaitOne();
        }
        catch (Exception e)
        {
            Volatile.Write(ref failure, $"The landscape cannot be computed: {e.Message}");
        }
    }

    /// <summary>The next resolution of the current grid; false when it is as fine as it gets.</summary>
    private bool Refine(IEvaluator evaluator)
    {
        CancellationToken cancel;
        Landscape? landscape;
        lock (gate)
        {
            cancel = work.Token;
            landscape = landscapes.Current;
        }
        if (landscape?.Plane is null || stopping)
            return false;
        int next = landscape.Resolution == 0 ? 9 : 2 * landscape.Resolution - 1;
        if (next > experiment.Plan.Spec.Landscape.Resolution)
            return false;
        var losses = Spread(landscape, next);
        try
        {
            evaluator.Grid(landscape.Plane, landscape.Region, next, experiment.EvaluationSet, losses, cancel, Threads());
        }
        catch (OperationCanceledException)
        {
            return true;
        }
        catch (ObjectDisposedException) when (landscapes.Current?.GridId != landscape.GridId)
        {
            return true; // another plane has taken its place, and this one is gone
        }
        landscapes.Add(landscape.GridId, new GridLayer(next, losses));
        return true;
    }

    /// <summary>
    /// All cores once training is over or while it is held. While lanes work, this thread alone: helpers would slow the updates down
    /// on the wall, which their processor seconds do not show. After a hold, helpers stay until the resolution under way is done.
    /// </summary>
    private int Threads() => experiment.Finished || experiment.Held ? Environment.ProcessorCount : 1;

    /// <summary>The finished points at their places in a grid twice as fine; NaN marks those to compute.</summary>
    private static float[] Spread(Landscape landscape, int next)
    {
        var losses = new float[next * next];
        Array.Fill(losses, float.NaN);
        if (landscape.Layers.Count == 0)
            return losses;
        var (coarse, n) = (landscape.Layers[^1].Losses, landscape.Resolution);
        for (int y = 0; y < n; y++)
        for (int x = 0; x < n; x++)
            losses[2 * y * next + 2 * x] = coarse[y * n + x];
        return losses;
    }
}
