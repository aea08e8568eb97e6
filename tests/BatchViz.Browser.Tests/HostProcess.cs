using System.Diagnostics;
using System.Reflection;
using System.Text.RegularExpressions;

namespace BatchViz.Browser.Tests;

/// <summary>The built program, started in a process of its own on a free loopback port.</summary>
public sealed partial class HostProcess : IDisposable
{
    private readonly Process process;

    private HostProcess(Process process, string url) => (this.process, Url) = (process, url);

    public string Url { get; }

    public static async Task<HostProcess> Start()
    {
        string folder = typeof(HostProcess).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(entry => entry.Key == "HostFolder").Value!;
        string program = Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, folder, "batchviz"));
        var process = Process.Start(new ProcessStartInfo(program, ["serve", "--urls", "http://127.0.0.1:0"])
        {
            RedirectStandardOutput = true,
            WorkingDirectory = Path.GetTempPath(),
        })!;

        var seen = new List<string>();
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (await process.StandardOutput.ReadLineAsync(patience.Token) is { } line)
        {
            seen.Add(line);
            if (Listening().Match(line) is { Success: true } match)
            {
                // Read on, so that a full pipe never stops the program.
                _ = process.StandardOutput.BaseStream.CopyToAsync(Stream.Null);
                return new HostProcess(process, match.Groups[1].Value);
            }
        }
        throw new InvalidOperationException("The program ended before it listened:\n" + string.Join('\n', seen));
    }

    public void Dispose()
    {
        process.Kill(entireProcessTree: true);
        process.WaitForExit();
        process.Dispose();
    }

    [GeneratedRegex(@"Open\s+(http://\S+?)/?$")]
    private static partial Regex Listening();
}
