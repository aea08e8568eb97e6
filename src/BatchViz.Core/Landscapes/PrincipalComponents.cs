using BatchViz.Core.Numerics;

namespace BatchViz.Core.Landscapes;

/// <summary>The two directions of largest variance among weight vectors, as coefficients over them.</summary>
/// <param name="First">Coefficients a [n]: the first direction is Σ aᵢ(wᵢ − w̄), of unit length.</param>
/// <param name="Second">The same for the second.</param>
/// <param name="Explained">Share of the variance in the two, 0 … 1.</param>
public sealed record PrincipalComponents(double[] First, double[] Second, double Explained)
{
    /// <summary>From the centred Gram matrix G [n, n]: with G v = λ v, the direction is Σ vᵢ/√λ (wᵢ − w̄).</summary>
    /// <returns>Null when the vectors span no plane.</returns>
    public static PrincipalComponents? Of(double[] gram, int n)
    {
        var (values, vectors) = SymmetricEigen.Decompose(gram, n);
        double total = values.Sum(v => Math.Max(0, v));
        if (n < 3 || !(values[0] > 0) || !(values[1] > 1e-10 * values[0]))
            return null;
        return new PrincipalComponents(Scaled(0), Scaled(1), (values[0] + values[1]) / total);

        double[] Scaled(int k)
        {
            var coefficients = new double[n];
            double scale = 1 / Math.Sqrt(values[k]),
                largest = 0;
            for (int i = 0; i < n; i++)
            {
                coefficients[i] = vectors[i * n + k] * scale;
                if (Math.Abs(coefficients[i]) > Math.Abs(largest))
                    largest = coefficients[i];
            }
            if (largest < 0)
                for (int i = 0; i < n; i++)
                    coefficients[i] = -coefficients[i];
            return coefficients;
        }
    }
}

/// <summary>
/// How much two components explain when the weights merely wander: random walks with the runs' own shared starts, times and step
/// variances. (A single evenly sampled walk already puts about 76 % into two components; Antognini and Sohl-Dickstein 2018,
/// arXiv:1806.08805.)
/// </summary>
public static class RandomWalkNull
{
    private const int MaxDimensions = 1024,
        Repeats = 4;

    /// <param name="walks">For each run, the Euclidean lengths of the steps between its successive snapshots, the first from the start it
    /// shares.</param>
    /// <param name="starts">For each run, which start it has; runs with the same number share a point, others start apart by
    /// <paramref name="startDistance"/>.</param>
    /// <param name="dimensions">Weights of the model; more than 1,024 are simulated as 1,024, where the result no longer changes
    /// visibly.</param>
    /// <returns>Mean share of variance in two components over 4 simulations.</returns>
    public static double Explained(
        IReadOnlyList<double[]> walks,
        IReadOnlyList<int> starts,
        double startDistance,
        long dimensions,
        uint seed
    )
    {
        int d = (int)Math.Min(dimensions, MaxDimensions),
            n = walks.Sum(w => w.Length + 1);
        var points = new double[n][];
        double sum = 0;
        for (uint repeat = 0; repeat < Repeats; repeat++)
        {
            int p = 0;
            for (int run = 0; run < walks.Count; run++)
            {
                var at = new double[d];
                if (starts[run] > 0)
                    Step(at, startDistance, new Philox(seed, Purpose.RandomWalk, (ulong)repeat << 40 | 0xFFFF_0000ul | (uint)starts[run]));
                points[p++] = at;
                for (int k = 0; k < walks[run].Length; k++)
                {
                    at = (double[])at.Clone();
                    Step(at, walks[run][k], new Philox(seed, Purpose.RandomWalk, (ulong)repeat << 40 | (ulong)run << 20 | (uint)k));
                    points[p++] = at;
                }
            }
            sum += ShareOfTwo(CentredGram(points, d), n);
        }
        return sum / Repeats;
    }

    /// <summary>
    /// The share of the two largest eigenvalues in the trace, by orthogonal iteration: a walk's third eigenvalue is at most about
    /// half its second, so this converges in some dozen steps where all eigenvalues would take a second.
    /// </summary>
    private static double ShareOfTwo(double[] gram, int n)
    {
        double trace = 0,
            share = 0;
        for (int i = 0; i < n; i++)
            trace += gram[i * n + i];
        if (!(trace > 0))
            return 1;
        var a = new double[n];
        var b = new double[n];
        for (int i = 0; i < n; i++)
            (a[i], b[i]) = (Math.Cos(Math.PI * (i + 0.5) / n), Math.Cos(2 * Math.PI * (i + 0.5) / n));
        for (int iteration = 0; iteration < 500; iteration++)
        {
            double before = share,
                first = Multiply(gram, ref a),
                second = Multiply(gram, ref b, a);
            share = (first + second) / trace;
            if (Math.Abs(share - before) < 1e-9)
                break;
        }
        return Math.Min(1, share);
    }

    /// <summary>
    /// v ← Gv without its part along <paramref name="off"/>, at unit length; its length before is returned, an eigenvalue in the limit.
    /// </summary>
    private static double Multiply(double[] gram, ref double[] v, double[]? off = null)
    {
        int n = v.Length;
        var product = new double[n];
        for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++)
            product[i] += gram[i * n + j] * v[j];
        if (off is not null)
        {
            double along = Dot(product, off);
            for (int i = 0; i < n; i++)
                product[i] -= along * off[i];
        }
        double length = Math.Sqrt(Dot(product, product));
        if (length > 0)
            for (int i = 0; i < n; i++)
                product[i] /= length;
        v = product;
        return length;
    }

    private static void Step(double[] at, double length, Philox stream)
    {
        double scale = length / Math.Sqrt(at.Length);
        for (int i = 0; i < at.Length; i++)
            at[i] += scale * stream.Gaussian((ulong)i);
    }

    private static double[] CentredGram(double[][] points, int d)
    {
        int n = points.Length;
        var mean = new double[d];
        foreach (var point in points)
            for (int i = 0; i < d; i++)
                mean[i] += point[i] / n;
        var centred = points.Select(p => p.Select((v, i) => v - mean[i]).ToArray()).ToArray();
        var gram = new double[n * n];
        for (int i = 0; i < n; i++)
        for (int j = 0; j <= i; j++)
            gram[i * n + j] = gram[j * n + i] = Dot(centred[i], centred[j]);
        return gram;
    }

    private static double Dot(double[] a, double[] b)
    {
        double sum = 0;
        for (int i = 0; i < a.Length; i++)
            sum += a[i] * b[i];
        return sum;
    }
}
