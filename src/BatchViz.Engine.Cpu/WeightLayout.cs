using BatchViz.Core.Engines;

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

    private WeightLayout(NetworkSpec network)
    {
        Layers = new LayerShape[network.Weights.Count];
        for (int l = 0; l < Layers.Length; l++)
        {
            var group = network.Weights[l];
            var layer = new LayerShape(group.Inputs, group.Outputs, group.Bias, Floats, (int)Parameters, group.Area, group.Role);
            Layers[l] = layer;
            Floats += layer.Floats;
            Parameters += layer.Parameters;
        }
        if (!network.Layered)
            return;
        var norms = new List<NormShape>();
        foreach (var tower in network.Graph.Towers)
            AddNorms(tower, norms);
        Norms = [.. norms];
    }

    public LayerShape[] Layers { get; }

    /// <summary>
    /// Running statistics of batch norms, beside the weights, not among them; in the order of <see cref="LayerNode.Statistics"/>.
    /// </summary>
    public NormShape[] Norms { get; } = [];

    /// <summary>Floats of all running statistics, with padding.</summary>
    public long StatisticsFloats => Norms.Length == 0 ? 0 : Norms[^1].Offset + 2 * Memory.Arena.Pad(Norms[^1].Channels);

    /// <summary>Numbers of all running statistics.</summary>
    public int Statistics => Norms.Sum(norm => 2 * norm.Channels);

    /// <summary>The statistics layer by layer: means, then variances.</summary>
    public unsafe void UnpackStatistics(float* padded, Span<double> plain)
    {
        int at = 0;
        foreach (var norm in Norms)
        {
            for (int half = 0; half < 2; half++)
            {
                for (int c = 0; c < norm.Channels; c++)
                    plain[at++] = padded[norm.Offset + half * Memory.Arena.Pad(norm.Channels) + c];
            }
        }
    }

    public unsafe void PackStatistics(ReadOnlySpan<double> plain, float* padded)
    {
        int at = 0;
        foreach (var norm in Norms)
        {
            for (int half = 0; half < 2; half++)
            {
                for (int c = 0; c < norm.Channels; c++)
                    padded[norm.Offset + half * Memory.Arena.Pad(norm.Channels) + c] = (float)plain[at++];
            }
        }
    }

    /// <summary>Floats with padding.</summary>
    public long Floats { get; }

    /// <summary>Weights and biases without padding.</summary>
    public long Parameters { get; }

    private static void AddNorms(IReadOnlyList<LayerNode> nodes, List<NormShape> norms)
    {
        foreach (var node in nodes)
        {
            if (node.Statistics >= 0)
                norms.Add(
                    new NormShape(node.Output.Channels, norms.Count == 0 ? 0 : norms[^1].Offset + 2 * Memory.Arena.Pad(norms[^1].Channels))
                );
            AddNorms(node.Inner, norms);
            AddNorms(node.Projection, norms);
        }
    }

    public static WeightLayout Of(NetworkSpec network) => new(network);

    /// <summary>Running statistics at update 0, into [statistics floats] zeros: means 0, variances 1.</summary>
    public unsafe void FillStatistics(float* padded)
    {
        foreach (var norm in Norms)
            new Span<float>(padded + norm.Offset + Memory.Arena.Pad(norm.Channels), norm.Channels).Fill(1);
    }

    public bool SameAs(WeightLayout other) => Layers.AsSpan().SequenceEqual(other.Layers) && Norms.AsSpan().SequenceEqual(other.Norms);

    /// <summary>Canonical order [P] into padded rows; padding is left alone.</summary>
    public unsafe void Pack(ReadOnlySpan<float> canonical, float* padded)
    {
        foreach (var layer in Layers)
        {
            int p = layer.FirstParameter;
            for (int o = 0; o < layer.Outputs; o++)
            {
                for (int i = 0; i < layer.Inputs; i++)
                    padded[layer.Index(i, o)] = canonical[p++];
            }
            if (!layer.Bias)
                continue;
            for (int o = 0; o < layer.Outputs; o++)
                padded[layer.Index(layer.Inputs, o)] = canonical[p++];
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
                for (int i = 0; i < layer.Inputs; i++)
                    canonical[p++] = padded[layer.Index(i, o)];
            }
            if (!layer.Bias)
                continue;
            for (int o = 0; o < layer.Outputs; o++)
                canonical[p++] = padded[layer.Index(layer.Inputs, o)];
        }
    }
}

/// <summary>One layer's place in a <see cref="WeightLayout"/>.</summary>
/// <param name="Offset">Of its first weight, in floats.</param>
/// <param name="FirstParameter">Of its first weight in canonical order.</param>
/// <param name="Area">A convolution's pixels of a window: its rows lie pixel after pixel, each with all channels, where the canonical order
/// has channel after channel.</param>
internal readonly record struct LayerShape(
    int Inputs,
    int Outputs,
    bool Bias,
    long Offset,
    int FirstParameter,
    int Area = 1,
    WeightRole Role = WeightRole.Matrix
)
{
    /// <summary>Floats from row to row.</summary>
    public int Stride => Memory.Arena.Pad(Outputs);

    public int Rows => Inputs + (Bias ? 1 : 0);

    public long Floats => (long)Rows * Stride;

    public long Parameters => (long)Rows * Outputs;

    public long BiasOffset => Offset + (long)Inputs * Stride;

    /// <summary>Place of the weight from input i (or, for i = Inputs, the bias) to output o, from the start of all weights.</summary>
    public long Index(int i, int o) => Offset + (long)(Area == 1 || i == Inputs ? i : i % Area * (Inputs / Area) + i / Area) * Stride + o;
}

/// <summary>A batch norm's place among the running statistics: means, then variances, each padded.</summary>
internal readonly record struct NormShape(int Channels, long Offset);
