using System.Numerics;

namespace BatchViz.Engine.Cpu.Memory;

/// <summary>Cuts one buffer into aligned pieces: reserve all, allocate once, then take them in the same order.</summary>
internal sealed unsafe class Arena : IDisposable
{
    private readonly List<long> sizes = [];
    private NativeBuffer? buffer;
    private int taken;
    private long position;

    public static int Pad(int width) => (width + WeightLayout.Lanes - 1) / WeightLayout.Lanes * WeightLayout.Lanes;

    public void Reserve(long floats) => sizes.Add((Math.Max(floats, 1) + WeightLayout.Lanes - 1) / WeightLayout.Lanes * WeightLayout.Lanes);

    /// <summary>The next reserved piece; the first call allocates.</summary>
    public float* Take()
    {
        buffer ??= new NativeBuffer(sizes.Sum());
        float* piece = buffer.Pointer + position;
        position += sizes[taken++];
        return piece;
    }

    public void Dispose() => buffer?.Dispose();
}
