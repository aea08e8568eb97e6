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
        if (n < 3 || !(values[0] > 0) || !(values[1] > 1e-10 * values[0])) return null;
        return new PrincipalComponents(Scaled(0), Scaled(1), (values[0] + values[1]) / total);

        double[] Scaled(int k)
        {
            var coefficients = new double[n];
            double scale = 1 / Math.Sqrt(values[k]), largest = 0;
            for (int i = 0; i < n; i++)
            {
                coefficients[i] = vectors[i * n + k] * scale;
                if (Math.Abs(coefficients[i]) > Math.Abs(largest)) largest = coefficients[i];
            }
            if (largest < 0)
                for (int i = 0; i < n; i++) coefficients[i] = -coefficients[i];
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
    private const int MaxDimensions = 1024, Repeats = 4;

    /// <param name="walks">For each run, the Euclidean lengths of the steps between its successive snapshots, the first from the start it shares.</param>
    /// <param name="starts">For each run, which start it has; runs with the same number share a point, others start apart by <paramref name="startDistance"/>.</param>
    /// <param name="dimensions">Weights of the model; more than 1,024 are simulated as 1,024, where the result no longer changes visibly.</param>
    /// <returns>Mean share of variance in two components over 4 simulations.</returns>
    public static double Explained(IReadOnlyList<double[]> walks, IReadOnlyList<int> starts, double startDistance, long dimensions, uint seed)
    {
        int d = (int)Math.Min(dimensions, MaxDimensions), n = walks.Sum(w => w.Length + 1);
        var points = new double[n][];
        double sum = 0;
        for (uint repeat = 0; repeat < Repeats; repeat++)
        {
            int p = 0;
            for (int run = 0; run < walks.Count; run++)
            {
                var at = new double[d];
                if (starts[run] > 0) Step(at, startDistance, new Philox(seed, Purpose.RandomWalk, (ulong)repeat << 40 | 0xFFFF_0000ul | (uint)starts[run]));
                points[p++] = at;
                for (int k = 0; k < walks[run].Length; k++)
                {
                    at = (double[])at.Clone();
                    Step(at, walks[run][k], new Philox(seed, Purpose.RandomWalk, (ulong)repeat << 40 | (ulong)run << 20 | (uint)k));
                    points[p++] = at;
                }
            }
            sum += PrincipalComponents.Of(CentredGram(points, d), n)?.Explained ?? 1;
        }
        return sum / Repeats;
    }

    private static void Step(double[] at, double length, Philox stream)
    {
        double scale = length / Math.Sqrt(at.Length);
        for (int i = 0; i < at.Length; i++) at[i] += scale * stream.Gaussian((ulong)i);
    }

    private static double[] CentredGram(double[][] points, int d)
    {
        int n = points.Length;
        var mean = new double[d];
        foreach (var point in points)
            for (int i = 0; i < d; i++) mean[i] += point[i] / n;
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
        for (int i = 0; i < a.Length; i++) sum += a[i] * b[i];
        return sum;
    }
}
