using BatchViz.Api;
using BatchViz.Training;

namespace BatchViz.Live;

/// <summary>What the experiment's probes found of a run; docs/wire-format.md.</summary>
internal static class ProbesJson
{
    public static byte[] Of(Run run) => ApiJson.Bytes(new Probes([.. run.Probes.ToArray().Select(Point)]));

    private static ProbePoint Point(Telemetry.ProbePoint point) =>
        new(
            point.Update,
            point.GradientNorm,
            point.BatchCosine,
            point.Sharpness,
            point.AdaptiveSharpness,
            point.Eigenvalues.Count == 0 ? null : point.Eigenvalues,
            point.Trace,
            point.GradientCurvature,
            point.FisherRao,
            point.NoiseScale
        );
}
