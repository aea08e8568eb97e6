using BatchViz.Core.Engines;

namespace BatchViz.Training;

/// <summary>A gradient on a plane.</summary>
/// <param name="X">Its component in the plane's coordinates; minus it is where a step of plain SGD goes.</param>
/// <param name="Norm">Of the whole vector in weight space.</param>
public readonly record struct GradientOnPlane(double X, double Y, double Norm);

/// <summary>Where a run stands after an update, and where its next batch and the whole training split would have it go.</summary>
/// <param name="Point">Of the weights on the plane.</param>
/// <param name="NextBatchSize">Examples of the next batch, or that it would have.</param>
/// <param name="Batch">The gradient of the next batch; null after the last update of the budget.</param>
/// <param name="Full">The gradient of the mean loss over the whole training split.</param>
/// <param name="FullExamples">Examples of the training split.</param>
/// <param name="Cosine">Of the angle between both gradients; NaN where there is none.</param>
/// <param name="Scatter">Covariance of single examples' gradients on the plane; null for a contrastive loss, whose examples have
/// none.</param>
public sealed record ReplayedMoment(
    string Run,
    long Update,
    PlanePoint Point,
    int NextBatchSize,
    GradientOnPlane? Batch,
    GradientOnPlane Full,
    int FullExamples,
    double Cosine,
    PlaneGradientsProbe? Scatter
);
