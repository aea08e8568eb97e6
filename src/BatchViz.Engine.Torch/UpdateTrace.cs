using TorchSharp;
using static TorchSharp.torch;

namespace BatchViz.Engine.Torch;

/// <summary>
/// What queued updates leave on the device until they are read: each one's gradient, step and weights, whose figures are computed for all
/// of them together, with a few calls for many updates instead of many for each.
/// </summary>
internal sealed class UpdateTrace(UpdateStatistics figures)
{
    /// <summary>Bytes that the tensors of a trace may take, unless one update's are more already.</summary>
    private const long Most = 1L << 28;

    private readonly List<(BatchGradients.Result Result, Tensor Step, Tensor Weights)> updates = [];

    /// <summary>How many of some updates of M nets with P weights fit, at least one.</summary>
    public static int Fitting(int updates, long members, long parameters) =>
        (int)Math.Clamp(Most / Bytes(1, members, parameters), 1, updates);

    /// <summary>Bytes of the gradients, steps and weights of some updates of M nets with P weights.</summary>
    public static long Bytes(int updates, long members, long parameters) => 3 * sizeof(float) * updates * members * parameters;

    /// <summary>Keeps an update's tensors, which must stay as they are, beyond the current scope.</summary>
    public void Add(BatchGradients.Result result, Tensor step, Tensor weights)
    {
        foreach (var tensor in new[] { result.Sum, result.Gradient, result.Squares, step, weights })
            tensor?.MoveToOuterDisposeScope();
        updates.Add((result, step, weights));
    }

    /// <summary>Rows of all updates, each member by member [updates × M × columns].</summary>
    public double[] Read()
    {
        using var scope = NewDisposeScope();
        var rows = new List<Tensor>();
        // Batches of one size have one shape.
        for (int first = 0, end; first < updates.Count; first = end)
        {
            long count = updates[first].Result.Count;
            for (end = first + 1; end < updates.Count && updates[end].Result.Count == count; )
                end++;
            var run = updates[first..end];
            var result = run[0].Result with
            {
                Sum = Together(run.Select(u => u.Result.Sum)),
                Gradient = Together(run.Select(u => u.Result.Gradient)),
                Squares = run[0].Result.Squares is null ? null : Together(run.Select(u => u.Result.Squares!)),
            };
            rows.Add(figures.Rows(result, Together(run.Select(u => u.Step)), Together(run.Select(u => u.Weights))));
        }
        return figures.Read(Together(rows));
    }

    private static Tensor Together(IEnumerable<Tensor> parts)
    {
        Tensor[] all = [.. parts];
        return all.Length == 1 ? all[0] : cat(all, 0);
    }
}
