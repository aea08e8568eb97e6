using BatchViz.Core.Data;
using BatchViz.Core.Numerics;
using BatchViz.Core.Specs;

namespace BatchViz.Core.Engines;

/// <summary>
/// Weights at update 0: a function of the seed, the layer and the place in canonical order, so they are the same for all batch sizes
/// and engines. Uniform in ±√(3·variance); biases 0. With <see cref="Initializer.Auto"/> the variance follows the activation after the
/// layer.
/// </summary>
public static class InitialWeights
{
    /// <summary>Of the sigmoid contrastive loss's similarities, at the beginning (Zhai et al. 2023, section 3.2).</summary>
    public const float LossBias = -10;

    /// <summary>The weights [P] in canonical order.</summary>
    public static float[] Of(NetworkSpec network, DataSet data, uint seed)
    {
        var model = network.Model;
        if (model.Kind == ModelKind.Surface || model.Start is not null)
        {
            var (x, y) = model.Kind == ModelKind.Surface ? Surfaces.Start(data.Surface!.Value) : default;
            IReadOnlyList<double> start = model.Start ?? [x, y];
            return [.. start.Select(w => (float)w)];
        }
        var weights = new float[network.ParameterCount];
        int at = 0;
        for (int l = 0; l < network.Weights.Count; l++)
        {
            var group = network.Weights[l];
            var to = weights.AsSpan(at, (int)group.Count);
            at += (int)group.Count;
            switch (group.Role)
            {
                case WeightRole.Norm:
                    to[..group.Outputs].Fill(1);
                    break;
                case WeightRole.Loss:
                    (to[0], to[1]) = (LogScale(network), LossBias);
                    break;
                default:
                    double limit = Math.Sqrt(3 * Variance(model, group));
                    if (limit == 0)
                        break;
                    var stream = new Philox(seed, Purpose.InitialWeights, (ulong)l);
                    for (int i = 0; i < group.Inputs * group.Outputs; i++)
                        to[i] = (float)((2 * stream.Uniform((ulong)i) - 1) * limit);
                    break;
            }
        }
        return weights;
    }

    /// <summary>ln(1/temperature), the same on every system: see <see cref="Philox.Gaussian"/>.</summary>
    public static float LogScale(NetworkSpec network) =>
        (float)(Math.Round(-Math.Log(network.Model.Temperature) * 1099511627776.0) / 1099511627776.0);

    private static double Variance(ModelSpec model, WeightGroup group)
    {
        var kind =
            model.Initializer != Initializer.Auto ? model.Initializer
            : group.Follows is Activation.Relu or Activation.Gelu ? Initializer.HeUniform
            : Initializer.GlorotUniform;
        return kind switch
        {
            Initializer.HeUniform => 2.0 / group.Inputs,
            Initializer.GlorotUniform => 2.0 / (group.Inputs + group.Outputs * group.Area),
            Initializer.LeCunUniform => 1.0 / group.Inputs,
            _ => 0,
        };
    }
}
