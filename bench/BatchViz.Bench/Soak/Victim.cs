using System.Diagnostics;
using BatchViz.Recording;

namespace BatchViz.Bench.Soak;

/// <summary>A command of <c>batchviz</c> in a process of its own, to be killed.</summary>
internal sealed class Victim : IDisposable
{
    /// <summary>Of a process that was ended by signal 9, as .NET tells it.</summary>
    public const int Killed = 137;

    private readonly Process process;
    private readonly Task<string> output,
        error;

    public Victim(IEnumerable<string> arguments, string? killBefore = null)
    {
        string[] before = killBefore is null ? [] : [KilledCommand.BeforeOption, killBefore];
        var start = new ProcessStartInfo("dotnet", [typeof(Victim).Assembly.Location, KilledCommand.Name, .. before, "--", .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        process = Process.Start(start)!;
        output = process.StandardOutput.ReadToEndAsync();
        error = process.StandardError.ReadToEndAsync();
    }

    public int Code => process.ExitCode;

    public string Output => output.Result;

    public string Error => error.Result;

    /// <summary>Until it ends by itself; false when that takes longer.</summary>
    public bool Ends(TimeSpan patience) => process.WaitForExit(patience);

    /// <summary>Waits until it records, and a while longer; false when it ended before.</summary>
    public bool Records(string folder, TimeSpan longer)
    {
        long before = Size(folder);
        while (!process.WaitForExit(10))
            if (Size(folder) > before)
                return !process.WaitForExit(longer);
        return false;
    }

    /// <summary>kill -9; false when it had ended, or had told its results.</summary>
    public bool Kill()
    {
        bool alive = !process.HasExited;
        process.Kill();
        process.WaitForExit();
        return alive && process.ExitCode == Killed && Output.Length == 0;
    }

    public void Dispose()
    {
        if (!process.HasExited)
            process.Kill();
        process.WaitForExit();
        process.Dispose();
    }

    private static long Size(string folder)
    {
        string runs = Path.Combine(folder, "runs");
        // Before the manifest is there, nothing is recorded.
        return File.Exists(Path.Combine(folder, RecordingManifest.FileName))
            ? new DirectoryInfo(runs).EnumerateFiles("*.log").Sum(file => file.Length)
            : 0;
    }
}
