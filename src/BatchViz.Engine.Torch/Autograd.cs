using TorchSharp;
using static TorchSharp.torch;

namespace BatchViz.Engine.Torch;

/// <summary>
/// Derivatives by autograd. TorchSharp's <c>autograd.grad</c> lets exceptions of libtorch end the process, memory that runs out among them;
/// its
/// <c>autograd.backward</c> does not, so that one collects into the tensors' own gradients, from where they are taken.
/// </summary>
internal static class Autograd
{
    /// <summary>∂value/∂t of each tensor, leaf or not; null where the value does not depend on it.</summary>
    /// <param name="differentiable">The derivatives can be differentiated once more.</param>
    public static Tensor?[] Slopes(Tensor value, IReadOnlyList<Tensor> by, bool differentiable = false)
    {
        var slopes = new Tensor?[by.Count];
        try
        {
            autograd.backward([value], null, differentiable, differentiable, [.. by]);
            for (int i = 0; i < slopes.Length; i++)
                slopes[i] = Of(by[i]);
        }
        finally
        {
            foreach (var tensor in by)
                tensor.grad = null;
        }
        return slopes;
    }

    /// <summary>
    /// Adds factor·∂Σlosses/∂leaf to each leaf's own gradient; what is kept has its own afterwards, or none where the losses do not depend
    /// on it.
    /// </summary>
    public static void Accumulate(Tensor losses, double factor, IEnumerable<Tensor> kept)
    {
        foreach (var tensor in kept)
            tensor.retain_grad();
        autograd.backward([losses], [losses.full_like(Arithmetic.Number(factor))]);
    }

    /// <summary>A tensor's own gradient.</summary>
    public static Tensor? Of(Tensor tensor) => tensor.grad is { IsInvalid: false } slope ? slope : null;
}
