using BatchViz.Core.Engines;
using BatchViz.Core.Numerics;
using BatchViz.Core.Specs;
using BatchViz.Engine.Cpu.Kernels;
using BatchViz.Engine.Cpu.Memory;
using static BatchViz.Core.Numerics.LineSearchRules;

namespace BatchViz.Engine.Cpu.Whole;

/// <summary>
/// Updates along a direction: L-BFGS and nonlinear conjugate gradients, with or without a line search. Whatever is compared within an
/// update (losses, both gradients of a difference) is of the update's own batch. What is minimised is gradientWeight·loss + λ/2 ‖w‖².
/// docs/optimisers.md says what is done where.
/// </summary>
internal sealed unsafe class SearchSteps : IDisposable
{
    private readonly KernelTable kernels;
    private readonly OptimizerSpec spec;
    private readonly NetworkSpec network;
    private readonly WeightLayout layout;
    private readonly Model model;
    private readonly Optimizer optimizer;
    private readonly Losses losses;
    private readonly Figures spare;
    private readonly Arena arena;
    private readonly float* g, trial, spare0, spare1, spare2;
    private readonly double* direction;
    private readonly float[] each;
    private readonly double[] steps, curvatures;
    private readonly int[] indices;

    // Of the update under way.
    private float* weights, there;
    private SearchState search = null!;
    private int count;
    private double factor, start, slope;

    /// <param name="indices">Where the update's batch will be.</param>
    /// <param name="losses">Becomes ours.</param>
    public SearchSteps(KernelTable kernels, BundleSpec bundle, WeightLayout layout, Model model, Optimizer optimizer, Losses losses, int[] indices, Ledger ledger)
    {
        (this.kernels, spec, network, this.layout, this.model, this.optimizer, this.losses, this.indices)
            = (kernels, bundle.Optimizer, bundle.Network, layout, model, optimizer, losses, indices);
        spare = new Figures(layout.Layers.Length);
        each = new float[indices.Length];
        steps = new double[spec.HasMemory ? spec.Memory : 0];
        curvatures = new double[steps.Length];
        arena = new Arena(ledger);
        for (int i = 0; i < 5; i++) arena.Reserve(layout.Floats, i == 1 ? MemoryUse.Workspace : MemoryUse.Gradients);
        arena.Reserve(2 * layout.Floats);
        g = arena.Take();
        trial = arena.Take();
        spare0 = arena.Take();
        spare1 = arena.Take();
        spare2 = arena.Take();
        direction = (double*)arena.Take();
    }

    private long Floats => layout.Floats;

    /// <summary>One update; figures are those of the batch at the weights before it, as <see cref="Model.Update"/> gives them.</summary>
    public void Update(float* weights, float* state, SearchState search, int count, double rate, double gradientWeight, Figures figures)
    {
        this.weights = weights;
        (this.search, this.count, factor) = (search, count, gradientWeight);
        TakeGradient(weights, g, figures);
        if (!figures.Finite) return;
        (figures.UpdateSquare, figures.WeightSquare) = (0, kernels.SumSquares(Floats, weights));
        start = Value(figures.Loss, weights);
        double square = Flat.Dot(Floats, g, g), length = rate * Math.Min(1, 1 / Flat.AbsoluteSum(Floats, g));
        search.StepLength = 0;
        if (square == 0) return;
        bool informed = spec.HasMemory ? NewtonDirection(state) : ConjugateDirection(state);
        slope = Flat.Dot(Floats, g, direction);
        if (!(slope < 0 && double.IsFinite(slope)))
        {
            if (!spec.HasMemory && informed) search.Skipped++;
            Forget();
            Downhill();
            (informed, slope) = (false, -square);
        }
        double first = !informed ? length : spec.HasMemory ? rate : search.Step * Math.Clamp(search.Slope / slope, 0.1, 10);
        double step = spec.LineSearch switch
        {
            LineSearch.None => Fixed(first),
            LineSearch.Backtracking => Backtrack(first),
            _ => Wolfe(first),
        };
        if (step > 0)
        {
            Remember(state, step, square);
        }
        else
        {
            search.Fallbacks++;
            Forget();
            step = Fallback(length);
        }
        search.StepLength = step;
        if (step == 0) return;
        Flat.Difference(Floats, trial, weights, g);
        figures.UpdateSquare = Flat.Dot(Floats, g, g);
        Flat.Copy(Floats, trial, weights);
    }

    public void Dispose()
    {
        losses.Dispose();
        arena.Dispose();
    }

    /// <summary>−H·g by the two-loop recursion (Nocedal and Wright 2006, algorithm 7.4, with 7.20 for H₀); false where there are no pairs.</summary>
    private bool NewtonDirection(float* state)
    {
        Downhill();
        int pairs = (int)Math.Min(search.Pairs, spec.Memory);
        for (int k = 0; k < pairs; k++)
        {
            var pair = PairOf(state, k);
            curvatures[k] = Flat.Dot(Floats, pair.S, pair.Y);
            steps[k] = Flat.Dot(Floats, pair.S, direction) / curvatures[k];
            Flat.Add(Floats, -steps[k], pair.Y, direction);
        }
        if (pairs == 0) return false;
        float* newest = PairOf(state, 0).Y;
        Flat.Scale(Floats, curvatures[0] / Flat.Dot(Floats, newest, newest), direction);
        for (int k = pairs - 1; k >= 0; k--)
        {
            var pair = PairOf(state, k);
            Flat.Add(Floats, steps[k] - Flat.Dot(Floats, pair.Y, direction) / curvatures[k], pair.S, direction);
        }
        return true;
    }

    /// <summary>Where the pair stored k-th, from 0, is kept.</summary>
    private Pair Place(float* state, long k)
    {
        float* s = state + 2 * (k % spec.Memory) * Floats;
        return new Pair(s, s + Floats);
    }

    /// <summary>The k-th before the newest.</summary>
    private Pair PairOf(float* state, int k) => Place(state, (long)search.Pairs - 1 - k);

    /// <summary>−g + β·p with β = max(0, gᵀy / ‖g₋₁‖²) (Polak-Ribière+, Nocedal and Wright 2006, 5.45), y of the batch before; false after a restart.</summary>
    private bool ConjugateDirection(float* state)
    {
        Downhill();
        if (search.Square == 0) return false;
        double beta = Flat.Dot(Floats, g, state + Floats) / search.Square;
        if (!(beta > 0 && double.IsFinite(beta)) || search.Age >= layout.Parameters)
        {
            search.Skipped++;
            Forget();
            return false;
        }
        Flat.Add(Floats, beta, state, direction);
        search.Age++;
        return true;
    }

    private void Downhill() => Flat.Scaled(Floats, -1, g, direction);

    private void Forget() => (search.Pairs, search.Square, search.Age) = (0, 0, 0);

    /// <summary>Keeps what the step has shown: <see cref="there"/> is the gradient at <see cref="trial"/>.</summary>
    private void Remember(float* state, double step, double square)
    {
        if (!spec.HasMemory)
        {
            Flat.Round(Floats, direction, state);
            Flat.Difference(Floats, there, g, state + Floats);
            (search.Square, search.Step, search.Slope) = (square, step, slope);
            return;
        }
        float* s = Other(there, null), y = Other(there, s);
        Flat.Difference(Floats, trial, weights, s);
        Flat.Difference(Floats, there, g, y);
        double product = Flat.Dot(Floats, s, y);
        if (!(product > spec.Epsilon * Flat.Dot(Floats, s, s) && double.IsFinite(product)))
        {
            search.Skipped++;
            return;
        }
        var place = Place(state, (long)search.Pairs);
        Flat.Copy(Floats, s, place.S);
        Flat.Copy(Floats, y, place.Y);
        search.Pairs++;
    }

    /// <summary>The step as it is, unless it leads to where there is no loss or gradient. Steps that fail are 0.</summary>
    private double Fixed(double step)
    {
        var at = At(step, spare0);
        there = spare0;
        return double.IsFinite(at.Value) ? step : 0;
    }

    private double Backtrack(double step)
    {
        for (int k = 0; k < spec.Trials; k++, step /= 2)
        {
            if (!(LossAt(step) <= start + Decrease * step * slope + Rounding * Math.Abs(start))) continue;
            if (!double.IsFinite(At(step, spare0).Value)) continue;
            there = spare0;
            return step;
        }
        return 0;
    }

    /// <summary>Brackets a step that fulfils the strong Wolfe conditions, then narrows the bracket, by cubic interpolation; PyTorch's _strong_wolfe, with losses that are no numbers as +∞.</summary>
    private double Wolfe(double first)
    {
        double curvature = -(spec.HasMemory ? NewtonCurvature : ConjugateCurvature) * slope, slack = Rounding * Math.Abs(start);
        var origin = new Point(0, start, slope, g);
        Point before = origin, now = At(first, spare0), p0 = origin, p1 = origin;
        int made = 1;
        bool done = false, bracketed = false;
        while (made < spec.Trials)
        {
            if (TooHigh(now) || (made > 2 && now.Value >= before.Value) || now.Slope >= 0 && !(Math.Abs(now.Slope) <= curvature))
            {
                (p0, p1, bracketed) = (before, now, true);
                break;
            }
            if (Math.Abs(now.Slope) <= curvature)
            {
                (p0, p1, done, bracketed) = (now, now, true, true);
                break;
            }
            double next = Cubic(before, now, now.Step + 0.01 * (now.Step - before.Step), 10 * now.Step);
            before = now;
            now = At(next, Other(before.Gradient, null));
            made++;
        }
        if (!bracketed) (p0, p1) = (origin, now);
        if (!bracketed && !TooHigh(now) && Math.Abs(now.Slope) <= curvature) (p0, p1) = (now, now);
        int low = p0.Value <= p1.Value ? 0 : 1;
        bool slow = false;
        double most = Flat.Largest(Floats, direction);
        while (!done && made < spec.Trials && Math.Abs(p1.Step - p0.Step) * most >= Narrow)
        {
            double least = Math.Min(p0.Step, p1.Step), greatest = Math.Max(p0.Step, p1.Step), step = Cubic(p0, p1, least, greatest), margin = 0.1 * (greatest - least);
            if (Math.Min(greatest - step, step - least) < margin)
            {
                if (slow || step >= greatest || step <= least)
                {
                    step = Math.Abs(step - greatest) < Math.Abs(step - least) ? greatest - margin : least + margin;
                    slow = false;
                }
                else
                {
                    slow = true;
                }
            }
            else
            {
                slow = false;
            }
            now = At(step, Other(p0.Gradient, p1.Gradient));
            made++;
            ref Point lowest = ref low == 0 ? ref p0 : ref p1, highest = ref low == 0 ? ref p1 : ref p0;
            if (TooHigh(now) || now.Value >= lowest.Value)
            {
                highest = now;
                low = p0.Value <= p1.Value ? 0 : 1;
                continue;
            }
            if (Math.Abs(now.Slope) <= curvature) done = true;
            else if (now.Slope * (highest.Step - lowest.Step) >= 0) highest = lowest;
            lowest = now;
        }
        var best = low == 0 ? p0 : p1;
        if (best.Step == 0 || !(best.Value <= start + slack)) return 0;
        Flat.Along(Floats, weights, best.Step, direction, trial);
        there = best.Gradient;
        return best.Step;

        bool TooHigh(in Point at) => at.Value > start + Decrease * at.Step * slope + slack;
    }

    /// <summary>A small step down the gradient that does not raise the batch's loss, or none.</summary>
    private double Fallback(double length)
    {
        Downhill();
        double step = length;
        for (int k = 0; k < FallbackTrials; k++, step /= 8)
        {
            if (LossAt(step) <= start) return step;
        }
        return 0;
    }

    /// <summary>The minimum of the cubic through two values with their slopes, within bounds; their middle where there is none.</summary>
    private static double Cubic(in Point a, in Point b, double least, double most)
        => LineSearchRules.Cubic((a.Step, a.Value, a.Slope), (b.Step, b.Value, b.Slope), least, most);

    /// <summary>Value, slope and gradient after a step; +∞ where one of them is no number.</summary>
    private Point At(double step, float* gradient)
    {
        Flat.Along(Floats, weights, step, direction, trial);
        TakeGradient(trial, gradient, spare);
        if (!spare.Finite) return new Point(step, double.PositiveInfinity, double.NaN, gradient);
        double value = Value(spare.Loss, trial), along = Flat.Dot(Floats, gradient, direction);
        return double.IsFinite(value) && double.IsFinite(along) ? new Point(step, value, along, gradient) : new Point(step, double.PositiveInfinity, double.NaN, gradient);
    }

    private double LossAt(double step)
    {
        Flat.Along(Floats, weights, step, direction, trial);
        losses.Of(trial, indices.AsSpan(0, count), each);
        search.Forwards++;
        search.Flops += (double)network.ForwardFlopsPerExample * count;
        double sum = 0;
        for (int b = 0; b < count; b++) sum += each[b];
        return Value(sum / count, trial);
    }

    private void TakeGradient(float* at, float* to, Figures of)
    {
        of.Clear();
        optimizer.Taking = to;
        model.Update(at, null, indices.AsSpan(0, count), optimizer, of);
        optimizer.Taking = null;
        search.Gradients++;
        search.Flops += (double)network.TrainingFlopsPerExample * count;
        if (of.Finite) Flat.Regularise(Floats, factor, spec.WeightDecay, at, to);
    }

    private double Value(double loss, float* at) => factor * loss + (spec.WeightDecay == 0 ? 0 : spec.WeightDecay / 2 * Flat.Dot(Floats, at, at));

    /// <summary>A spare vector that is neither of these.</summary>
    private float* Other(float* a, float* b) => spare0 != a && spare0 != b ? spare0 : spare1 != a && spare1 != b ? spare1 : spare2;

    /// <summary>A place along the direction.</summary>
    private readonly struct Point(double step, double value, double slope, float* gradient)
    {
        public readonly double Step = step, Value = value, Slope = slope;

        public readonly float* Gradient = gradient;
    }

    /// <summary>A step and the change of the gradient along it.</summary>
    private readonly struct Pair(float* s, float* y)
    {
        public readonly float* S = s, Y = y;
    }
}
