using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using TorchSharp;
using static TorchSharp.torch;

namespace BatchViz.Engine.Torch;

/// <summary>From the weights of M nets and examples of a split to losses: a network with its loss, or a surface.</summary>
internal sealed class StackedModel(ParameterLayout layout, DataSet data, Precision precision)
{
    private readonly StackedNet net = new(layout, precision);
    private readonly LossHead head = new(layout);

    public ParameterLayout Layout => layout;

    /// <summary>Whether products are in fewer bits than float32's.</summary>
    public bool Narrow => precision is Precision.BFloat16 or Precision.Float16;

    /// <summary>Losses [M, B], whose mean over B is the batch's.</summary>
    /// <param name="examples">In the split: [M·B], net by net, or [B], the same for all.</param>
    public Tensor Losses(Pass pass, TorchSplit split, Tensor examples) =>
        data.Surface is { } surface
            ? Surface(surface, pass, split, examples)
            : head.Losses(pass.Leaves, net.Forward(pass, Features(pass, split, examples)), split, examples);

    /// <summary>Losses [M, B], and whether each example is classified rightly; null where that is no question.</summary>
    public (Tensor Losses, Tensor? Right) Evaluate(Pass pass, TorchSplit split, Tensor examples)
    {
        if (data.Surface is { } surface)
            return (Surface(surface, pass, split, examples), null);
        var outputs = net.Forward(pass, Features(pass, split, examples));
        return (head.Losses(pass.Leaves, outputs, split, examples), head.Right(outputs, split, examples));
    }

    /// <summary>Outputs [M, B, outputs] for features [1, B, inputs].</summary>
    public Tensor Outputs(Pass pass, Tensor features) => net.Forward(pass, features)[0];

    /// <summary>Losses of outputs that a pass gave.</summary>
    public Tensor LossesOf(Pass pass, Tensor outputs, TorchSplit split, Tensor examples) =>
        head.Losses(pass.Leaves, [outputs], split, examples);

    public static Tensor Features(Pass pass, TorchSplit split, Tensor examples)
    {
        var rows = split.Gather(examples);
        long members = pass.Leaves.Members,
            count = examples.shape[0];
        // As many rows as one batch has: the same for all nets, or one net.
        return pass.Shared || members == 1 ? rows.unsqueeze(0) : rows.view(members, count / members, rows.shape[1]);
    }

    /// <summary>
    /// f(x, y) + a·x + b·y of each example (a, b), in double precision; <see cref="Surfaces.Describe"/> has the formulas.
    /// </summary>
    private static Tensor Surface(SurfaceKind kind, Pass pass, TorchSplit split, Tensor examples)
    {
        var shifts = Features(pass, split, examples).to(ScalarType.Float64);
        long members = pass.Leaves.Members,
            count = shifts.shape[1];
        // Each example sees the two weights for itself, so that the gradient by them is its own.
        var point = pass.Leaves.Weights(0, members, 1, 2).expand(members, count, 2).clone();
        pass.Tape?.Add(new PointTouch(0, point));
        var wide = point.to(ScalarType.Float64);
        Tensor x = wide.select(2, 0),
            y = wide.select(2, 1);
        var value = kind switch
        {
            SurfaceKind.DoubleWell => x.Squared().Minus(1).Squared().Over(4).Plus(x.Over(10)).Plus(y.Squared().Over(2)),
            SurfaceKind.Saddle => (x.Squared().Over(2) - y.Squared().Over(2)).Plus(y.Squared().Squared().Over(8)),
            SurfaceKind.Beale => (x * y - x)
                .Plus(1.5)
                .Squared()
                .Plus((x * y.Squared() - x).Plus(2.25).Squared())
                .Plus((x * y.Squared() * y - x).Plus(2.625).Squared()),
            _ => throw new ArgumentOutOfRangeException(nameof(kind)),
        };
        return value.Plus((wide * shifts).sum(2));
    }
}

/// <summary>Two weights that every example sees for itself: gᵢ = δ.</summary>
internal sealed record PointTouch(int Group, Tensor Output) : LayerCapture(Group, Output)
{
    public override Tensor Squares(ParameterViews leaves, Tensor delta) => delta.Squared().sum(2);

    public override Tensor Slopes(ParameterViews direction, Tensor delta) => (delta * direction.Matrices[0].squeeze(2).unsqueeze(1)).sum(2);
}
