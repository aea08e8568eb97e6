namespace BatchViz.Live;

/// <summary>What one core of this machine can do at most, for roofline figures.</summary>
/// <param name="FmaGflops">Multiply-adds on registers alone, in 10⁹ operations a second, two to each.</param>
/// <param name="MemoryGBs">Streamed from and to memory, in 10⁹ bytes a second.</param>
public sealed record Ceilings(double FmaGflops, double MemoryGBs);
