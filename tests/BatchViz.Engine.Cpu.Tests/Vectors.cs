using BatchViz.Core.Engines;

namespace BatchViz.Engine.Cpu.Tests;

internal static class Vectors
{
    public static double Norm(IEnumerable<double> v) => Math.Sqrt(v.Sum(x => x * x));

    public static double Dot(IEnumerable<double> a, IEnumerable<double> b) => a.Zip(b, (x, y) => x * y).Sum();

    /// <summary>‖a − b‖.</summary>
    public static double Distance(IEnumerable<double> a, IEnumerable<double> b) => Norm(a.Zip(b, (x, y) => x - y));

    public static double[] Doubles(this IEnumerable<float> v) => [.. v.Select(x => (double)x)];

    public static float[] Canonical(this IWeights weights)
    {
        var copy = new float[weights.Count];
        weights.CopyTo(copy);
        return copy;
    }

    /// <summary>The member's weights in canonical order.</summary>
    public static float[] Weights(this IBundle bundle, int member = 0)
    {
        using var snapshot = bundle.Snapshot(member);
        return snapshot.Canonical();
    }

    public static RecordBlock Block(this IBundle bundle, int updates) => new(bundle.Members, updates, bundle.Layout.Width);

    /// <summary>Advances and returns the rows of one member, bit for bit.</summary>
    public static int[] AdvanceBits(this IBundle bundle, int updates, int member = 0)
    {
        var block = bundle.Block(updates);
        bundle.Advance(updates, block);
        return Bits(block.Of(member)[..(block.Rows[member] * block.Width)]);
    }

    public static int[] Bits(ReadOnlySpan<float> values)
    {
        var bits = new int[values.Length];
        for (int i = 0; i < bits.Length; i++)
            bits[i] = BitConverter.SingleToInt32Bits(values[i]);
        return bits;
    }

    /// <summary>Puts a fresh bundle at the given weights, before its first update.</summary>
    public static void StartAt(this IBundle bundle, float[] weights, int member = 0)
    {
        var empty = bundle.Export(member).OptimizerState.Select(state => new float[state.Length]).ToArray();
        bundle.Restore(member, new Keyframe(0, weights, empty));
    }

    /// <summary>
    /// Managed bytes that a thousand updates take, the least of five tries: a collection on behalf of another test counts the rest of
    /// this thread's allocation window (up to 8 KB) as allocated; an update that allocated would do so in every one of them.
    /// </summary>
    public static long AllocatedByUpdates(this IBundle bundle)
    {
        var block = bundle.Block(1000);
        bundle.Advance(10, block);
        long least = long.MaxValue;
        for (int attempt = 0; attempt < 5 && least > 0; attempt++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            bundle.Advance(1000, block);
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }
        return least;
    }
}
