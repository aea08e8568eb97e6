using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using TorchSharp;
using static BatchViz.Engine.Torch.Arithmetic;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace BatchViz.Engine.Torch;

/// <summary>
/// Gradients of M dense nets without autograd, whose bookkeeping costs more than a small net's arithmetic: δ goes back through the layers,
/// a layer's gradient is δᵀx. In float32.
/// </summary>
internal sealed class DensePass(ParameterLayout layout, TorchSplit train)
{
    private readonly NetworkSpec network = layout.Network;

    /// <summary>
    /// Sums of losses [M], and ‖gᵢ‖² / count² [M, B] of each example's loss; gradients of the mean over <paramref name="count"/> examples
    /// go where the leaves collect them, in place of those there or, from a batch's later parts, on top.
    /// </summary>
    /// <param name="examples">[M·B], member by member.</param>
    public (Tensor Sum, Tensor? Squares) At(ParameterViews at, Tensor examples, long count, bool onTop, bool exampleNorms)
    {
        using var still = no_grad();
        long members = at.Members,
            rows = examples.shape[0] / members;
        int layers = layout.Places.Length;
        // One net's batch is a matrix, [B, width]; of several [M, B, width].
        bool one = members == 1;
        var activations = new Tensor[layers + 1];
        // Of GELU, whose slope does not follow from its output.
        var linears = new Tensor?[layers];
        activations[0] = one ? train.Gather(examples) : train.Gather(examples).view(members, rows, -1);
        for (int l = 0; l < layers; l++)
        {
            var group = layout.Places[l].Group;
            Tensor z;
            if (one)
                z = F.linear(activations[l], at.Weights(l, group.Outputs, group.Inputs), at.Bias(l));
            else
                z = activations[l].bmm(at.Transposed[l]);
            if (!one && group.Bias)
                z.Plus_(at.BroadcastBiases[l]!);
            activations[l + 1] = Activate(group.Follows, z, out var linear);
            linears[l] = linear;
        }
        var (losses, delta) = Loss(one ? activations[layers].unsqueeze(0) : activations[layers], examples);
        delta.Times_(1f / count);
        if (one)
            delta = delta.squeeze(0);
        Tensor? squares = null;
        for (int l = layers - 1; l >= 0; l--)
        {
            Derive(layout.Places[l].Group.Follows, delta, activations[l + 1], linears[l]);
            var (weights, bias) = at.SlotsOf(l);
            var turned = delta.transpose(-2, -1);
            if (one)
                weights.addmm_(turned, activations[l], onTop ? 1 : 0);
            else
                Put(turned.bmm(activations[l]), weights);
            if (bias is not null)
                Put(delta.sum(-2), bias);
            if (exampleNorms)
            {
                var inputs = activations[l].Squared().sum(-1);
                if (bias is not null)
                    inputs.Plus_(1);
                inputs.mul_(delta.Squared().sum(-1));
                squares = squares is null ? inputs : squares.Plus_(inputs);
            }
            if (l > 0)
                delta = one
                    ? delta.mm(at.Weights(l, layout.Places[l].Group.Outputs, layout.Places[l].Group.Inputs))
                    : delta.bmm(at.Matrices[l]);
        }
        return (losses.sum(1, false, ScalarType.Float64), squares?.view(members, rows));

        void Put(Tensor value, Tensor slot)
        {
            if (onTop)
                slot.Plus_(value);
            else
                slot.copy_(value);
        }
    }

    private static Tensor Activate(Activation kind, Tensor z, out Tensor? linear)
    {
        linear = kind == Activation.Gelu ? z : null;
        return kind switch
        {
            Activation.Relu => z.relu_(),
            Activation.Tanh => z.tanh_(),
            Activation.Sigmoid => z.sigmoid_(),
            Activation.Gelu => F.gelu(z),
            _ => z,
        };
    }

    /// <summary>δ ← δ·σ'(z).</summary>
    private static void Derive(Activation kind, Tensor delta, Tensor a, Tensor? z)
    {
        switch (kind)
        {
            case Activation.Relu:
                delta.mul_(a.gt(Number(0.0)));
                break;
            case Activation.Tanh:
                delta.sub_(a.Squared().mul_(delta));
                break;
            case Activation.Sigmoid:
                delta.mul_(a.sub(a.Squared()));
                break;
            case Activation.Gelu when z is not null:
                // Φ(z) + zφ(z)
                var slope = z.Times(0.707106781186547524)
                    .erf_()
                    .Plus_(1)
                    .Times_(0.5)
                    .Plus_(z.Squared().Times_(-0.5).exp_().Times_(0.398942280401432678).mul_(z));
                delta.mul_(slope);
                break;
        }
    }

    /// <summary>Losses [M, B], and their derivatives by the outputs [M, B, outputs].</summary>
    private (Tensor Losses, Tensor Delta) Loss(Tensor z, Tensor examples)
    {
        switch (network.Loss)
        {
            case LossKind.CrossEntropy:
                var labels = train.Labels!.index_select(0, examples).view(z.shape[0], z.shape[1], 1);
                var logarithms = z.log_softmax(2);
                var losses = logarithms.gather(2, labels).squeeze(2).neg_();
                // p − 1 of the right class would lose its digits where p is nearly 1; the other classes' p have them.
                var others = logarithms.exp_().scatter_(2, labels, Filled([z.shape[0], z.shape[1], 1], 0, ScalarType.Float32, z.device));
                return (losses, others.scatter_(2, labels, others.sum(2, true).neg_()));
            case LossKind.Logistic:
                var signs = train
                    .Labels!.index_select(0, examples)
                    .view(z.shape[0], z.shape[1], 1)
                    .to(ScalarType.Float32)
                    .Times_(-2)
                    .Plus_(1);
                var against = z * signs;
                return (against.Softplus().squeeze(2), against.sigmoid().mul_(signs));
            default:
                var off = z - LossHead.Targets(train, examples, z);
                return (off.Squared().sum(2).Times_(0.5), off);
        }
    }
}
