namespace BatchViz.Core.Numerics;

/// <summary>Vectors of independent signs (Rademacher vectors).</summary>
public static class RandomSigns
{
    /// <summary>±1, one bit of the stream each.</summary>
    public static void Fill(Philox stream, Span<float> signs)
    {
        for (int i = 0; i < signs.Length; i += 32)
        {
            uint word = stream.Word((ulong)i / 32);
            for (int k = i; k < Math.Min(i + 32, signs.Length); k++, word >>= 1) signs[k] = (word & 1) == 0 ? -1 : 1;
        }
    }
}
