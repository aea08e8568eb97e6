using BatchViz.Cli;
using BatchViz.Engine.Cpu;

namespace BatchViz.Bench;

/// <summary>The machine's name, and what one of its cores can do at most, beside every number.</summary>
internal static class Machine
{
    private const double CeilingSeconds = 0.1;

    /// <summary>
    /// The best rate of multiply-adds on registers alone now, in GFLOP/s of one core. The best of several such figures holds for a run.
    /// </summary>
    public static double Ceiling(KernelPath path) => FmaCeiling.Gflops(path, CeilingSeconds);

    /// <summary>The machine with its ceiling, in one line.</summary>
    public static string Describe(KernelPath path, double ceiling) =>
        $"{Describe(path)}: at most {BenchReport.Number(ceiling)} GFLOP/s on one core (multiply-adds on registers alone)";

    /// <summary>For example "AMD EPYC, 2 cores, AVX2".</summary>
    public static string Describe(KernelPath path)
    {
        int cores = Environment.ProcessorCount;
        string kernels = path switch
        {
            KernelPath.Avx512 => "AVX-512",
            KernelPath.Avx2 => "AVX2",
            _ => "portable kernels",
        };
        return $"{Processor.Name()}, {cores} {(cores == 1 ? "core" : "cores")}, {kernels}";
    }
}
