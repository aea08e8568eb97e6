using BatchViz.Core.Engines;
using BatchViz.Engine.Cpu.Memory;

namespace BatchViz.Engine.Cpu.Layered;

/// <summary>
/// What all rows (examples) are at one place of a network, [rows, pixels, padded channels]: channels last, so that they fill registers. The
/// data themselves stay as they come, [rows, channels, pixels], when they are images (<see cref="Planar"/>).
/// </summary>
internal sealed unsafe class Tensor(TensorShape shape, bool needsGradient, bool planar = false)
{
    public TensorShape Shape => shape;

    /// <summary>Whether weights come before it, so that its gradient is wanted.</summary>
    public bool NeedsGradient => needsGradient;

    /// <summary>Channels in planes.</summary>
    public bool Planar => planar;

    public int Channels => shape.Channels;

    public int Pixels => shape.Pixels;

    /// <summary>Padded channels: floats from pixel to pixel.</summary>
    public int Width { get; } = planar ? 1 : Arena.Pad(shape.Channels);

    /// <summary>From row to row.</summary>
    public long Floats { get; } = planar ? Arena.Pad((int)shape.Size) : (long)shape.Pixels * Arena.Pad(shape.Channels);

    public float* Data { get; private set; }

    /// <summary>∂loss/∂data; null where it is not wanted.</summary>
    public float* Delta { get; private set; }

    /// <summary>R{data} and R{∂loss/∂data} (Pearlmutter 1994), where Hessian products are wanted.</summary>
    public float* Tangent { get; private set; }

    public float* DeltaTangent { get; private set; }

    public float* Row(int row) => Data + row * Floats;

    public void Reserve(Arena arena, int rows, Uses uses)
    {
        arena.Reserve(rows * Floats, MemoryUse.Activations);
        if (uses >= Uses.Gradient && needsGradient)
            arena.Reserve(rows * Floats, MemoryUse.Gradients);
        if (uses < Uses.Curvature)
            return;
        arena.Reserve(rows * Floats, MemoryUse.Activations);
        if (needsGradient)
            arena.Reserve(rows * Floats, MemoryUse.Gradients);
    }

    public void Take(Arena arena, Uses uses)
    {
        Data = arena.Take();
        if (uses >= Uses.Gradient && needsGradient)
            Delta = arena.Take();
        if (uses < Uses.Curvature)
            return;
        Tangent = arena.Take();
        if (needsGradient)
            DeltaTangent = arena.Take();
    }
}

/// <summary>What a pass will be asked for.</summary>
internal enum Uses
{
    Loss,
    Gradient,
    Curvature,
}
