using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace BatchViz.Core.Data;

public enum Split
{
    Train,
    Test,
}

public enum DataTask
{
    Classification,
    Regression,
    Surface,
}

/// <summary>Examples with their targets, in host memory. Immutable.</summary>
/// <param name="Name">For people.</param>
/// <param name="Inputs">Features of an example.</param>
/// <param name="Outputs">Classes, or target values of an example.</param>
public sealed record DataSet(string Name, DataTask Task, int Inputs, int Outputs, DataSplit Train, DataSplit? Test)
{
    /// <summary>
    /// Data kind surface: which function of the two weights; an example is a shift (a, b) of its gradient, see <see cref="Surface"/>.
    /// </summary>
    public SurfaceKind? Surface { get; init; }

    /// <summary>Rows and columns of the pixels of one plane of one view, row by row; null: examples are no images.</summary>
    public (int Rows, int Columns)? Image { get; init; }

    /// <summary>Planes of an image, one after another: an example, or each of its views, is [Channels, Rows, Columns].</summary>
    public int Channels { get; init; } = 1;

    /// <summary>
    /// 2 for paired data: an example's features are those of its first view and then those of its second, as many and in the same shape;
    /// <see cref="Image"/> and <see cref="Channels"/> are those of one view.
    /// </summary>
    public int Views { get; init; } = 1;

    /// <summary>The training split's order is its own, and the test split is what comes after it.</summary>
    public bool Stream { get; init; }

    /// <summary>Of a table: its features' columns in their order, standardised by the training rows.</summary>
    public IReadOnlyList<ColumnScale>? Columns { get; init; }

    /// <summary>Of a table: columns, the target among them, in which float32 cannot tell some different values apart.</summary>
    public IReadOnlyList<string> MergedColumns { get; init; } = [];

    /// <summary>SHA-256, in hexadecimal, of everything that training sees: shapes, features and targets of both splits.</summary>
    public string Fingerprint()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes($"{Task} {Inputs} {Outputs} {Surface}{(Views == 1 ? "" : $" {Views} views")}"));
        foreach (var split in new[] { Train, Test })
        {
            if (split is null)
                continue;
            hash.AppendData(
                Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $" {split.Count} {split.Scale:R} {split.Offset:R} "))
            );
            hash.AppendData(MemoryMarshal.AsBytes<float>(split.Floats));
            hash.AppendData(split.Bytes ?? []);
            hash.AppendData(MemoryMarshal.AsBytes<int>(split.Labels));
            hash.AppendData(MemoryMarshal.AsBytes<float>(split.Targets));
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    public DataSplit Of(Split split) =>
        split == Split.Train ? Train : Test ?? throw new InvalidOperationException($"{Name} has no test split");
}

/// <summary>
/// One split: features [Count × Inputs] row-major, either float32 or bytes that stand for <c>Scale·byte + Offset</c>; and labels
/// [Count] (classification, from 0) or targets [Count × Outputs] (regression).
/// </summary>
public sealed record DataSplit
{
    public required int Count { get; init; }
    public required int Inputs { get; init; }
    public float[]? Floats { get; init; }
    public byte[]? Bytes { get; init; }
    public float Scale { get; init; } = 1;
    public float Offset { get; init; }
    public int[]? Labels { get; init; }
    public float[]? Targets { get; init; }

    /// <summary>
    /// Of a table: each example's row of the file, from 0 for the first below the header, ascending; null: examples are numbered as in
    /// their file.
    /// </summary>
    public int[]? Rows { get; init; }

    /// <summary>Writes example <paramref name="index"/>'s features to <paramref name="destination"/> [Inputs].</summary>
    public void CopyFeatures(int index, Span<float> destination)
    {
        if (Floats is { } floats)
        {
            floats.AsSpan(index * Inputs, Inputs).CopyTo(destination);
            return;
        }
        var bytes = Bytes.AsSpan(index * Inputs, Inputs);
        for (int i = 0; i < bytes.Length; i++)
            destination[i] = Scale * bytes[i] + Offset;
    }
}
