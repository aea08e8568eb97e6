using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using BatchViz.Core.Engines;
using TorchSharp;

namespace BatchViz.Engine.Torch;

/// <summary>libtorch's complaints about memory, as what the engine seam knows.</summary>
internal static partial class TorchMemory
{
    /// <summary>Does the work; what it took is given back where memory does not suffice.</summary>
    /// <exception cref="MemoryExhaustedException">libtorch could not get what it asked for.</exception>
    public static void Guard(int batchSize, Action work)
    {
        try
        {
            using var scope = torch.NewDisposeScope();
            work();
        }
        catch (ExternalException e) when (Asked(e.Message) is { } asked)
        {
            throw new MemoryExhaustedException(batchSize, asked, e);
        }
    }

    /// <summary>Bytes that a message says could not be had (0 where it does not say how many); null for any other message.</summary>
    public static long? Asked(string message)
    {
        if (
            !message.Contains("out of memory", StringComparison.OrdinalIgnoreCase)
            && !message.Contains("can't allocate memory", StringComparison.OrdinalIgnoreCase)
            && !message.Contains("not enough memory", StringComparison.OrdinalIgnoreCase)
        )
            return null;
        var match = Amount().Match(message);
        if (!match.Success)
            return 0;
        double factor = match.Groups[2].Value switch
        {
            "KiB" => 1L << 10,
            "MiB" => 1L << 20,
            "GiB" => 1L << 30,
            "TiB" => 1L << 40,
            _ => 1,
        };
        return (long)(double.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture) * factor);
    }

    [GeneratedRegex(@"[Tt]ried to allocate ([0-9.]+) ?(bytes|[KMGT]iB)")]
    private static partial Regex Amount();
}
