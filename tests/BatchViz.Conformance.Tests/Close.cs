using BatchViz.Core.Engines;

namespace BatchViz.Conformance.Tests;

/// <summary>Agreement of float32 arithmetic that adds up in another order.</summary>
internal static class Close
{
    /// <summary>‖a − b‖ ≤ share·‖a‖, up to what rounding leaves of nothing.</summary>
    public static void ByNorm(ReadOnlySpan<float> wanted, ReadOnlySpan<float> given, double share, string what)
    {
        Assert.Equal(wanted.Length, given.Length);
        double off = 0,
            norm = 0;
        for (int i = 0; i < wanted.Length; i++)
        {
            off += ((double)wanted[i] - given[i]) * ((double)wanted[i] - given[i]);
            norm += (double)wanted[i] * wanted[i];
        }
        Assert.True(Math.Sqrt(off) <= share * Math.Sqrt(norm) + 1e-7, $"{what}: off by {Math.Sqrt(off):g3} of {Math.Sqrt(norm):g3}");
    }

    public static void Number(double wanted, double given, double share, string what, double least = 1e-6)
    {
        if (double.IsNaN(wanted) || double.IsInfinity(wanted))
            Assert.True(wanted.Equals(given), $"{what}: {given}, not {wanted}");
        else
            Assert.True(Math.Abs(wanted - given) <= share * Math.Abs(wanted) + least, $"{what}: {given:g9}, not {wanted:g9}");
    }

    /// <summary>A record, column by column.</summary>
    /// <param name="share">Of each number's size.</param>
    public static void Record(
        RecordLayout layout,
        long parameters,
        ReadOnlySpan<float> wanted,
        ReadOnlySpan<float> given,
        double share,
        string what
    )
    {
        // Sums over examples of numbers that nearly cancel: what is left of them is as far off as they are.
        double square = Math.Pow(wanted[RecordLayout.ExampleNormMax], 2),
            signal = Math.Pow(wanted[RecordLayout.GradientNorm], 2);
        for (int c = 0; c < layout.Width; c++)
        {
            bool histogram = c >= RecordLayout.Histogram && c < RecordLayout.Histogram + RecordLayout.HistogramBins;
            double least =
                histogram ? 2.5 / parameters + share
                : c == RecordLayout.GradientVariance ? share * square
                : 2e-6;
            // A quotient of two of those, and undefined only where the other is.
            if (c == RecordLayout.NoiseScale && !float.IsNaN(wanted[c]))
                least = 50 * share * (1 + Math.Abs(wanted[c])) * (1 + square / Math.Max(signal, 1e-12));
            if (layout.HasLineSearchColumns && c >= layout.StepLength)
                least = 100 * share * Math.Abs(wanted[c]);
            Number(wanted[c], given[c], share, $"{what}, {layout.Columns[c].Name}", least);
        }
    }
}
