using BatchViz.Core.Engines;

namespace BatchViz.Core.Statistics;

/// <summary>
/// The gradient noise scale tr Σ / |G|² (McCandlish et al. 2018, arXiv:1812.06162, B_simple): the batch size at which the noise of a
/// batch's gradient is as large as the gradient. Σ is the covariance of single examples' gradients, G their mean over the data. Both
/// are estimated without bias from each batch, and averaged apart, for the ratio of averages has far less bias than the average of ratios.
/// </summary>
/// <param name="VarianceAverage">Exponential average of tr Σ, not yet divided by its weights' sum.</param>
/// <param name="SquareAverage">The same of |G|², with the same weights.</param>
public readonly record struct NoiseScale(double VarianceAverage, double SquareAverage)
{
    private const double Keep = 1 - 1.0 / RecordLayout.NoiseScaleUpdates;

    /// <summary>In examples. Negative while the estimate of |G|² is; NaN before the first batch of two examples.</summary>
    public double Value => VarianceAverage == 0 && SquareAverage == 0 ? double.NaN : VarianceAverage / SquareAverage;

    /// <summary>
    /// The unbiased estimate of tr Σ from one batch: (Σ‖g_b‖² − B‖ḡ‖²) / (B − 1); NaN for one example. Rounding may bring it below 0.
    /// </summary>
    /// <param name="exampleSquares">Σ ‖g_b‖² over the batch.</param>
    /// <param name="square">‖ḡ‖² of the batch's mean gradient.</param>
    public static double Variance(double exampleSquares, double square, int count)
        => count < 2 ? double.NaN : (exampleSquares - count * square) / (count - 1);

    /// <summary>The unbiased estimate of |G|²: E‖ḡ‖² = |G|² + tr Σ / B.</summary>
    public static double SignalSquare(double variance, double square, int count) => square - variance / count;

    /// <summary>With one more batch in the averages; a batch of one example, or one that is not finite, changes nothing.</summary>
    public NoiseScale With(double variance, double square, int count)
    {
        if (!double.IsFinite(variance) || !double.IsFinite(square)) return this;
        return new NoiseScale(
            Keep * VarianceAverage + (1 - Keep) * variance,
            Keep * SquareAverage + (1 - Keep) * SignalSquare(variance, square, count));
    }
}
