using BatchViz.Core.Engines;
using BatchViz.Core.Numerics;
using TorchSharp;
using static TorchSharp.torch;

namespace BatchViz.Engine.Torch;

/// <summary>Eigenvalues from vectors [P] on the device.</summary>
/// <param name="hessian">Product with a vector [P] of float32.</param>
internal sealed class TorchLanczos(ParameterLayout layout, Device device, Func<Tensor, Tensor> hessian, uint seed) : Lanczos<Tensor>(layout.Parameters, seed)
{
    protected override Tensor Vector(float[] canonical) => tensor(canonical).to(device).to(ScalarType.Float64);

    protected override Tensor Product(Tensor vector) => hessian(vector.to(ScalarType.Float32)).to(ScalarType.Float64);

    protected override double Dot(Tensor a, Tensor b) => Host.Double(a.dot(b));

    protected override Tensor Scaled(Tensor vector, double factor) => vector * factor;

    protected override Tensor Added(Tensor vector, double factor, Tensor other) => vector + other * factor;

    protected override Tensor Without(Tensor vector, IReadOnlyList<Tensor> basis)
    {
        if (basis.Count == 0) return vector;
        var all = stack(basis);
        return vector - all.t().mv(all.mv(vector));
    }

    protected override Tensor Combined(double[] factors, IReadOnlyList<Tensor> basis) => tensor(factors).to(device).unsqueeze(0).mm(stack(basis)).squeeze(0);

    protected override IDirection Direction(Tensor vector) => new TorchDirection(layout, vector.to(ScalarType.Float32));

    /// <summary>Every product takes a gradient of its own.</summary>
    protected override ProbeCost Cost(long products) => new(0, products, products);
}
