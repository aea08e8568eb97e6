using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using BatchViz.Telemetry;

namespace BatchViz.Training;

/// <summary>Losses over a region of a plane at one resolution, [n·n] row by row from the first y.</summary>
public sealed record GridLayer(int Resolution, float[] Losses);

/// <summary>
/// A shared plane with every run's path on it and the finished resolutions of its grid. Immutable but for the paths, which grow;
/// a new plane or region is a new object with new ids.
/// </summary>
public sealed record Landscape
{
    /// <summary>Number of the plane, from 1; the paths belong to it.</summary>
    public required uint PlaneId { get; init; }

    /// <summary>Number of the grid, from 1; a new plane or a larger region begins a new one.</summary>
    public required uint GridId { get; init; }

    public required PlaneKind Kind { get; init; }

    /// <summary>Which slice this is, in English words.</summary>
    public required string Title { get; init; }

    /// <summary>The same in numbers; null of a recording that is older than these.</summary>
    public required PlaneOrigin? Origin { get; init; }

    /// <summary>Share of the snapshots' variance in a PCA plane, and in one of the random walks with the same steps.</summary>
    public double? Explained { get; init; }
    public double? ExplainedByRandomWalk { get; init; }

    public required GridRegion Region { get; init; }

    /// <summary>Finished grids, coarsest first.</summary>
    public required IReadOnlyList<GridLayer> Layers { get; init; }

    /// <summary>For each run of the experiment, its path on this plane.</summary>
    public required IReadOnlyList<AppendOnly<PathPoint>> Paths { get; init; }

    public int Resolution => Layers.Count > 0 ? Layers[^1].Resolution : 0;

    /// <summary>Whether the model has no other direction: the surface is the whole landscape, not a slice.</summary>
    public bool Exact => Kind == PlaneKind.Weights;

    /// <summary>
    /// Null of a landscape out of a recording of an earlier version, which kept no directions: nothing new can be put on it.
    /// </summary>
    public required IPlane? Plane { get; init; }

    /// <summary>The plane as it was read from a file, until an engine has made it again; null otherwise.</summary>
    public PlaneVectors? Vectors { get; init; }

    /// <summary>Updates of the longest run when the plane was fitted.</summary>
    public required long FittedAt { get; init; }
}
