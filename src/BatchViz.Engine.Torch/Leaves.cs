using BatchViz.Core.Engines;
using TorchSharp;
using static TorchSharp.torch;

namespace BatchViz.Engine.Torch;

/// <summary>
/// Weights [M, P] of M nets of one shape, group by group as views of the same memory: matrices [M, outputs, inputs] and biases
/// [M, outputs]. Made once, they follow every change in place.
/// </summary>
internal sealed class Leaves : IDisposable
{
    private readonly List<Tensor> all = [];

    public Leaves(ParameterLayout layout, Tensor weights, bool gradient)
    {
        Flat = weights;
        Matrices = new Tensor[layout.Places.Length];
        Biases = new Tensor?[layout.Places.Length];
        Turned = new Tensor[layout.Places.Length];
        WideBiases = new Tensor?[layout.Places.Length];
        long members = weights.shape[0];
        using var scope = NewDisposeScope();
        for (int l = 0; l < Matrices.Length; l++)
        {
            var place = layout.Places[l];
            Matrices[l] = Keep(weights.narrow(1, place.Offset, place.Matrix).view(members, place.Group.Outputs, place.Group.Inputs));
            Turned[l] = Matrices[l].detach().transpose(1, 2).DetachFromDisposeScope();
            if (!place.Group.Bias) continue;
            Biases[l] = Keep(weights.narrow(1, place.BiasOffset, place.Group.Outputs));
            WideBiases[l] = Biases[l]!.detach().unsqueeze(1).DetachFromDisposeScope();
        }

        Tensor Keep(Tensor view)
        {
            var leaf = view.detach();
            if (gradient) leaf.requires_grad_(true);
            all.Add(leaf.DetachFromDisposeScope());
            return leaf;
        }
    }

    public Tensor Flat { get; }

    public Tensor[] Matrices { get; }

    public Tensor?[] Biases { get; }

    /// <summary>Without gradients: matrices as products want them [M, inputs, outputs], and biases [M, 1, outputs].</summary>
    public Tensor[] Turned { get; }

    public Tensor?[] WideBiases { get; }

    /// <summary>In canonical order.</summary>
    public IReadOnlyList<Tensor> All => all;

    public long Members => Flat.shape[0];

    public void Dispose()
    {
        foreach (var leaf in all) leaf.Dispose();
        foreach (var view in Turned) view.Dispose();
        foreach (var view in WideBiases) view?.Dispose();
    }
}
