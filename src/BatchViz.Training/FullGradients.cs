using BatchViz.Core.Data;
using BatchViz.Core.Engines;

namespace BatchViz.Training;

/// <summary>
/// Gradients of the mean loss over the whole training split at moments of runs. The last few are kept, since a batch and the moment before
/// it ask for the same one. Large splits are gone through piece by piece, so that progress can be told and the probe keeps only a piece.
/// </summary>
internal sealed class FullGradients : IDisposable
{
    private const int Piece = 2048,
        Kept = 4;

    private readonly EvaluationSet[] pieces;
    private readonly List<((string Run, long Update) Moment, IDirection Gradient)> kept = [];

    private double secondsPerExample = double.NaN;

    public FullGradients(DataSet data)
    {
        Examples = data.Train.Count;
        // Over a surface's whole split the examples' shifts cancel exactly, and over pieces but for rounding.
        pieces =
            Examples <= Piece || data.Task == DataTask.Surface
                ? [EvaluationSet.All(Split.Train)]
                : [.. Enumerable.Range(0, Examples).Chunk(Piece).Select(indices => new EvaluationSet(Split.Train, indices))];
    }

    /// <summary>Examples of the split.</summary>
    public int Examples { get; }

    /// <summary>Processor seconds that the last gradient took for an example; NaN before the first. For any thread.</summary>
    public double SecondsPerExample => Volatile.Read(ref secondsPerExample);

    /// <summary>The gradient at the weights of a moment; it stays ours.</summary>
    /// <param name="run">The run that made the weights, not a fork that began with them.</param>
    public IDirection At(string run, long update, IWeights weights, IProbe probe, IProgress<double>? progress, CancellationToken cancel)
    {
        int at = kept.FindIndex(one => one.Moment == (run, update));
        var gradient = at >= 0 ? kept[at].Gradient : Timed(weights, probe, progress, cancel);
        if (at >= 0)
            kept.RemoveAt(at);
        kept.Add(((run, update), gradient));
        if (kept.Count > Kept)
        {
            kept[0].Gradient.Dispose();
            kept.RemoveAt(0);
        }
        return gradient;
    }

    public void Dispose()
    {
        foreach (var (_, gradient) in kept)
            gradient.Dispose();
        kept.Clear();
    }

    private IDirection Timed(IWeights weights, IProbe probe, IProgress<double>? progress, CancellationToken cancel)
    {
        double before = LaneClock.Seconds;
        var gradient = Measure(weights, probe, progress, cancel);
        Volatile.Write(ref secondsPerExample, (LaneClock.Seconds - before) / Examples);
        return gradient;
    }

    private IDirection Measure(IWeights weights, IProbe probe, IProgress<double>? progress, CancellationToken cancel)
    {
        if (pieces is [var whole])
            return probe.Gradient(weights, whole, cancel).Gradient;
        var part = new float[weights.Count];
        var sum = new double[weights.Count];
        for (int k = 0; k < pieces.Length; k++)
        {
            using (var gradient = probe.Gradient(weights, pieces[k], cancel))
                gradient.Gradient.CopyTo(part);
            double share = pieces[k].Indices!.Length / (double)Examples;
            for (int i = 0; i < sum.Length; i++)
                sum[i] += share * part[i];
            progress?.Report((k + 1.0) / pieces.Length);
        }
        for (int i = 0; i < sum.Length; i++)
            part[i] = (float)sum[i];
        return probe.Direction(part);
    }
}
