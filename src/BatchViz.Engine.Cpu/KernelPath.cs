namespace BatchViz.Engine.Cpu;

/// <summary>Which instructions the kernels use. Each path has its own bits; within one path they are the same on every machine.</summary>
public enum KernelPath
{
    /// <summary>128-bit vectors, multiply then add: any processor.</summary>
    Portable,

    /// <summary>256-bit vectors with fused multiply-add.</summary>
    Avx2,

    /// <summary>512-bit vectors with fused multiply-add.</summary>
    Avx512,
}
