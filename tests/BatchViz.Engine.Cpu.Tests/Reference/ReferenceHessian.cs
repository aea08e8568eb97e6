using BatchViz.Core.Engines;

namespace BatchViz.Engine.Cpu.Tests.Reference;

/// <summary>Second derivatives of the reference by central differences of its exact gradient, in double precision.</summary>
internal sealed class ReferenceHessian(NetworkSpec network)
{
    /// <summary>Step in weight space; the error is about its square, and rounding over it, 1e-10 of the gradient both.</summary>
    private const double Step = 1e-5;

    private readonly ReferenceNet net = new(network);

    /// <summary>The smallest |z| at a ReLU in the last product: how far both gradients were from a kink.</summary>
    public double NearestKink { get; private set; }

    public double[] Product(double[] w, IReadOnlyList<Example> examples, double[] v)
    {
        double h = Step / Math.Max(1e-12, Vectors.Norm(v));
        double[] up = net.Gradient([.. w.Zip(v, (a, b) => a + h * b)], examples).Gradient;
        NearestKink = net.NearestKink;
        double[] down = net.Gradient([.. w.Zip(v, (a, b) => a - h * b)], examples).Gradient;
        NearestKink = Math.Min(NearestKink, net.NearestKink);
        return [.. up.Zip(down, (a, b) => (a - b) / (2 * h))];
    }

    /// <summary>The whole matrix [P, P], made symmetric.</summary>
    public double[] Matrix(double[] w, IReadOnlyList<Example> examples)
    {
        int n = w.Length;
        var matrix = new double[n * n];
        double kink = double.PositiveInfinity;
        for (int i = 0; i < n; i++)
        {
            var unit = new double[n];
            unit[i] = 1;
            Product(w, examples, unit).CopyTo(matrix, i * n);
            kink = Math.Min(kink, NearestKink);
        }
        NearestKink = kink;
        for (int i = 0; i < n; i++)
        {
            for (int j = 0; j < i; j++)
                matrix[i * n + j] = matrix[j * n + i] = (matrix[i * n + j] + matrix[j * n + i]) / 2;
        }
        return matrix;
    }
}
