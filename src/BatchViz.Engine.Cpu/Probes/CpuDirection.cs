using BatchViz.Core.Engines;
using BatchViz.Engine.Cpu.Memory;

namespace BatchViz.Engine.Cpu.Probes;

/// <summary>A vector in weight space, padded like the weights, with padding 0. Any thread may read it, several at once.</summary>
internal sealed unsafe class CpuDirection : IDirection
{
    private readonly NativeBuffer buffer;

    /// <summary>Copies a padded vector.</summary>
    public CpuDirection(WeightLayout layout, float* padded)
    {
        Layout = layout;
        buffer = new NativeBuffer(layout.Floats);
        System.Buffer.MemoryCopy(padded, buffer.Pointer, layout.Floats * sizeof(float), layout.Floats * sizeof(float));
        double square = 0;
        for (long i = 0; i < layout.Floats; i++)
            square += (double)padded[i] * padded[i];
        Norm = Math.Sqrt(square);
    }

    public WeightLayout Layout { get; }

    public long Count => Layout.Parameters;

    public double Norm { get; }

    public BufferHold Hold() => buffer.Hold();

    public void CopyTo(Span<float> canonical)
    {
        if (canonical.Length != Count)
            throw new ArgumentException($"{Count} components do not fit {canonical.Length} places", nameof(canonical));
        using var hold = buffer.Hold();
        Layout.Unpack(hold.Pointer, canonical);
    }

    public void Dispose() => buffer.Dispose();

    /// <summary>The given handle as ours, of the given layout.</summary>
    public static CpuDirection Of(IDirection direction, WeightLayout layout) =>
        direction is CpuDirection ours && ours.Layout.SameAs(layout)
            ? ours
            : throw new ArgumentException("a direction of another engine or model", nameof(direction));
}
