using TorchSharp;
using static TorchSharp.torch;

namespace BatchViz.Engine.Torch;

/// <summary>Members that are at the same update, stacked.</summary>
internal sealed class Cohort : IDisposable
{
    private readonly ParameterLayout layout;
    private readonly Tensor gradients;
    private readonly ParameterViews?[] leavesOf;

    /// <param name="members">Their places in the bundle.</param>
    /// <param name="vectors">[M, P] each: weights, the optimiser's state, old weights. They and <paramref name="running"/> leave their
    /// scope and become the cohort's.</param>
    /// <param name="running">Running statistics [M, S], or null.</param>
    /// <param name="leaves">Whether the vector of that number has gradients taken at it.</param>
    public Cohort(ParameterLayout layout, int[] members, Tensor[] vectors, Tensor? running, Func<int, bool> leaves)
    {
        (this.layout, Members, Vectors, Running) = (layout, members, vectors, running);
        gradients = zeros_like(Weights);
        leavesOf = [.. vectors.Select((vector, v) => leaves(v) ? new ParameterViews(layout, vector, gradient: true, gradients) : null)];
        // Only now, when there is memory for all of it, it is the cohort's.
        foreach (var tensor in All().Append(gradients))
            tensor.DetachFromDisposeScope();
    }

    public int[] Members { get; }

    public Tensor[] Vectors { get; }

    public Tensor? Running { get; }

    public Tensor Weights => Vectors[0];

    public ParameterViews LeavesOf(int vector) => leavesOf[vector]!;

    /// <summary>All that updates change, as it is now.</summary>
    public Tensor[] Copy() => [.. All().Select(tensor => tensor.clone())];

    public void Restore(Tensor[] copy)
    {
        int i = 0;
        foreach (var tensor in All())
            tensor.copy_(copy[i++]);
    }

    /// <summary>Members that are not among those told get back what they had.</summary>
    /// <param name="going">[M] bool.</param>
    public void KeepOnly(Tensor going, Tensor[] before)
    {
        int i = 0;
        foreach (var tensor in All())
            tensor.copy_(torch.where(going.unsqueeze(1), tensor, before[i++]));
    }

    /// <summary>Some of the members in vectors of their own.</summary>
    public Cohort Take(int[] some, Func<int, bool> leaves)
    {
        using var scope = NewDisposeScope();
        var rows = Rows(some);
        var taken = Vectors.Select(vector => vector.index_select(0, rows)).ToArray();
        return new Cohort(layout, some, taken, Running?.index_select(0, rows), leaves);
    }

    /// <summary>Brings what <see cref="Take"/> gave back to where it came from.</summary>
    public void Give(Cohort taken)
    {
        using var scope = NewDisposeScope();
        var rows = Rows(taken.Members);
        for (int v = 0; v < Vectors.Length; v++)
            Vectors[v].index_copy_(0, rows, taken.Vectors[v]);
        Running?.index_copy_(0, rows, taken.Running!);
    }

    public void Dispose()
    {
        foreach (var leaf in leavesOf)
            leaf?.Dispose();
        foreach (var tensor in All())
            tensor.Dispose();
        gradients.Dispose();
    }

    private Tensor Rows(int[] some) => tensor(Array.ConvertAll(some, m => (long)Array.IndexOf(Members, m))).to(Vectors[0].device);

    private IEnumerable<Tensor> All() => Running is null ? Vectors : Vectors.Append(Running);
}
