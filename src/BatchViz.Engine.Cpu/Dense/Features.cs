using BatchViz.Core.Data;
using BatchViz.Engine.Cpu.Kernels;

namespace BatchViz.Engine.Cpu.Dense;

/// <summary>Brings examples' features from a split into the engine's memory.</summary>
internal static unsafe class Features
{
    /// <summary>
    /// One example's features to <paramref name="to"/> [inputs], exactly as <see cref="DataSplit.CopyFeatures"/> gives them.
    /// </summary>
    public static void Copy(KernelTable kernels, DataSplit split, int example, float* to)
    {
        int inputs = split.Inputs;
        if (split.Bytes is { } bytes)
        {
            fixed (byte* from = &bytes[(long)example * inputs])
                kernels.FromBytes(inputs, from, split.Scale, split.Offset, to);
        }
        else
        {
            split.Floats.AsSpan(checked(example * inputs), inputs).CopyTo(new Span<float>(to, inputs));
        }
    }
}
