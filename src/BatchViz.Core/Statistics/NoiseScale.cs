using BatchViz.Core.Engines;

namespace BatchViz.Core.Statistics;

/// <summary>
/// The gradient noise scale tr Σ / |G|² (McCandlish et al. 2018, arXiv:1812.06162, B_simple): the batch size at which the noise of a
/// batch's gradient is as large as the gradient. G is the mean of the N training examples' gradients gᵢ, Σ their covariance. Both are
/// estimated from each batch, and averaged apart, for the ratio of averages has far less bias than the average of ratios.
/// <para>
/// At fixed weights and over random batches the estimates are unbiased: of |G|², and of tr Σ = Σ‖gᵢ − G‖²/(N − 1) where batches are
/// drawn without replacement, as shuffling does, or Σ‖gᵢ − G‖²/N where they are drawn with replacement. (Batches in the order of the
/// file are not random; one that <see cref="Specs.RemainderPolicy.Carry"/> puts together from two epochs lies in between.) Along a
/// shuffled run a batch is not random given the weights: they have seen the rest of the epoch more recently than it. Once a run fits
/// single examples, its batches therefore show a larger tr Σ than all examples have at those weights (docs/noise-scale.md measures how
/// much).
/// </para>
/// </summary>
/// <param name="VarianceAverage">Exponential average of tr Σ, not yet divided by its weights' sum.</param>
/// <param name="SquareAverage">The same of |G|², with the same weights.</param>
public readonly record struct NoiseScale(double VarianceAverage, double SquareAverage)
{
    private const double Keep = 1 - 1.0 / RecordLayout.NoiseScaleUpdates;

    /// <summary>In examples. Negative while the estimate of |G|² is; NaN before the first batch of two examples.</summary>
    public double Value => VarianceAverage == 0 && SquareAverage == 0 ? double.NaN : VarianceAverage / SquareAverage;

    /// <summary>
    /// The estimate of tr Σ from one batch of B = <paramref name="count"/>: (Σ‖g_b‖² − B‖ḡ‖²) / (B − 1); NaN for one example. Rounding may
    /// bring it below 0.
    /// </summary>
    /// <param name="exampleSquares">Σ ‖g_b‖² over the batch.</param>
    /// <param name="square">‖ḡ‖² of the batch's mean gradient.</param>
    public static double Variance(double exampleSquares, double square, int count) =>
        count < 2 ? double.NaN : (exampleSquares - count * square) / (count - 1);

    /// <summary>
    /// The estimate of |G|² from one batch of B: without replacement E‖ḡ‖² = |G|² + (1 − B/N)·tr Σ / B (Cochran 1977, "Sampling
    /// Techniques", theorem 2.2), so that the whole set's is exactly its own; with replacement E‖ḡ‖² = |G|² + tr Σ / B.
    /// </summary>
    /// <param name="variance">tr Σ as <see cref="Variance"/> gives it.</param>
    /// <param name="population">N, the examples that the batch was drawn from without replacement; +∞ for drawing with replacement.</param>
    public static double SignalSquare(double variance, double square, int count, double population) =>
        square - variance * (1.0 / count - 1 / population);

    /// <summary>With one more batch in the averages; a batch of one example, or one that is not finite, changes nothing.</summary>
    public NoiseScale With(double variance, double square, int count, double population)
    {
        if (!double.IsFinite(variance) || !double.IsFinite(square))
            return this;
        return new NoiseScale(
            Keep * VarianceAverage + (1 - Keep) * variance,
            Keep * SquareAverage + (1 - Keep) * SignalSquare(variance, square, count, population)
        );
    }
}
