using BatchViz.Core.Engines;
using BatchViz.Engine.Cpu.Memory;

namespace BatchViz.Engine.Cpu;

/// <summary>
/// A copy of a member's weights, padded, and behind them of its running statistics. Any thread may read it, several at once; disposing it
/// while one reads is safe, the memory goes when the last reader is done.
/// </summary>
internal sealed unsafe class CpuWeights : IWeights
{
    private readonly NativeBuffer buffer;

    /// <param name="statistics">Of batch norms; null only where there are none.</param>
    public CpuWeights(WeightLayout layout, float* padded, float* statistics)
    {
        Layout = layout;
        buffer = new NativeBuffer(layout.Floats + layout.StatisticsFloats);
        System.Buffer.MemoryCopy(padded, buffer.Pointer, layout.Floats * sizeof(float), layout.Floats * sizeof(float));
        if (layout.StatisticsFloats == 0)
            return;
        long bytes = layout.StatisticsFloats * sizeof(float);
        System.Buffer.MemoryCopy(statistics, buffer.Pointer + layout.Floats, bytes, bytes);
    }

    public WeightLayout Layout { get; }

    public long Count => Layout.Parameters;

    public BufferHold Hold() => buffer.Hold();

    public void CopyTo(Span<float> canonical)
    {
        if (canonical.Length != Count)
            throw new ArgumentException($"{Count} weights do not fit {canonical.Length} places", nameof(canonical));
        using var hold = buffer.Hold();
        Layout.Unpack(hold.Pointer, canonical);
    }

    public void Dispose() => buffer.Dispose();

    /// <summary>The given handle as ours, of the given layout.</summary>
    public static CpuWeights Of(IWeights weights, WeightLayout layout) =>
        weights is CpuWeights ours && ours.Layout.SameAs(layout)
            ? ours
            : throw new ArgumentException("weights of another engine or model", nameof(weights));
}
