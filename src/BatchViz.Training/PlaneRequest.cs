using BatchViz.Core.Specs;

namespace BatchViz.Training;

/// <summary>Which plane is wanted.</summary>
/// <param name="Runs">Ids of the runs whose weights it goes through: three, or one for the Hessian; null: chosen by their batch
/// sizes.</param>
/// <param name="Update">Of the Hessian: after how many updates of its run. Such a plane stays where it is; null: at the newest weights,
/// which it follows.</param>
public sealed record PlaneRequest(PlaneKind Kind, IReadOnlyList<string>? Runs = null, long? Update = null);

/// <summary>Through what a plane was fitted: what its title says, for other languages.</summary>
/// <param name="Runs">Ids, in the order of the title.</param>
/// <param name="Updates">Of each run's weights; null of planes fitted to whole paths.</param>
/// <param name="Eigenvalues">Of the Hessian there, along the two axes.</param>
/// <param name="Draw">Of random directions, from 1.</param>
public sealed record PlaneOrigin(
    IReadOnlyList<string> Runs,
    IReadOnlyList<long>? Updates = null,
    IReadOnlyList<double>? Eigenvalues = null,
    int? Draw = null
);
