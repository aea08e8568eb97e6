namespace BatchViz.Telemetry;

/// <summary>
/// Extremes of an aligned row of 4^level values, the last of them, and how many were not finite (at most 255 are counted).
/// </summary>
public readonly record struct Bucket(float Min, float Max, float Last, byte NonFinite)
{
    public static Bucket Of(float value) => float.IsFinite(value) ? new(value, value, value, 0) : new(float.NaN, float.NaN, value, 1);

    /// <summary>Of two neighbours in order; NaN extremes mean that nothing was finite.</summary>
    public Bucket Then(Bucket next) =>
        new(Smaller(Min, next.Min), Larger(Max, next.Max), next.Last, (byte)Math.Min(255, NonFinite + next.NonFinite));

    private static float Smaller(float a, float b) =>
        float.IsNaN(a) ? b
        : b < a ? b
        : a;

    private static float Larger(float a, float b) =>
        float.IsNaN(a) ? b
        : b > a ? b
        : a;
}
