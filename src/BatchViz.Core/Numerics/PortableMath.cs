namespace BatchViz.Core.Numerics;

/// <summary>
/// Elementary functions in sums and products of doubles only: the same bits on every machine, unlike the system's pow and cos.
/// </summary>
public static class PortableMath
{
    /// <summary>xⁿ for n ≥ 0, by squaring.</summary>
    public static double Power(double x, long n)
    {
        double result = 1;
        for (; n > 0; n >>= 1, x *= x)
        {
            if ((n & 1) != 0)
                result *= x;
        }
        return result;
    }

    /// <summary>cos(πx) for x from 0 to 1, within 1e-15; exact at 0, ½ and 1.</summary>
    public static double CosPi(double x) =>
        x == 0.5 ? 0
        : x < 0.5 ? CosOf(Math.PI * x)
        : -CosOf(Math.PI * (1 - x));

    /// <summary>The Taylor series; its first term left out is below 2e-17 up to π/2.</summary>
    private static double CosOf(double y)
    {
        const int LastTerm = 10;
        double square = y * y,
            sum = 1;
        for (int k = LastTerm; k >= 1; k--)
            sum = 1 - square / ((2 * k - 1) * (2 * k)) * sum;
        return sum;
    }
}
