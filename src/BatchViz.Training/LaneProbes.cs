using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using BatchViz.Telemetry;

namespace BatchViz.Training;

/// <summary>The probes that an experiment asks for, measured of a lane's members. They draw from their own random streams only.</summary>
internal sealed class LaneProbes : IDisposable
{
    /// <summary>Of the marks at which test figures are taken, at most 80, one in this many has probes too.</summary>
    public const int OneMarkIn = 4;

    private const double Epsilon = 1e-3,
        Rho = 0.5;
    private const int SharpnessSteps = 10,
        AdaptiveSteps = 5,
        Pairs = 2,
        LanczosIterations = 40,
        TraceSamples = 20;
    private const uint Seed = 1;

    private readonly IProbe probe;
    private readonly IReadOnlyList<ProbeKind> kinds;
    private readonly EvaluationSet set;
    private readonly long parameters;

    public LaneProbes(Experiment experiment, BundleSpec spec)
    {
        (kinds, set, parameters) = (experiment.Plan.Spec.Probes, experiment.EvaluationSet, spec.Network.ParameterCount);
        probe = experiment.Engine.CreateProbe(experiment.Data, spec.Network);
    }

    /// <summary>
    /// Weight vectors, of 4 bytes a weight, that a lane's probes hold at most, about: Lanczos keeps each iteration's in double.
    /// </summary>
    public static int Vectors(IReadOnlyList<ProbeKind> kinds) =>
        kinds.Contains(ProbeKind.Eigenvalues) ? 2 * LanczosIterations + 10
        : kinds.Count > 0 ? 10
        : 0;

    /// <param name="weights">The member's now.</param>
    public ProbePoint Measure(IBundle bundle, int member, IWeights weights, long update, CancellationToken cancel)
    {
        double before = LaneClock.Seconds;
        var point = new ProbePoint(update);
        foreach (var kind in kinds)
            point = With(point, kind, bundle, member, weights, update, cancel);
        return point with { Seconds = LaneClock.Seconds - before };
    }

    public void Dispose() => probe.Dispose();

    private ProbePoint With(
        ProbePoint point,
        ProbeKind kind,
        IBundle bundle,
        int member,
        IWeights weights,
        long update,
        CancellationToken cancel
    )
    {
        switch (kind)
        {
            case ProbeKind.Gradient:
                using (var full = probe.Gradient(weights, set, cancel))
                using (var batch = probe.Gradient(weights, new EvaluationSet(Split.Train, bundle.NextBatch(member)), cancel))
                    return point with
                    {
                        GradientNorm = full.Gradient.Norm,
                        BatchCosine = probe.Cosine(full.Gradient, batch.Gradient),
                        Cost = point.Cost + full.Cost,
                    };
            case ProbeKind.Sharpness:
                var sharpness = probe.Sharpness(weights, set, Epsilon, SharpnessSteps, cancel);
                return point with { Sharpness = sharpness.Sharpness, Cost = point.Cost + sharpness.Cost };
            case ProbeKind.AdaptiveSharpness:
                var adaptive = probe.AdaptiveSharpness(weights, set, Rho, AdaptiveSteps, cancel);
                return point with { AdaptiveSharpness = adaptive.Sharpness, Cost = point.Cost + adaptive.Cost };
            case ProbeKind.Eigenvalues:
                using (var top = probe.Eigenvalues(weights, set, (int)Math.Min(Pairs, parameters), LanczosIterations, Seed, cancel))
                    return point with
                    {
                        Eigenvalues = [.. top.Pairs.Select(pair => pair.Value)],
                        EigenResiduals = [.. top.Pairs.Select(pair => pair.Residual)],
                        Cost = point.Cost + top.Cost,
                    };
            case ProbeKind.Trace:
                // Signs of the run's seed: independent from mark to mark and from seed to seed, common to batch sizes at the same update.
                var trace = probe.Trace(weights, set, TraceSamples, bundle.Spec.Seeds[member], update, cancel);
                return point with { Trace = trace.Trace, TraceStandardError = trace.StandardError, Cost = point.Cost + trace.Cost };
            case ProbeKind.GradientCurvature:
                using (var full = probe.Gradient(weights, set, cancel))
                using (var along = probe.HessianProduct(weights, set, full.Gradient, cancel))
                    return point with
                    {
                        GradientCurvature = along.Curvature / (full.Gradient.Norm * full.Gradient.Norm),
                        Cost = point.Cost + full.Cost + along.Cost,
                    };
            case ProbeKind.FisherRao:
                var norm = probe.FisherRao(weights, set, cancel);
                return point with { FisherRao = norm.Norm, Cost = point.Cost + norm.Cost };
            case ProbeKind.NoiseScale:
                var moments = probe.ExampleGradients(weights, set, [], cancel);
                return point with
                {
                    GradientVariance = moments.TraceCovariance,
                    NoiseScale = moments.NoiseScale,
                    Cost = point.Cost + moments.Cost,
                };
            default:
                throw new ArgumentOutOfRangeException(nameof(kind), kind, "unknown probe");
        }
    }
}
