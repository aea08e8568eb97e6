using BatchViz.Core.Numerics;
using BatchViz.Core.Specs;

namespace BatchViz.Core.Engines;

/// <summary>
/// Measures the loss around given weights without training: it changes no run and draws from no run's random stream, only from
/// those of <see cref="Numerics.Purpose"/>'s probes. L is the mean loss over the evaluation set, w the weights, P their number;
/// weight decay is no part of L. Every answer says what it cost; Hessian products asked for one after another at the same weights
/// and set share a gradient. A probe belongs to one thread at a time.
/// </summary>
public interface IProbe : IDisposable
{
    /// <summary>A direction from its components in canonical order.</summary>
    IDirection Direction(ReadOnlySpan<float> canonical);

    /// <summary>⟨a, b⟩.</summary>
    double Dot(IDirection a, IDirection b);

    /// <summary>⟨a, b⟩ / (‖a‖·‖b‖), from −1 to 1; NaN where either has no length.</summary>
    double Cosine(IDirection a, IDirection b);

    /// <summary>L(w) and ∇L(w). Give a batch as the set for the batch's gradient.</summary>
    GradientProbe Gradient(IWeights weights, EvaluationSet set, CancellationToken cancel = default);

    /// <summary>
    /// ∇²L(w)·v, exactly and without forming the Hessian (Pearlmutter 1994, "Fast exact multiplication by the Hessian"). ReLU counts as
    /// linear on either side of its kink.
    /// </summary>
    HessianProductProbe HessianProduct(IWeights weights, EvaluationSet set, IDirection v, CancellationToken cancel = default);

    /// <summary>
    /// The algebraically largest eigenvalues of ∇²L(w) with eigenvectors of length 1 (Lanczos 1950, with full reorthogonalisation).
    /// </summary>
    /// <param name="count">Wanted pairs, 1 to P.</param>
    /// <param name="iterations">Most Lanczos iterations, for each of which 8·P bytes are kept; fewer are made when all wanted pairs have
    /// converged.</param>
    /// <param name="seed">Of the first vector.</param>
    EigenProbe Eigenvalues(IWeights weights, EvaluationSet set, int count, int iterations, uint seed, CancellationToken cancel = default);

    /// <summary>tr ∇²L(w), estimated as the mean of zᵀ∇²L z over vectors z of random signs (Hutchinson 1990).</summary>
    /// <param name="samples">Vectors, 2 to <see cref="RandomSigns.MostVectors"/>.</param>
    /// <param name="seed">Of the vectors, with <paramref name="update"/>: estimates of the same seed and update are on common vectors, so
    /// that much of the chance is not in their difference; all others are independent.</param>
    TraceProbe Trace(IWeights weights, EvaluationSet set, int samples, uint seed, long update = 0, CancellationToken cancel = default);

    /// <summary>
    /// ε-sharpness (Keskar et al. 2017, arXiv:1609.04836, Metric 2.1, full space), in percent:
    /// 100·(max L(w + z) − L(w)) / (1 + L(w)) over the box |zᵢ| ≤ ε(|wᵢ| + 1). The maximum is sought by projected gradient ascent in the
    /// box's own norm, so the figure is a lower bound; it is never negative. Not invariant under rescalings of layers.
    /// </summary>
    /// <param name="steps">Steps of the ascent: its fixed budget.</param>
    SharpnessProbe Sharpness(IWeights weights, EvaluationSet set, double epsilon, int steps, CancellationToken cancel = default);

    /// <summary>
    /// Adaptive sharpness (Kwon et al. 2021, arXiv:2102.11600): max L(w + z) − L(w) over ‖T⁻¹z‖₂ ≤ ρ with T = diag |w|, in units of the
    /// loss. Sought by normalised ascent z ← ρ·T²g / ‖Tg‖, g the gradient at w + z: the first step is that of ASAM, further ones go
    /// on to the worst case; the best of them counts. With T free of their η, it does not change when a layer of ReLUs
    /// is multiplied by α and the next divided by it.
    /// </summary>
    SharpnessProbe AdaptiveSharpness(IWeights weights, EvaluationSet set, double rho, int steps, CancellationToken cancel = default);

    /// <summary>
    /// The Fisher-Rao norm ‖w‖ = (L + 1)·√E⟨∂ℓ/∂f, f⟩² of a net with L hidden layers and outputs f (Liang et al. 2019,
    /// arXiv:1711.01530, theorem 3.1), the mean taken over the set and its own targets.
    /// </summary>
    /// <exception cref="RefusedException">The net has biases, or an activation that is not positively homogeneous.</exception>
    FisherRaoProbe FisherRao(IWeights weights, EvaluationSet set, CancellationToken cancel = default);

    /// <summary>
    /// Moments of the set's per-example gradients gᵢ, from all of them: E‖g‖², tr Σ = E‖g‖² − ‖E g‖² (the set is the whole population,
    /// so sums are divided by N) and the gradient noise scale tr Σ/‖E g‖² (McCandlish et al. 2018, arXiv:1812.06162, eq. 2.9). A step
    /// record's tr Σ estimates N/(N − 1) times this one where batches are drawn without replacement: see
    /// <see cref="Statistics.NoiseScale"/>.
    /// </summary>
    /// <param name="norms">‖gᵢ‖ in the order of the set [examples], or empty when not wanted.</param>
    ExampleGradientsProbe ExampleGradients(IWeights weights, EvaluationSet set, Span<float> norms, CancellationToken cancel = default);

    /// <summary>
    /// Mean and covariance of the set's per-example gradients gᵢ on a plane, in its coordinates
    /// (<see cref="IEvaluator.Project(IPlane, IDirection)"/>),
    /// from all of them: the set is the whole population, and sums are divided by N. Of each gradient only ⟨gᵢ, d₁⟩ and ⟨gᵢ, d₂⟩ are
    /// formed; in a dense layer with input x, ∂ℓ/∂z = δ and D of the direction they are δᵀ(D·x), so both together cost two forward passes.
    /// The mean gradient of B examples drawn independently has the covariance divided by B.
    /// </summary>
    PlaneGradientsProbe PlaneGradients(IWeights weights, EvaluationSet set, IPlane plane, CancellationToken cancel = default);
}

/// <summary>What a probe has computed over its whole set.</summary>
/// <param name="Losses">Forward passes alone.</param>
/// <param name="Gradients">Losses with their gradients, or with what Hessian products at the same weights share.</param>
/// <param name="HessianProducts">Products of the Hessian and a vector.</param>
public readonly record struct ProbeCost(long Losses, long Gradients, long HessianProducts)
{
    /// <summary>All of it in gradients over the set, counted in matrix products: a loss is a third of one, a Hessian product two.</summary>
    public double InGradients => Losses / 3.0 + Gradients + 2.0 * HessianProducts;

    public static ProbeCost operator +(ProbeCost a, ProbeCost b) =>
        new(a.Losses + b.Losses, a.Gradients + b.Gradients, a.HessianProducts + b.HessianProducts);
}

/// <param name="Loss">Mean loss over the set.</param>
/// <param name="Gradient">∇L(w); the caller disposes it.</param>
public sealed record GradientProbe(double Loss, IDirection Gradient, ProbeCost Cost) : IDisposable
{
    public void Dispose() => Gradient.Dispose();
}

/// <param name="Product">∇²L(w)·v; the caller disposes it.</param>
/// <param name="Curvature">⟨v, ∇²L(w)·v⟩, summed in double.</param>
public sealed record HessianProductProbe(IDirection Product, double Curvature, ProbeCost Cost) : IDisposable
{
    public void Dispose() => Product.Dispose();
}

/// <param name="Residual">‖∇²L v − λv‖, computed from the vector as it is.</param>
/// <param name="Vector">Of length 1.</param>
public sealed record EigenPair(double Value, double Residual, IDirection Vector);

/// <param name="Pairs">Largest first; fewer than wanted after too few iterations, none where the Hessian is not finite.</param>
/// <param name="Iterations">Lanczos iterations made.</param>
public sealed record EigenProbe(IReadOnlyList<EigenPair> Pairs, int Iterations, ProbeCost Cost) : IDisposable
{
    public void Dispose()
    {
        foreach (var pair in Pairs)
            pair.Vector.Dispose();
    }
}

/// <param name="Trace">The estimate.</param>
/// <param name="StandardError">Of the estimate: standard deviation over the vectors / √samples.</param>
public sealed record TraceProbe(double Trace, double StandardError, int Samples, ProbeCost Cost);

/// <param name="Sharpness">In the unit of the method asked.</param>
/// <param name="Loss">L(w).</param>
/// <param name="WorstLoss">The largest loss found, at least L(w).</param>
public sealed record SharpnessProbe(double Sharpness, double Loss, double WorstLoss, ProbeCost Cost);

public sealed record FisherRaoProbe(double Norm, ProbeCost Cost);

/// <param name="Examples">N.</param>
/// <param name="GradientSquare">‖E g‖² of the set's mean gradient.</param>
/// <param name="MeanSquare">E‖g‖².</param>
/// <param name="MeanNorm">E‖g‖.</param>
/// <param name="LargestNorm">max ‖g‖.</param>
public sealed record ExampleGradientsProbe(
    long Examples,
    double Loss,
    double GradientSquare,
    double MeanSquare,
    double MeanNorm,
    double LargestNorm,
    ProbeCost Cost
)
{
    /// <summary>tr Σ, at least 0.</summary>
    public double TraceCovariance => double.IsNaN(MeanSquare - GradientSquare) ? double.NaN : Math.Max(0, MeanSquare - GradientSquare);

    /// <summary>tr Σ / ‖E g‖², in examples; +∞ where the mean gradient vanishes.</summary>
    public double NoiseScale => TraceCovariance / GradientSquare;
}

/// <param name="Examples">N.</param>
/// <param name="Loss">L(w).</param>
/// <param name="X">Mean of the first components: that of ∇L(w).</param>
/// <param name="Y">Mean of the second.</param>
/// <param name="XX">Variance of the first components.</param>
/// <param name="XY">Covariance of both.</param>
/// <param name="YY">Variance of the second.</param>
public sealed record PlaneGradientsProbe(long Examples, double Loss, double X, double Y, double XX, double XY, double YY, ProbeCost Cost);
