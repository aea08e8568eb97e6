using BatchViz.Core.Engines;
using BatchViz.Core.Numerics;
using BatchViz.Engine.Cpu.Planes;

namespace BatchViz.Engine.Cpu.Probes;

/// <summary>Eigenvalues at the objective's last linearisation, from vectors [floats] of the layout with its gaps.</summary>
internal sealed unsafe class CpuLanczos(Objective objective, WeightLayout layout, Workspace workspace, uint seed, CancellationToken cancel)
    : Lanczos<double[]>(layout.Parameters, seed)
{
    protected override double[] Vector(float[] canonical)
    {
        new Span<float>(workspace.Point, checked((int)layout.Floats)).Clear();
        layout.Pack(canonical, workspace.Point);
        return Wide(workspace.Point);
    }

    protected override double[] Product(double[] vector)
    {
        Narrow(vector);
        objective.HessianProduct(workspace.Point, workspace.Vector, cancel);
        return Wide(workspace.Vector);
    }

    protected override double Dot(double[] a, double[] b) => WeightVectors.Dot(a, b);

    protected override double[] Scaled(double[] vector, double factor)
    {
        for (int i = 0; i < vector.Length; i++)
            vector[i] *= factor;
        return vector;
    }

    protected override double[] Added(double[] vector, double factor, double[] other)
    {
        Vectors.Add(factor, other, vector);
        return vector;
    }

    protected override double[] Without(double[] vector, IReadOnlyList<double[]> basis)
    {
        foreach (var other in basis)
            Vectors.Add(-WeightVectors.Dot(other, vector), other, vector);
        return vector;
    }

    protected override double[] Combined(double[] factors, IReadOnlyList<double[]> basis)
    {
        var sum = new double[layout.Floats];
        for (int i = 0; i < factors.Length; i++)
            Vectors.Add(factors[i], basis[i], sum);
        return sum;
    }

    protected override IDirection Direction(double[] vector)
    {
        Narrow(vector);
        return new CpuDirection(layout, workspace.Point);
    }

    protected override ProbeCost Cost(long products) => new(0, 0, products);

    /// <summary>The vector as floats in the workspace's point.</summary>
    private void Narrow(double[] vector)
    {
        for (int i = 0; i < vector.Length; i++)
            workspace.Point[i] = (float)vector[i];
    }

    private double[] Wide(float* vector)
    {
        var wide = new double[layout.Floats];
        for (int i = 0; i < wide.Length; i++)
            wide[i] = vector[i];
        return wide;
    }
}
