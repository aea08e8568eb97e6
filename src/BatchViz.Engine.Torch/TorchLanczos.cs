using BatchViz.Core.Engines;
using BatchViz.Core.Numerics;
using TorchSharp;
using static TorchSharp.torch;

namespace BatchViz.Engine.Torch;

/// <summary>Eigenvalues from vectors [P] on the device; the basis is one matrix, of as many rows as there may be iterations.</summary>
/// <param name="hessian">Product with a vector [P] of float32.</param>
internal sealed class TorchLanczos(ParameterLayout layout, Device device, Func<Tensor, Tensor> hessian, int iterations, uint seed)
    : Lanczos<Tensor>(layout.Parameters, seed)
{
    private readonly Tensor rows = empty([Math.Min(iterations, layout.Parameters), layout.Parameters], ScalarType.Float64, device);

    protected override Tensor Kept(Tensor vector, int number)
    {
        var row = rows.select(0, number).copy_(vector);
        vector.Dispose();
        return row;
    }

    protected override Tensor Vector(float[] canonical) => tensor(canonical).to(device).to(ScalarType.Float64);

    protected override Tensor Product(Tensor vector)
    {
        using var scope = NewDisposeScope();
        return hessian(vector.to(ScalarType.Float32)).to(ScalarType.Float64).MoveToOuterDisposeScope();
    }

    protected override double Dot(Tensor a, Tensor b) => Host.Double(a.dot(b));

    protected override Tensor Scaled(Tensor vector, double factor) => vector.Times_(factor);

    protected override Tensor Added(Tensor vector, double factor, Tensor other) => vector.Plus_(other, factor);

    protected override Tensor Without(Tensor vector, IReadOnlyList<Tensor> basis)
    {
        if (basis.Count == 0)
            return vector;
        using var scope = NewDisposeScope();
        var all = rows.narrow(0, 0, basis.Count);
        return vector.sub_(all.t().mv(all.mv(vector)));
    }

    protected override Tensor Combined(double[] factors, IReadOnlyList<Tensor> basis)
    {
        using var scope = NewDisposeScope();
        return rows.narrow(0, 0, basis.Count).t().mv(tensor(factors).to(device)).MoveToOuterDisposeScope();
    }

    protected override IDirection Direction(Tensor vector) => new TorchDirection(layout, vector.to(ScalarType.Float32));

    /// <summary>Every product takes a gradient of its own.</summary>
    protected override ProbeCost Cost(long products) => new(0, products, products);
}
