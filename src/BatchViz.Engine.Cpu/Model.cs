namespace BatchViz.Engine.Cpu;

/// <summary>Makes updates at given weights: loss, gradient, statistics, step. Owns the workspace for it, and no weights.</summary>
internal abstract unsafe class Model : IDisposable
{
    /// <summary>What the next update needs besides weights: models with layers that draw or keep statistics look at it.</summary>
    /// <param name="seed">Of the member.</param>
    /// <param name="update">Counts from 1.</param>
    /// <param name="statistics">The member's running statistics, which an update that can be applied changes.</param>
    public virtual void Begin(uint seed, long update, float* statistics) { }

    /// <summary>
    /// One update from the batch's training examples. When the loss or the gradient's norm is not finite, the weights and the
    /// optimiser's state stay as they are (and <see cref="UpdateStatistics.UpdateSquare"/> 0).
    /// </summary>
    /// <param name="optimizer">Begun for this update.</param>
    /// <param name="figures">Cleared; <see cref="UpdateStatistics.WeightSquare"/> holds the member's ‖w‖² where
    /// <see cref="KeepsWeightSquare"/>.</param>
    public abstract void Update(float* weights, float* state, ReadOnlySpan<int> batch, Optimizer optimizer, UpdateStatistics figures);

    /// <summary>
    /// Whether an update does not look at every weight, and so has to be told ‖w‖² and returns that of the weights after it.
    /// </summary>
    public abstract bool KeepsWeightSquare { get; }

    public abstract void Dispose();
}
