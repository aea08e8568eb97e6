using BatchViz.Core.Engines;
using BatchViz.Core.Numerics;
using BatchViz.Core.Specs;
using BatchViz.Engine.Cpu.Kernels;
using BatchViz.Engine.Cpu.Memory;
using static BatchViz.Core.Numerics.LineSearches;

namespace BatchViz.Engine.Cpu.FullGradient;

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
    private readonly UpdateStatistics spare;
    private readonly Arena arena;
    private readonly float* g,
        trial,
        spare0,
        spare1,
        spare2;
    private readonly double* direction;
    private readonly float[] each;
    private readonly double[] steps,
        curvatures;
    private readonly int[] indices;

    // Made once: updates take no managed memory.
    private readonly Func<double, double> lossAt;
    private readonly Func<double, LinePoint<nint>> at;
    private readonly Func<double, LinePoint<nint>, LinePoint<nint>, LinePoint<nint>> atBeside;

    // Of the update under way.
    private float* weights,
        there;
    private SearchState search = null!;
    private int count;
    private double factor,
        start,
        slope;

    /// <param name="indices">Where the update's batch will be.</param>
    /// <param name="losses">Becomes ours.</param>
    public SearchSteps(
        KernelTable kernels,
        BundleSpec bundle,
        WeightLayout layout,
        Model model,
        Optimizer optimizer,
        Losses losses,
        int[] indices,
        Ledger ledger
    )
    {
        (this.kernels, spec, network, this.layout, this.model, this.optimizer, this.losses, this.indices) = (
            kernels,
            bundle.Optimizer,
            bundle.Network,
            layout,
            model,
            optimizer,
            losses,
            indices
        );
        spare = new UpdateStatistics(layout.Layers.Length);
        each = new float[indices.Length];
        steps = new double[spec.HasMemory ? spec.Memory : 0];
        curvatures = new double[steps.Length];
        arena = new Arena(ledger);
        for (int i = 0; i < 5; i++)
            arena.Reserve(layout.Floats, i == 1 ? MemoryUse.Workspace : MemoryUse.Gradients);
        arena.Reserve(2 * layout.Floats);
        g = arena.Take();
        trial = arena.Take();
        spare0 = arena.Take();
        spare1 = arena.Take();
        spare2 = arena.Take();
        direction = (double*)arena.Take();
        lossAt = LossAt;
        at = step => At(step, spare0);
        atBeside = (step, a, b) => At(step, Other((float*)a.Kept, (float*)b.Kept));
    }

    private long Floats => layout.Floats;

    /// <summary>One update; figures are those of the batch at the weights before it, as <see cref="Model.Update"/> gives them.</summary>
    public void Update(
        float* weights,
        float* state,
        SearchState search,
        int count,
        double rate,
        double gradientWeight,
        UpdateStatistics figures
    )
    {
        this.weights = weights;
        (this.search, this.count, factor) = (search, count, gradientWeight);
        TakeGradient(weights, g, figures);
        if (!figures.Finite)
            return;
        (figures.UpdateSquare, figures.WeightSquare) = (0, kernels.SumSquares(Floats, weights));
        start = Value(figures.Loss, weights);
        double square = VectorOps.Dot(Floats, g, g),
            length = rate * Math.Min(1, 1 / VectorOps.AbsoluteSum(Floats, g));
        search.StepLength = 0;
        if (square == 0)
            return;
        bool informed = spec.HasMemory ? NewtonDirection(state) : ConjugateDirection(state);
        slope = VectorOps.Dot(Floats, g, direction);
        if (!(slope < 0 && double.IsFinite(slope)))
        {
            if (!spec.HasMemory && informed)
                search.Skipped++;
            Forget();
            Downhill();
            (informed, slope) = (false, -square);
        }
        double first =
            !informed ? length
            : spec.HasMemory ? rate
            : search.Step * Math.Clamp(search.Slope / slope, 0.1, 10);
        double step = Search(first);
        if (step > 0)
        {
            Remember(state, step, square);
        }
        else
        {
            search.Fallbacks++;
            Forget();
            Downhill();
            step = Fallback(start, length, lossAt);
        }
        search.StepLength = step;
        if (step == 0)
            return;
        VectorOps.Difference(Floats, trial, weights, g);
        figures.UpdateSquare = VectorOps.Dot(Floats, g, g);
        VectorOps.Copy(Floats, trial, weights);
    }

    public void Dispose()
    {
        losses.Dispose();
        arena.Dispose();
    }

    /// <summary>
    /// −H·g by the two-loop recursion (Nocedal and Wright 2006, algorithm 7.4, with 7.20 for H₀); false where there are no pairs.
    /// </summary>
    private bool NewtonDirection(float* state)
    {
        Downhill();
        int pairs = (int)Math.Min(search.Pairs, spec.Memory);
        for (int k = 0; k < pairs; k++)
        {
            var pair = PairOf(state, k);
            curvatures[k] = VectorOps.Dot(Floats, pair.S, pair.Y);
            steps[k] = VectorOps.Dot(Floats, pair.S, direction) / curvatures[k];
            VectorOps.Add(Floats, -steps[k], pair.Y, direction);
        }
        if (pairs == 0)
            return false;
        float* newest = PairOf(state, 0).Y;
        VectorOps.Scale(Floats, curvatures[0] / VectorOps.Dot(Floats, newest, newest), direction);
        for (int k = pairs - 1; k >= 0; k--)
        {
            var pair = PairOf(state, k);
            VectorOps.Add(Floats, steps[k] - VectorOps.Dot(Floats, pair.Y, direction) / curvatures[k], pair.S, direction);
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

    /// <summary>
    /// −g + β·p with β = max(0, gᵀy / ‖g₋₁‖²) (Polak-Ribière+, Nocedal and Wright 2006, 5.45), y of the batch before; false after a
    /// restart.
    /// </summary>
    private bool ConjugateDirection(float* state)
    {
        Downhill();
        if (search.Square == 0)
            return false;
        double beta = VectorOps.Dot(Floats, g, state + Floats) / search.Square;
        if (!(beta > 0 && double.IsFinite(beta)) || search.Age >= layout.Parameters)
        {
            search.Skipped++;
            Forget();
            return false;
        }
        VectorOps.Add(Floats, beta, state, direction);
        search.Age++;
        return true;
    }

    private void Downhill() => VectorOps.Scaled(Floats, -1, g, direction);

    private void Forget() => (search.Pairs, search.Square, search.Age) = (0, 0, 0);

    /// <summary>Keeps what the step has shown: <see cref="there"/> is the gradient at <see cref="trial"/>.</summary>
    private void Remember(float* state, double step, double square)
    {
        if (!spec.HasMemory)
        {
            VectorOps.Round(Floats, direction, state);
            VectorOps.Difference(Floats, there, g, state + Floats);
            (search.Square, search.Step, search.Slope) = (square, step, slope);
            return;
        }
        float* s = Other(there, null),
            y = Other(there, s);
        VectorOps.Difference(Floats, trial, weights, s);
        VectorOps.Difference(Floats, there, g, y);
        double product = VectorOps.Dot(Floats, s, y);
        if (!(product > spec.Epsilon * VectorOps.Dot(Floats, s, s) && double.IsFinite(product)))
        {
            search.Skipped++;
            return;
        }
        var place = Place(state, (long)search.Pairs);
        VectorOps.Copy(Floats, s, place.S);
        VectorOps.Copy(Floats, y, place.Y);
        search.Pairs++;
    }

    /// <summary>
    /// A place that the rule of the spec accepts, whose weights are in <see cref="trial"/> and whose gradient is <see cref="there"/>; steps
    /// that fail are 0.
    /// </summary>
    private double Search(double first)
    {
        var found = spec.LineSearch switch
        {
            LineSearch.None => at(first) is var place && double.IsFinite(place.Value) ? place : null,
            LineSearch.Backtracking => Backtrack((start, slope), first, spec.Trials, lossAt, at),
            _ => Wolfe(first),
        };
        if (found is not { } best)
            return 0;
        VectorOps.Along(Floats, weights, best.Step, direction, trial);
        there = (float*)best.Kept;
        return best.Step;
    }

    private LinePoint<nint>? Wolfe(double first) =>
        StrongWolfe(
            new LinePoint<nint>(0, start, slope, (nint)g),
            first,
            spec.HasMemory ? NewtonCurvature : ConjugateCurvature,
            spec.Trials,
            VectorOps.Largest(Floats, direction),
            atBeside
        );

    /// <summary>Value, slope and gradient after a step; +∞ where one of them is no number.</summary>
    private LinePoint<nint> At(double step, float* gradient)
    {
        VectorOps.Along(Floats, weights, step, direction, trial);
        TakeGradient(trial, gradient, spare);
        if (!spare.Finite)
            return new LinePoint<nint>(step, double.PositiveInfinity, double.NaN, (nint)gradient);
        double value = Value(spare.Loss, trial),
            along = VectorOps.Dot(Floats, gradient, direction);
        return double.IsFinite(value) && double.IsFinite(along)
            ? new(step, value, along, (nint)gradient)
            : new(step, double.PositiveInfinity, double.NaN, (nint)gradient);
    }

    private double LossAt(double step)
    {
        VectorOps.Along(Floats, weights, step, direction, trial);
        losses.Of(trial, indices.AsSpan(0, count), each);
        search.Forwards++;
        search.Flops += (double)network.ForwardFlopsPerExample * count;
        double sum = 0;
        for (int b = 0; b < count; b++)
            sum += each[b];
        return Value(sum / count, trial);
    }

    private void TakeGradient(float* at, float* to, UpdateStatistics of)
    {
        of.Clear();
        optimizer.GradientSink = to;
        model.Update(at, null, indices.AsSpan(0, count), optimizer, of);
        optimizer.GradientSink = null;
        search.Gradients++;
        search.Flops += (double)network.TrainingFlopsPerExample * count;
        if (of.Finite)
            VectorOps.Regularise(Floats, factor, spec.WeightDecay, at, to);
    }

    private double Value(double loss, float* at) =>
        factor * loss + (spec.WeightDecay == 0 ? 0 : spec.WeightDecay / 2 * VectorOps.Dot(Floats, at, at));

    /// <summary>A spare vector that is neither of these.</summary>
    private float* Other(float* a, float* b) =>
        spare0 != a && spare0 != b ? spare0
        : spare1 != a && spare1 != b ? spare1
        : spare2;

    /// <summary>A step and the change of the gradient along it.</summary>
    private readonly struct Pair(float* s, float* y)
    {
        public readonly float* S = s,
            Y = y;
    }
}
