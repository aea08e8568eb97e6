using System.Diagnostics;
using System.Reflection;
using System.Text.RegularExpressions;

namespace BatchViz.Browser.Tests;

/// <summary>The built program, started in a process of its own on a free loopback port.</summary>
public sealed partial class HostProcess : IDisposable
{
    private readonly Process process;
    private readonly string recordings;

    private HostProcess(Process process, string recordings, IReadOnlyDictionary<string, string> links) =>
        (this.process, this.recordings, Url, ViewerLink) = (process, recordings, links["Open"].TrimEnd('/'), links["Viewer link"]);

    public string Url { get; }

    public string ViewerLink { get; }

    /// <summary>Where the built program lies.</summary>
    public static string Folder { get; } =
        Path.GetFullPath(
            Path.Combine(
                AppContext.BaseDirectory,
                typeof(HostProcess)
                    .Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
                    .Single(entry => entry.Key == "HostFolder")
                    .Value!
            )
        );

    /// <summary>Runs the program to its end and returns the last line of its standard output.</summary>
    public static async Task<string> Run(params string[] arguments)
    {
        using var process = Process.Start(
            new ProcessStartInfo(Program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true }
        )!;
        _ = process.StandardError.BaseStream.CopyToAsync(Stream.Null);
        string output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return output.TrimEnd().Split('\n')[^1];
    }

    private static string Program => Path.Combine(Folder, "batchviz");

    /// <param name="experiment">An experiment as JSON; null: what the program shows by itself.</param>
    /// <param name="command">What starts the program; null: the built one.</param>
    public static async Task<HostProcess> Start(string? experiment = null, ProcessStartInfo? command = null)
    {
        string recordings = Directory.CreateTempSubdirectory("batchviz-browser-recordings-").FullName;
        List<string> arguments = ["serve", "--urls", "http://127.0.0.1:0", "--recordings", recordings];
        if (experiment is not null)
        {
            string file = Path.Combine(Directory.CreateTempSubdirectory("batchviz-browser-").FullName, "experiment.json");
            await File.WriteAllTextAsync(file, experiment);
            arguments.AddRange(["--experiment", file]);
        }
        command ??= new ProcessStartInfo(Program);
        foreach (string argument in arguments)
            command.ArgumentList.Add(argument);
        command.RedirectStandardOutput = true;
        command.WorkingDirectory = Path.GetTempPath();
        var process = Process.Start(command)!;
        var links = new Dictionary<string, string>();
        var seen = new List<string>();
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (await process.StandardOutput.ReadLineAsync(patience.Token) is { } line)
        {
            seen.Add(line);
            if (Link().Match(line) is { Success: true } match)
                links[match.Groups[1].Value] = match.Groups[2].Value;
            if (!links.ContainsKey("Viewer link"))
                continue;
            // Read on, so that a full pipe never stops the program.
            _ = process.StandardOutput.BaseStream.CopyToAsync(Stream.Null);
            return new HostProcess(process, recordings, links);
        }
        throw new InvalidOperationException("The program ended before it listened:\n" + string.Join('\n', seen));
    }

    public void Kill()
    {
        process.Kill(entireProcessTree: true);
        process.WaitForExit();
    }

    public void Dispose()
    {
        Kill();
        process.Dispose();
        Directory.Delete(recordings, recursive: true);
    }

    [GeneratedRegex(@"^\s*(Open|Viewer link)\s+(http://\S+)")]
    private static partial Regex Link();
}
