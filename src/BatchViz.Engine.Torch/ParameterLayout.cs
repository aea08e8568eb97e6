using BatchViz.Core.Engines;

namespace BatchViz.Engine.Torch;

/// <summary>
/// Where each group of weights begins in a member's vector [P], which is in canonical order (<see cref="NetworkSpec.ParameterCount"/>).
/// </summary>
internal sealed class ParameterLayout
{
    public ParameterLayout(NetworkSpec network)
    {
        Network = network;
        Places = new Place[network.Weights.Count];
        for (int l = 0; l < Places.Length; l++)
        {
            Places[l] = new Place(network.Weights[l], Parameters);
            Parameters += network.Weights[l].Count;
        }
        Statistics = network.Layered ? network.Graph.Statistics : 0;
        if (Statistics > 0)
            foreach (var tower in network.Graph.Towers)
                AddVariances(tower);
    }

    public NetworkSpec Network { get; }

    public Place[] Places { get; }

    /// <summary>P.</summary>
    public long Parameters { get; }

    /// <summary>Running statistics of batch norms: layer by layer means, then variances.</summary>
    public int Statistics { get; }

    /// <summary>First and number of each batch norm's running variances.</summary>
    public List<(int First, int Count)> Variances { get; } = [];

    public bool SameAs(ParameterLayout other) => Statistics == other.Statistics && Places.AsSpan().SequenceEqual(other.Places);

    private void AddVariances(IReadOnlyList<LayerNode> nodes)
    {
        foreach (var node in nodes)
        {
            if (node.Statistics >= 0)
                Variances.Add((node.Statistics + node.Output.Channels, node.Output.Channels));
            AddVariances(node.Inner);
            AddVariances(node.Projection);
        }
    }
}

/// <summary>A group's weights [outputs, inputs] from <paramref name="Offset"/> on, then its biases [outputs].</summary>
internal readonly record struct Place(WeightGroup Group, long Offset)
{
    public long Matrix => (long)Group.Inputs * Group.Outputs;

    public long BiasOffset => Offset + Matrix;
}
