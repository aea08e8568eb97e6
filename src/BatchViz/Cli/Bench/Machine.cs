using System.Runtime.InteropServices;
using BatchViz.Engine.Cpu;

namespace BatchViz.Cli.Bench;

/// <summary>The machine's name beside every number.</summary>
internal static class Machine
{
    /// <summary>For example "AMD EPYC, 2 cores, AVX2".</summary>
    public static string Describe(KernelPath path)
    {
        int cores = Environment.ProcessorCount;
        string kernels = path switch { KernelPath.Avx512 => "AVX-512", KernelPath.Avx2 => "AVX2", _ => "portable kernels" };
        return $"{Processor()}, {cores} {(cores == 1 ? "core" : "cores")}, {kernels}";
    }

    private static string Processor()
    {
        try
        {
            const string Key = "model name";
            foreach (string line in File.ReadLines("/proc/cpuinfo"))
                if (line.StartsWith(Key, StringComparison.Ordinal)) return line[(line.IndexOf(':') + 1)..].Trim();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Not Linux: the architecture is all there is to say.
        }
        return $"{RuntimeInformation.ProcessArchitecture} processor";
    }
}
