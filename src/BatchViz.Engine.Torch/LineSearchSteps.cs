using BatchViz.Core.Engines;
using BatchViz.Core.Numerics;
using BatchViz.Core.Specs;
using TorchSharp;
using static BatchViz.Core.Numerics.LineSearches;
using static TorchSharp.torch;

namespace BatchViz.Engine.Torch;

/// <summary>
/// Updates along a direction: L-BFGS and nonlinear conjugate gradients, with or without a line search, one member after another, since
/// each looks at its batch as often as it needs. What is minimised is gradientWeight·loss + λ/2 ‖w‖². docs/optimisers.md says what is
/// done where; the embedded engine does the same. (torch.optim.LBFGS keeps its pairs across batches and to itself.)
/// </summary>
internal sealed class LineSearchSteps(
    BundleSpec bundle,
    ParameterLayout layout,
    StackedModel model,
    BatchGradients gradients,
    TorchSplit train
)
{
    private readonly OptimizerSpec spec = bundle.Optimizer;
    private readonly NetworkSpec network = bundle.Network;
    private readonly ParameterLayout layout = layout;
    private readonly StackedModel model = model;
    private readonly BatchGradients gradients = gradients;
    private readonly TorchSplit train = train;

    /// <summary>Weights and their gradient, decay and all.</summary>
    private sealed record Trial(Tensor Weights, Tensor Gradient);

    /// <summary>One update of each member of a cohort; what it showed of the batch at the weights before it [M × columns].</summary>
    public double[] Update(
        Cohort cohort,
        SearchState[] states,
        Tensor examples,
        uint[] seeds,
        long update,
        double rate,
        double weight,
        UpdateStatistics figures
    )
    {
        long count = examples.shape[0] / states.Length;
        var rows = new double[states.Length * figures.Width];
        for (int m = 0; m < states.Length; m++)
        {
            using var scope = NewDisposeScope();
            var state = cohort.Vectors.Skip(1).Select(vector => vector.select(0, m)).ToArray();
            new OneUpdate(this, states[m], state, examples.narrow(0, m * count, count), seeds[m], update, weight)
                .Run(cohort.Weights.select(0, m), rate, figures)
                .CopyTo(rows, m * figures.Width);
        }
        return rows;
    }

    private sealed class OneUpdate(
        LineSearchSteps of,
        SearchState search,
        Tensor[] state,
        Tensor examples,
        uint seed,
        long update,
        double factor
    )
    {
        private readonly OptimizerSpec spec = of.spec;
        private readonly long count = examples.shape[0];
        private Tensor direction = null!,
            weights = null!,
            g = null!;
        private double start,
            slope;

        public double[] Run(Tensor at, double rate, UpdateStatistics figures)
        {
            search.BeginUpdate();
            weights = at;
            var (loss, gradient) = Gradient(weights.clone(), out var first);
            double[] row = figures.Read(first, weights.unsqueeze(0));
            if (figures.Finite(row))
                row[UpdateStatistics.UpdateSquare] = Move(loss, gradient, rate);
            if (next is not null)
            {
                using var still = no_grad();
                weights.copy_(next);
            }
            return row;
        }

        private Tensor? next;

        /// <summary>Chooses the next weights; ‖Δw‖².</summary>
        private double Move(double loss, Tensor gradient, double rate)
        {
            using var still = no_grad();
            g = gradient;
            start = Value(loss, weights);
            double square = Dot(g, g),
                length = rate * Math.Min(1, 1 / Host.Double(g.abs().sum(ScalarType.Float64)));
            search.StepLength = 0;
            if (square == 0)
                return 0;
            bool informed = spec.HasMemory ? NewtonDirection() : ConjugateDirection();
            slope = Dot(g, direction);
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
            var found = spec.LineSearch switch
            {
                LineSearch.None => At(first) is var at && double.IsFinite(at.Value) ? at : null,
                LineSearch.Backtracking => Backtrack((start, slope), first, spec.Trials, LossAt, At),
                _ => Wolfe(first),
            };
            if (found is { } best)
            {
                Remember(best, square);
                (search.StepLength, next) = (best.Step, best.Kept.Weights);
            }
            else
            {
                search.Fallbacks++;
                Forget();
                Downhill();
                search.StepLength = Fallback(start, length, LossAt);
                if (search.StepLength == 0)
                    return 0;
                next = Along(search.StepLength);
            }
            return Square(next.to(ScalarType.Float64) - weights.to(ScalarType.Float64));
        }

        /// <summary>
        /// −H·g by the two-loop recursion (Nocedal and Wright 2006, algorithm 7.4, with 7.20 for H₀); false where there are no pairs.
        /// </summary>
        private bool NewtonDirection()
        {
            Downhill();
            int pairs = (int)Math.Min(search.Pairs, spec.Memory);
            if (pairs == 0)
                return false;
            double[] steps = new double[pairs],
                curvatures = new double[pairs];
            for (int k = 0; k < pairs; k++)
            {
                var (s, y) = Pair(k);
                curvatures[k] = Dot(s, y);
                steps[k] = Dot(s, direction) / curvatures[k];
                direction.Plus_(y, -steps[k]);
            }
            var newest = Pair(0).Y;
            direction.Times_(curvatures[0] / Dot(newest, newest));
            for (int k = pairs - 1; k >= 0; k--)
            {
                var (s, y) = Pair(k);
                direction.Plus_(s, steps[k] - Dot(y, direction) / curvatures[k]);
            }
            return true;
        }

        /// <summary>The k-th before the newest.</summary>
        private (Tensor S, Tensor Y) Pair(int k)
        {
            int place = (int)(((long)search.Pairs - 1 - k) % spec.Memory);
            return (state[2 * place], state[2 * place + 1]);
        }

        /// <summary>
        /// −g + β·p with β = max(0, gᵀy / ‖g₋₁‖²) (Polak-Ribière+, Nocedal and Wright 2006, 5.45), y of the batch before; false after a
        /// restart.
        /// </summary>
        private bool ConjugateDirection()
        {
            Downhill();
            if (search.Square == 0)
                return false;
            double beta = Dot(g, state[1]) / search.Square;
            if (!(beta > 0 && double.IsFinite(beta)) || search.Age >= of.layout.Parameters)
            {
                search.Skipped++;
                Forget();
                return false;
            }
            direction.Plus_(state[0], beta);
            search.Age++;
            return true;
        }

        private void Downhill() => direction = g.to(ScalarType.Float64).neg();

        private void Forget() => (search.Pairs, search.Square, search.Age) = (0, 0, 0);

        private void Remember(LinePoint<Trial> found, double square)
        {
            var change = found.Kept.Gradient - g;
            if (!spec.HasMemory)
            {
                state[0].copy_(direction);
                state[1].copy_(change);
                (search.Square, search.Step, search.Slope) = (square, found.Step, slope);
                return;
            }
            var s = found.Kept.Weights - weights;
            double product = Dot(s, change);
            if (!(product > spec.Epsilon * Dot(s, s) && double.IsFinite(product)))
            {
                search.Skipped++;
                return;
            }
            int place = (int)((long)search.Pairs % spec.Memory);
            state[2 * place].copy_(s);
            state[2 * place + 1].copy_(change);
            search.Pairs++;
        }

        private LinePoint<Trial>? Wolfe(double first) =>
            StrongWolfe(
                new LinePoint<Trial>(0, start, slope, new Trial(weights, g)),
                first,
                spec.HasMemory ? NewtonCurvature : ConjugateCurvature,
                spec.Trials,
                Host.Double(direction.abs().max()),
                (step, _, _) => At(step)
            );

        private Tensor Along(double step) => weights.to(ScalarType.Float64).Plus(direction.Times(step)).to(ScalarType.Float32);

        /// <summary>Value, slope and gradient after a step; +∞ where one of them is no number.</summary>
        private LinePoint<Trial> At(double step)
        {
            var there = Along(step);
            var (loss, gradient) = Gradient(there, out _);
            double value = Value(loss, there),
                along = Dot(gradient, direction);
            return double.IsFinite(value) && double.IsFinite(along)
                ? new(step, value, along, new Trial(there, gradient))
                : new(step, double.PositiveInfinity, double.NaN, new Trial(there, gradient));
        }

        private double LossAt(double step)
        {
            var there = Along(step);
            using var leaves = new ParameterViews(of.layout, there.unsqueeze(0), gradient: false);
            double sum = 0;
            long most = of.MicroBatch ?? count;
            for (long first = 0; first < count; first += most)
            {
                using var scope = NewDisposeScope();
                sum += Host.Double(
                    of.model.Losses(new Pass(leaves), of.train, examples.narrow(0, first, Math.Min(most, count - first))).sum()
                );
            }
            search.Forwards++;
            search.Flops += (double)of.network.ForwardFlopsPerExample * count;
            return Value(sum / count, there);
        }

        /// <summary>Loss and gradient, decay and all, of the update's batch.</summary>
        private (double Loss, Tensor Gradient) Gradient(Tensor at, out BatchGradients.Result result)
        {
            using var tracks = enable_grad();
            using var scope = NewDisposeScope();
            using var leaves = new ParameterViews(of.layout, at.unsqueeze(0), gradient: true, zeros_like(at).unsqueeze(0));
            result = of.gradients.At(leaves, examples, [seed], update, 1, null);
            foreach (var tensor in new[] { result.Sum, result.Gradient, result.Squares })
                tensor?.MoveToOuterDisposeScope();
            search.Gradients++;
            search.Flops += (double)of.network.TrainingFlopsPerExample * count;
            using var still = no_grad();
            var gradient = result.Gradient.squeeze(0).Times((float)factor);
            if (spec.WeightDecay != 0)
                gradient.Plus_(at, (float)spec.WeightDecay);
            return (Host.Double(result.Sum.squeeze(0)) / result.Count, gradient.MoveToOuterDisposeScope());
        }

        private double Value(double loss, Tensor at) => factor * loss + (spec.WeightDecay == 0 ? 0 : spec.WeightDecay / 2 * Square(at));

        private static double Square(Tensor a) => Dot(a, a);

        private static double Dot(Tensor a, Tensor b) => Host.Double(a.to(ScalarType.Float64).dot(b.to(ScalarType.Float64)));
    }

    private int? MicroBatch => bundle.MicroBatch;
}
