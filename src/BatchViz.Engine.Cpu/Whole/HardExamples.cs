using BatchViz.Core.Engines;

namespace BatchViz.Engine.Cpu.Whole;

/// <summary>
/// Hard-example batches (OHEM, Shrivastava et al. 2016, arXiv:1604.03540, section 4): a pool is scored by its losses, and the hardest
/// are trained on. They stay in the pool's order; of equal losses the earlier example counts as harder, a loss that is no number as the hardest.
/// </summary>
/// <param name="losses">Becomes ours.</param>
/// <param name="most">Most examples in a pool.</param>
internal sealed unsafe class HardExamples(Losses losses, int most) : IDisposable
{
    private readonly float[] each = new float[most];
    private readonly ulong[] order = new ulong[most];

    /// <summary>Leaves the <paramref name="keep"/> hardest of the first <paramref name="drawn"/> indices, at the front.</summary>
    /// <param name="statistics">Running ones, of models that have them.</param>
    public void Choose(float* weights, float* statistics, int[] indices, int drawn, int keep)
    {
        losses.Begin(statistics);
        losses.Of(weights, indices.AsSpan(0, drawn), each);
        for (int i = 0; i < drawn; i++) order[i] = (ulong)~Rank(each[i]) << 32 | (uint)i;
        var hardest = order.AsSpan(0, drawn);
        hardest.Sort();
        hardest = hardest[..keep];
        for (int i = 0; i < keep; i++) hardest[i] = (uint)hardest[i];
        hardest.Sort();
        for (int i = 0; i < keep; i++) indices[i] = indices[(int)hardest[i]];
    }

    public void Dispose() => losses.Dispose();

    /// <summary>Larger for larger numbers, and largest for what is none.</summary>
    private static uint Rank(float value)
    {
        if (float.IsNaN(value)) return uint.MaxValue;
        uint bits = BitConverter.SingleToUInt32Bits(value);
        return (bits & 0x8000_0000) != 0 ? ~bits : bits | 0x8000_0000;
    }
}
