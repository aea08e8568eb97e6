namespace BatchViz.Core.Numerics;

/// <summary>Line searches, the same for every engine.</summary>
public static class LineSearches
{
    /// <summary>Curvature for L-BFGS and for conjugate gradients (Nocedal and Wright 2006, section 3.1).</summary>
    public const double NewtonCurvature = 0.9,
        ConjugateCurvature = 0.1;

    /// <summary>Sufficient decrease (the same section).</summary>
    private const double Decrease = 1e-4;

    /// <summary>Losses are floats: what differs by less than this share is the same.</summary>
    private const double Rounding = 1.0 / (1 << 22);

    /// <summary>A bracket is narrow enough when no weight moves this far in it; as PyTorch's tolerance_change.</summary>
    private const double Narrow = 1e-9;

    /// <summary>Steps down the gradient that are tried when a search has failed, each an eighth of the one before.</summary>
    private const int FallbackTrials = 10;

    /// <summary>The first of a step, its half, its quarter and so on that lowers the value enough; null where none does.</summary>
    /// <param name="start">Value and slope where the line begins.</param>
    /// <param name="trials">Steps that may be tried.</param>
    /// <param name="value">The value after a step.</param>
    /// <param name="at">Looks at a place whose value is low enough.</param>
    public static LinePoint<T>? Backtrack<T>(
        (double Value, double Slope) start,
        double step,
        int trials,
        Func<double, double> value,
        Func<double, LinePoint<T>> at
    )
    {
        for (int k = 0; k < trials; k++, step /= 2)
        {
            if (!LowEnough(step, value(step), start))
                continue;
            var there = at(step);
            if (double.IsFinite(there.Value))
                return there;
        }
        return null;
    }

    /// <summary>A small step that does not raise the value, or 0.</summary>
    /// <param name="start">The value where the line begins.</param>
    public static double Fallback(double start, double step, Func<double, double> value)
    {
        for (int k = 0; k < FallbackTrials; k++, step /= 8)
        {
            if (value(step) <= start)
                return step;
        }
        return 0;
    }

    /// <summary>
    /// Brackets a step that fulfils the strong Wolfe conditions, then narrows the bracket, by cubic interpolation: PyTorch's _strong_wolfe,
    /// with losses that are no numbers as +∞. Null where none is found that is not above where the line begins.
    /// </summary>
    /// <param name="origin">Where the line begins.</param>
    /// <param name="first">The first step to try.</param>
    /// <param name="curvature">Share of the first slope's size that a slope may have.</param>
    /// <param name="trials">Places that may be looked at.</param>
    /// <param name="largest">The direction's largest component by size.</param>
    /// <param name="at">Looks at a place; what these two places keep is still wanted.</param>
    public static LinePoint<T>? StrongWolfe<T>(
        LinePoint<T> origin,
        double first,
        double curvature,
        int trials,
        double largest,
        Func<double, LinePoint<T>, LinePoint<T>, LinePoint<T>> at
    )
    {
        double flat = -curvature * origin.Slope;
        LinePoint<T> before = origin,
            now = at(first, origin, origin),
            p0 = origin,
            p1 = origin;
        int made = 1;
        bool done = false,
            bracketed = false;
        while (made < trials)
        {
            if (High(now) || (made > 2 && now.Value >= before.Value) || now.Slope >= 0 && !(Math.Abs(now.Slope) <= flat))
            {
                (p0, p1, bracketed) = (before, now, true);
                break;
            }
            if (Math.Abs(now.Slope) <= flat)
            {
                (p0, p1, done, bracketed) = (now, now, true, true);
                break;
            }
            double step = Cubic(before, now, now.Step + 0.01 * (now.Step - before.Step), 10 * now.Step);
            before = now;
            now = at(step, before, before);
            made++;
        }
        if (!bracketed)
            (p0, p1) = (origin, now);
        if (!bracketed && !High(now) && Math.Abs(now.Slope) <= flat)
            (p0, p1) = (now, now);
        bool lowFirst = p0.Value <= p1.Value,
            slow = false;
        while (!done && made < trials && Math.Abs(p1.Step - p0.Step) * largest >= Narrow)
        {
            double least = Math.Min(p0.Step, p1.Step),
                greatest = Math.Max(p0.Step, p1.Step),
                step = Cubic(p0, p1, least, greatest),
                margin = 0.1 * (greatest - least);
            if (Math.Min(greatest - step, step - least) < margin)
            {
                bool onEdge = slow || step >= greatest || step <= least;
                if (onEdge)
                    step = Math.Abs(step - greatest) < Math.Abs(step - least) ? greatest - margin : least + margin;
                slow = !onEdge;
            }
            else
            {
                slow = false;
            }
            now = at(step, p0, p1);
            made++;
            ref LinePoint<T> lowest = ref lowFirst ? ref p0 : ref p1,
                highest = ref lowFirst ? ref p1 : ref p0;
            if (High(now) || now.Value >= lowest.Value)
            {
                highest = now;
                lowFirst = p0.Value <= p1.Value;
                continue;
            }
            if (Math.Abs(now.Slope) <= flat)
                done = true;
            else if (now.Slope * (highest.Step - lowest.Step) >= 0)
                highest = lowest;
            lowest = now;
        }
        var best = lowFirst ? p0 : p1;
        return best.Step == 0 || !(best.Value <= origin.Value + Rounding * Math.Abs(origin.Value)) ? null : best;

        bool High(LinePoint<T> point) => !LowEnough(point.Step, point.Value, (origin.Value, origin.Slope));
    }

    private static bool LowEnough(double step, double value, (double Value, double Slope) start) =>
        value <= start.Value + Decrease * step * start.Slope + Rounding * Math.Abs(start.Value);

    /// <summary>The minimum of the cubic through two places along a direction, within bounds; their middle where there is none.</summary>
    private static double Cubic<T>(LinePoint<T> a, LinePoint<T> b, double least, double most)
    {
        double d1 = a.Slope + b.Slope - 3 * (a.Value - b.Value) / (a.Step - b.Step),
            square = d1 * d1 - a.Slope * b.Slope,
            middle = (least + most) / 2;
        if (!(square >= 0))
            return middle;
        double d2 = Math.Sqrt(square);
        double at =
            a.Step <= b.Step
                ? b.Step - (b.Step - a.Step) * ((b.Slope + d2 - d1) / (b.Slope - a.Slope + 2 * d2))
                : a.Step - (a.Step - b.Step) * ((a.Slope + d2 - d1) / (a.Slope - b.Slope + 2 * d2));
        return double.IsNaN(at) ? middle : Math.Min(Math.Max(at, least), most);
    }
}

/// <summary>A place along a direction: the step to it, what is minimised there, and its slope along the direction.</summary>
/// <param name="Kept">What an engine keeps of the place.</param>
public readonly record struct LinePoint<T>(double Step, double Value, double Slope, T Kept);
