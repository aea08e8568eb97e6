using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using BatchViz.Core.Engines;
using TorchSharp;
using static TorchSharp.torch;

namespace BatchViz.Engine.Torch;

/// <summary>Sums over tensors in the host's own memory, in one pass where libtorch needs several.</summary>
internal static class HostSums
{
    /// <summary>Values that are added in float32 before their sum goes on in double precision.</summary>
    private const int Block = 4096;

    /// <summary>The values of a contiguous tensor on the CPU.</summary>
    public static ReadOnlySpan<T> Of<T>(Tensor tensor)
        where T : unmanaged => MemoryMarshal.Cast<byte, T>(tensor.bytes);

    /// <summary>Σ x²; in double precision from the first square on where float32 cannot hold it.</summary>
    public static double Squares(ReadOnlySpan<float> values)
    {
        double sum = 0;
        for (int start = 0; start < values.Length; start += Block)
        {
            var block = values.Slice(start, Math.Min(Block, values.Length - start));
            var lanes = MemoryMarshal.Cast<float, Vector<float>>(block);
            Vector<float> one = default,
                two = default;
            int i = 0;
            for (; i + 2 <= lanes.Length; i += 2)
            {
                one += lanes[i] * lanes[i];
                two += lanes[i + 1] * lanes[i + 1];
            }
            if (i < lanes.Length)
                one += lanes[i] * lanes[i];
            sum += Whole(Vector.Sum(one + two), block[(lanes.Length * Vector<float>.Count)..], block);
        }
        return sum;
    }

    /// <summary>
    /// Σ x² as <see cref="Squares"/>, the numbers of values in each bin of a step record's histogram added to <paramref name="bins"/>, what
    /// is no number in the first, and the largest magnitude put into <paramref name="largest"/> where it is larger.
    /// </summary>
    public static double SummarizeGradient(ReadOnlySpan<float> values, Span<double> bins, ref double largest)
    {
        static Vector<float> Edge(int bin) => new((float)RecordLayout.BinEdge(bin));

        Vector<float> e1 = Edge(1),
            e2 = Edge(2),
            e3 = Edge(3),
            e4 = Edge(4),
            e5 = Edge(5),
            e6 = Edge(6),
            e7 = Edge(7);
        Span<long> above = stackalloc long[RecordLayout.HistogramBins + 1];
        above.Clear();
        above[0] = values.Length;
        double sum = 0;
        // Magnitudes are compared by their bits, in whose order what is no number comes last.
        var most = Vector<int>.Zero;
        int mostOfRest = 0;
        for (int start = 0; start < values.Length; start += Block)
        {
            var block = values.Slice(start, Math.Min(Block, values.Length - start));
            var squares = Vector<float>.Zero;
            // One for each edge: an array of them would not stay in registers.
            Vector<int> c1 = default,
                c2 = default,
                c3 = default,
                c4 = default,
                c5 = default,
                c6 = default,
                c7 = default;
            foreach (var lane in MemoryMarshal.Cast<float, Vector<float>>(block))
            {
                squares += lane * lane;
                var size = Vector.Abs(lane);
                most = Vector.Max(most, Vector.AsVectorInt32(size));
                c1 -= Vector.GreaterThanOrEqual(size, e1);
                c2 -= Vector.GreaterThanOrEqual(size, e2);
                c3 -= Vector.GreaterThanOrEqual(size, e3);
                c4 -= Vector.GreaterThanOrEqual(size, e4);
                c5 -= Vector.GreaterThanOrEqual(size, e5);
                c6 -= Vector.GreaterThanOrEqual(size, e6);
                c7 -= Vector.GreaterThanOrEqual(size, e7);
            }
            above[1] += Vector.Sum(c1);
            above[2] += Vector.Sum(c2);
            above[3] += Vector.Sum(c3);
            above[4] += Vector.Sum(c4);
            above[5] += Vector.Sum(c5);
            above[6] += Vector.Sum(c6);
            above[7] += Vector.Sum(c7);
            var rest = block[(block.Length / Vector<float>.Count * Vector<float>.Count)..];
            foreach (float value in rest)
            {
                mostOfRest = Math.Max(mostOfRest, BitConverter.SingleToInt32Bits(Math.Abs(value)));
                for (int bin = 1; bin < RecordLayout.HistogramBins; bin++)
                    if (Math.Abs(value) >= RecordLayout.BinEdge(bin))
                        above[bin]++;
            }
            sum += Whole(Vector.Sum(squares), rest, block);
        }
        for (int bin = 0; bin < RecordLayout.HistogramBins; bin++)
            bins[bin] += above[bin] - above[bin + 1];
        for (int i = 0; i < Vector<int>.Count; i++)
            mostOfRest = Math.Max(mostOfRest, most[i]);
        // Of two numbers the larger, or what is no number.
        largest = Math.Max(largest, BitConverter.Int32BitsToSingle(mostOfRest));
        return sum;
    }

    /// <summary>A block's squares: its vectors' and those of the rest, unless float32 cannot hold them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static double Whole(float vectors, ReadOnlySpan<float> rest, ReadOnlySpan<float> block)
    {
        foreach (float value in rest)
            vectors += value * value;
        if (float.IsFinite(vectors))
            return vectors;
        double sum = 0;
        foreach (float value in block)
            sum += (double)value * value;
        return sum;
    }
}
