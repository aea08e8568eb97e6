using BatchViz.Core.Engines;

namespace BatchViz.Engine.Cpu.Memory;

/// <summary>What a piece of memory is for; see <see cref="MemoryAccount"/>.</summary>
internal enum MemoryUse
{
    Workspace,
    Weights,
    OptimizerState,
    Activations,
    Gradients,
    Batch,
}

/// <summary>
/// Adds up what is taken. While predicting, nothing is: the same constructors run, reserve and enter, and get null instead of memory,
/// so that a prediction cannot differ from what is taken later.
/// </summary>
internal sealed class Ledger(bool predicting = false)
{
    private readonly long[] bytes = new long[Enum.GetValues<MemoryUse>().Length];

    public bool Predicting => predicting;

    public long Total => bytes.Sum();

    public MemoryAccount Account =>
        new(
            bytes[(int)MemoryUse.Weights],
            bytes[(int)MemoryUse.OptimizerState],
            bytes[(int)MemoryUse.Activations],
            bytes[(int)MemoryUse.Gradients],
            bytes[(int)MemoryUse.Batch],
            bytes[(int)MemoryUse.Workspace]
        );

    public void Enter(MemoryUse use, long floats) => bytes[(int)use] += floats * sizeof(float);
}
