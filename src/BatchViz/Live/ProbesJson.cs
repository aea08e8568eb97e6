using System.Text;
using System.Text.Json.Nodes;
using BatchViz.Cli;
using BatchViz.Lab;
using BatchViz.Recording;

namespace BatchViz.Live;

/// <summary>What the experiment's probes found of a run; docs/wire-format.md. Null where a probe was not asked for.</summary>
internal static class ProbesJson
{
    public static byte[] Of(Run run) => Encoding.UTF8.GetBytes(new JsonObject { ["points"] = new JsonArray([.. run.Probes.ToArray().Select(Point)]) }.ToJsonString());

    private static JsonNode Point(ProbePoint point) => new JsonObject
    {
        ["update"] = point.Update,
        ["gradientNorm"] = RunCommand.Finite(point.GradientNorm),
        ["batchCosine"] = RunCommand.Finite(point.BatchCosine),
        ["sharpness"] = RunCommand.Finite(point.Sharpness),
        ["adaptiveSharpness"] = RunCommand.Finite(point.AdaptiveSharpness),
        ["eigenvalues"] = point.Eigenvalues.Count == 0 ? null : new JsonArray([.. point.Eigenvalues.Select(RunCommand.Finite)]),
        ["trace"] = RunCommand.Finite(point.Trace),
        ["gradientCurvature"] = RunCommand.Finite(point.GradientCurvature),
        ["fisherRao"] = RunCommand.Finite(point.FisherRao),
        ["noiseScale"] = RunCommand.Finite(point.NoiseScale),
    };
}
