namespace BatchViz.Core.Engines;

/// <summary>
/// Bytes that an engine takes for a bundle from creation to disposal, padding included. The data set itself is not among them.
/// </summary>
/// <param name="Weights">Of all members.</param>
/// <param name="OptimizerState">State vectors of all members.</param>
/// <param name="Activations">Outputs of all layers, for as many examples as go through at once.</param>
/// <param name="Gradients">Gradients of weights and of activations.</param>
/// <param name="Batch">Features and targets of the examples that go through at once.</param>
/// <param name="Workspace">All else: transposed weights, sums, figures of examples, weights brought into lanes.</param>
public sealed record MemoryAccount(long Weights, long OptimizerState, long Activations, long Gradients, long Batch, long Workspace)
{
    public long Total => Weights + OptimizerState + Activations + Gradients + Batch + Workspace;
}
