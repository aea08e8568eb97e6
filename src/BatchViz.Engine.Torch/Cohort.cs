using TorchSharp;
using static TorchSharp.torch;

namespace BatchViz.Engine.Torch;

/// <summary>Members that are at the same update, stacked.</summary>
/// <param name="members">Their places in the bundle.</param>
/// <param name="vectors">[M, P] each: weights, the optimiser's state, old weights.</param>
/// <param name="running">Running statistics [M, S], or null.</param>
/// <param name="leaves">Whether the vector of that number has gradients taken at it.</param>
internal sealed class Cohort(ParameterLayout layout, int[] members, Tensor[] vectors, Tensor? running, Func<int, bool> leaves) : IDisposable
{
    private readonly Leaves?[] leavesOf = [.. vectors.Select((vector, v) => leaves(v) ? new Leaves(layout, vector, gradient: true) : null)];

    public int[] Members => members;

    public Tensor[] Vectors => vectors;

    public Tensor? Running => running;

    public Tensor Weights => vectors[0];

    public Leaves LeavesOf(int vector) => leavesOf[vector]!;

    /// <summary>All that updates change, as it is now.</summary>
    public Tensor[] Copy() => [.. All().Select(tensor => tensor.clone())];

    public void Restore(Tensor[] copy)
    {
        int i = 0;
        foreach (var tensor in All()) tensor.copy_(copy[i++]);
    }

    /// <summary>Members that are not among those told get back what they had.</summary>
    /// <param name="going">[M] bool.</param>
    public void KeepOnly(Tensor going, Tensor[] before)
    {
        int i = 0;
        foreach (var tensor in All()) tensor.copy_(torch.where(going.unsqueeze(1), tensor, before[i++]));
    }

    /// <summary>Some of the members in vectors of their own.</summary>
    public Cohort Take(int[] some, Func<int, bool> leaves)
    {
        using var scope = NewDisposeScope();
        var rows = Rows(some);
        var taken = vectors.Select(vector => vector.index_select(0, rows).DetachFromDisposeScope()).ToArray();
        return new Cohort(layout, some, taken, running?.index_select(0, rows).DetachFromDisposeScope(), leaves);
    }

    /// <summary>Brings what <see cref="Take"/> gave back to where it came from.</summary>
    public void Give(Cohort taken)
    {
        using var scope = NewDisposeScope();
        var rows = Rows(taken.Members);
        for (int v = 0; v < vectors.Length; v++) vectors[v].index_copy_(0, rows, taken.Vectors[v]);
        running?.index_copy_(0, rows, taken.Running!);
    }

    public void Dispose()
    {
        foreach (var leaf in leavesOf) leaf?.Dispose();
        foreach (var tensor in All()) tensor.Dispose();
    }

    private Tensor Rows(int[] some) => tensor(Array.ConvertAll(some, m => (long)Array.IndexOf(members, m))).to(vectors[0].device);

    private IEnumerable<Tensor> All() => running is null ? vectors : vectors.Append(running);
}
