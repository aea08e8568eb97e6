using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;
using BatchViz.Engine.Cpu.Kernels;

namespace BatchViz.Engine.Cpu.Tests;

/// <summary>
/// The kernel paths, for theories: all of them on any processor with AVX2, where the path of 512 bits works in halves if it has to.
/// </summary>
public sealed class Paths : TheoryData<KernelPath>
{
    public Paths()
    {
        foreach (var path in All)
            Add(path);
    }

    public static IReadOnlyList<KernelPath> All => Fma.IsSupported ? Enum.GetValues<KernelPath>() : CpuEngine.Available;

    [ModuleInitializer]
    internal static void InHalves() => KernelTable.InHalves = true;
}
