namespace BatchViz.Core.Engines;

/// <summary>
/// What products of the forward and backward pass are computed in. Weights, their gradients, optimisers, norms and losses are float32.
/// </summary>
public enum Precision
{
    Float32,

    /// <summary>float32 with products of 10-bit mantissas on tensor cores, where the device has them.</summary>
    Tf32,

    BFloat16,

    /// <summary>
    /// With a scaled loss: halved when a gradient overflows, and the batch computed again (Micikevicius et al. 2018, arXiv:1710.03740,
    /// section 3.2).
    /// </summary>
    Float16,
}
