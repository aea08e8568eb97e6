using System.Runtime.Intrinsics;
using BatchViz.Core.Engines;
using BatchViz.Core.Numerics;
using BatchViz.Engine.Cpu.Memory;
using BatchViz.Engine.Cpu.Probes;

namespace BatchViz.Engine.Cpu.Planes;

/// <summary>Linear algebra on whole weight vectors, in double precision and in a fixed order.</summary>
internal static unsafe class WeightVectors
{
    private const int Block = 1024;

    /// <summary>The weights in double precision, padded [floats].</summary>
    public static double[] Of(WeightLayout layout, IWeights weights)
    {
        using var hold = CpuWeights.Of(weights, layout).Hold();
        return Doubles(layout, hold.Pointer);
    }

    /// <summary>The direction in double precision, padded [floats].</summary>
    public static double[] Of(WeightLayout layout, IDirection direction)
    {
        if (direction.Count != layout.Parameters)
            throw new ArgumentException($"a direction of {direction.Count} components for {layout.Parameters} weights", nameof(direction));
        var canonical = new float[direction.Count];
        direction.CopyTo(canonical);
        return OfCanonical(layout, canonical);
    }

    /// <summary>A vector in canonical order in double precision, padded [floats].</summary>
    public static double[] OfCanonical(WeightLayout layout, float[] canonical)
    {
        if (canonical.Length != layout.Parameters)
            throw new ArgumentException($"{canonical.Length} numbers for {layout.Parameters} weights", nameof(canonical));
        using var padded = new NativeBuffer(layout.Floats);
        layout.Pack(canonical, padded.Pointer);
        return Doubles(layout, padded.Pointer);
    }

    /// <summary>Running statistics, layer by layer, into their padded places [statistics floats].</summary>
    public static void PackStatistics(WeightLayout layout, ReadOnlySpan<double> plain, double[] padded)
    {
        if (plain.Length != layout.Statistics)
            throw new ArgumentException($"{plain.Length} running statistics for {layout.Statistics}", nameof(plain));
        if (padded.Length == 0)
            return;
        using var buffer = new NativeBuffer(padded.Length);
        layout.PackStatistics(plain, buffer.Pointer);
        for (int i = 0; i < padded.Length; i++)
            padded[i] = buffer.Pointer[i];
    }

    /// <summary>a −= b.</summary>
    public static void Subtract(double[] a, double[] b)
    {
        for (int i = 0; i < a.Length; i++)
            a[i] -= b[i];
    }

    /// <summary>
    /// Makes the first vector one of length 1 and the second what is left of it at a right angle, of length 1 (Gram-Schmidt, the second
    /// taken twice). False, and nothing promised, where a length is 0 or what is left is no more than rounding.
    /// </summary>
    public static bool Orthonormalise(double[] a, double[] b)
    {
        const double Rounding = 1e-6;
        double length = Math.Sqrt(Dot(a, a)),
            whole = Math.Sqrt(Dot(b, b));
        if (!(length > 0) || !(whole > 0))
            return false;
        for (int i = 0; i < a.Length; i++)
            a[i] /= length;
        for (int pass = 0; pass < 2; pass++)
        {
            double along = Dot(a, b);
            for (int i = 0; i < a.Length; i++)
                b[i] -= along * a[i];
        }
        double left = Math.Sqrt(Dot(b, b));
        if (!(left > Rounding * whole))
            return false;
        for (int i = 0; i < b.Length; i++)
            b[i] /= left;
        return true;
    }

    /// <summary>Mean of the weights, padded [floats].</summary>
    public static double[] Mean(WeightLayout layout, IReadOnlyList<IWeights> weights)
    {
        if (weights.Count == 0)
            throw new ArgumentException("no weights", nameof(weights));
        var mean = new double[layout.Floats];
        foreach (var w in weights)
        {
            using var hold = CpuWeights.Of(w, layout).Hold();
            for (int i = 0; i < mean.Length; i++)
                mean[i] += hold.Pointer[i];
        }
        for (int i = 0; i < mean.Length; i++)
            mean[i] /= weights.Count;
        return mean;
    }

    /// <summary>Mean of the running statistics that belong to the weights, padded [statistics floats].</summary>
    public static double[] MeanStatistics(WeightLayout layout, IReadOnlyList<IWeights> weights)
    {
        var mean = new double[layout.StatisticsFloats];
        foreach (var w in weights)
        {
            using var hold = CpuWeights.Of(w, layout).Hold();
            for (int i = 0; i < mean.Length; i++)
                mean[i] += hold.Pointer[layout.Floats + i];
        }
        for (int i = 0; i < mean.Length; i++)
            mean[i] /= weights.Count;
        return mean;
    }

    /// <summary>Σ aᵢ(wᵢ − mean), scaled to length 1; 0 stays 0.</summary>
    public static double[] Combination(WeightLayout layout, IReadOnlyList<IWeights> weights, double[] mean, ReadOnlySpan<double> a)
    {
        if (a.Length != weights.Count)
            throw new ArgumentException($"{a.Length} coefficients for {weights.Count} weights", nameof(a));
        var sum = new double[layout.Floats];
        for (int k = 0; k < weights.Count; k++)
        {
            using var hold = CpuWeights.Of(weights[k], layout).Hold();
            for (int i = 0; i < sum.Length; i++)
                sum[i] += a[k] * (hold.Pointer[i] - mean[i]);
        }
        double square = 0;
        foreach (double v in sum)
            square += v * v;
        if (square == 0)
            return sum;
        double length = Math.Sqrt(square);
        for (int i = 0; i < sum.Length; i++)
            sum[i] /= length;
        return sum;
    }

    /// <summary>G[i, j] = ⟨wᵢ − mean, wⱼ − mean⟩ [n, n].</summary>
    public static double[] CentredGram(WeightLayout layout, IReadOnlyList<IWeights> weights)
    {
        int n = weights.Count;
        var mean = Mean(layout, weights);
        var gram = new double[n * n];
        var centred = new double[n * Block];
        for (long start = 0; start < mean.Length; start += Block)
        {
            int count = (int)Math.Min(Block, mean.Length - start);
            for (int k = 0; k < n; k++)
            {
                using var hold = CpuWeights.Of(weights[k], layout).Hold();
                float* w = hold.Pointer + start;
                for (int i = 0; i < count; i++)
                    centred[k * Block + i] = w[i] - mean[start + i];
            }
            for (int i = 0; i < n; i++)
            {
                var row = centred.AsSpan(i * Block, count);
                for (int j = 0; j <= i; j++)
                    gram[i * n + j] += Dot(row, centred.AsSpan(j * Block, count));
            }
        }
        for (int i = 0; i < n; i++)
        {
            for (int j = 0; j < i; j++)
                gram[j * n + i] = gram[i * n + j];
        }
        return gram;
    }

    /// <summary>
    /// A Gaussian direction with each output's row of weights scaled to the norm of the origin's row, a convolution's filter being such a
    /// row; biases and the weights of norms 0.
    /// </summary>
    /// <param name="which">0 or 1: the first or second direction of the plane.</param>
    public static double[] FilterNormalised(WeightLayout layout, double[] origin, uint seed, int which)
    {
        var direction = new double[layout.Floats];
        for (int l = 0; l < layout.Layers.Length; l++)
        {
            var layer = layout.Layers[l];
            if (layer.Role != Core.Engines.WeightRole.Matrix)
                continue;
            var stream = new Philox(seed, Purpose.PlaneDirection, (ulong)(2 * l + which));
            ulong index = 0;
            for (int o = 0; o < layer.Outputs; o++)
            {
                double drawn = 0,
                    wanted = 0;
                for (int i = 0; i < layer.Inputs; i++)
                {
                    long at = layer.Index(i, o);
                    direction[at] = stream.Gaussian(index++);
                    drawn += direction[at] * direction[at];
                    wanted += origin[at] * origin[at];
                }
                double scale = drawn > 0 ? Math.Sqrt(wanted / drawn) : 0;
                for (int i = 0; i < layer.Inputs; i++)
                    direction[layer.Index(i, o)] *= scale;
            }
        }
        return direction;
    }

    /// <summary>Least squares of the weights on the plane. A direction of no length, or parallel to the other, gets coordinate 0.</summary>
    public static PlanePoint Project(CpuPlane plane, CpuWeights weights)
    {
        using var held = plane.Hold();
        using var hold = weights.Hold();
        long n = plane.Layout.Floats;
        float* origin = held.Pointer,
            d1 = origin + n,
            d2 = d1 + n,
            w = hold.Pointer;
        double a = 0,
            b = 0;
        for (long i = 0; i < n; i++)
        {
            double s = (double)w[i] - origin[i];
            a += s * d1[i];
            b += s * d2[i];
        }
        var (x, y) = plane.Coordinates(a, b);
        double off = 0;
        for (long i = 0; i < n; i++)
        {
            double r = (double)w[i] - origin[i] - x * d1[i] - y * d2[i];
            off += r * r;
        }
        return new PlanePoint(x, y, Math.Sqrt(off));
    }

    /// <summary>Least squares of a vector on the plane's directions.</summary>
    public static PlanePoint Project(CpuPlane plane, CpuDirection vector)
    {
        using var held = plane.Hold();
        using var hold = vector.Hold();
        long n = plane.Layout.Floats;
        float* d1 = held.Pointer + n,
            d2 = d1 + n,
            v = hold.Pointer;
        var (x, y) = plane.Coordinates(Vectors.Dot(n, v, d1), Vectors.Dot(n, v, d2));
        double off = 0;
        for (long i = 0; i < n; i++)
        {
            double r = v[i] - x * d1[i] - y * d2[i];
            off += r * r;
        }
        return new PlanePoint(x, y, Math.Sqrt(off));
    }

    private static double[] Doubles(WeightLayout layout, float* padded)
    {
        var vector = new double[layout.Floats];
        for (int i = 0; i < vector.Length; i++)
            vector[i] = padded[i];
        return vector;
    }

    /// <summary>Sixteen partial sums, multiplied and added apart, so that the bits do not depend on the processor.</summary>
    public static double Dot(ReadOnlySpan<double> a, ReadOnlySpan<double> b)
    {
        Vector256<double> s0 = default,
            s1 = default,
            s2 = default,
            s3 = default;
        int i = 0;
        for (; i + 16 <= a.Length; i += 16)
        {
            s0 += Vector256.Create(a[i..]) * Vector256.Create(b[i..]);
            s1 += Vector256.Create(a[(i + 4)..]) * Vector256.Create(b[(i + 4)..]);
            s2 += Vector256.Create(a[(i + 8)..]) * Vector256.Create(b[(i + 8)..]);
            s3 += Vector256.Create(a[(i + 12)..]) * Vector256.Create(b[(i + 12)..]);
        }
        var s = (s0 + s1) + (s2 + s3);
        double sum = (s[0] + s[2]) + (s[1] + s[3]);
        for (; i < a.Length; i++)
            sum += a[i] * b[i];
        return sum;
    }
}
