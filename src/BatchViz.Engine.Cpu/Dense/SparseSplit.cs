using System.Runtime.CompilerServices;
using BatchViz.Core.Data;

namespace BatchViz.Engine.Cpu.Dense;

/// <summary>
/// Which features of each example of a split are not 0, for splits that are mostly 0. Found once and shared by all who use the split.
/// </summary>
internal sealed class SparseSplit
{
    /// <summary>Up to this share of values products that leave out the zeros pay.</summary>
    public const double MostShare = 0.35;

    /// <summary>With fewer inputs there is too little to leave out; more do not fit the lists.</summary>
    private const int FewestInputs = 64,
        MostInputs = ushort.MaxValue;

    private static readonly ConditionalWeakTable<DataSplit, Found> Known = [];

    private readonly int[] starts;
    private readonly ushort[] places;

    private SparseSplit(int[] starts, ushort[] places) => (this.starts, this.places) = (starts, places);

    /// <summary>Places of the values that are not 0, in order.</summary>
    public ReadOnlySpan<ushort> Of(int example) => places.AsSpan(starts[example], starts[example + 1] - starts[example]);

    /// <summary>Null for a split that is not sparse.</summary>
    public static SparseSplit? Of(DataSplit split) => Known.GetValue(split, static s => new Found(Find(s))).Value;

    private static SparseSplit? Find(DataSplit split)
    {
        int inputs = split.Inputs;
        if (inputs is < FewestInputs or > MostInputs || (long)split.Count * inputs * MostShare > int.MaxValue)
            return null;
        // A byte is a feature of 0 or not; which, follows from scale and offset.
        var zero = new bool[256];
        for (int v = 0; v < 256; v++)
            zero[v] = split.Scale * v + split.Offset == 0;
        var starts = new int[split.Count + 1];
        var places = new ushort[(int)(split.Count * (long)inputs * MostShare) + inputs];
        int n = 0;
        for (int example = 0; example < split.Count; example++)
        {
            // Writing first and counting after needs no branch for each value.
            if (n + inputs > places.Length)
                return null;
            if (split.Bytes is { } bytes)
            {
                var from = bytes.AsSpan(example * inputs, inputs);
                for (int i = 0; i < from.Length; i++)
                {
                    places[n] = (ushort)i;
                    n += zero[from[i]] ? 0 : 1;
                }
            }
            else
            {
                var from = split.Floats.AsSpan(example * inputs, inputs);
                for (int i = 0; i < from.Length; i++)
                {
                    places[n] = (ushort)i;
                    n += from[i] == 0 ? 0 : 1;
                }
            }
            starts[example + 1] = n;
        }
        Array.Resize(ref places, n);
        return new SparseSplit(starts, places);
    }

    private sealed record Found(SparseSplit? Value);
}
