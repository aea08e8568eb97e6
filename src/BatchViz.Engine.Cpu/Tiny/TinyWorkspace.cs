using BatchViz.Core.Engines;
using BatchViz.Engine.Cpu.Memory;

namespace BatchViz.Engine.Cpu.Tiny;

/// <summary>The buffers behind a <see cref="TinyPlan"/>.</summary>
internal sealed unsafe class TinyWorkspace : IDisposable
{
    private readonly Arena arena;

    public TinyWorkspace(NetworkSpec network, int lanes, Ledger? ledger = null)
    {
        arena = new Arena(ledger);
        int registers = WeightLayout.Lanes * lanes,
            layers = network.Layers;
        arena.Reserve(layers + 1);
        for (int i = 0; i < 2; i++)
            arena.Reserve((layers + 1) * (long)registers, MemoryUse.Activations);
        arena.Reserve((layers + 1) * (long)registers, MemoryUse.Gradients);
        for (int i = 0; i < 2; i++)
            arena.Reserve(lanes, MemoryUse.Batch);
        arena.Reserve(registers, MemoryUse.Batch);
        arena.Reserve(2 * registers);
        var plan = new TinyPlan
        {
            Layers = layers,
            Bias = network.Model.Bias,
            Hidden = network.Model.Activation,
            Last = network.Model.OutputActivation,
            Loss = network.Loss,
            Sizes = (int*)arena.Take(),
            Outputs = arena.Take(),
            Slopes = arena.Take(),
            Deltas = arena.Take(),
            Labels = arena.Take(),
            Signs = arena.Take(),
            Targets = arena.Take(),
            Scratch = arena.Take(),
        };
        for (int l = 0; l <= layers && !arena.Predicting; l++)
            plan.Sizes[l] = network.Sizes[l];
        Plan = plan;
    }

    /// <summary>Without features, which its user places.</summary>
    public TinyPlan Plan { get; }

    public void Dispose() => arena.Dispose();
}
