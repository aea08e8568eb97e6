namespace BatchViz.Core.Engines;

/// <summary>
/// Records of one <see cref="IBundle.Advance"/>: for each member up to <see cref="Capacity"/> rows of <see cref="Width"/> floats. Reused,
/// never reallocated.
/// </summary>
public sealed class RecordBlock
{
    private readonly float[] values;

    public RecordBlock(int members, int capacity, int width)
    {
        (Members, Capacity, Width) = (members, capacity, width);
        values = new float[checked(members * capacity * width)];
        Rows = new int[members];
    }

    public int Members { get; }

    public int Capacity { get; }

    public int Width { get; }

    /// <summary>Rows written for each member by the last Advance; less than asked for when the member diverged.</summary>
    public int[] Rows { get; }

    /// <summary>The rows of one member, row-major [Capacity × Width].</summary>
    public Span<float> Of(int member) => values.AsSpan(member * Capacity * Width, Capacity * Width);

    /// <summary>Row <paramref name="row"/> of one member.</summary>
    public Span<float> Row(int member, int row) => values.AsSpan((member * Capacity + row) * Width, Width);
}
