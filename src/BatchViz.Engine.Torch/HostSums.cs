using System.Numerics;
using System.Runtime.InteropServices;
using BatchViz.Core.Engines;
using TorchSharp;
using static TorchSharp.torch;

namespace BatchViz.Engine.Torch;

/// <summary>Sums over tensors in the host's own memory, in one pass where libtorch needs several.</summary>
internal static class HostSums
{
    /// <summary>The values of a contiguous tensor on the CPU.</summary>
    public static ReadOnlySpan<float> Of(Tensor tensor) => MemoryMarshal.Cast<byte, float>(tensor.bytes);

    /// <summary>Σ x²; in double precision from the first square on where float32 cannot hold it.</summary>
    public static double Squares(ReadOnlySpan<float> values)
    {
        const int Block = 4096;
        double sum = 0;
        for (int start = 0; start < values.Length; start += Block)
        {
            var block = values.Slice(start, Math.Min(Block, values.Length - start));
            var lanes = MemoryMarshal.Cast<float, Vector<float>>(block);
            Vector<float> one = default, two = default;
            int i = 0;
            for (; i + 2 <= lanes.Length; i += 2)
            {
                one += lanes[i] * lanes[i];
                two += lanes[i + 1] * lanes[i + 1];
            }
            if (i < lanes.Length) one += lanes[i] * lanes[i];
            float part = Vector.Sum(one + two);
            for (int k = lanes.Length * Vector<float>.Count; k < block.Length; k++) part += block[k] * block[k];
            if (float.IsFinite(part)) sum += part;
            else foreach (float value in block) sum += (double)value * value;
        }
        return sum;
    }

    /// <summary>Adds the numbers of values in each bin of a step record's histogram; what is no number is in the first.</summary>
    public static void Count(ReadOnlySpan<float> values, Span<double> bins)
    {
        Span<long> above = stackalloc long[RecordLayout.HistogramBins];
        var lanes = MemoryMarshal.Cast<float, Vector<float>>(values);
        for (int bin = 1; bin < above.Length; bin++)
        {
            var edge = new Vector<float>((float)RecordLayout.BinEdge(bin));
            var count = Vector<int>.Zero;
            foreach (var lane in lanes) count -= Vector.GreaterThanOrEqual(Vector.Abs(lane), edge);
            above[bin] = Vector.Sum(count);
        }
        above[0] = lanes.Length * Vector<float>.Count;
        foreach (float value in values[(int)above[0]..])
            for (int bin = 0; bin < above.Length; bin++)
                if (bin == 0 || Math.Abs(value) >= RecordLayout.BinEdge(bin)) above[bin]++;
        for (int bin = 0; bin < above.Length; bin++) bins[bin] += above[bin] - (bin + 1 < above.Length ? above[bin + 1] : 0);
    }
}
