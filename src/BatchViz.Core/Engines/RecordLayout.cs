namespace BatchViz.Core.Engines;

/// <summary>Columns of a step record: float32 each, in this order. The first five are always there; engines append more.</summary>
public sealed class RecordLayout
{
    public const int Loss = 0, GradientNorm = 1, UpdateNorm = 2, LearningRate = 3, BatchSize = 4, FixedColumns = 5;

    /// <param name="layers">Number of layers with weights; each gets a column with its gradient's norm.</param>
    public RecordLayout(int layers)
    {
        Layers = layers;
        var columns = new List<ColumnInfo>
        {
            new("loss", "batch loss", "", "mean loss of the update's batch, before the update"),
            new("gradientNorm", "gradient norm", "", "Euclidean norm of the batch gradient, without weight decay"),
            new("updateNorm", "update norm", "", "Euclidean norm of the change of the weights"),
            new("learningRate", "learning rate", "", "η of this update"),
            new("batchSize", "batch size", "examples", "examples in this update's batch"),
        };
        for (int l = 0; l < layers; l++)
            columns.Add(new($"gradientNorm{l + 1}", $"gradient norm, layer {l + 1}", "", $"Euclidean norm of the batch gradient of layer {l + 1}'s weights and biases"));
        Columns = columns;
    }

    public int Layers { get; }

    public IReadOnlyList<ColumnInfo> Columns { get; }

    public int Width => Columns.Count;

    /// <summary>Index of the column with layer <paramref name="layer"/>'s (from 0) gradient norm.</summary>
    public static int LayerGradientNorm(int layer) => FixedColumns + layer;
}

public sealed record ColumnInfo(string Name, string Label, string Unit, string Description);

/// <summary>Records of one <see cref="IBundle.Advance"/>: for each member up to <see cref="Capacity"/> rows of <see cref="Width"/> floats. Reused, never reallocated.</summary>
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
