using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using TorchSharp;
using static BatchViz.Engine.Torch.Arithmetic;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace BatchViz.Engine.Torch;

/// <summary>Losses of M nets' outputs for examples of a split. <see cref="LossKind"/> has the formulas.</summary>
internal sealed class LossHead(ParameterLayout layout)
{
    private readonly NetworkSpec network = layout.Network;

    /// <summary>
    /// Losses [M, B] of each example; of a contrastive loss, which is the batch's, each pair's share of it: their mean is the batch's loss.
    /// </summary>
    /// <param name="outputs">Of each tower [M, B, outputs].</param>
    /// <param name="examples">In the split, [M·B] or, the same for all nets, [B].</param>
    public Tensor Losses(ParameterViews leaves, Tensor[] outputs, TorchSplit split, Tensor examples)
    {
        if (network.Contrastive)
            return Contrast(leaves, Similarities(outputs));
        var z = outputs[0];
        switch (network.Loss)
        {
            case LossKind.CrossEntropy:
                long nets = z.shape[0],
                    rows = z.shape[1];
                var labels = PerNet(split.Labels!.index_select(0, examples), z);
                if (z.requires_grad)
                    return CrossEntropy(z, labels.view(nets, rows, 1));
                return F.cross_entropy(z.reshape(nets * rows, -1), labels.reshape(nets * rows), reduction: nn.Reduction.None)
                    .view(nets, rows);
            case LossKind.Logistic:
                return (z.squeeze(2) * Signs(split, examples, z).neg()).Softplus();
            default:
                return (z - Targets(split, examples, z)).Squared().sum(2).Times(0.5);
        }
    }

    /// <summary>
    /// ln Σ_j e^(z_j − z_y), where the right class's own term is a constant 1: so its slope is −Σ p_j over the others, which keeps its
    /// digits where p_y is nearly 1 and p_y − 1, as libtorch has it, would not.
    /// </summary>
    private static Tensor CrossEntropy(Tensor z, Tensor labels)
    {
        var shifted = z - z.gather(2, labels);
        var own = arange(Number(0L), Number(z.shape[2]), Number(1L), ScalarType.Int64, z.device).eq(labels);
        return where(own, zeros_like(shifted), shifted).logsumexp(2);
    }

    /// <summary>
    /// Whether each example is classified rightly, or each pair's second view found [M, B]; null where that is no question.
    /// </summary>
    public Tensor? Right(Tensor[] outputs, TorchSplit split, Tensor examples)
    {
        if (network.Contrastive)
        {
            var similar = Similarities(outputs);
            return Chosen(similar, arange(Number(0L), Number(similar.shape[1]), Number(1L), ScalarType.Int64, similar.device).unsqueeze(0));
        }
        if (split.Labels is not { } labels)
            return null;
        var z = outputs[0];
        var wanted = PerNet(labels.index_select(0, examples), z);
        if (z.shape[2] > 1)
            return Chosen(z, wanted);
        var one = z.squeeze(2);
        return one.gt(Number(0.0)).eq(wanted.eq(Number(1L))).logical_and(one.isnan().logical_not());
    }

    private static Tensor Chosen(Tensor scores, Tensor wanted) =>
        scores.argmax(2).eq(wanted).logical_and(scores.isnan().any(2).logical_not());

    private static Tensor Similarities(Tensor[] outputs) => Unit(outputs[0]).bmm(Unit(outputs[1]).transpose(1, 2));

    private static Tensor Unit(Tensor rows) => rows / rows.Squared().sum(2, keepdim: true).AtLeast(1e-24).sqrt();

    private Tensor Contrast(ParameterViews leaves, Tensor similar)
    {
        long pairs = similar.shape[1];
        if (network.Loss == LossKind.InfoNce)
        {
            var scaled = similar.Over(network.Model.Temperature);
            return scaled.log_softmax(2).diagonal(0, 1, 2).Plus(scaled.log_softmax(1).diagonal(0, 1, 2)).Times(-0.5);
        }
        Tensor y;
        if (network.Graph.LossWeights is >= 0 and var own)
            y = (similar * leaves.Weights(own, leaves.Members, 1, 1).exp()).Plus(leaves.Bias(own)!.reshape(leaves.Members, 1, 1));
        else
            y = similar.Times(Math.Exp(InitialWeights.LogScale(network))).Plus(InitialWeights.LossBias);
        var signs = eye(pairs, dtype: ScalarType.Float32, device: similar.device).Times_(-2).Plus_(1);
        return (y * signs).Softplus().sum(2);
    }

    /// <summary>[M·B] or [B] to [M, B].</summary>
    private static Tensor PerNet(Tensor values, Tensor z) =>
        values.NumberOfElements == z.shape[0] * z.shape[1]
            ? values.view(z.shape[0], z.shape[1])
            : values.unsqueeze(0).expand(z.shape[0], z.shape[1]);

    private static Tensor Signs(TorchSplit split, Tensor examples, Tensor z) =>
        PerNet(split.Labels!.index_select(0, examples), z).to(ScalarType.Float32).Times(2).Minus(1);

    public static Tensor Targets(TorchSplit split, Tensor examples, Tensor z)
    {
        if (split.Targets is { } targets)
        {
            var rows = targets.index_select(0, examples);
            return rows.shape[0] == z.shape[1] && z.shape[0] > 1 ? rows.unsqueeze(0) : rows.view(z.shape);
        }
        if (z.shape[2] == 1)
            return Signs(split, examples, z).unsqueeze(2);
        return F.one_hot(PerNet(split.Labels!.index_select(0, examples), z), z.shape[2]).to(ScalarType.Float32);
    }
}
