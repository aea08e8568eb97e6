namespace BatchViz.Engine.Cpu;

/// <summary>
/// What a record tells of a batch's gradient as a whole, beside the norms of its layers: every way to form a gradient fills it on the way.
/// </summary>
internal unsafe struct GradientSummary
{
    public const int Bins = Core.Engines.RecordLayout.HistogramBins;

    /// <summary>Biased exponent that the first nibble begins with: 2⁻²⁸, so that the second begins at 2⁻²⁴.</summary>
    public const int LowestExponent = 127 - 4 * (Bins - 1);

    /// <summary>The bits of a float32 but for its sign, which as integers are in the order of the magnitudes, with what is no number
    /// last.</summary>
    public const int Magnitude = 0x7FFFFFFF;

    /// <summary>Components by magnitude, padding included: bin 0 is below 2⁻²⁴, bin k from 2^(4k − 28), bin 7 from 1 up.</summary>
    public fixed long Counts[Bins];

    private int largest;

    /// <summary>The largest magnitude of a component; no number where one of them is none.</summary>
    public readonly float Largest => BitConverter.Int32BitsToSingle(largest);

    /// <summary>Components that are not gone through.</summary>
    public void Add(int bin, long count) => Counts[bin] += count;

    /// <summary>The largest magnitude of some of the components, by its bits.</summary>
    public void Meet(int bits) => largest = Math.Max(largest, bits);

    /// <summary>Whether anything was counted: with batches of one a gradient that cannot be applied is not formed.</summary>
    public readonly bool Any
    {
        get
        {
            long counted = 0;
            for (int bin = 0; bin < Bins; bin++)
                counted |= Counts[bin];
            return counted != 0;
        }
    }
}

/// <summary>The same of each of the nets that train side by side in the lanes of vectors.</summary>
internal unsafe struct LaneGradientSummaries
{
    /// <summary><see cref="GradientSummary.Counts"/> as 32-bit integers, [bins][lanes], and no padding among them.</summary>
    public float* Counts;

    /// <summary><see cref="GradientSummary.Largest"/>, [lanes].</summary>
    public float* Largest;

    /// <summary>Lays both from a place on; returns where they end.</summary>
    public float* Lay(float* at, int lanes)
    {
        Counts = at;
        Largest = at + GradientSummary.Bins * lanes;
        return Largest + lanes;
    }

    /// <param name="padding">Floats that a net by itself would have beside its parameters.</param>
    public readonly GradientSummary Of(int lane, int lanes, long padding)
    {
        var summary = new GradientSummary();
        for (int bin = 0; bin < GradientSummary.Bins; bin++)
            summary.Add(bin, ((int*)Counts)[bin * lanes + lane]);
        summary.Add(0, padding);
        summary.Meet(((int*)Largest)[lane]);
        return summary;
    }
}
