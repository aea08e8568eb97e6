namespace BatchViz.Core.Sampling;

/// <summary>
/// The hardest examples of a pool (OHEM, Shrivastava et al. 2016, arXiv:1604.03540, section 4). They stay in the pool's order; of equal
/// losses the earlier example counts as harder, a loss that is no number as the hardest.
/// </summary>
public static class Hardest
{
    /// <summary>Leaves the <paramref name="keep"/> hardest of the first <paramref name="drawn"/> indices, at the front.</summary>
    /// <param name="losses">Of the drawn examples, at least [drawn].</param>
    /// <param name="work">At least [drawn].</param>
    public static void Choose(ReadOnlySpan<float> losses, Span<int> indices, int drawn, int keep, ulong[] work)
    {
        for (int i = 0; i < drawn; i++)
            work[i] = (ulong)~Rank(losses[i]) << 32 | (uint)i;
        var hardest = work.AsSpan(0, drawn);
        hardest.Sort();
        hardest = hardest[..keep];
        for (int i = 0; i < keep; i++)
            hardest[i] = (uint)hardest[i];
        hardest.Sort();
        for (int i = 0; i < keep; i++)
            indices[i] = indices[(int)hardest[i]];
    }

    /// <summary>Larger for larger numbers, and largest for what is none.</summary>
    private static uint Rank(float value)
    {
        if (float.IsNaN(value))
            return uint.MaxValue;
        uint bits = BitConverter.SingleToUInt32Bits(value);
        return (bits & 0x8000_0000) != 0 ? ~bits : bits | 0x8000_0000;
    }
}
