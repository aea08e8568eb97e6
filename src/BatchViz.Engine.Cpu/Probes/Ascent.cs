using BatchViz.Core.Engines;
using BatchViz.Core.Numerics;

namespace BatchViz.Engine.Cpu.Probes;

/// <summary>
/// Searches for the largest loss near weights with a fixed number of steps, and keeps the largest it met. The first step starts
/// from the weights themselves; their loss is the least the answer can be.
/// </summary>
internal static unsafe class Ascent
{
    /// <summary>
    /// In the box |zᵢ| ≤ ε(|wᵢ| + 1), in its own unit u = z / box: u ← the nearest point in [−1, 1] to u + s·sign(∂L/∂u), the steepest
    /// ascent of the maximum norm. s is 2 at first, which goes to the corner that the gradient points to, and halved whenever the
    /// loss did not grow. Where a derivative is 0, a random sign is taken, so that an exact minimum is left too.
    /// </summary>
    public static SharpnessProbe InBox(
        Objective objective,
        WeightLayout layout,
        Workspace workspace,
        float* weights,
        float epsilon,
        int steps,
        CancellationToken cancel
    )
    {
        float* point = workspace.Point,
            gradient = workspace.Gradient,
            u = workspace.Vector;
        long n = workspace.Floats;
        var ties = Ties(layout);
        var best = new float[n];
        double loss = objective.Linearise(weights, gradient, false, cancel),
            worst = loss;
        // The gradient at the best point, kept while other points are tried.
        var slope = new float[n];
        new Span<float>(gradient, (int)n).CopyTo(slope);
        float step = 2;
        for (int k = 0; k < steps; k++)
        {
            for (long i = 0; i < n; i++)
            {
                float sign =
                    slope[i] > 0 ? 1
                    : slope[i] < 0 ? -1
                    : ties[i];
                u[i] = Math.Clamp(best[i] + step * sign, -1, 1);
                point[i] = weights[i] + epsilon * (Math.Abs(weights[i]) + 1) * u[i];
            }
            double there = k == steps - 1 ? objective.Loss(point, cancel) : objective.Linearise(point, gradient, false, cancel);
            if (there > worst)
            {
                worst = there;
                new Span<float>(u, (int)n).CopyTo(best);
                new Span<float>(gradient, (int)n).CopyTo(slope);
            }
            else
            {
                step /= 2;
            }
        }
        return new SharpnessProbe(100 * (worst - loss) / (1 + loss), loss, worst, new(1, steps, 0));
    }

    /// <summary>In the ball ‖z / |w|‖₂ ≤ ρ: z ← ρ·w²g / ‖|w|g‖, from z = 0, g the gradient at w + z.</summary>
    public static SharpnessProbe Adaptive(
        Objective objective,
        Workspace workspace,
        float* weights,
        double rho,
        int steps,
        CancellationToken cancel
    )
    {
        float* point = workspace.Point,
            gradient = workspace.Gradient;
        long n = workspace.Floats;
        double loss = objective.Linearise(weights, gradient, false, cancel),
            worst = loss;
        for (int k = 0; k < steps; k++)
        {
            double square = 0;
            for (long i = 0; i < n; i++)
            {
                double scaled = (double)weights[i] * gradient[i];
                square += scaled * scaled;
            }
            // No first-order direction leads up: at a stationary point, as for the method itself.
            if (square == 0)
                return new SharpnessProbe(worst - loss, loss, worst, new(0, k + 1, 0));
            double factor = rho / Math.Sqrt(square);
            for (long i = 0; i < n; i++)
                point[i] = (float)(weights[i] + factor * weights[i] * weights[i] * gradient[i]);
            double there = k == steps - 1 ? objective.Loss(point, cancel) : objective.Linearise(point, gradient, false, cancel);
            worst = Math.Max(worst, there);
        }
        return new SharpnessProbe(worst - loss, loss, worst, new(1, steps, 0));
    }

    /// <summary>A random sign for every weight, 0 for padding.</summary>
    private static float[] Ties(WeightLayout layout)
    {
        var canonical = new float[layout.Parameters];
        RandomSigns.Fill(new Philox(0, Purpose.SharpnessTies), canonical);
        var padded = new float[layout.Floats];
        fixed (float* to = padded)
            layout.Pack(canonical, to);
        return padded;
    }
}
