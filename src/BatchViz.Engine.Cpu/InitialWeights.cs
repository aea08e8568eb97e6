using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using BatchViz.Core.Numerics;
using BatchViz.Core.Specs;

namespace BatchViz.Engine.Cpu;

/// <summary>
/// Weights at update 0: a function of the seed, the layer and the place in canonical order, so they are the same for all batch sizes.
/// Uniform in ±√(3·variance); biases 0. With <see cref="Initializer.Auto"/> the variance follows the activation after the layer.
/// </summary>
internal static class InitialWeights
{
    /// <summary>Writes the weights into <paramref name="padded"/> (zero before) of the given layout.</summary>
    public static unsafe void Fill(NetworkSpec network, DataSet data, WeightLayout layout, uint seed, float* padded)
    {
        var model = network.Model;
        if (model.Kind == ModelKind.Surface || model.Start is not null)
        {
            var (x, y) = model.Kind == ModelKind.Surface ? Surfaces.Start(data.Surface!.Value) : default;
            IReadOnlyList<double> start = model.Start ?? [x, y];
            float[] canonical = [.. start.Select(w => (float)w)];
            layout.Pack(canonical, padded);
            return;
        }
        for (int l = 0; l < layout.Layers.Length; l++)
        {
            var layer = layout.Layers[l];
            if (layer.Role != WeightRole.Matrix)
            {
                FillOther(network, layer, padded);
                continue;
            }
            double limit = Math.Sqrt(3 * Variance(model, layer, last: l == layout.Layers.Length - 1));
            if (limit == 0) continue;
            var stream = new Philox(seed, Purpose.InitialWeights, (ulong)l);
            ulong index = 0;
            for (int o = 0; o < layer.Outputs; o++)
            {
                for (int i = 0; i < layer.Inputs; i++) padded[layer.Index(i, o)] = (float)((2 * stream.Uniform(index++) - 1) * limit);
            }
        }
    }

    /// <summary>Running statistics at update 0, into [statistics floats] zeros: means 0, variances 1.</summary>
    public static unsafe void FillStatistics(WeightLayout layout, float* padded)
    {
        foreach (var norm in layout.Norms) new Span<float>(padded + norm.Offset + Memory.Arena.Pad(norm.Channels), norm.Channels).Fill(1);
    }

    /// <summary>Norms: γ = 1, β = 0. The sigmoid contrastive loss: ln(1/temperature) and −10 (Zhai et al. 2023, section 3.2).</summary>
    private static unsafe void FillOther(NetworkSpec network, LayerShape layer, float* padded)
    {
        bool norm = layer.Role == WeightRole.Norm;
        for (int o = 0; o < layer.Outputs; o++) padded[layer.Index(0, o)] = norm ? 1 : LogScale(network);
        if (!norm) padded[layer.BiasOffset] = LossBias;
    }

    /// <summary>ln(1/temperature), the same on every system: see <see cref="Philox.Gaussian"/>.</summary>
    public static float LogScale(NetworkSpec network) => (float)(Math.Round(-Math.Log(network.Model.Temperature) * 1099511627776.0) / 1099511627776.0);

    /// <summary>Of the sigmoid contrastive loss's similarities, at the beginning.</summary>
    public const float LossBias = -10;

    private static double Variance(ModelSpec model, LayerShape layer, bool last)
    {
        var activation = model.Kind == ModelKind.Layers ? layer.Follows : last ? model.OutputActivation : model.Activation;
        var kind = model.Initializer != Initializer.Auto ? model.Initializer
            : activation is Activation.Relu or Activation.Gelu ? Initializer.HeUniform : Initializer.GlorotUniform;
        return kind switch
        {
            Initializer.HeUniform => 2.0 / layer.Inputs,
            Initializer.GlorotUniform => 2.0 / (layer.Inputs + layer.Outputs * layer.Area),
            Initializer.LeCunUniform => 1.0 / layer.Inputs,
            _ => 0,
        };
    }
}
