using BatchViz.Core.Engines;
using BatchViz.Telemetry;

namespace BatchViz.Recording.Export;

/// <summary>
/// A landscape as an export has it: the plane, the losses over it, the runs' paths, and the examples that all losses are of.
/// </summary>
/// <param name="Kind">As in experiment files: "pca", "random", ….</param>
/// <param name="Resolution">n: the grid has n² points, evenly spaced over the region, ends included.</param>
/// <param name="Losses">[n, n], row by row from the first y.</param>
/// <param name="Indices">Examples of the evaluation set, in the training split [e].</param>
/// <param name="Inputs">Their features as the network gets them [e, inputs].</param>
/// <param name="Labels">Their classes [e]; null where there are none.</param>
/// <param name="Targets">Their target values [e, outputs]; null where there are none.</param>
public sealed record LandscapeTensors(
    PlaneVectors Plane,
    string Kind,
    string Title,
    GridRegion Region,
    int Resolution,
    float[] Losses,
    IReadOnlyList<(string Run, IReadOnlyList<PathPoint> Points)> Paths,
    int[] Indices,
    float[] Inputs,
    int[]? Labels,
    float[]? Targets
);
