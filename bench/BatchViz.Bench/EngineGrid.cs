using System.Diagnostics;
using BatchViz.Core.Data;
using BatchViz.Core.Engines;

namespace BatchViz.Bench;

/// <summary>
/// The engine's landscapes: every grid is of a plane that the evaluator has not seen, from the first point to the last. One unit is one
/// grid.
/// </summary>
internal sealed class EngineGrid : IContestant, IDisposable
{
    private readonly IEvaluator evaluator;
    private readonly IWeights[] weights;
    private readonly EvaluationSet set;
    private readonly float[] losses;
    private readonly int resolution,
        threads;
    private uint planes;

    /// <param name="examples">Taken from the front of the training split.</param>
    public EngineGrid(IEngine engine, IEngineData data, BundleSpec spec, int examples, int resolution, int threads)
    {
        (this.resolution, this.threads) = (resolution, threads);
        using var bundle = engine.CreateBundle(data, spec);
        weights = [bundle.Snapshot(0)];
        evaluator = engine.CreateEvaluator(data, spec.Network);
        set = new EvaluationSet(Split.Train, [.. Enumerable.Range(0, examples)]);
        losses = new float[resolution * resolution];
    }

    public string Name => "BatchViz";

    public double Round(double seconds)
    {
        double total = 0;
        int grids = 0;
        do
        {
            total += Once();
            grids++;
        } while (total < seconds);
        return total / grids;
    }

    /// <summary>Seconds of one grid; choosing the plane is not counted.</summary>
    public double Once()
    {
        using var plane = evaluator.RandomPlane(weights, planes++);
        losses.AsSpan().Fill(float.NaN);
        long start = Stopwatch.GetTimestamp();
        evaluator.Grid(plane, new GridRegion(-1, 1, -1, 1), resolution, set, losses, CancellationToken.None, threads);
        double taken = Stopwatch.GetElapsedTime(start).TotalSeconds;
        return losses.AsSpan().IndexOf(float.NaN) < 0 ? taken : throw new InvalidOperationException("a point of the grid was left out");
    }

    public void Dispose()
    {
        evaluator.Dispose();
        weights[0].Dispose();
    }
}
