namespace BatchViz.Core.Numerics;

/// <summary>Vectors of independent signs (Rademacher vectors).</summary>
public static class RandomSigns
{
    /// <summary>Vectors that <see cref="OfTrace"/> tells apart.</summary>
    public const int MostVectors = 1 << 20;

    /// <summary>
    /// The stream of a trace's <paramref name="sample"/>-th vector, from 0. Other updates have other vectors: with the same ones the error
    /// would be the same all along a run, and no mean over it would take it out.
    /// </summary>
    public static Philox OfTrace(uint seed, long update, int sample) =>
        new(seed, Purpose.TraceSigns, ((ulong)update * MostVectors) + (uint)sample);

    /// <summary>±1, one bit of the stream each.</summary>
    public static void Fill(Philox stream, Span<float> signs)
    {
        for (int i = 0; i < signs.Length; i += 32)
        {
            uint word = stream.Word((ulong)i / 32);
            for (int k = i; k < Math.Min(i + 32, signs.Length); k++, word >>= 1)
                signs[k] = (word & 1) == 0 ? -1 : 1;
        }
    }
}
