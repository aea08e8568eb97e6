using BatchViz.Core.Engines;
using BatchViz.Core.Numerics;
using TorchSharp;
using static TorchSharp.torch;

namespace BatchViz.Engine.Torch;

/// <summary>
/// The largest eigenvalues of a Hessian from its products with vectors (Lanczos 1950), on the device in double precision with full
/// reorthogonalisation; tolerances and random vectors are those of the embedded engine.
/// </summary>
/// <param name="hessian">Product with a vector [P] of float32.</param>
internal sealed class Lanczos(ParameterLayout layout, Device device, Func<Tensor, Tensor> hessian, uint seed)
{
    private const double Tolerance = 1e-5, Exhausted = 1e-7;
    private const int Every = 8;

    private readonly List<Tensor> basis = [];
    private readonly List<double> diagonal = [], beside = [];
    private ulong starts;

    public EigenProbe Largest(int count, int iterations)
    {
        long most = Math.Min(layout.Parameters, iterations);
        double scale = 0;
        var next = RandomVector();
        while (next is not null && basis.Count < most)
        {
            basis.Add(next);
            var rest = Product(next);
            double along = Host.Double(next.dot(rest));
            if (!double.IsFinite(along)) return new EigenProbe([], basis.Count, Cost(basis.Count));
            diagonal.Add(along);
            rest = Orthogonal(rest);
            double length = Length(rest);
            scale = Math.Max(scale, Math.Abs(along) + length);
            bool exhausted = length <= Exhausted * scale;
            beside.Add(exhausted ? 0 : length);
            if (basis.Count >= count && basis.Count % Every == 0 && Converged(count)) break;
            next = basis.Count == most ? null : exhausted ? RandomVector() : rest / length;
        }
        return Pairs(count);
    }

    /// <summary>Every product takes a gradient of its own.</summary>
    private static ProbeCost Cost(long products) => new(0, products, products);

    private bool Converged(int count)
    {
        int n = basis.Count;
        var (values, vectors) = SymmetricEigen.Decompose(Tridiagonal(), n);
        double largest = Math.Max(Math.Abs(values[0]), Math.Abs(values[^1]));
        return Enumerable.Range(0, count).All(k => Math.Abs(beside[^1] * vectors[(n - 1) * n + k]) <= Tolerance * largest);
    }

    private EigenProbe Pairs(int count)
    {
        int n = basis.Count;
        var (_, vectors) = SymmetricEigen.Decompose(Tridiagonal(), n);
        var pairs = new List<EigenPair>();
        var all = stack(basis);
        for (int k = 0; k < Math.Min(count, n); k++)
        {
            var vector = tensor(Enumerable.Range(0, n).Select(i => vectors[i * n + k]).ToArray()).to(device).unsqueeze(0).mm(all).squeeze(0);
            vector = vector / Length(vector);
            var product = Product(vector);
            double value = Host.Double(vector.dot(product));
            pairs.Add(new EigenPair(value, Length(product - vector * value), new TorchDirection(layout, vector.to(ScalarType.Float32))));
        }
        return new EigenProbe([.. pairs.OrderByDescending(pair => pair.Value)], n, Cost(n + pairs.Count));
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

    private Tensor Product(Tensor vector) => hessian(vector.to(ScalarType.Float32)).to(ScalarType.Float64);

    private Tensor Orthogonal(Tensor vector)
    {
        if (basis.Count == 0) return vector;
        var all = stack(basis);
        for (int pass = 0; pass < 2; pass++) vector = vector - all.t().mv(all.mv(vector));
        return vector;
    }

    /// <summary>A unit vector orthogonal to the basis, from components uniform in −1 … 1; null when there is none.</summary>
    private Tensor? RandomVector()
    {
        var stream = new Philox(seed, Purpose.LanczosStart, starts++);
        var components = new double[layout.Parameters];
        for (int i = 0; i < components.Length; i++) components[i] = (float)(2 * stream.Uniform((ulong)i) - 1);
        var drawn = tensor(components).to(device);
        var vector = Orthogonal(drawn);
        double length = Length(vector);
        return length <= Exhausted * Length(drawn) ? null : vector / length;
    }

    private static double Length(Tensor v) => Math.Sqrt(Host.Double(v.square().sum()));
}
