namespace BatchViz.Engine.Cpu.Memory;

/// <summary>Cuts one buffer into aligned pieces: reserve all, allocate once, then take them in the same order.</summary>
/// <param name="ledger">Gets an entry for each piece; while it predicts, pieces are null.</param>
internal sealed unsafe class Arena(Ledger? ledger = null) : IDisposable
{
    private readonly List<(long Floats, MemoryUse Use)> pieces = [];
    private NativeBuffer? buffer;
    private int taken;
    private long position;

    /// <summary>There is no memory behind the pieces, and none to be filled.</summary>
    public bool Predicting { get; } = ledger is { Predicting: true };

    public static int Pad(int width) => (width + WeightLayout.Lanes - 1) / WeightLayout.Lanes * WeightLayout.Lanes;

    public void Reserve(long floats, MemoryUse use = MemoryUse.Workspace) =>
        pieces.Add(((Math.Max(floats, 1) + WeightLayout.Lanes - 1) / WeightLayout.Lanes * WeightLayout.Lanes, use));

    /// <summary>The next reserved piece; the first call allocates.</summary>
    public float* Take()
    {
        if (taken == 0)
        {
            foreach (var (floats, use) in pieces)
                ledger?.Enter(use, floats);
            if (!Predicting)
                buffer = new NativeBuffer(pieces.Sum(piece => piece.Floats));
        }
        float* piece = Predicting ? null : buffer!.Pointer + position;
        position += pieces[taken++].Floats;
        return piece;
    }

    public void Dispose() => buffer?.Dispose();
}
