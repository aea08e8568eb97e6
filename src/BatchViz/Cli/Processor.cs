using System.Runtime.InteropServices;

namespace BatchViz.Cli;

/// <summary>The processor of this machine.</summary>
internal static class Processor
{
    /// <summary>For example "AMD EPYC".</summary>
    public static string Name()
    {
        try
        {
            const string Key = "model name";
            foreach (string line in File.ReadLines("/proc/cpuinfo"))
                if (line.StartsWith(Key, StringComparison.Ordinal))
                    return line[(line.IndexOf(':') + 1)..].Trim();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Not Linux: the architecture is all there is to say.
        }
        return $"{RuntimeInformation.ProcessArchitecture} processor";
    }
}
