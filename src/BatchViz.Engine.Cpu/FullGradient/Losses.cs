namespace BatchViz.Engine.Cpu.FullGradient;

/// <summary>Losses of training examples at given weights, by forward passes alone.</summary>
internal abstract unsafe class Losses : IDisposable
{
    /// <summary>Models with batch norms evaluate with these running statistics.</summary>
    public virtual void Begin(float* statistics) { }

    /// <summary>The loss of each of the examples into <paramref name="losses"/> [as many].</summary>
    public abstract void Of(float* weights, ReadOnlySpan<int> examples, Span<float> losses);

    public abstract void Dispose();
}
