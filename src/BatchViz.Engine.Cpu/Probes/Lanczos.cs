using BatchViz.Core.Engines;
using BatchViz.Core.Numerics;
using BatchViz.Engine.Cpu.Planes;

namespace BatchViz.Engine.Cpu.Probes;

/// <summary>
/// The largest eigenvalues of a Hessian from its products with vectors (Lanczos 1950). Every new vector is made orthogonal to all
/// before it twice, in double precision (Parlett, "The Symmetric Eigenvalue Problem", 6.9 and 13.8), so no eigenvalue appears twice by rounding. When
/// a subspace is exhausted, a new random vector begins the next, so multiple eigenvalues are found too.
/// </summary>
internal sealed unsafe class Lanczos(Objective objective, WeightLayout layout, Workspace workspace, uint seed)
{
    /// <summary>A pair has converged when its residual is below this share of the largest eigenvalue by magnitude; products come in float32.</summary>
    private const double Tolerance = 1e-5;

    /// <summary>A remainder below this share of the matrix is rounding: the subspace is exhausted.</summary>
    private const double Exhausted = 1e-7;

    /// <summary>Iterations from one look at convergence to the next.</summary>
    private const int Every = 8;

    private readonly List<double[]> basis = [];
    private readonly List<double> diagonal = [], beside = [];
    private ulong starts;

    /// <summary>At the objective's last linearisation.</summary>
    public EigenProbe Largest(int count, int iterations, CancellationToken cancel)
    {
        long most = Math.Min(layout.Parameters, iterations);
        double scale = 0;
        var next = RandomVector();
        while (next is not null && basis.Count < most)
        {
            basis.Add(next);
            var rest = Product(next, cancel);
            double along = WeightVectors.Dot(next, rest);
            if (!double.IsFinite(along)) return new EigenProbe([], basis.Count, new(0, 0, basis.Count));
            diagonal.Add(along);
            double length = Orthogonalise(rest);
            scale = Math.Max(scale, Math.Abs(along) + length);
            bool exhausted = length <= Exhausted * scale;
            beside.Add(exhausted ? 0 : length);
            if (basis.Count >= count && basis.Count % Every == 0 && Converged(count)) break;
            next = basis.Count == most ? null : exhausted ? RandomVector() : Scaled(rest, 1 / length);
        }
        return Pairs(count, cancel);
    }

    private bool Converged(int count)
    {
        int n = basis.Count;
        var (values, vectors) = SymmetricEigen.Decompose(Tridiagonal(), n);
        double largest = Math.Max(Math.Abs(values[0]), Math.Abs(values[^1]));
        for (int k = 0; k < count; k++)
        {
            if (Math.Abs(beside[^1] * vectors[(n - 1) * n + k]) > Tolerance * largest) return false;
        }
        return true;
    }

    private EigenProbe Pairs(int count, CancellationToken cancel)
    {
        int n = basis.Count;
        var (_, vectors) = SymmetricEigen.Decompose(Tridiagonal(), n);
        var pairs = new List<EigenPair>();
        try
        {
            for (int k = 0; k < Math.Min(count, n); k++)
            {
                var vector = new double[layout.Floats];
                for (int i = 0; i < n; i++) Vectors.Add(vectors[i * n + k], basis[i], vector);
                Scale(vector, 1 / Math.Sqrt(WeightVectors.Dot(vector, vector)));
                pairs.Add(Pair(vector, cancel));
            }
        }
        catch
        {
            foreach (var pair in pairs) pair.Vector.Dispose();
            throw;
        }
        return new EigenProbe([.. pairs.OrderByDescending(pair => pair.Value)], n, new(0, 0, n + pairs.Count));
    }

    /// <summary>The Rayleigh quotient of a vector of length 1, and how far the vector is from an eigenvector.</summary>
    private EigenPair Pair(double[] vector, CancellationToken cancel)
    {
        var product = Product(vector, cancel);
        double value = WeightVectors.Dot(vector, product);
        Vectors.Add(-value, vector, product);
        return new EigenPair(value, Math.Sqrt(WeightVectors.Dot(product, product)), new CpuDirection(layout, workspace.Point));
    }

    private double[] Tridiagonal()
    {
        int n = basis.Count;
        var matrix = new double[n * n];
        for (int i = 0; i < n; i++)
        {
            matrix[i * n + i] = diagonal[i];
            if (i + 1 < n) matrix[i * n + i + 1] = matrix[(i + 1) * n + i] = beside[i];
        }
        return matrix;
    }

    /// <summary>Hessian times the vector, which stays in the workspace's point as floats.</summary>
    private double[] Product(double[] vector, CancellationToken cancel)
    {
        for (int i = 0; i < vector.Length; i++) workspace.Point[i] = (float)vector[i];
        objective.HessianProduct(workspace.Point, workspace.Vector, cancel);
        var product = new double[vector.Length];
        for (int i = 0; i < product.Length; i++) product[i] = workspace.Vector[i];
        return product;
    }

    /// <summary>Takes the basis out of a vector and returns the length that is left.</summary>
    private double Orthogonalise(double[] vector)
    {
        for (int pass = 0; pass < 2; pass++)
        {
            foreach (var other in basis) Vectors.Add(-WeightVectors.Dot(other, vector), other, vector);
        }
        return Math.Sqrt(WeightVectors.Dot(vector, vector));
    }

    /// <summary>A unit vector orthogonal to the basis, from components uniform in −1 … 1; null when there is none.</summary>
    private double[]? RandomVector()
    {
        var stream = new Philox(seed, Purpose.LanczosStart, starts++);
        var canonical = new float[layout.Parameters];
        for (int i = 0; i < canonical.Length; i++) canonical[i] = (float)(2 * stream.Uniform((ulong)i) - 1);
        new Span<float>(workspace.Point, checked((int)layout.Floats)).Clear();
        layout.Pack(canonical, workspace.Point);
        var vector = new double[layout.Floats];
        for (int i = 0; i < vector.Length; i++) vector[i] = workspace.Point[i];
        double before = Math.Sqrt(WeightVectors.Dot(vector, vector)), length = Orthogonalise(vector);
        return length <= Exhausted * before ? null : Scaled(vector, 1 / length);
    }

    private static double[] Scaled(double[] vector, double factor)
    {
        Scale(vector, factor);
        return vector;
    }

    private static void Scale(double[] vector, double factor)
    {
        for (int i = 0; i < vector.Length; i++) vector[i] *= factor;
    }
}
