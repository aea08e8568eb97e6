using BatchViz.Core.Specs;
using static BatchViz.Core.Language;

namespace BatchViz.Core.Engines;

/// <summary>
/// What one example is at some place of a network: an image [channels, rows, columns], or a vector as channels of one pixel.
/// </summary>
public readonly record struct TensorShape(int Channels, int Rows = 1, int Columns = 1)
{
    public int Pixels => Rows * Columns;

    public long Size => (long)Channels * Rows * Columns;

    public override string ToString() => Pixels == 1 ? $"[{Channels}]" : $"[{Channels}, {Rows}, {Columns}]";
}

/// <summary>What a layer's weights are, which decides where they start.</summary>
public enum WeightRole
{
    /// <summary>A matrix [outputs, inputs], or the filters [outputs, inputs / kernel², kernel, kernel] of a convolution; biases.</summary>
    Matrix,

    /// <summary>A norm's scales γ and shifts β [outputs].</summary>
    Norm,

    /// <summary>A contrastive loss's ln(1/temperature) and bias.</summary>
    Loss,
}

/// <summary>Weights [outputs, inputs] and then biases [outputs], one after another in the canonical order.</summary>
/// <param name="Name">Of the layer, in exports.</param>
/// <param name="Inputs">Weights of one output: a convolution's channels of a group times its window's pixels.</param>
/// <param name="Area">Pixels of a convolution's window; 1 for all else.</param>
/// <param name="Follows">The activation behind it, which an automatic initialiser asks about.</param>
public sealed record WeightGroup(
    string Name,
    WeightRole Role,
    int Inputs,
    int Outputs,
    bool Bias,
    int Area = 1,
    Activation Follows = Activation.Linear
)
{
    public long Count => (long)Outputs * (Inputs + (Bias ? 1 : 0));
}

/// <summary>A layer in its place.</summary>
/// <param name="Weights">Index of its <see cref="WeightGroup"/>, or −1.</param>
/// <param name="Statistics">Index of the first of its 2·channels running statistics (means, then variances); −1 where it has none.</param>
/// <param name="Inner">residual: the way that is added.</param>
/// <param name="Projection">residual: the input's own way; empty for the input itself.</param>
public sealed record LayerNode(
    LayerSpec Spec,
    TensorShape Input,
    TensorShape Output,
    int Weights,
    int Statistics,
    IReadOnlyList<LayerNode> Inner,
    IReadOnlyList<LayerNode> Projection
);

/// <summary>
/// A model of layers between an input's shape and the outputs that its loss needs: shapes, weights and costs of all its layers.
/// </summary>
public sealed class LayerGraph
{
    /// <summary>Most values of one example at one place.</summary>
    public const int MaxValues = 50_000_000;

    private readonly List<WeightGroup> weights = [];
    private readonly ModelSpec model;
    private bool flattened;

    /// <param name="outputs">That the loss needs; null: an embedding of any width.</param>
    /// <exception cref="RefusedException">Layers that do not fit together; the sentence names the layer.</exception>
    public LayerGraph(ModelSpec model, LossKind loss, TensorShape input, int? outputs)
    {
        this.model = model;
        Input = input;
        Towers = new IReadOnlyList<LayerNode>[model.Towers];
        for (int tower = 0; tower < model.Towers; tower++)
        {
            var shape = input;
            flattened = false;
            Towers[tower] = Build(model.Layers, "model.layers", model.Towers == 1 ? "layers" : $"towers.{tower}", ref shape, outputs);
            if (outputs is { } wanted && shape != new TensorShape(wanted))
                throw new RefusedException(
                    Tr(
                        $"\"model.layers\" ends with {shape}, but this data and loss need {new TensorShape(wanted)}; let it end with a layer \"dense\" without \"units\".",
                        $"\"model.layers\" 的末端形状是 {shape}，但此数据与损失需要 {new TensorShape(wanted)}；请以不带 \"units\" 的 \"dense\" 层结尾。"
                    )
                );
            if (shape.Pixels != 1)
                throw new RefusedException(
                    Tr(
                        $"\"model.layers\" ends with the image {shape}, but an embedding is a vector; let it end with \"flatten\" or \"dense\".",
                        $"\"model.layers\" 的末端是图像 {shape}，但嵌入须为向量；请以 \"flatten\" 或 \"dense\" 结尾。"
                    )
                );
            Output = shape;
        }
        LossWeights = -1;
        if (loss != LossKind.SigmoidContrastive || !model.LearnTemperature)
            return;
        LossWeights = weights.Count;
        weights.Add(new WeightGroup("loss", WeightRole.Loss, 1, 1, true));
    }

    /// <summary>Of one tower.</summary>
    public TensorShape Input { get; }

    public TensorShape Output { get; private set; }

    /// <summary>The layers of each tower.</summary>
    public IReadOnlyList<LayerNode>[] Towers { get; }

    /// <summary>All weights in the canonical order.</summary>
    public IReadOnlyList<WeightGroup> Weights => weights;

    /// <summary>Index of the loss's own weights, or −1.</summary>
    public int LossWeights { get; }

    /// <summary>Numbers of all running statistics.</summary>
    public int Statistics { get; private set; }

    /// <summary>Multiply-adds of one example's forward products.</summary>
    public long Products { get; private set; }

    /// <summary>Multiply-adds that input gradients save: those of the layers that read the data.</summary>
    public long FirstProducts { get; private set; }

    /// <summary>Values of all layers' outputs for one example, of all towers.</summary>
    public long Activations { get; private set; }

    /// <summary>Whether an example's outputs depend on the others of its batch while training.</summary>
    public bool HasBatchNorm { get; private set; }

    /// <summary>
    /// Whether a batch norm has one value a channel in each example, so that a batch of one leaves it nothing to normalise.
    /// </summary>
    public bool NormalizesSingleValues { get; private set; }

    public bool HasDropout { get; private set; }

    private List<LayerNode> Build(IReadOnlyList<LayerSpec> layers, string at, string name, ref TensorShape shape, int? outputs)
    {
        var nodes = new List<LayerNode>();
        for (int l = 0; l < layers.Count; l++)
        {
            var next = layers
                .Skip(l + 1)
                .FirstOrDefault(layer =>
                    layer.Kind is not (LayerKind.BatchNorm or LayerKind.GroupNorm or LayerKind.LayerNorm or LayerKind.Dropout)
                );
            bool last = layers.Skip(l + 1).All(layer => layer.Kind is not LayerKind.Dense);
            var node = Build(
                layers[l],
                $"{at}[{l}]",
                $"{name}.{l}",
                shape,
                last ? outputs : null,
                next is { Kind: LayerKind.Activation } ? next.Function : Activation.Linear
            );
            nodes.Add(node);
            Activations += node.Output.Size;
            shape = node.Output;
        }
        return nodes;
    }

    private LayerNode Build(LayerSpec layer, string at, string name, TensorShape shape, int? outputs, Activation follows)
    {
        var output = shape;
        int group = -1,
            statistics = -1;
        IReadOnlyList<LayerNode> inner = [],
            projection = [];
        switch (layer.Kind)
        {
            case LayerKind.Conv2d:
                Pixels(at, shape);
                if (shape.Channels % layer.Groups != 0 || layer.Filters % layer.Groups != 0)
                    throw new RefusedException(
                        Tr(
                            $"\"{at}.groups\" is {layer.Groups}, which must divide the {shape.Channels} channels and the {layer.Filters} filters.",
                            $"\"{at}.groups\" 是 {layer.Groups}，必须整除 {shape.Channels} 个通道与 {layer.Filters} 个滤波器。"
                        )
                    );
                output = Windows(at, layer, shape, layer.Filters);
                int inputs = shape.Channels / layer.Groups * layer.Kernel * layer.Kernel;
                group = Add(name, WeightRole.Matrix, inputs, layer.Filters, layer.Bias, layer.Kernel * layer.Kernel, follows);
                Count((long)inputs * output.Size);
                break;
            case LayerKind.Dense:
                if (shape.Pixels != 1)
                    throw new RefusedException(
                        Tr(
                            $"\"{at}\" is \"dense\", which reads a vector, but gets the image {shape}; put a \"flatten\" before it.",
                            $"\"{at}\" 是 \"dense\"，需要向量，但得到图像 {shape}；请在其前加 \"flatten\"。"
                        )
                    );
                int units =
                    layer.Units
                    ?? outputs
                    ?? throw new RefusedException(
                        Tr(
                            $"\"{at}.units\" is missing; only the last layer of a model may leave it out, and only with a loss that needs a certain number of outputs.",
                            $"\"{at}.units\" 缺失；只有模型的最后一层可以省略，且损失须规定输出个数。"
                        )
                    );
                output = new TensorShape(units);
                group = Add(name, WeightRole.Matrix, shape.Channels, units, layer.Bias, 1, follows);
                Count((long)shape.Channels * units);
                break;
            case LayerKind.MaxPool:
                Pixels(at, shape);
                output = Windows(at, layer, shape, shape.Channels);
                break;
            case LayerKind.AvgPool:
                Pixels(at, shape);
                output = layer.Kernel == 0 ? new TensorShape(shape.Channels) : Windows(at, layer, shape, shape.Channels);
                break;
            case LayerKind.Flatten:
                flattened = true;
                output = new TensorShape((int)shape.Size);
                break;
            case LayerKind.BatchNorm:
                HasBatchNorm = true;
                NormalizesSingleValues |= shape.Pixels == 1;
                group = Add(name, WeightRole.Norm, 1, shape.Channels, true);
                statistics = Statistics;
                Statistics += 2 * shape.Channels;
                break;
            case LayerKind.GroupNorm or LayerKind.LayerNorm:
                if (shape.Channels % layer.Groups != 0)
                    throw new RefusedException(
                        Tr(
                            $"\"{at}.groups\" is {layer.Groups}, which must divide the {shape.Channels} channels.",
                            $"\"{at}.groups\" 是 {layer.Groups}，必须整除 {shape.Channels} 个通道。"
                        )
                    );
                group = Add(name, WeightRole.Norm, 1, shape.Channels, true);
                break;
            case LayerKind.Dropout:
                HasDropout |= layer.Rate > 0;
                break;
            case LayerKind.Residual:
                TensorShape way = shape,
                    own = shape;
                inner = Build(layer.Layers, $"{at}.layers", $"{name}.layers", ref way, null);
                projection = Build(layer.Projection, $"{at}.projection", $"{name}.projection", ref own, null);
                if (way != own)
                    throw new RefusedException(
                        layer.Projection.Count == 0
                            ? Tr(
                                $"\"{at}\" adds {way} to its input {own}; give a \"projection\" that makes the shapes equal.",
                                $"\"{at}\" 将 {way} 加到输入 {own} 上；请给出使形状相等的 \"projection\"。"
                            )
                            : Tr(
                                $"\"{at}\" adds {way} to its projection {own}; the shapes must be equal.",
                                $"\"{at}\" 将 {way} 加到投影 {own} 上；形状必须相等。"
                            )
                    );
                output = way;
                break;
        }
        if (output.Size > MaxValues)
            throw new RefusedException(
                Tr(
                    $"\"{at}\" makes {output.Size:#,0} values of an example; at most {MaxValues:#,0} are allowed.",
                    $"\"{at}\" 由一个样本产生 {output.Size:#,0} 个值；最多允许 {MaxValues:#,0} 个。"
                )
            );
        return new LayerNode(layer, shape, output, group, statistics, inner, projection);
    }

    private int Add(string name, WeightRole role, int inputs, int outputs, bool bias, int area = 1, Activation follows = Activation.Linear)
    {
        weights.Add(new WeightGroup(name, role, inputs, outputs, bias, area, follows));
        if (weights.Sum(w => w.Count) > SpecResolver.MaxParameters)
            throw new RefusedException(
                Tr(
                    $"\"model.layers\" makes more than {SpecResolver.MaxParameters:#,0} weights, which is the most allowed.",
                    $"\"model.layers\" 的权重超过允许的 {SpecResolver.MaxParameters:#,0} 个。"
                )
            );
        return weights.Count - 1;
    }

    /// <summary>The first layer with weights of a tower needs no gradient of its input.</summary>
    private void Count(long products)
    {
        Products += products;
        if (FirstProducts == 0)
            FirstProducts = products * model.Towers;
    }

    private void Pixels(string at, TensorShape shape)
    {
        if (Input.Pixels == 1 || (flattened && shape.Pixels == 1))
            throw new RefusedException(
                Tr(
                    $"\"{at}\" reads an image, but gets the vector {shape}; the data must be images, and no layer before it may make vectors of them.",
                    $"\"{at}\" 需要图像，但得到向量 {shape}；数据必须是图像，且其前的层不得将其变为向量。"
                )
            );
    }

    private static TensorShape Windows(string at, LayerSpec layer, TensorShape shape, int channels)
    {
        int rows = shape.Rows + 2 * layer.Padding - layer.Kernel,
            columns = shape.Columns + 2 * layer.Padding - layer.Kernel;
        if (rows < 0 || columns < 0)
            throw new RefusedException(
                Tr(
                    $"\"{at}.kernel\" is {layer.Kernel}, larger than the image {shape} with its padding.",
                    $"\"{at}.kernel\" 是 {layer.Kernel}，大于含填充的图像 {shape}。"
                )
            );
        return new TensorShape(channels, rows / layer.Stride + 1, columns / layer.Stride + 1);
    }
}
