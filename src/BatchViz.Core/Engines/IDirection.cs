namespace BatchViz.Core.Engines;

/// <summary>An immutable vector in weight space inside an engine: a gradient, an eigenvector.</summary>
public interface IDirection : IDisposable
{
    /// <summary>Number of components: as many as weights.</summary>
    long Count { get; }

    /// <summary>Euclidean length.</summary>
    double Norm { get; }

    /// <summary>Copies to the host in canonical order (see <see cref="NetworkSpec.ParameterCount"/>).</summary>
    void CopyTo(Span<float> canonical);
}
