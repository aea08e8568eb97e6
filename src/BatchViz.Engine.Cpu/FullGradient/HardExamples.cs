using BatchViz.Core.Sampling;

namespace BatchViz.Engine.Cpu.FullGradient;

/// <summary>Hard-example batches: a pool is scored by its losses, and the <see cref="Hardest"/> are trained on.</summary>
/// <param name="losses">Becomes ours.</param>
/// <param name="most">Most examples in a pool.</param>
internal sealed unsafe class HardExamples(Losses losses, int most) : IDisposable
{
    private readonly float[] each = new float[most];
    private readonly ulong[] work = new ulong[most];

    /// <summary>Leaves the <paramref name="keep"/> hardest of the first <paramref name="drawn"/> indices, at the front.</summary>
    /// <param name="statistics">Running ones, of models that have them.</param>
    public void Choose(float* weights, float* statistics, int[] indices, int drawn, int keep)
    {
        losses.Begin(statistics);
        losses.Of(weights, indices.AsSpan(0, drawn), each);
        Hardest.Choose(each, indices, drawn, keep, work);
    }

    public void Dispose() => losses.Dispose();
}
