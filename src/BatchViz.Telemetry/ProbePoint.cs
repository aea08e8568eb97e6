using BatchViz.Core.Engines;

namespace BatchViz.Telemetry;

/// <summary>
/// What the probes found of a run after <paramref name="Update"/> updates, on the evaluation set; <see cref="IProbe"/> says what each
/// figure is. NaN (or nothing) where it was not asked for.
/// </summary>
public sealed record ProbePoint(long Update)
{
    public double GradientNorm { get; init; } = double.NaN;

    /// <summary>Between the set's gradient and that of the next update's batch.</summary>
    public double BatchCosine { get; init; } = double.NaN;

    /// <summary>Keskar's, in percent.</summary>
    public double Sharpness { get; init; } = double.NaN;

    /// <summary>In units of the loss.</summary>
    public double AdaptiveSharpness { get; init; } = double.NaN;

    /// <summary>Of the Hessian, largest first.</summary>
    public IReadOnlyList<double> Eigenvalues { get; init; } = [];

    public IReadOnlyList<double> EigenResiduals { get; init; } = [];

    public double Trace { get; init; } = double.NaN;

    public double TraceStandardError { get; init; } = double.NaN;

    /// <summary>⟨g, ∇²L g⟩ / ‖g‖² of the set's gradient g.</summary>
    public double GradientCurvature { get; init; } = double.NaN;

    public double FisherRao { get; init; } = double.NaN;

    /// <summary>tr Σ over the set.</summary>
    public double GradientVariance { get; init; } = double.NaN;

    /// <summary>In examples.</summary>
    public double NoiseScale { get; init; } = double.NaN;

    /// <summary>In computations over the evaluation set; the batch of <see cref="BatchCosine"/> is left out.</summary>
    public ProbeCost Cost { get; init; }

    /// <summary>Processor seconds of the lane's thread; no part of its training clock.</summary>
    public double Seconds { get; init; }
}
