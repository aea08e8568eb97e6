namespace BatchViz.Engine.Cpu.Tests.Reference;

/// <summary>Functions that .NET lacks, to double precision.</summary>
internal static class SpecialFunctions
{
    /// <summary>2/√π ∫₀ˣ e^(−t²) dt: e^(−x²)-weighted series (all terms positive) up to 3, the continued fraction of erfc beyond.</summary>
    public static double Erf(double x)
    {
        double a = Math.Abs(x);
        if (double.IsNaN(x) || a == 0)
            return x;
        if (a > 6)
            return Math.Sign(x);
        if (a < 3)
        {
            double term = a,
                sum = a;
            for (int n = 1; term > sum * 1e-17; n++)
            {
                term *= 2 * a * a / (2 * n + 1);
                sum += term;
            }
            return Math.Sign(x) * 2 / Math.Sqrt(Math.PI) * Math.Exp(-a * a) * sum;
        }
        double fraction = 0;
        for (int n = 60; n >= 1; n--)
            fraction = n / 2.0 / (a + fraction);
        return Math.Sign(x) * (1 - Math.Exp(-a * a) / Math.Sqrt(Math.PI) / (a + fraction));
    }
}
