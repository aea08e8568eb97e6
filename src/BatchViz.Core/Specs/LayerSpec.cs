namespace BatchViz.Core.Specs;

public enum LayerKind
{
    /// <summary>Cross-correlation with filters of kernel × kernel, zeros around the image.</summary>
    Conv2d,
    MaxPool,
    AvgPool,

    /// <summary>[channels, rows, columns] to a vector, in that order.</summary>
    Flatten,
    Dense,
    BatchNorm,
    GroupNorm,
    LayerNorm,
    Dropout,
    Activation,

    /// <summary>The sum of what its layers make of its input, and of the input itself or its projection.</summary>
    Residual,
}

/// <summary>
/// One layer of a model of kind layers. Which properties apply depends on <see cref="Kind"/>; the reader refuses the others. docs/layers.md
/// has the formulas.
/// </summary>
public sealed record LayerSpec(LayerKind Kind)
{
    /// <summary>conv2d: output channels.</summary>
    public int Filters { get; init; }

    /// <summary>conv2d and pools: rows and columns of the window; 0 for an average over the whole image.</summary>
    public int Kernel { get; init; }

    /// <summary>conv2d and pools: pixels from window to window.</summary>
    public int Stride { get; init; } = 1;

    /// <summary>conv2d: rows and columns of zeros on each side.</summary>
    public int Padding { get; init; }

    /// <summary>
    /// conv2d: channels are connected within groups only; as many groups as channels are depthwise. groupNorm: groups of channels that are
    /// normalised together.
    /// </summary>
    public int Groups { get; init; } = 1;

    /// <summary>conv2d and dense.</summary>
    public bool Bias { get; init; } = true;

    /// <summary>dense: width; null for the last layer's: the outputs that the loss needs.</summary>
    public int? Units { get; init; }

    /// <summary>batchNorm: the new batch's share of the running statistics.</summary>
    public double Momentum { get; init; } = 0.1;

    /// <summary>Norms: added to the variance.</summary>
    public double Epsilon { get; init; } = 1e-5;

    /// <summary>dropout: share of the values that become 0.</summary>
    public double Rate { get; init; } = 0.5;

    /// <summary>activation.</summary>
    public Activation Function { get; init; } = Activation.Relu;

    /// <summary>residual: the way that is added to the input.</summary>
    public IReadOnlyList<LayerSpec> Layers { get; init; } = [];

    /// <summary>residual: layers on the input's own way, where shapes differ; empty: the input itself.</summary>
    public IReadOnlyList<LayerSpec> Projection { get; init; } = [];

    public static LayerSpec Conv(int filters, int kernel, int stride = 1, int padding = 0, int groups = 1, bool bias = true) =>
        new(LayerKind.Conv2d)
        {
            Filters = filters,
            Kernel = kernel,
            Stride = stride,
            Padding = padding,
            Groups = groups,
            Bias = bias,
        };

    public static LayerSpec Max(int kernel, int? stride = null) => new(LayerKind.MaxPool) { Kernel = kernel, Stride = stride ?? kernel };

    public static LayerSpec Average(int kernel = 0, int? stride = null) =>
        new(LayerKind.AvgPool) { Kernel = kernel, Stride = stride ?? Math.Max(1, kernel) };

    public static LayerSpec Dense(int? units = null, bool bias = true) => new(LayerKind.Dense) { Units = units, Bias = bias };

    public static LayerSpec Activated(Activation function) => new(LayerKind.Activation) { Function = function };

    public static LayerSpec Around(IReadOnlyList<LayerSpec> layers, IReadOnlyList<LayerSpec> projection) =>
        new(LayerKind.Residual) { Layers = layers, Projection = projection };
}
