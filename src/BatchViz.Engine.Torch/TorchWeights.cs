using BatchViz.Core.Engines;
using TorchSharp;
using static TorchSharp.torch;

namespace BatchViz.Engine.Torch;

/// <summary>A vector of float32 on the device [P] that outlives every dispose scope.</summary>
internal abstract class DeviceVector(ParameterLayout layout, Tensor vector) : IDisposable
{
    public ParameterLayout Layout => layout;

    /// <summary>[P].</summary>
    public Tensor Vector { get; } = vector.DetachFromDisposeScope();

    public long Count => layout.Parameters;

    public void CopyTo(Span<float> canonical)
    {
        if (canonical.Length != Count)
            throw new ArgumentException($"{Count} components do not fit {canonical.Length} places", nameof(canonical));
        Host.Copy(Vector, canonical);
    }

    public virtual void Dispose() => Vector.Dispose();
}

internal sealed class TorchWeights(ParameterLayout layout, Tensor weights, Tensor? running) : DeviceVector(layout, weights), IWeights
{
    /// <summary>Running statistics of batch norms [S], or null.</summary>
    public Tensor? Running { get; } = running?.DetachFromDisposeScope();

    public override void Dispose()
    {
        Running?.Dispose();
        base.Dispose();
    }

    public static TorchWeights Of(IWeights weights, ParameterLayout layout) =>
        weights is TorchWeights ours && ours.Layout.SameAs(layout)
            ? ours
            : throw new ArgumentException("weights of another engine or model", nameof(weights));
}

internal sealed class TorchDirection : DeviceVector, IDirection
{
    public TorchDirection(ParameterLayout layout, Tensor vector)
        : base(layout, vector)
    {
        using var square = vector.Squared().sum(ScalarType.Float64);
        Norm = Math.Sqrt(square.item<double>());
    }

    public double Norm { get; }

    public static TorchDirection Of(IDirection direction, ParameterLayout layout) =>
        direction is TorchDirection ours && ours.Layout.SameAs(layout)
            ? ours
            : throw new ArgumentException("a direction of another engine or model", nameof(direction));
}

/// <summary>Between host and device.</summary>
internal static class Host
{
    public static void Copy(Tensor from, Span<float> to)
    {
        using var scope = NewDisposeScope();
        from.detach().to(ScalarType.Float32).cpu().contiguous().data<float>().CopyTo(to);
    }

    public static double[] Doubles(Tensor from)
    {
        using var scope = NewDisposeScope();
        return from.detach().to(ScalarType.Float64).cpu().contiguous().data<double>().ToArray();
    }

    public static double Double(Tensor scalar)
    {
        using var wide = scalar.detach().to(ScalarType.Float64);
        return wide.item<double>();
    }
}
