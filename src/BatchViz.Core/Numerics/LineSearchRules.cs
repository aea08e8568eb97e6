namespace BatchViz.Core.Numerics;

/// <summary>What line searches go by, the same for every engine.</summary>
public static class LineSearchRules
{
    /// <summary>Sufficient decrease; and curvature for L-BFGS and for conjugate gradients (Nocedal and Wright 2006, section 3.1).</summary>
    public const double Decrease = 1e-4, NewtonCurvature = 0.9, ConjugateCurvature = 0.1;

    /// <summary>Losses are floats: what differs by less than this share is the same.</summary>
    public const double Rounding = 1.0 / (1 << 22);

    /// <summary>A bracket is narrow enough when no weight moves this far in it; as PyTorch's tolerance_change.</summary>
    public const double Narrow = 1e-9;

    /// <summary>Steps down the gradient that are tried when a search has failed, each an eighth of the one before.</summary>
    public const int FallbackTrials = 10;

    /// <summary>The minimum of the cubic through two places along a direction, of (step, value, slope) each, within bounds; their middle where there is none.</summary>
    public static double Cubic((double Step, double Value, double Slope) a, (double Step, double Value, double Slope) b, double least, double most)
    {
        double d1 = a.Slope + b.Slope - 3 * (a.Value - b.Value) / (a.Step - b.Step), square = d1 * d1 - a.Slope * b.Slope, middle = (least + most) / 2;
        if (!(square >= 0)) return middle;
        double d2 = Math.Sqrt(square);
        double at = a.Step <= b.Step
            ? b.Step - (b.Step - a.Step) * ((b.Slope + d2 - d1) / (b.Slope - a.Slope + 2 * d2))
            : a.Step - (a.Step - b.Step) * ((a.Slope + d2 - d1) / (a.Slope - b.Slope + 2 * d2));
        return double.IsNaN(at) ? middle : Math.Min(Math.Max(at, least), most);
    }
}
