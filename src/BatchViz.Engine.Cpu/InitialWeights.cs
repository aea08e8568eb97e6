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

    private static double Variance(ModelSpec model, LayerShape layer, bool last)
    {
        var activation = last ? model.OutputActivation : model.Activation;
        var kind = model.Initializer != Initializer.Auto ? model.Initializer
            : activation is Activation.Relu or Activation.Gelu ? Initializer.HeUniform : Initializer.GlorotUniform;
        return kind switch
        {
            Initializer.HeUniform => 2.0 / layer.Inputs,
            Initializer.GlorotUniform => 2.0 / (layer.Inputs + layer.Outputs),
            Initializer.LeCunUniform => 1.0 / layer.Inputs,
            _ => 0,
        };
    }
}
