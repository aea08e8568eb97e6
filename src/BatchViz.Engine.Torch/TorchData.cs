using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using TorchSharp;
using static TorchSharp.torch;

namespace BatchViz.Engine.Torch;

/// <summary>
/// A data set on the device: features as they come (bytes stay bytes until a batch is gathered), labels or targets beside them.
/// </summary>
internal sealed class TorchData : IEngineData
{
    public TorchData(DataSet source, Device device)
    {
        Source = source;
        using var alone = torch.NewDisposeScope();
        Train = new TorchSplit(source.Train, device);
        Test = source.Test is { } test ? new TorchSplit(test, device) : null;
    }

    public DataSet Source { get; }

    public TorchSplit Train { get; }

    public TorchSplit? Test { get; }

    public TorchSplit Of(Split split) =>
        split == Split.Train ? Train : Test ?? throw new InvalidOperationException($"{Source.Name} has no test split");

    public void Dispose()
    {
        Train.Dispose();
        Test?.Dispose();
    }
}

internal sealed class TorchSplit : IDisposable
{
    private readonly Tensor features;
    private readonly float scale,
        offset;
    private readonly bool bytes;

    public TorchSplit(DataSplit source, Device device)
    {
        Source = source;
        bytes = source.Floats is null;
        (scale, offset) = (source.Scale, source.Offset);
        using var host = bytes
            ? tensor(source.Bytes!, [source.Count, source.Inputs])
            : tensor(source.Floats!, [source.Count, source.Inputs]);
        features = host.to(device, copy: true).DetachFromDisposeScope();
        if (source.Labels is { } labels)
            Labels = tensor(Array.ConvertAll(labels, label => (long)label)).to(device).DetachFromDisposeScope();
        if (source.Targets is { } targets)
            Targets = tensor(targets, [source.Count, targets.Length / Math.Max(1, source.Count)]).to(device).DetachFromDisposeScope();
    }

    public DataSplit Source { get; }

    /// <summary>[N] int64, or null.</summary>
    public Tensor? Labels { get; }

    /// <summary>[N, outputs], or null.</summary>
    public Tensor? Targets { get; }

    /// <summary>Features of the given examples [n] as floats [n, inputs].</summary>
    public Tensor Gather(Tensor examples)
    {
        var rows = features.index_select(0, examples);
        if (!bytes)
            return rows;
        var floats = rows.to(ScalarType.Float32);
        if (scale != 1)
            floats.Times_(scale);
        if (offset != 0)
            floats.Plus_(offset);
        return floats;
    }

    public void Dispose()
    {
        features.Dispose();
        Labels?.Dispose();
        Targets?.Dispose();
    }
}
