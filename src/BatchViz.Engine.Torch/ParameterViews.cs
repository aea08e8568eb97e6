using BatchViz.Core.Engines;
using TorchSharp;
using static TorchSharp.torch;

namespace BatchViz.Engine.Torch;

/// <summary>
/// Weights [M, P] of M nets of one shape, group by group as views of the same memory. Made once, they follow every change in place.
/// </summary>
internal sealed class ParameterViews : IDisposable
{
    private readonly List<Tensor> all = [],
        slots = [],
        views = [];
    private readonly (int Weights, long[] Shape, int Bias)[] groups;

    /// <param name="gradient">Derivatives can be taken by them.</param>
    /// <param name="gradients">[M, P], where <see cref="Autograd.Accumulate"/> adds the gradients by them. It stays the caller's.</param>
    public ParameterViews(ParameterLayout layout, Tensor weights, bool gradient, Tensor? gradients = null)
    {
        Gradients = gradients;
        Members = weights.shape[0];
        groups = new (int, long[], int)[layout.Places.Length];
        Matrices = new Tensor[groups.Length];
        Biases = new Tensor?[groups.Length];
        Transposed = new Tensor[groups.Length];
        BroadcastBiases = new Tensor?[groups.Length];
        using var scope = NewDisposeScope();
        for (int l = 0; l < groups.Length; l++)
        {
            var place = layout.Places[l];
            long[] shape = ShapeOf(place.Group);
            var plain = weights.detach();
            Matrices[l] = View(plain.narrow(1, place.Offset, place.Matrix).view(Members, place.Group.Outputs, place.Group.Inputs));
            Transposed[l] = View(Matrices[l].transpose(1, 2));
            groups[l] = (Leaf(Matrices[l].view(shape), gradient), shape, -1);
            if (!place.Group.Bias)
                continue;
            Biases[l] = View(plain.narrow(1, place.BiasOffset, place.Group.Outputs));
            BroadcastBiases[l] = View(Biases[l]!.unsqueeze(1));
            groups[l].Bias = Leaf(Members == 1 ? Biases[l]!.view(place.Group.Outputs) : Biases[l]!, gradient);
        }
        if (gradients is null)
            return;
        long at = 0;
        foreach (var leaf in all)
        {
            long count = leaf.NumberOfElements / Members;
            var slot = View(gradients.narrow(1, at, count).view(leaf.shape));
            slots.Add(slot);
            leaf.grad = slot;
            at += count;
        }
    }

    /// <summary>[M, P], or null.</summary>
    public Tensor? Gradients { get; }

    /// <summary>M.</summary>
    public long Members { get; }

    /// <summary>Without gradients: matrices [M, outputs, inputs] and biases [M, outputs].</summary>
    public Tensor[] Matrices { get; }

    public Tensor?[] Biases { get; }

    /// <summary>The same as products want them: [M, inputs, outputs] and [M, 1, outputs].</summary>
    public Tensor[] Transposed { get; }

    public Tensor?[] BroadcastBiases { get; }

    /// <summary>
    /// What derivatives are taken by, in canonical order; one net's in the shape that its operation asks for, so that the graph has nothing
    /// to reshape.
    /// </summary>
    public IReadOnlyList<Tensor> All => all;

    /// <summary>A group's weights in a shape, for the graph.</summary>
    public Tensor Weights(int group, params long[] shape)
    {
        var (weights, own, _) = groups[group];
        return own.AsSpan().SequenceEqual(shape) ? all[weights] : all[weights].reshape(shape);
    }

    /// <summary>A group's biases for the graph: one net's [outputs], of several [M, outputs]; null where it has none.</summary>
    public Tensor? Bias(int group) => groups[group].Bias < 0 ? null : all[groups[group].Bias];

    /// <summary>A group's places in <see cref="Gradients"/>, in the shapes of its leaves.</summary>
    public (Tensor Weights, Tensor? Bias) SlotsOf(int group)
    {
        var (weights, _, bias) = groups[group];
        return (slots[weights], bias < 0 ? null : slots[bias]);
    }

    public void Dispose()
    {
        foreach (var leaf in all)
            leaf.Dispose();
        foreach (var view in views)
            view.Dispose();
    }

    private long[] ShapeOf(WeightGroup group)
    {
        if (Members > 1)
            return [Members, group.Outputs, group.Inputs];
        if (group.Role == WeightRole.Norm)
            return [group.Outputs];
        if (group.Area == 1)
            return [group.Outputs, group.Inputs];
        int kernel = (int)Math.Sqrt(group.Area);
        return [group.Outputs, group.Inputs / group.Area, kernel, kernel];
    }

    /// <summary>The place of a new leaf.</summary>
    private int Leaf(Tensor view, bool gradient)
    {
        var leaf = view.detach();
        if (gradient)
            leaf.requires_grad_(true);
        all.Add(leaf.DetachFromDisposeScope());
        return all.Count - 1;
    }

    private Tensor View(Tensor view)
    {
        views.Add(view.DetachFromDisposeScope());
        return view;
    }
}
