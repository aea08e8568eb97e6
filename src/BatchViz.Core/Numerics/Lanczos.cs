using BatchViz.Core.Engines;

namespace BatchViz.Core.Numerics;

/// <summary>
/// The largest eigenvalues of a Hessian from its products with vectors (Lanczos 1950). Every new vector is made orthogonal to all
/// before it twice, in double precision (Parlett, "The Symmetric Eigenvalue Problem", 6.9 and 13.8), so no eigenvalue appears twice by
/// rounding. When a subspace is exhausted, a new random vector begins the next, so multiple eigenvalues are found too. An engine brings its
/// vectors.
/// </summary>
/// <typeparam name="T">A vector [P] in double precision. Operations may work in place on their first argument.</typeparam>
/// <param name="parameters">P.</param>
public abstract class Lanczos<T>(long parameters, uint seed)
    where T : class
{
    /// <summary>
    /// A pair has converged when its residual is below this share of the largest eigenvalue by magnitude; products come in float32.
    /// </summary>
    private const double Tolerance = 1e-5;

    /// <summary>A remainder below this share of the matrix is rounding: the subspace is exhausted.</summary>
    private const double Exhausted = 1e-7;

    /// <summary>Iterations from one look at convergence to the next.</summary>
    private const int Every = 8;

    private readonly List<T> basis = [];
    private readonly List<double> diagonal = [],
        beside = [];
    private ulong starts;

    /// <summary>The largest eigenvalues by value, from at most as many iterations; none where a product is no number.</summary>
    public EigenProbe Largest(int count, int iterations)
    {
        long most = Math.Min(parameters, iterations);
        double scale = 0;
        var next = RandomVector();
        while (next is not null && basis.Count < most)
        {
            next = Kept(next, basis.Count);
            basis.Add(next);
            var rest = Product(next);
            double along = Dot(next, rest);
            if (!double.IsFinite(along))
                return new EigenProbe([], basis.Count, Cost(basis.Count));
            diagonal.Add(along);
            rest = Orthogonal(rest);
            double length = Length(rest);
            scale = Math.Max(scale, Math.Abs(along) + length);
            bool exhausted = length <= Exhausted * scale;
            beside.Add(exhausted ? 0 : length);
            if (basis.Count >= count && basis.Count % Every == 0 && Converged(count))
                break;
            next =
                basis.Count == most ? null
                : exhausted ? RandomVector()
                : Scaled(rest, 1 / length);
        }
        return Pairs(count);
    }

    /// <summary>The vector where the basis' vector of that number is kept.</summary>
    protected virtual T Kept(T vector, int number) => vector;

    /// <summary>A vector of its canonical components.</summary>
    protected abstract T Vector(float[] canonical);

    /// <summary>Hessian times the vector; another one.</summary>
    protected abstract T Product(T vector);

    protected abstract double Dot(T a, T b);

    protected abstract T Scaled(T vector, double factor);

    /// <summary>The vector plus a multiple of another.</summary>
    protected abstract T Added(T vector, double factor, T other);

    /// <summary>The vector without what lies in the basis.</summary>
    protected abstract T Without(T vector, IReadOnlyList<T> basis);

    /// <summary>The sum of the basis' vectors times these factors.</summary>
    protected abstract T Combined(double[] factors, IReadOnlyList<T> basis);

    /// <summary>The vector in float32, to be given away.</summary>
    protected abstract IDirection Direction(T vector);

    /// <summary>Of so many products.</summary>
    protected abstract ProbeCost Cost(long products);

    private bool Converged(int count)
    {
        int n = basis.Count;
        var (values, vectors) = SymmetricEigen.Decompose(Tridiagonal(), n);
        double largest = Math.Max(Math.Abs(values[0]), Math.Abs(values[^1]));
        for (int k = 0; k < count; k++)
        {
            if (Math.Abs(beside[^1] * vectors[(n - 1) * n + k]) > Tolerance * largest)
                return false;
        }
        return true;
    }

    private EigenProbe Pairs(int count)
    {
        int n = basis.Count;
        var (_, vectors) = SymmetricEigen.Decompose(Tridiagonal(), n);
        var pairs = new List<EigenPair>();
        try
        {
            for (int k = 0; k < Math.Min(count, n); k++)
            {
                var factors = new double[n];
                for (int i = 0; i < n; i++)
                    factors[i] = vectors[i * n + k];
                var vector = Combined(factors, basis);
                pairs.Add(Pair(Scaled(vector, 1 / Length(vector))));
            }
        }
        catch
        {
            foreach (var pair in pairs)
                pair.Vector.Dispose();
            throw;
        }
        return new EigenProbe([.. pairs.OrderByDescending(pair => pair.Value)], n, Cost(n + pairs.Count));
    }

    /// <summary>The Rayleigh quotient of a vector of length 1, and how far the vector is from an eigenvector.</summary>
    private EigenPair Pair(T vector)
    {
        var product = Product(vector);
        double value = Dot(vector, product);
        return new EigenPair(value, Length(Added(product, -value, vector)), Direction(vector));
    }

    private double[] Tridiagonal()
    {
        int n = basis.Count;
        var matrix = new double[n * n];
        for (int i = 0; i < n; i++)
        {
            matrix[i * n + i] = diagonal[i];
            if (i + 1 < n)
                matrix[i * n + i + 1] = matrix[(i + 1) * n + i] = beside[i];
        }
        return matrix;
    }

    private T Orthogonal(T vector)
    {
        for (int pass = 0; pass < 2; pass++)
            vector = Without(vector, basis);
        return vector;
    }

    /// <summary>A unit vector orthogonal to the basis, from components uniform in −1 … 1; null when there is none.</summary>
    private T? RandomVector()
    {
        var stream = new Philox(seed, Purpose.LanczosStart, starts++);
        var components = new float[parameters];
        for (int i = 0; i < components.Length; i++)
            components[i] = (float)(2 * stream.Uniform((ulong)i) - 1);
        var vector = Vector(components);
        double before = Length(vector);
        vector = Orthogonal(vector);
        double length = Length(vector);
        return length <= Exhausted * before ? null : Scaled(vector, 1 / length);
    }

    private double Length(T vector) => Math.Sqrt(Dot(vector, vector));
}
