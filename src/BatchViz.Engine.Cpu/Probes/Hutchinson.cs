using BatchViz.Core.Engines;
using BatchViz.Core.Numerics;

namespace BatchViz.Engine.Cpu.Probes;

/// <summary>
/// The trace of a Hessian from its products with vectors of random signs (Hutchinson 1990, "A stochastic estimator of the trace").
/// </summary>
internal static unsafe class Hutchinson
{
    /// <summary>At the objective's last linearisation. Variance of one sample: 2·(‖H‖² − Σ Hᵢᵢ²).</summary>
    public static TraceProbe Trace(
        Objective objective,
        WeightLayout layout,
        Workspace workspace,
        int samples,
        uint seed,
        long update,
        CancellationToken cancel
    )
    {
        var signs = new float[layout.Parameters];
        var values = new double[samples];
        new Span<float>(workspace.Point, checked((int)layout.Floats)).Clear();
        for (int s = 0; s < samples; s++)
        {
            RandomSigns.Fill(RandomSigns.OfTrace(seed, update, s), signs);
            layout.Pack(signs, workspace.Point);
            objective.HessianProduct(workspace.Point, workspace.Vector, cancel);
            values[s] = Vectors.Dot(layout.Floats, workspace.Point, workspace.Vector);
        }
        double mean = values.Sum() / samples,
            square = values.Sum(v => (v - mean) * (v - mean));
        return new TraceProbe(mean, Math.Sqrt(square / (samples - 1) / samples), samples, new(0, 0, samples));
    }
}
