using BatchViz.Core.Engines;
using TorchSharp;
using static TorchSharp.torch;

namespace BatchViz.Engine.Torch;

/// <summary>Evaluation sets in parts that fit into a budget of memory.</summary>
internal static class SetParts
{
    /// <summary>Floats that activations may take.</summary>
    private static long Budget(Device device) => device.type == DeviceType.CPU ? 1L << 23 : 1L << 28;

    public static int CountOf(TorchData data, EvaluationSet set)
    {
        int count = set.Indices?.Length ?? data.Source.Of(set.Split).Count;
        return count > 0 ? count : throw new ArgumentException("the evaluation set is empty", nameof(set));
    }

    /// <summary>Examples [n] of each part, in order.</summary>
    /// <param name="nets">That go through the set at once.</param>
    public static IEnumerable<Tensor> Parts(TorchData data, EvaluationSet set, NetworkSpec network, long nets, Device device)
    {
        int count = CountOf(data, set);
        int most = network.Contrastive
            ? NetworkSpec.PairsCompared
            : (int)Math.Clamp(Budget(device) / (nets * Math.Max(1, network.ActivationsPerExample)), 1, count);
        for (int first = 0; first < count; first += most)
        {
            int rows = Math.Min(most, count - first);
            yield return set.Indices is { } indices
                ? tensor(indices.AsSpan(first, rows).ToArray()).to(ScalarType.Int64).to(device)
                : arange(
                    Arithmetic.Number((long)first),
                    Arithmetic.Number((long)(first + rows)),
                    Arithmetic.Number(1L),
                    ScalarType.Int64,
                    device
                );
        }
    }

    /// <summary>Nets whose weights and activations for some examples may be there at once.</summary>
    public static int NetsAtOnce(NetworkSpec network, Device device) =>
        (int)Math.Clamp(Budget(device) / Math.Max(1, network.ParameterCount + 16 * network.ActivationsPerExample), 1, 1024);
}
