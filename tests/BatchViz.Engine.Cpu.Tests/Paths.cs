namespace BatchViz.Engine.Cpu.Tests;

/// <summary>The kernel paths that the machine at hand can run, for theories.</summary>
public sealed class Paths : TheoryData<KernelPath>
{
    public Paths()
    {
        foreach (var path in CpuEngine.Available) Add(path);
    }
}
