using System.Diagnostics;
using System.Text.Json.Nodes;

namespace BatchViz.Tests;

/// <summary>The README's commands as they stand, but for the build, which has been done.</summary>
public sealed class ReadmeTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("batchviz-test-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Theory]
    [InlineData("dotnet run --project src/BatchViz -- run examples/mnist.json --json")]
    public async Task Commands_of_the_README_work_in_the_repositorys_root(string command)
    {
        Assert.Contains(command, await File.ReadAllTextAsync(Path.Combine(Root, "README.md")));
        var (code, output, error) = await Run(Root, command);
        Assert.True(code == 0, error);
        Assert.Equal(5, JsonNode.Parse(output.Trim().Split('\n')[^1])!["runs"]!.AsArray().Count);
    }

    [Fact]
    public async Task Relative_paths_are_those_of_whoever_types_the_command()
    {
        await File.WriteAllTextAsync(Path.Combine(folder, "mine.json"), SomeHost.Moons);
        var (code, _, error) = await Run(
            folder,
            $"dotnet run --project {Path.Combine(Root, "src/BatchViz")} -- run mine.json --out recording --json"
        );
        Assert.True(code == 0, error);
        Assert.True(Directory.Exists(Path.Combine(folder, "recording")));
    }

    private static string Root
    {
        get
        {
            string at = AppContext.BaseDirectory;
            while (!File.Exists(Path.Combine(at, "BatchViz.sln")))
                at = Path.GetDirectoryName(at) ?? throw new InvalidOperationException("the tests lie outside the repository");
            return at;
        }
    }

    private static async Task<(int Code, string Output, string Error)> Run(string folder, string command)
    {
        string[] words = command.Split(' ');
        Assert.Equal(["dotnet", "run"], words[..2]);
        using var process = Process.Start(
            new ProcessStartInfo("dotnet", ["run", "--no-build", .. words[2..]])
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                WorkingDirectory = folder,
            }
        )!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(5));
        await process.WaitForExitAsync(patience.Token);
        return (process.ExitCode, await output, await error);
    }
}
