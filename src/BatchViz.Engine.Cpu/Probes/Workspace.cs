using BatchViz.Engine.Cpu.Memory;

namespace BatchViz.Engine.Cpu.Probes;

/// <summary>Padded weight vectors that a probe works in.</summary>
internal sealed unsafe class Workspace(long floats) : IDisposable
{
    private readonly NativeBuffer buffer = new(3 * floats);

    public long Floats => floats;

    /// <summary>Weights that are tried.</summary>
    public float* Point => buffer.Pointer;

    public float* Gradient => buffer.Pointer + floats;

    /// <summary>A direction, or the way gone from the weights asked about.</summary>
    public float* Vector => buffer.Pointer + 2 * floats;

    public void Dispose() => buffer.Dispose();
}
