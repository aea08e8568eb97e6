using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using BatchViz.Engine.Cpu.Kernels;
using BatchViz.Engine.Cpu.Memory;

namespace BatchViz.Engine.Cpu.Tiny;

/// <summary>
/// Updates of networks at most 16 wide, of which a layer fits one row of registers: a batch of one with its units in lanes, larger
/// ones with examples in lanes. <see cref="TinyCohort"/> trains several with the same bits.
/// </summary>
internal sealed unsafe class TinyModel : Model
{
    private readonly KernelTable kernels;
    private readonly WeightLayout layout;
    private readonly TinySource source;
    private readonly TinyWorkspace workspace;
    private readonly Arena arena;
    private readonly float* gradient,
        laneGradients,
        losses,
        squares,
        norms;
    private readonly long[] layerFloats;
    private readonly TinyPlan plan;
    private readonly TinyTargets targets;

    public TinyModel(KernelTable kernels, DataSet data, NetworkSpec network, WeightLayout layout, int batchSize, Ledger? ledger = null)
    {
        arena = new Arena(ledger);
        (this.kernels, this.layout) = (kernels, layout);
        layerFloats = [.. layout.Layers.Select(layer => layer.Floats)];
        int lanes = kernels.Width;
        source = new TinySource(data.Train, network, lanes);
        workspace = new TinyWorkspace(network, lanes, ledger);
        int examples = Arena.Pad(batchSize);
        arena.Reserve(layout.Floats, MemoryUse.Gradients);
        arena.Reserve(layout.Parameters * lanes, MemoryUse.Gradients);
        for (int i = 0; i < 3; i++)
            arena.Reserve(examples);
        arena.Reserve(WeightLayout.Lanes * lanes, MemoryUse.Batch);
        gradient = arena.Take();
        laneGradients = arena.Take();
        losses = arena.Take();
        squares = arena.Take();
        norms = arena.Take();
        plan = workspace.Plan;
        plan.Features = arena.Take();
        targets = new TinyTargets
        {
            Features = plan.Features,
            Labels = plan.Labels,
            Signs = plan.Signs,
            Values = plan.Targets,
        };
    }

    public override bool KeepsWeightSquare => false;

    /// <summary>Whether a network is small enough.</summary>
    public static bool Fits(NetworkSpec network) => network.Sizes.All(n => n <= WeightLayout.Lanes);

    public override void Update(float* weights, float* state, ReadOnlySpan<int> batch, Optimizer optimizer, UpdateStatistics figures)
    {
        if (batch.Length == 1)
        {
            source.One(batch[0], targets);
            kernels.TinyOne(plan, weights, gradient, losses, squares);
        }
        else
        {
            Groups(weights, batch);
        }
        Examples(batch.Length, figures);
        Array.Clear(figures.Squares);
        fixed (long* floats = layerFloats)
        fixed (double* squared = figures.Squares)
            kernels.SummarizeGradient(layerFloats.Length, floats, gradient, squared, ref figures.Gradient);
        if (figures.Finite)
            (figures.UpdateSquare, figures.WeightSquare) = optimizer.Step(0, layout.Floats, weights, gradient, state);
    }

    public override void Dispose()
    {
        workspace.Dispose();
        arena.Dispose();
    }

    private void Groups(float* weights, ReadOnlySpan<int> batch)
    {
        int lanes = kernels.Width;
        new Span<float>(laneGradients, (int)layout.Parameters * lanes).Clear();
        for (int start = 0; start < batch.Length; start += lanes)
        {
            int examples = Math.Min(lanes, batch.Length - start);
            source.Lanes(batch.Slice(start, examples), targets);
            kernels.TinyGroup(plan, weights, examples, 1f / batch.Length, laneGradients, losses + start, squares + start);
        }
        kernels.TinyReduce(plan, laneGradients, gradient);
    }

    private void Examples(int count, UpdateStatistics figures)
    {
        kernels.Norms((count + WeightLayout.Lanes - 1) / WeightLayout.Lanes * WeightLayout.Lanes, (float)count * count, squares, norms);
        double loss = 0;
        for (int b = 0; b < count; b++)
            loss += losses[b];
        figures.Loss = loss / count;
        figures.AddExamples(new(squares, count), new(norms, count));
    }
}
