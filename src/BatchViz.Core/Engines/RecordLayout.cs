namespace BatchViz.Core.Engines;

/// <summary>
/// Columns of a step record: float32 each, in this order; the same for every engine. Not a number: undefined (a variance from one
/// example), which is no divergence.
/// </summary>
/// <remarks>
/// Every column is declared here once, in the words of each language; exports, the stream, the page and what engines write follow from
/// it. Recordings name their columns and keep to those with which they began, so a new one goes into <see cref="Later"/>, behind all
/// others: places of earlier columns never change. docs/contributing.md goes through adding one.
/// </remarks>
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

    /// <summary>Updates over which the gradient noise scale's numerator and denominator are averaged, about (exponential averages).</summary>
    public const int NoiseScaleUpdates = 100;

    private static readonly ColumnInfo InfinityNorm = new(
        "gradientInfinityNorm",
        "",
        new("infinity norm of the gradient", "largest magnitude of the batch gradient's components, without weight decay"),
        new("梯度的无穷范数", "批量梯度各分量绝对值的最大值，不含权重衰减")
    );

    /// <summary>Columns that recordings of earlier builds do not have, in the order in which they came.</summary>
    public static readonly IReadOnlyList<ColumnInfo> Later = [InfinityNorm];

    /// <summary>The lane's clock, which stands beside every record: a timing, and so in no record.</summary>
    public static readonly ColumnInfo Seconds = new(
        "seconds",
        "s",
        new("lane seconds", "processor seconds of the run's lane so far, on a shared machine"),
        new("通道秒数", "此运行所在通道至今所用的处理器秒数，机器为共享")
    )
    {
        Live = true,
        Deterministic = false,
    };

    /// <param name="layers">Number of layers with weights; each gets a column with its gradient's norm.</param>
    /// <param name="searches">Some of the runs go along directions (see <see cref="Specs.OptimizerSpec.UsesLineSearch"/>): what their
    /// updates cost is in six more columns.</param>
    /// <param name="recorded">Names of the columns of a recording, of which those of <see cref="Later"/> count; null: all there are.</param>
    public RecordLayout(int layers, bool searches = false, IReadOnlyCollection<string>? recorded = null)
    {
        (Layers, HasLineSearchColumns) = (layers, searches);
        Columns =
        [
            .. Fixed,
            .. Enumerable.Range(0, HistogramBins).Select(Bin),
            .. Enumerable.Range(1, layers).Select(LayerNorm),
            .. searches ? OfSearches : [],
            .. Later.Where(column => recorded is null || recorded.Contains(column.Name)),
        ];
        Width = Columns.Count;
        GradientInfinityNorm = IndexOf(InfinityNorm.Name);
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

    /// <summary>Index of the column with max |gᵢ|; −1 in recordings that began without it.</summary>
    public int GradientInfinityNorm { get; }

    public IReadOnlyList<ColumnInfo> Columns { get; }

    public int Width { get; }

    /// <summary>Index of a column by its name; −1: there is none of that name.</summary>
    public int IndexOf(string name)
    {
        for (int c = 0; c < Columns.Count; c++)
            if (Columns[c].Name == name)
                return c;
        return -1;
    }

    /// <summary>Index of the column with layer <paramref name="layer"/>'s (from 0) gradient norm.</summary>
    public static int LayerGradientNorm(int layer) => FixedColumns + layer;

    /// <summary>Smallest magnitude in a bin of the gradient's histogram: 2^(4·bin − 28), and 0 in the first.</summary>
    public static double BinEdge(int bin) => bin == 0 ? 0 : Math.ScaleB(1, 4 * bin - 28);

    private static readonly ColumnInfo[] Fixed =
    [
        new(
            "loss",
            "",
            new("batch loss", "mean loss of the update's batch, before the update"),
            new("批量损失", "更新前本次批量上的平均损失")
        )
        {
            Live = true,
        },
        new(
            "gradientNorm",
            "",
            new("gradient norm", "Euclidean norm of the batch gradient, without weight decay"),
            new("梯度范数", "批量梯度的欧几里得范数，不含权重衰减")
        )
        {
            Live = true,
        },
        new(
            "updateNorm",
            "",
            new("update norm", "Euclidean norm of the change of the weights"),
            new("更新范数", "权重变化量的欧几里得范数")
        )
        {
            OfStep = true,
        },
        new("learningRate", "", new("learning rate", "η of this update"), new("学习率", "此次更新的 η")),
        new("batchSize", "examples", new("batch size", "examples in this update's batch"), new("批量大小", "本次更新的批量所含样本数")),
        new(
            "updateRatio",
            "",
            new("update-to-weight ratio", "norm of the change of the weights over their norm before it"),
            new("更新与权重之比", "权重变化量的范数除以更新前权重的范数")
        )
        {
            OfStep = true,
        },
        new(
            "exampleNormMean",
            "",
            new("mean norm of an example's gradient", "mean of the Euclidean norms of the gradients of the batch's examples"),
            new("单样本梯度范数的均值", "批量中各样本梯度的欧几里得范数的平均值")
        )
        {
            OfExamples = true,
        },
        new(
            "exampleNormMin",
            "",
            new("smallest norm of an example's gradient", "smallest Euclidean norm of the gradients of the batch's examples"),
            new("单样本梯度范数的最小值", "批量中各样本梯度的欧几里得范数的最小值")
        )
        {
            OfExamples = true,
        },
        new(
            "exampleNormMax",
            "",
            new("largest norm of an example's gradient", "largest Euclidean norm of the gradients of the batch's examples"),
            new("单样本梯度范数的最大值", "批量中各样本梯度的欧几里得范数的最大值")
        )
        {
            OfExamples = true,
        },
        new(
            "gradientVariance",
            "",
            new(
                "gradient variance",
                "tr Σ of the gradients of single examples, estimated without bias from the batch; undefined for one example"
            ),
            new("梯度方差", "单样本梯度的 tr Σ，由批量作无偏估计；只有一个样本时无定义")
        )
        {
            OfExamples = true,
        },
        new(
            "noiseScale",
            "examples",
            new(
                "gradient noise scale",
                $"tr Σ / |G|² (McCandlish et al. 2018, B_simple), both estimated without bias and averaged apart over about {NoiseScaleUpdates} updates; negative while |G|² is lost in the noise"
            ),
            new(
                "梯度噪声尺度",
                $"tr Σ / |G|²（McCandlish 等，2018，B_simple），两者均作无偏估计，并各自在约 {NoiseScaleUpdates} 次更新上平均；|G|² 淹没在噪声中时为负"
            )
        )
        {
            OfStep = true,
            OfExamples = true,
        },
    ];

    private static ColumnInfo Bin(int bin)
    {
        var (english, chinese) = bin switch
        {
            0 => ("below 2^-24", "小于 2^-24"),
            HistogramBins - 1 => ("from 1 up", "不小于 1"),
            _ => ($"from 2^{4 * bin - 28} to 2^{4 * bin - 24}", $"在 2^{4 * bin - 28} 至 2^{4 * bin - 24} 之间"),
        };
        return new(
            $"gradientShare{bin}",
            "",
            new($"gradient components {english}", $"share of the batch gradient's components of magnitude {english}"),
            new($"梯度分量{chinese}", $"批量梯度中绝对值{chinese}的分量所占比例")
        );
    }

    private static ColumnInfo LayerNorm(int layer) =>
        new(
            $"gradientNorm{layer}",
            "",
            new($"gradient norm, layer {layer}", $"Euclidean norm of the batch gradient of layer {layer}'s weights and biases"),
            new($"第 {layer} 层梯度范数", $"批量梯度中第 {layer} 层权重与偏置部分的欧几里得范数")
        );

    private static readonly ColumnInfo[] OfSearches =
    [
        new(
            "flops",
            "",
            new("FLOPs so far", "floating-point operations of all forward and backward passes of the run so far"),
            new("累计 FLOPs", "此运行至今所有前向与反向计算的浮点运算数")
        )
        {
            Live = true,
        },
        new(
            "stepLength",
            "",
            new("step length", "step along the direction, as a multiple of it; 0 where the weights were left alone"),
            new("步长", "沿搜索方向的步长（方向的倍数）；0 表示权重未变")
        )
        {
            OfStep = true,
        },
        new(
            "gradients",
            "",
            new("gradients of the batch", "times that the update took the batch forward and backward"),
            new("批量梯度次数", "本次更新对该批量作前向加反向计算的次数")
        ),
        new(
            "forwards",
            "",
            new("forward passes of the batch", "times that the update took the batch forward only"),
            new("批量前向次数", "本次更新对该批量只作前向计算的次数")
        ),
        new(
            "skipped",
            "",
            new("pairs left out or restarts", "curvature pairs left out so far (L-BFGS), or restarts (conjugate gradients)"),
            new("略去的曲率对或重启", "至今略去的曲率对数（L-BFGS）或重启次数（共轭梯度）")
        ),
        new(
            "fallbacks",
            "",
            new("failed searches", "line searches so far that gave way to a small step down the gradient"),
            new("失败的线搜索", "至今失败并改走一小步最速下降的线搜索次数")
        ),
    ];
}
