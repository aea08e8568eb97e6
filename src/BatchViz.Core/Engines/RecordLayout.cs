using BatchViz.Core.Specs;

namespace BatchViz.Core.Engines;

/// <summary>
/// Columns of a step record: float32 each, in this order; the same for every engine. Not a number: undefined (a variance from one
/// example), which is no divergence.
/// </summary>
public sealed class RecordLayout
{
    public const int Loss = 0,
        GradientNorm = 1,
        UpdateNorm = 2,
        LearningRate = 3,
        BatchSize = 4,
        UpdateRatio = 5,
        ExampleNormMean = 6,
        ExampleNormMin = 7,
        ExampleNormMax = 8,
        GradientVariance = 9,
        NoiseScale = 10,
        Histogram = 11,
        HistogramBins = 8,
        FixedColumns = Histogram + HistogramBins;

    /// <summary>
    /// Updates over which the gradient noise scale's numerator and denominator are averaged, about (exponential averages).
    /// </summary>
    public const int NoiseScaleUpdates = 100;

    /// <summary>
    /// Columns about single examples' gradients: not a number in all records of a network whose examples see one another while training
    /// (<see cref="NetworkSpec.Separable"/>).
    /// </summary>
    public static readonly IReadOnlyList<string> ExampleColumns =
    [
        "exampleNormMean",
        "exampleNormMin",
        "exampleNormMax",
        "gradientVariance",
        "noiseScale",
    ];

    /// <param name="layers">Number of layers with weights; each gets a column with its gradient's norm.</param>
    /// <param name="searches">Some of the runs go along directions (see <see cref="OptimizerSpec.UsesLineSearch"/>): what their updates
    /// cost is in six more columns at the end.</param>
    public RecordLayout(int layers, bool searches = false)
    {
        (Layers, HasLineSearchColumns) = (layers, searches);
        var columns = new List<ColumnInfo>
        {
            new("loss", "batch loss", "", "mean loss of the update's batch, before the update"),
            new("gradientNorm", "gradient norm", "", "Euclidean norm of the batch gradient, without weight decay"),
            new("updateNorm", "update norm", "", "Euclidean norm of the change of the weights"),
            new("learningRate", "learning rate", "", "η of this update"),
            new("batchSize", "batch size", "examples", "examples in this update's batch"),
            new("updateRatio", "update-to-weight ratio", "", "norm of the change of the weights over their norm before it"),
            new(
                "exampleNormMean",
                "mean norm of an example's gradient",
                "",
                "mean of the Euclidean norms of the gradients of the batch's examples"
            ),
            new(
                "exampleNormMin",
                "smallest norm of an example's gradient",
                "",
                "smallest Euclidean norm of the gradients of the batch's examples"
            ),
            new(
                "exampleNormMax",
                "largest norm of an example's gradient",
                "",
                "largest Euclidean norm of the gradients of the batch's examples"
            ),
            new(
                "gradientVariance",
                "gradient variance",
                "",
                "tr Σ of the gradients of single examples, estimated without bias from the batch; undefined for one example"
            ),
            new(
                "noiseScale",
                "gradient noise scale",
                "examples",
                $"tr Σ / |G|² (McCandlish et al. 2018, B_simple), both estimated without bias and averaged apart over about {NoiseScaleUpdates} updates; negative while |G|² is lost in the noise"
            ),
        };
        for (int bin = 0; bin < HistogramBins; bin++)
            columns.Add(
                new(
                    $"gradientShare{bin}",
                    $"gradient components {BinName(bin)}",
                    "",
                    $"share of the batch gradient's components of magnitude {BinName(bin)}"
                )
            );
        for (int l = 0; l < layers; l++)
            columns.Add(
                new(
                    $"gradientNorm{l + 1}",
                    $"gradient norm, layer {l + 1}",
                    "",
                    $"Euclidean norm of the batch gradient of layer {l + 1}'s weights and biases"
                )
            );
        if (searches)
        {
            columns.Add(new("flops", "FLOPs so far", "", "floating-point operations of all forward and backward passes of the run so far"));
            columns.Add(
                new("stepLength", "step length", "", "step along the direction, as a multiple of it; 0 where the weights were left alone")
            );
            columns.Add(new("gradients", "gradients of the batch", "", "times that the update took the batch forward and backward"));
            columns.Add(new("forwards", "forward passes of the batch", "", "times that the update took the batch forward only"));
            columns.Add(
                new(
                    "skipped",
                    "pairs left out or restarts",
                    "",
                    "curvature pairs left out so far (L-BFGS), or restarts (conjugate gradients)"
                )
            );
            columns.Add(new("fallbacks", "failed searches", "", "line searches so far that gave way to a small step down the gradient"));
        }
        Columns = columns;
    }

    public int Layers { get; }

    public bool HasLineSearchColumns { get; }

    /// <summary>Indices of the columns about searches.</summary>
    public int Flops => FixedColumns + Layers;

    public int StepLength => Flops + 1;

    public int Gradients => Flops + 2;

    public int Forwards => Flops + 3;

    public int Skipped => Flops + 4;

    public int Fallbacks => Flops + 5;

    /// <summary>
    /// Whether a column is about the step that an update takes, or an average that takes it in: the record of an update that was not
    /// made, with which a run diverges, has none of its own.
    /// </summary>
    public bool IsOfStep(int column) => column is UpdateNorm or UpdateRatio or NoiseScale || (HasLineSearchColumns && column == StepLength);

    public IReadOnlyList<ColumnInfo> Columns { get; }

    public int Width => Columns.Count;

    /// <summary>Index of the column with layer <paramref name="layer"/>'s (from 0) gradient norm.</summary>
    public static int LayerGradientNorm(int layer) => FixedColumns + layer;

    /// <summary>Smallest magnitude in a bin of the gradient's histogram: 2^(4·bin − 28), and 0 in the first.</summary>
    public static double BinEdge(int bin) => bin == 0 ? 0 : Math.ScaleB(1, 4 * bin - 28);

    private static string BinName(int bin) =>
        bin switch
        {
            0 => "below 2^-24",
            HistogramBins - 1 => "from 1 up",
            _ => $"from 2^{4 * bin - 28} to 2^{4 * bin - 24}",
        };
}

public sealed record ColumnInfo(string Name, string Label, string Unit, string Description);

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
