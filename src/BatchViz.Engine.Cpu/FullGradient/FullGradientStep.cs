using BatchViz.Core.Specs;
using BatchViz.Engine.Cpu.Kernels;
using BatchViz.Engine.Cpu.Memory;

namespace BatchViz.Engine.Cpu.FullGradient;

/// <summary>
/// Updates whose step needs the whole gradient first. It is taken out of the model range by range, whatever the model, and applied
/// when all of it is there.
/// </summary>
internal sealed unsafe class FullGradientStep : IDisposable
{
    private readonly KernelTable kernels;
    private readonly OptimizerSpec spec;
    private readonly WeightLayout layout;
    private readonly Model model;
    private readonly Optimizer optimizer;
    private readonly Arena arena;
    private readonly float* gradient;

    public FullGradientStep(KernelTable kernels, OptimizerSpec spec, WeightLayout layout, Model model, Optimizer optimizer, Ledger ledger)
    {
        (this.kernels, this.spec, this.layout, this.model, this.optimizer) = (kernels, spec, layout, model, optimizer);
        arena = new Arena(ledger);
        arena.Reserve(layout.Floats, MemoryUse.Gradients);
        gradient = arena.Take();
    }

    /// <summary>One update, as <see cref="Model.Update"/> makes it.</summary>
    /// <param name="at">The weights that the gradient is taken at; where they are others, the present ones take their place.</param>
    public void Update(float* weights, float* state, float* at, ReadOnlySpan<int> batch, UpdateStatistics figures)
    {
        optimizer.GradientSink = gradient;
        model.Update(at, state, batch, optimizer, figures);
        optimizer.GradientSink = null;
        if (!figures.Finite)
            return;
        if (at != weights)
            VectorOps.Copy(layout.Floats, weights, at);
        (figures.UpdateSquare, figures.WeightSquare) = (0, 0);
        for (int l = 0; l < layout.Layers.Length; l++)
        {
            var layer = layout.Layers[l];
            if (spec.HasTrust)
                optimizer.ApplyTrustRatio(
                    Math.Sqrt(figures.Squares[l]),
                    Math.Sqrt(kernels.SumSquares(layer.Floats, weights + layer.Offset))
                );
            var (update, norm) = optimizer.Step(layer.Offset, layer.Floats, weights, gradient + layer.Offset, state);
            figures.UpdateSquare += update;
            figures.WeightSquare += norm;
        }
    }

    public void Dispose() => arena.Dispose();
}
