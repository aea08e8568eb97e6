using BatchViz.Core.Specs;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace BatchViz.Engine.Torch;

/// <summary>
/// One use of a group of weights in a forward pass: what went in and what came out, from which each example's own gradient follows.
/// </summary>
/// <param name="Output">Before the activation; the loss's gradient by it is δ.</param>
internal abstract record LayerCapture(int Group, Tensor Output)
{
    /// <summary>‖gᵢ‖² of the group for each example [M, B].</summary>
    public abstract Tensor Squares(ParameterViews leaves, Tensor delta);

    /// <summary>⟨gᵢ, d⟩ of the group for each example [M, B], d given as weights are.</summary>
    public abstract Tensor Slopes(ParameterViews direction, Tensor delta);
}

/// <summary>z = Wx + b: gᵢ = δxᵀ, ‖gᵢ‖² = (‖x‖² + 1)‖δ‖² (Goodfellow 2015, arXiv:1510.01799).</summary>
internal sealed record DenseCapture(int Group, Tensor Input, Tensor Output) : LayerCapture(Group, Output)
{
    public override Tensor Squares(ParameterViews leaves, Tensor delta)
    {
        var inputs = Input.detach().to(ScalarType.Float32).Squared().sum(-1);
        if (leaves.Bias(Group) is not null)
            inputs = inputs.Plus(1);
        return (inputs * delta.to(ScalarType.Float32).Squared().sum(-1)).reshape(leaves.Members, -1);
    }

    public override Tensor Slopes(ParameterViews direction, Tensor delta)
    {
        var input = Input.detach().to(ScalarType.Float32);
        // One net's inputs come without the dimension of nets.
        if (input.dim() == 2)
            input = input.unsqueeze(0);
        var along = input.bmm(direction.Matrices[Group].transpose(1, 2));
        if (direction.Biases[Group] is { } bias)
            along.Plus_(bias.unsqueeze(1));
        return (along * delta.to(ScalarType.Float32)).sum(2);
    }
}

/// <summary>
/// gᵢ = δ·windowsᵀ, windows [channels·kernel², pixels] of the example's image; its norm by the cheaper of the gradient itself and the Gram
/// matrices of windows and δ, a few examples at a time, so that their windows stay in the cache of a CPU.
/// </summary>
/// <param name="Apart">The graph does not lead to the weights: their gradient is the sum of the examples' own, which are there
/// anyway.</param>
internal sealed record ConvCapture(int Group, LayerSpec Spec, Tensor Input, Tensor Output, bool Apart) : LayerCapture(Group, Output)
{
    private const long CpuFloats = 1 << 18,
        DeviceFloats = 1 << 27;

    /// <summary>Whether norms come from the examples' own gradients.</summary>
    public static bool Direct(LayerSpec spec, long channels, long pixels)
    {
        long inputs = channels / spec.Groups * spec.Kernel * spec.Kernel,
            filters = spec.Filters / spec.Groups;
        return inputs * filters <= pixels * (inputs + filters);
    }

    public override Tensor Squares(ParameterViews leaves, Tensor delta)
    {
        long rows = delta.shape[0],
            members = leaves.Members,
            filters = Spec.Filters / Spec.Groups,
            pixels = delta.shape[2] * delta.shape[3];
        long groups = rows * members * Spec.Groups,
            channels = Input.shape[1] / (members * Spec.Groups),
            inputs = channels * Spec.Kernel * Spec.Kernel;
        Tensor images = Input.detach().to(ScalarType.Float32).reshape(groups, channels, Input.shape[2], Input.shape[3]),
            slopes = delta.to(ScalarType.Float32).reshape(groups, filters, pixels);
        bool direct = Direct(Spec, channels * Spec.Groups, pixels);
        long most =
            (delta.device.type == DeviceType.CPU ? CpuFloats : DeviceFloats)
            / (direct ? inputs * pixels : pixels * Math.Max(inputs, pixels));
        // Whole examples.
        most = Math.Max(1, most / (groups / rows)) * (groups / rows);
        var parts = new List<Tensor>();
        for (long first = 0; first < groups; first += most)
        {
            using var scope = NewDisposeScope();
            long count = Math.Min(most, groups - first);
            bool all = count == groups;
            Tensor windows = Windows(all ? images : images.narrow(0, first, count)).reshape(count, inputs, pixels),
                by = all ? slopes : slopes.narrow(0, first, count);
            if (direct)
            {
                var each = by.bmm(windows.transpose(1, 2));
                if (Apart)
                    Add(each, leaves.SlotsOf(Group).Weights, rows * count / groups);
                parts.Add(each.mul_(each).sum([1, 2]).MoveToOuterDisposeScope());
            }
            else
            {
                parts.Add(windows.transpose(1, 2).bmm(windows).mul_(by.transpose(1, 2).bmm(by)).sum([1, 2]).MoveToOuterDisposeScope());
            }
        }
        var squares = parts.Count == 1 ? parts[0] : cat(parts, 0);
        if (leaves.Bias(Group) is not null)
        {
            var sums = slopes.sum(2);
            if (Apart)
                Add(sums, leaves.SlotsOf(Group).Bias!, rows);
            squares = squares.Plus(sums.mul_(sums).sum(1));
        }
        squares = squares.view(rows, members * Spec.Groups);
        if (Spec.Groups > 1)
            squares = squares.view(rows, members, Spec.Groups).sum(2);
        return squares.transpose(0, 1);
    }

    /// <summary>Examples' own gradients, example by example, to where the batch's is.</summary>
    private static void Add(Tensor each, Tensor slot, long rows) =>
        slot.Plus_((rows == 1 ? each : each.view(rows, -1).sum([0L])).view(slot.shape));

    /// <summary>[n, channels, kernel, kernel, rows, columns] of images [n, channels, rows, columns].</summary>
    private Tensor Windows(Tensor images)
    {
        long[] frame = [Spec.Padding, Spec.Padding, Spec.Padding, Spec.Padding];
        var framed = Spec.Padding == 0 ? images : F.pad(images, frame);
        return framed.unfold(2, Spec.Kernel, Spec.Stride).unfold(3, Spec.Kernel, Spec.Stride).permute(0, 1, 4, 5, 2, 3);
    }

    public override Tensor Slopes(ParameterViews direction, Tensor delta)
    {
        long members = direction.Members;
        var weights = direction.Matrices[Group];
        var filters = weights.reshape(members * Spec.Filters, weights.shape[2] / (Spec.Kernel * Spec.Kernel), Spec.Kernel, Spec.Kernel);
        var along = F.conv2d(
            Input.detach().to(ScalarType.Float32),
            filters,
            direction.Biases[Group]?.reshape(-1),
            [Spec.Stride, Spec.Stride],
            [Spec.Padding, Spec.Padding],
            [1, 1],
            members * Spec.Groups
        );
        return (along * delta.to(ScalarType.Float32)).reshape(delta.shape[0], members, -1).sum(2).transpose(0, 1);
    }
}

/// <summary>z = γx̂ + β by channel: gᵢ = (Σδx̂, Σδ) over the pixels.</summary>
internal sealed record NormCapture(int Group, Tensor Normal, Tensor Output) : LayerCapture(Group, Output)
{
    public override Tensor Squares(ParameterViews leaves, Tensor delta)
    {
        var product = delta * Normal.detach();
        if (delta.dim() < 4)
            return product.Squared().sum(-1).Plus(delta.Squared().sum(-1)).reshape(leaves.Members, -1);
        var squares = product.sum([2, 3]).Squared().Plus(delta.sum([2, 3]).Squared());
        return squares.reshape(delta.shape[0], leaves.Members, -1).sum(2).transpose(0, 1);
    }

    public override Tensor Slopes(ParameterViews direction, Tensor delta)
    {
        bool image = delta.dim() == 4;
        long[] shape = image ? [1, -1, 1, 1] : [direction.Members, 1, -1];
        var along = (Normal.detach() * direction.Matrices[Group].reshape(shape)).Plus(direction.Biases[Group]!.reshape(shape)) * delta;
        return image ? along.reshape(delta.shape[0], direction.Members, -1).sum(2).transpose(0, 1) : along.sum(2);
    }
}
