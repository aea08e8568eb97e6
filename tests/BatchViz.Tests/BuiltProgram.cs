using System.Diagnostics;
using System.Text;

namespace BatchViz.Tests;

/// <summary>The program as it was built, run as a process of its own.</summary>
internal static class BuiltProgram
{
    /// <param name="folder">Where it runs; null: the tests' folder.</param>
    public static Task<(int Code, string Output, string Error)> Run(string? folder, params string[] arguments) =>
        Run("batchviz.dll", folder, arguments);

    /// <summary>The benches and soaks.</summary>
    public static Task<(int Code, string Output, string Error)> RunBench(params string[] arguments) =>
        Run("BatchViz.Bench.dll", null, arguments);

    private static async Task<(int Code, string Output, string Error)> Run(string assembly, string? folder, string[] arguments)
    {
        string program = Path.Combine(AppContext.BaseDirectory, assembly);
        using var process = Process.Start(
            new ProcessStartInfo("dotnet", [program, .. arguments])
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                WorkingDirectory = folder ?? AppContext.BaseDirectory,
                StandardOutputEncoding = Encoding.UTF8,
                StandardErrorEncoding = Encoding.UTF8,
                // As in a shell, whose program's output goes into files here.
                Environment = { ["TERM"] = "xterm-256color" },
            }
        )!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(120));
        await process.WaitForExitAsync(patience.Token);
        return (process.ExitCode, await output, await error);
    }
}
