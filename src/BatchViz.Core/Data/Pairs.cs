using BatchViz.Core.Numerics;
using BatchViz.Core.Specs;

namespace BatchViz.Core.Data;

/// <summary>
/// Two views of each example of a set, [view A | view B], with its label: for two-tower nets, in the manner of SimCLR (Chen et al. 2020,
/// arXiv:2002.05709, section 2.1). A view is a function of (data seed, split, index, view) alone, so an example has the same two in every
/// epoch.
/// </summary>
public static class Pairs
{
    /// <summary>From 0, two copies, to 1.</summary>
    public const double DefaultAugmentation = 0.5;

    /// <summary>
    /// At full strength: pixels that an image is moved by at most, as a share of its side; change of contrast; side of the square that is
    /// blotted out; jitter of a point.
    /// </summary>
    private const double Shift = 1.0 / 7,
        Contrast = 0.5,
        Blot = 0.5,
        Jitter = 0.2;

    /// <summary>Sets that views can be made of.</summary>
    public static readonly IReadOnlyList<(string Word, DataKind Value)> Bases =
    [
        .. SpecVocabulary.Data.Where(word =>
            word.Value
                is DataKind.Mnist
                    or DataKind.FashionMnist
                    or DataKind.Cifar10
                    or DataKind.Circles
                    or DataKind.Xor
                    or DataKind.Gaussians
                    or DataKind.Spirals
                    or DataKind.Moons
        ),
    ];

    public static DataSet Make(DataSet of, DataSpec spec)
    {
        bool flips = spec.Base is DataKind.FashionMnist or DataKind.Cifar10;
        double strength = spec.Augmentation ?? DefaultAugmentation;
        return of with
        {
            Name = $"Pairs of {of.Name}",
            Inputs = 2 * of.Inputs,
            Views = 2,
            Train = Views(of, of.Train, Split.Train, spec.Seed, strength, flips),
            Test = of.Test is { } test ? Views(of, test, Split.Test, spec.Seed, strength, flips) : null,
        };
    }

    private static DataSplit Views(DataSet of, DataSplit source, Split split, uint seed, double strength, bool flips)
    {
        int inputs = of.Inputs;
        var bytes = source.Bytes is null ? null : new byte[checked(2 * source.Count * inputs)];
        var floats = source.Floats is null ? null : new float[checked(2 * source.Count * inputs)];
        for (int v = 0; v < 2 * source.Count; v++)
        {
            int example = v / 2;
            var stream = new Philox(seed, Purpose.Augmentation, ((ulong)split << 33) | (uint)v);
            if (bytes is not null)
                Image(of, source.Bytes.AsSpan(example * inputs, inputs), bytes.AsSpan(v * inputs, inputs), stream, strength, flips);
            else
                for (int i = 0; i < inputs; i++)
                    floats![v * inputs + i] = (float)(source.Floats![example * inputs + i] + strength * Jitter * stream.Gaussian((ulong)i));
        }
        return source with { Inputs = 2 * inputs, Bytes = bytes, Floats = floats };
    }

    /// <summary>Moved (what comes in is 0), perhaps mirrored, lighter or darker, with a square blotted out; all channels alike.</summary>
    private static void Image(DataSet of, ReadOnlySpan<byte> from, Span<byte> to, Philox stream, double strength, bool flips)
    {
        var (rows, columns) = of.Image!.Value;
        int reach = (int)Math.Round(strength * Shift * Math.Min(rows, columns)),
            blot = (int)Math.Round(strength * Blot * Math.Min(rows, columns));
        int down = stream.Below(0, 2 * reach + 1) - reach,
            right = stream.Below(1, 2 * reach + 1) - reach;
        bool mirror = flips && strength > 0 && stream.Below(2, 2) == 1;
        double factor = 1 + strength * Contrast * (2 * stream.Uniform(12) - 1);
        int top = stream.Below(4, rows - blot + 1),
            left = stream.Below(5, columns - blot + 1);
        for (int c = 0; c < of.Channels; c++)
        {
            for (int y = 0; y < rows; y++)
            {
                for (int x = 0; x < columns; x++)
                {
                    int row = y - down,
                        column = (mirror ? columns - 1 - x : x) - right;
                    bool inside =
                        row >= 0
                        && row < rows
                        && column >= 0
                        && column < columns
                        && (y < top || y >= top + blot || x < left || x >= left + blot);
                    to[(c * rows + y) * columns + x] = inside
                        ? (byte)Math.Min(255, Math.Round(factor * from[(c * rows + row) * columns + column]))
                        : (byte)0;
                }
            }
        }
    }
}
