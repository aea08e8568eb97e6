using BatchViz.Core.Engines;

namespace BatchViz.Bench;

/// <summary>
/// tr Σ and |G|² of all training examples at some weights; Σ with N − 1, as batches drawn without replacement estimate it.
/// </summary>
internal readonly record struct NoiseMoments(double Variance, double Square)
{
    public static NoiseMoments Of(ExampleGradientsProbe probe) =>
        new(probe.TraceCovariance * probe.Examples / (probe.Examples - 1.0), probe.GradientSquare);

    public double Ratio => Variance / Square;
}

/// <summary>A mean and its standard error.</summary>
internal readonly record struct Estimate(double Mean, double Error)
{
    /// <param name="values">Independent of one another.</param>
    public static Estimate Of(IReadOnlyCollection<double> values)
    {
        double mean = values.Average();
        return new(mean, Math.Sqrt(values.Sum(v => (v - mean) * (v - mean)) / (values.Count - 1.0) / values.Count));
    }

    /// <summary>
    /// The ratio of weighted means Σwₜaₜ / Σwₜcₜ of tr Σ and |G|², with the standard error √Σwₜ²(aₜ − r·cₜ)² / |Σwₜcₜ| (linearised; Cochran
    /// 1977, "Sampling Techniques", chapter 6). What moves from one point to the next counts as noise.
    /// </summary>
    /// <param name="weights">Of any sum [points].</param>
    public static Estimate Ratio(IReadOnlyList<NoiseMoments> points, IReadOnlyList<double> weights)
    {
        double variance = 0,
            square = 0,
            off = 0;
        for (int t = 0; t < points.Count; t++)
        {
            variance += weights[t] * points[t].Variance;
            square += weights[t] * points[t].Square;
        }
        double ratio = variance / square;
        for (int t = 0; t < points.Count; t++)
            off += Math.Pow(weights[t] * (points[t].Variance - ratio * points[t].Square), 2);
        return new(ratio, Math.Sqrt(off) / Math.Abs(square));
    }

    /// <summary>How far it is from another one that is independent of it, in standard errors of the difference.</summary>
    public double Off(Estimate other) => (Mean - other.Mean) / Math.Sqrt(Error * Error + other.Error * other.Error);

    public double Off(double exact) => Off(new Estimate(exact, 0));
}

/// <summary>One run after <paramref name="Update"/> updates: its own noise scale beside the exact one.</summary>
/// <param name="Running">What the step record says, with its standard error over the batches that are averaged.</param>
/// <param name="Window">Exact, at some of the weights throughout the updates that the running average is over, averaged in the same way;
/// its standard error is for having looked at some only.</param>
/// <param name="Here">Exact, at the weights after this update.</param>
/// <param name="Variance">tr Σ from many single batches at these very weights.</param>
/// <param name="Square">|G|² from the same batches.</param>
internal sealed record NoiseMark(
    long Update,
    double Epoch,
    Estimate Running,
    Estimate Window,
    NoiseMoments Here,
    Estimate Variance,
    Estimate Square
)
{
    public NoiseReportMark Report() =>
        new(
            Update,
            Epoch,
            Running.Mean,
            Running.Error,
            Window.Mean,
            Window.Error,
            new(Here.Variance, Here.Square, Here.Ratio),
            new(Variance.Mean, Variance.Error, Square.Mean, Square.Error)
        );
}
