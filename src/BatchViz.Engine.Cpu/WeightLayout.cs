using BatchViz.Core.Engines;
using BatchViz.Core.Specs;

namespace BatchViz.Engine.Cpu;

/// <summary>
/// Where a model's weights lie inside the engine: layer after layer a matrix [inputs, padded outputs], row i holding what input i
/// gives to each output, then (with bias) a row of biases. Rows are padded with zeros to whole registers of the widest path, on every
/// path, and stay zero: a padded weight's gradient is zero.
/// </summary>
internal sealed class WeightLayout
{
    /// <summary>Rows are padded to multiples of this many floats (64 bytes).</summary>
    public const int Lanes = 16;

    public WeightLayout(IReadOnlyList<int> sizes, bool bias)
    {
        Layers = new LayerShape[sizes.Count - 1];
        for (int l = 0; l < Layers.Length; l++)
        {
            var layer = new LayerShape(sizes[l], sizes[l + 1], bias, Floats, (int)Parameters);
            Layers[l] = layer;
            Floats += layer.Floats;
            Parameters += layer.Parameters;
        }
    }

    public LayerShape[] Layers { get; }

    /// <summary>Floats with padding.</summary>
    public long Floats { get; }

    /// <summary>Weights and biases without padding.</summary>
    public long Parameters { get; }

    /// <summary>A surface's two weights are one layer from 1 to 2 without bias.</summary>
    public static WeightLayout Of(NetworkSpec network)
        => network.Model.Kind == ModelKind.Surface ? new WeightLayout([1, 2], bias: false) : new WeightLayout(network.Sizes, network.Model.Bias);

    public bool SameAs(WeightLayout other) => Layers.AsSpan().SequenceEqual(other.Layers);

    /// <summary>Canonical order [P] into padded rows; padding is left alone.</summary>
    public unsafe void Pack(ReadOnlySpan<float> canonical, float* padded)
    {
        foreach (var layer in Layers)
        {
            int p = layer.FirstParameter;
            for (int o = 0; o < layer.Outputs; o++)
            {
                for (int i = 0; i < layer.Inputs; i++) padded[layer.Index(i, o)] = canonical[p++];
            }
            if (!layer.Bias) continue;
            for (int o = 0; o < layer.Outputs; o++) padded[layer.Index(layer.Inputs, o)] = canonical[p++];
        }
    }

    /// <summary>Padded rows into canonical order [P].</summary>
    public unsafe void Unpack(float* padded, Span<float> canonical)
    {
        foreach (var layer in Layers)
        {
            int p = layer.FirstParameter;
            for (int o = 0; o < layer.Outputs; o++)
            {
                for (int i = 0; i < layer.Inputs; i++) canonical[p++] = padded[layer.Index(i, o)];
            }
            if (!layer.Bias) continue;
            for (int o = 0; o < layer.Outputs; o++) canonical[p++] = padded[layer.Index(layer.Inputs, o)];
        }
    }
}

/// <summary>One layer's place in a <see cref="WeightLayout"/>.</summary>
/// <param name="Offset">Of its first weight, in floats.</param>
/// <param name="FirstParameter">Of its first weight in canonical order.</param>
internal readonly record struct LayerShape(int Inputs, int Outputs, bool Bias, long Offset, int FirstParameter)
{
    /// <summary>Floats from row to row.</summary>
    public int Stride => Memory.Arena.Pad(Outputs);

    public int Rows => Inputs + (Bias ? 1 : 0);

    public long Floats => (long)Rows * Stride;

    public long Parameters => (long)Rows * Outputs;

    public long BiasOffset => Offset + (long)Inputs * Stride;

    /// <summary>Place of the weight from input i (or, for i = Inputs, the bias) to output o, from the start of all weights.</summary>
    public long Index(int i, int o) => Offset + (long)i * Stride + o;
}
