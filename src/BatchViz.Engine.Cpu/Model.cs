namespace BatchViz.Engine.Cpu;

/// <summary>Computes the loss and gradient of a batch at given weights; owns the workspace for it, and no weights.</summary>
internal abstract unsafe class Model : IDisposable
{
    /// <summary>Mean gradient of the last batch, padded like the weights; not written where the gradient was left in factors.</summary>
    public abstract float* GradientPointer { get; }

    /// <summary>Whether <see cref="AddRankOne"/> may follow a batch of one example.</summary>
    public abstract bool HasFactors { get; }

    /// <summary>Mean loss of the batch's training examples; writes ‖gradient‖² of each layer to <paramref name="squares"/> [layers].</summary>
    /// <param name="factors">One example only: leave each layer's gradient as the two vectors whose outer product it is.</param>
    public abstract double Gradient(float* weights, ReadOnlySpan<int> batch, Span<double> squares, bool factors);

    /// <summary>weights += scale·gradient, from the factors of the last batch.</summary>
    public abstract void AddRankOne(float* weights, float scale);

    public abstract void Dispose();
}
