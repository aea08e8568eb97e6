using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace BatchViz.Engine.Torch;

/// <summary>
/// The forward pass of M nets of one shape at once. Vectors are [M, B, width], of one net [B, width]; images [B, M·channels, rows,
/// columns], so that the nets are groups of one convolution. Products are in the engine's precision; norms, losses and weights in float32.
/// </summary>
internal sealed class StackedNet(ParameterLayout layout, Precision precision)
{
    private readonly NetworkSpec network = layout.Network;
    private readonly ScalarType? narrow = precision switch
    {
        Precision.BFloat16 => ScalarType.BFloat16,
        Precision.Float16 => ScalarType.Float16,
        _ => null,
    };

    /// <summary>Outputs [M, B, outputs] of each tower for features [M or 1, B, inputs of all towers].</summary>
    public Tensor[] Forward(Pass pass, Tensor features)
    {
        long members = pass.Leaves.Members,
            rows = features.shape[1];
        bool one = members == 1;
        pass.Rows = rows;
        var x =
            one ? features.squeeze(0)
            : features.shape[0] == members ? features
            : features.expand(members, rows, features.shape[2]);
        if (!network.Layered)
            return [Outputs(Dense(pass, x))];
        var input = network.Graph.Input;
        var outputs = new Tensor[network.Model.Towers];
        int dropouts = 0;
        for (int t = 0; t < outputs.Length; t++)
        {
            var view = outputs.Length == 1 ? x : x.narrow(-1, t * input.Size, input.Size);
            if (input.Pixels > 1)
                view = (one ? view : view.transpose(0, 1)).reshape(rows, members * input.Channels, input.Rows, input.Columns);
            outputs[t] = Outputs(Flat(pass, Layers(pass, network.Graph.Towers[t], view, ref dropouts)));
        }
        return outputs;

        Tensor Outputs(Tensor z) => Float(one ? z.unsqueeze(0) : z);
    }

    private Tensor Dense(Pass pass, Tensor x)
    {
        for (int l = 0; l < layout.Places.Length; l++)
            x = Activate(layout.Places[l].Group.Follows, Affine(pass, l, x));
        return x;
    }

    private Tensor Layers(Pass pass, IReadOnlyList<LayerNode> nodes, Tensor x, ref int dropouts)
    {
        foreach (var node in nodes)
            x = Layer(pass, node, x, ref dropouts);
        return x;
    }

    private Tensor Layer(Pass pass, LayerNode node, Tensor x, ref int dropouts)
    {
        var spec = node.Spec;
        switch (spec.Kind)
        {
            case LayerKind.Conv2d:
                return Convolve(pass, node, x);
            case LayerKind.Dense:
                return Affine(pass, node.Weights, x);
            case LayerKind.MaxPool:
                return F.max_pool2d(x, [spec.Kernel, spec.Kernel], [spec.Stride, spec.Stride]);
            case LayerKind.AvgPool when spec.Kernel == 0:
                return Flat(pass, x.mean([2, 3], keepdim: true));
            case LayerKind.AvgPool:
                return F.avg_pool2d(x, [spec.Kernel, spec.Kernel], [spec.Stride, spec.Stride]);
            case LayerKind.Flatten:
                return Flat(pass, x);
            case LayerKind.Activation:
                return Activate(spec.Function, x);
            case LayerKind.Dropout:
                int number = dropouts++;
                if (!pass.Training || spec.Rate == 0)
                    return x;
                return x * pass.Mask!(spec.Rate, number, node.Input, x.shape);
            case LayerKind.BatchNorm:
                return BatchNorm(pass, node, Float(x));
            case LayerKind.GroupNorm or LayerKind.LayerNorm:
                return GroupNorm(pass, node, Float(x), spec.Kind == LayerKind.LayerNorm ? 1 : spec.Groups);
            case LayerKind.Residual:
                Tensor way = Layers(pass, node.Inner, x, ref dropouts),
                    own = Layers(pass, node.Projection, x, ref dropouts);
                return way.Plus(own);
            default:
                throw new ArgumentOutOfRangeException(nameof(node), spec.Kind, "unknown layer");
        }
    }

    /// <summary>Images to vectors; vectors stay.</summary>
    private static Tensor Flat(Pass pass, Tensor x)
    {
        if (x.dim() < 4)
            return x;
        return pass.Leaves.Members == 1 ? x.reshape(pass.Rows, -1) : x.reshape(pass.Rows, pass.Leaves.Members, -1).transpose(0, 1);
    }

    private Tensor Affine(Pass pass, int group, Tensor x)
    {
        x = Flat(pass, x);
        var (leaves, of) = (pass.Leaves, layout.Places[group].Group);
        Tensor input = Narrow(x),
            z;
        var bias = leaves.Bias(group) is { } b ? Narrow(b) : null;
        if (leaves.Members == 1)
        {
            z = F.linear(input, Narrow(leaves.Weights(group, of.Outputs, of.Inputs)), bias);
        }
        else
        {
            z = input.bmm(Narrow(leaves.Weights(group, leaves.Members, of.Outputs, of.Inputs)).transpose(1, 2));
            // TorchSharp's baddbmm takes its arguments in another order than it says.
            if (bias is not null)
                z = z.Plus_(bias.unsqueeze(1));
        }
        pass.Tape?.Add(new DenseCapture(group, input, z));
        return z;
    }

    private Tensor Convolve(Pass pass, LayerNode node, Tensor x)
    {
        var spec = node.Spec;
        int kernel = spec.Kernel,
            channels = node.Input.Channels / spec.Groups;
        long members = pass.Leaves.Members;
        bool apart = pass.SumsExamples && ConvCapture.Direct(spec, node.Input.Channels, node.Output.Pixels);
        long filters = members * spec.Filters;
        long[] shape = [filters, channels, kernel, kernel];
        var weights = apart ? pass.Leaves.Matrices[node.Weights].reshape(shape) : pass.Leaves.Weights(node.Weights, shape);
        var own = apart ? pass.Leaves.Biases[node.Weights] : pass.Leaves.Bias(node.Weights);
        // One net's are a vector already, which the graph need not reshape.
        var bias = own is null ? null : Narrow(own.dim() == 1 ? own : own.reshape(filters));
        var input = Narrow(x);
        var z = F.conv2d(
            input,
            Narrow(weights),
            bias,
            [spec.Stride, spec.Stride],
            [spec.Padding, spec.Padding],
            [1, 1],
            members * spec.Groups
        );
        // The graph begins here where nothing before has weights in it.
        if (apart && !z.requires_grad)
            z.requires_grad_(true);
        pass.Tape?.Add(new ConvCapture(node.Weights, spec, input, z, apart));
        return z;
    }

    private static Tensor BatchNorm(Pass pass, LayerNode node, Tensor x)
    {
        int channels = node.Output.Channels;
        long members = pass.Leaves.Members,
            all = members * channels;
        bool image = x.dim() == 4;
        Tensor mean,
            variance;
        if (!pass.Training)
        {
            mean = pass.Running!.narrow(1, node.Statistics, channels);
            variance = pass.Running.narrow(1, node.Statistics + channels, channels).AtLeast(0);
            if (pass.Tape is not null)
            {
                // What goes into γ and β is wanted by itself.
                long[] shape = ByChannel(members, channels, image);
                return Scale(pass, node, (x - mean.reshape(shape)) * variance.reshape(shape).Plus(node.Spec.Epsilon).rsqrt(), shape);
            }
        }
        else
        {
            // With a momentum of 1 running statistics are the batch's.
            (mean, variance) = (zeros(all, ScalarType.Float32, x.device), zeros(all, ScalarType.Float32, x.device));
            pass.Seen?.Add(
                new BatchStatistics(
                    node.Statistics,
                    channels,
                    (float)node.Spec.Momentum,
                    pass.Rows * node.Output.Pixels,
                    mean.view(members, channels),
                    variance.view(members, channels)
                )
            );
        }
        // Channels of all nets side by side.
        bool turns = !image && members > 1;
        var flat = turns ? x.transpose(0, 1).reshape(pass.Rows, all) : x;
        Tensor gamma = pass.Leaves.Weights(node.Weights, all),
            beta = pass.Leaves.Bias(node.Weights)!;
        if (members > 1)
            beta = beta.reshape(all);
        var z = F.batch_norm(flat, mean.reshape(all), variance.reshape(all), gamma, beta, pass.Training, 1, node.Spec.Epsilon);
        return turns ? z.view(pass.Rows, members, channels).transpose(0, 1) : z;
    }

    private static Tensor GroupNorm(Pass pass, LayerNode node, Tensor x, int groups)
    {
        bool image = x.dim() == 4;
        int channels = node.Output.Channels;
        long members = pass.Leaves.Members;
        var grouped = image || members == 1 ? x.reshape(pass.Rows, members * groups, -1) : x.reshape(members, pass.Rows, groups, -1);
        var (variance, mean) = var_mean(grouped, [grouped.dim() - 1], unbiased: false, keepdim: true);
        var normal = ((grouped - mean) * variance.Plus(node.Spec.Epsilon).rsqrt()).reshape(x.shape);
        return Scale(pass, node, normal, ByChannel(members, channels, image));
    }

    /// <summary>The shape in which a number for each channel meets a value.</summary>
    private static long[] ByChannel(long members, long channels, bool image) =>
        image ? [1, members * channels, 1, 1]
        : members == 1 ? [channels]
        : [members, 1, channels];

    private static Tensor Scale(Pass pass, LayerNode node, Tensor normal, long[] shape)
    {
        Tensor gamma = pass.Leaves.Weights(node.Weights, shape),
            beta = pass.Leaves.Bias(node.Weights)!.reshape(shape);
        var z = (normal * gamma).Plus(beta);
        pass.Tape?.Add(new NormCapture(node.Weights, normal, z));
        return z;
    }

    private static Tensor Activate(Activation kind, Tensor z) =>
        kind switch
        {
            Activation.Relu => z.relu(),
            Activation.Tanh => z.tanh(),
            Activation.Sigmoid => z.sigmoid(),
            Activation.Gelu => F.gelu(z),
            _ => z,
        };

    private Tensor Narrow(Tensor x) => narrow is { } type && x.dtype != type ? x.to(type) : x;

    private Tensor Float(Tensor x) => narrow is not null && x.dtype != ScalarType.Float32 ? x.to(ScalarType.Float32) : x;
}

/// <summary>What a forward pass is given, and what it leaves.</summary>
internal sealed class Pass(ParameterViews leaves)
{
    public ParameterViews Leaves { get; } = leaves;

    /// <summary>All nets see the same examples.</summary>
    public bool Shared { get; init; }

    /// <summary>Batch norms take the batch's statistics and dropout drops.</summary>
    public bool Training { get; init; }

    /// <summary>Running statistics [M, S] that are used while not training.</summary>
    public Tensor? Running { get; init; }

    /// <summary>The mask of a dropout layer, for a value of the given shape.</summary>
    public Func<double, int, TensorShape, long[], Tensor>? Mask { get; init; }

    /// <summary>Every use of weights, where examples' own gradients are wanted.</summary>
    public List<LayerCapture>? Tape { get; init; }

    /// <summary>Gradients of the batch may be summed from the examples' own, which the tape has.</summary>
    public bool SumsExamples => Training && Tape is not null;

    /// <summary>What batch norms saw while training.</summary>
    public List<BatchStatistics>? Seen { get; init; }

    /// <summary>B.</summary>
    public long Rows { get; set; }
}

/// <summary>A batch norm's view of one batch: means and variances without bias [M, channels].</summary>
internal sealed record BatchStatistics(int First, int Channels, float Momentum, long Counted, Tensor Mean, Tensor Variance)
{
    /// <summary>The running statistics [M, S] with this batch in them; its variance only where there is one.</summary>
    public void Commit(Tensor running)
    {
        using var mean = running.narrow(1, First, Channels);
        mean.Times_(1 - Momentum).Plus_(Mean, Momentum);
        if (Counted < 2)
            return;
        using var variance = running.narrow(1, First + Channels, Channels);
        variance.Times_(1 - Momentum).Plus_(Variance, Momentum);
    }
}
