using BatchViz.Core.Specs;

namespace BatchViz.Engine.Cpu.Tests.Reference;

/// <summary>
/// L-BFGS and nonlinear conjugate gradients in double precision, after Nocedal and Wright 2006 and PyTorch's strong_wolfe, written for
/// reading. The objective of an update is a function of the weights: a batch's loss with its gradient.
/// </summary>
internal sealed class ReferenceSearch(OptimizerSpec spec)
{
    public delegate (double Loss, double[] Gradient) Objective(double[] w);

    public List<(double[] S, double[] Y)> Pairs { get; } = [];

    /// <summary>
    /// Conjugate gradients: the direction, the change of the gradient along it and ‖g‖², step and slope of the update before; null after a
    /// restart.
    /// </summary>
    public (double[] P, double[] Y, double Square, double Step, double Slope)? Before { get; set; }

    /// <summary>Updates since a restart; there is one after as many as there are weights.</summary>
    public int Age { get; set; }

    public int Skipped { get; set; }

    public int Fallbacks { get; set; }

    public int Gradients { get; private set; }

    public int Forwards { get; private set; }

    public double StepLength { get; private set; }

    /// <summary>Of the last step.</summary>
    public double[] Direction { get; private set; } = [];

    /// <summary>Changes the weights in place.</summary>
    public void Step(double[] w, Objective batch, double rate, double weight = 1)
    {
        (Gradients, Forwards, StepLength, Direction) = (0, 0, 0, new double[w.Length]);
        (double Value, double[] Gradient) At(double[] x)
        {
            var (loss, gradient) = batch(x);
            return (
                weight * loss + spec.WeightDecay / 2 * Vectors.Dot(x, x),
                [.. gradient.Select((g, i) => weight * g + spec.WeightDecay * x[i])]
            );
        }
        (double Value, double[] Gradient) Evaluated(double[] x)
        {
            Gradients++;
            return At(x);
        }
        double Loss(double[] x)
        {
            Forwards++;
            return At(x).Value;
        }

        var (f, g) = Evaluated(w);
        double square = Vectors.Dot(g, g),
            length = rate * Math.Min(1, 1 / g.Sum(Math.Abs));
        if (square == 0)
            return;
        bool informed = spec.Kind == OptimizerKind.Lbfgs ? Pairs.Count > 0 : Before is not null;
        double[] d = spec.Kind == OptimizerKind.Lbfgs ? TwoLoops(g) : Conjugate(g, ref informed);
        double slope = Vectors.Dot(g, d);
        if (!(slope < 0))
        {
            if (spec.Kind == OptimizerKind.ConjugateGradient && informed)
                Skipped++;
            (d, informed, slope) = (Times(-1, g), false, -square);
            Pairs.Clear();
            Before = null;
        }
        double first =
            !informed ? length
            : spec.Kind == OptimizerKind.Lbfgs ? rate
            : Before!.Value.Step * Math.Clamp(Before.Value.Slope / slope, 0.1, 10);
        double[] Along(double t) => Plus(w, t, d);
        double slack = Math.Abs(f) / (1 << 22),
            step = 0;
        switch (spec.LineSearch)
        {
            case LineSearch.None:
                step = first;
                Evaluated(Along(first));
                break;
            case LineSearch.Backtracking:
                double t = first;
                for (int k = 0; k < spec.Trials; k++, t /= 2)
                {
                    if (!(Loss(Along(t)) <= f + 1e-4 * t * slope + slack))
                        continue;
                    Evaluated(Along(t));
                    step = t;
                    break;
                }
                break;
            default:
                step = Wolfe(
                    x =>
                    {
                        var (v, gradient) = Evaluated(Along(x));
                        return (v, Vectors.Dot(gradient, d));
                    },
                    first,
                    f,
                    slope,
                    slack,
                    d.Max(Math.Abs)
                );
                break;
        }
        double[] to = Along(step);
        if (step > 0)
        {
            double[] s = Plus(to, -1, w),
                y = Plus(At(to).Gradient, -1, g);
            if (spec.Kind == OptimizerKind.ConjugateGradient)
                Before = (d, y, square, step, slope);
            else if (Vectors.Dot(s, y) > spec.Epsilon * Vectors.Dot(s, s))
                Pairs.Add((s, y));
            else
                Skipped++;
            if (Pairs.Count > spec.Memory)
                Pairs.RemoveAt(0);
        }
        else
        {
            Fallbacks++;
            Pairs.Clear();
            Before = null;
            step = length;
            int k = 0;
            while (k < 10 && !(Loss(Plus(w, -step, g)) <= f))
            {
                step /= 8;
                k++;
            }
            if (k == 10)
                step = 0;
            (to, d) = (Plus(w, -step, g), Times(-1, g));
        }
        (StepLength, Direction) = (step, d);
        to.CopyTo(w, 0);
    }

    /// <summary>Algorithm 7.4.</summary>
    private double[] TwoLoops(double[] g)
    {
        double[] q = g;
        var alphas = new double[Pairs.Count];
        for (int i = Pairs.Count - 1; i >= 0; i--)
        {
            var (s, y) = Pairs[i];
            alphas[i] = Vectors.Dot(s, q) / Vectors.Dot(y, s);
            q = Plus(q, -alphas[i], y);
        }
        if (Pairs.Count > 0)
            q = Times(Vectors.Dot(Pairs[^1].S, Pairs[^1].Y) / Vectors.Dot(Pairs[^1].Y, Pairs[^1].Y), q);
        for (int i = 0; i < Pairs.Count; i++)
        {
            var (s, y) = Pairs[i];
            q = Plus(q, alphas[i] - Vectors.Dot(y, q) / Vectors.Dot(y, s), s);
        }
        return Times(-1, q);
    }

    /// <summary>5.45, the difference of the gradients being that of one batch.</summary>
    private double[] Conjugate(double[] g, ref bool informed)
    {
        if (Before is not { } before)
            return Times(-1, g);
        double beta = Vectors.Dot(g, before.Y) / before.Square;
        if (beta > 0 && Age++ < g.Length)
            return Plus(Times(-1, g), beta, before.P);
        Skipped++;
        (Before, informed) = (null, false);
        return Times(-1, g);
    }

    /// <summary>PyTorch 1.13, torch/optim/lbfgs.py, _strong_wolfe, line by line; 0 where it found nothing lower.</summary>
    private double Wolfe(Func<double, (double Value, double Slope)> at, double t, double f, double gtd, double slack, double largest)
    {
        double c1 = 1e-4,
            c2 = spec.Kind == OptimizerKind.Lbfgs ? 0.9 : 0.1;
        int iterations = 0,
            most = spec.Trials - 1;
        var (value, slope) = at(t);
        double tBefore = 0,
            fBefore = f,
            gBefore = gtd;
        double[] bracket = [0, t],
            values = [f, value],
            slopes = [gtd, slope];
        bool done = false,
            found = false;
        while (iterations < most)
        {
            if (value > f + c1 * t * gtd + slack || (iterations > 1 && value >= fBefore))
            {
                (bracket, values, slopes, found) = ([tBefore, t], [fBefore, value], [gBefore, slope], true);
                break;
            }
            if (Math.Abs(slope) <= -c2 * gtd)
                return t;
            if (slope >= 0)
            {
                (bracket, values, slopes, found) = ([tBefore, t], [fBefore, value], [gBefore, slope], true);
                break;
            }
            double next = Cubic(tBefore, fBefore, gBefore, t, value, slope, t + 0.01 * (t - tBefore), t * 10);
            (tBefore, fBefore, gBefore, t) = (t, value, slope, next);
            (value, slope) = at(t);
            iterations++;
        }
        if (!found)
            (bracket, values) = ([0, t], [f, value]);
        bool insufficient = false;
        int low = values[0] <= values[1] ? 0 : 1;
        while (!done && iterations < most && Math.Abs(bracket[1] - bracket[0]) * largest >= 1e-9)
        {
            t = Cubic(bracket[0], values[0], slopes[0], bracket[1], values[1], slopes[1], bracket.Min(), bracket.Max());
            double margin = 0.1 * (bracket.Max() - bracket.Min());
            if (Math.Min(bracket.Max() - t, t - bracket.Min()) < margin)
            {
                if (insufficient || t >= bracket.Max() || t <= bracket.Min())
                {
                    t = Math.Abs(t - bracket.Max()) < Math.Abs(t - bracket.Min()) ? bracket.Max() - margin : bracket.Min() + margin;
                    insufficient = false;
                }
                else
                    insufficient = true;
            }
            else
                insufficient = false;
            (value, slope) = at(t);
            iterations++;
            int high = 1 - low;
            if (value > f + c1 * t * gtd + slack || value >= values[low])
            {
                (bracket[high], values[high], slopes[high]) = (t, value, slope);
                low = values[0] <= values[1] ? 0 : 1;
            }
            else
            {
                if (Math.Abs(slope) <= -c2 * gtd)
                    done = true;
                else if (slope * (bracket[high] - bracket[low]) >= 0)
                    (bracket[high], values[high], slopes[high]) = (bracket[low], values[low], slopes[low]);
                (bracket[low], values[low], slopes[low]) = (t, value, slope);
            }
        }
        return values[low] <= f + slack ? bracket[low] : 0;
    }

    private static double Cubic(double x1, double f1, double g1, double x2, double f2, double g2, double least, double most)
    {
        double d1 = g1 + g2 - 3 * (f1 - f2) / (x1 - x2),
            square = d1 * d1 - g1 * g2;
        if (square < 0)
            return (least + most) / 2;
        double d2 = Math.Sqrt(square);
        double at =
            x1 <= x2 ? x2 - (x2 - x1) * ((g2 + d2 - d1) / (g2 - g1 + 2 * d2)) : x1 - (x1 - x2) * ((g1 + d2 - d1) / (g1 - g2 + 2 * d2));
        return Math.Min(Math.Max(at, least), most);
    }

    private static double[] Times(double factor, double[] v) => [.. v.Select(x => factor * x)];

    private static double[] Plus(double[] a, double factor, double[] b) => [.. a.Zip(b, (x, y) => x + factor * y)];
}
