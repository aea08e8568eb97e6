using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using BatchViz.Recording.Export;
using BatchViz.Telemetry;
using BatchViz.Training;

namespace BatchViz.Recordings;

/// <summary>
/// An experiment's landscape for other programs (docs/exports.md): the plane's vectors, the grid, the paths and the evaluation set.
/// </summary>
internal static class LandscapeExport
{
    public const string FileName = "landscape.safetensors";

    /// <summary>Null where there is no landscape, or one of an earlier version whose plane was not kept.</summary>
    public static LandscapeTensors? Of(Experiment experiment)
    {
        if (experiment.Landscape is not { Plane: { } plane, Layers: [.., var grid] } landscape)
            return null;
        var train = experiment.Plan.Data.Train;
        int[] indices = experiment.EvaluationSet.Indices ?? [.. Enumerable.Range(0, train.Count)];
        float[] inputs = new float[indices.Length * train.Inputs];
        for (int i = 0; i < indices.Length; i++)
            train.CopyFeatures(indices[i], inputs.AsSpan(i * train.Inputs, train.Inputs));
        int outputs = train.Targets is { } all ? all.Length / Math.Max(1, train.Count) : 0;
        return new LandscapeTensors(
            plane.Export(),
            SpecVocabulary.Of(SpecVocabulary.Planes, landscape.Kind),
            landscape.Title,
            landscape.Region,
            grid.Resolution,
            grid.Losses,
            [
                .. experiment.Runs.Zip(
                    landscape.Paths,
                    (run, path) => (run.Plan.Id, (IReadOnlyList<BatchViz.Telemetry.PathPoint>)path.ToArray())
                ),
            ],
            indices,
            inputs,
            train.Labels is { } labels ? [.. indices.Select(i => labels[i])] : null,
            train.Targets is { } targets ? [.. indices.SelectMany(i => targets.AsSpan(i * outputs, outputs).ToArray())] : null
        );
    }
}
