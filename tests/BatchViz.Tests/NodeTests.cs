using System.Diagnostics;

namespace BatchViz.Tests;

/// <summary>A build on a machine without Node, or with one too old, says so in one sentence.</summary>
public sealed class NodeTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("batchviz-node-").FullName;

    /// <summary>A PATH with nothing on it but the shell that a build starts commands with.</summary>
    public NodeTests() => File.CreateSymbolicLink(Path.Combine(folder, "sh"), "/bin/sh");

    [Fact]
    public async Task Without_node_the_build_says_what_is_missing_and_where_it_is()
    {
        var (code, output) = await RequireNode();

        Assert.NotEqual(0, code);
        Assert.Contains("Node 20.19 or later, and it is not on the PATH: get it from https://nodejs.org", output);
        Assert.Contains("docs/install.md", output);
    }

    [Fact]
    public async Task A_node_that_is_too_old_is_named()
    {
        Pretend("v18.20.4");

        var (code, output) = await RequireNode();

        Assert.NotEqual(0, code);
        Assert.Contains("the one on the PATH is 18.20.4", output);
    }

    [Fact]
    public async Task A_node_that_is_new_enough_is_taken()
    {
        Pretend("v20.19.0");

        Assert.Equal(0, (await RequireNode()).Code);
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    /// <summary>A program named node that only knows its version.</summary>
    private void Pretend(string version)
    {
        string node = Path.Combine(folder, "node");
        File.WriteAllText(node, $"#!/bin/sh\necho {version}\n");
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(node, UnixFileMode.UserRead | UnixFileMode.UserExecute);
    }

    private async Task<(int Code, string Output)> RequireNode()
    {
        string targets = Path.Combine(AppContext.BaseDirectory, "build", "node.targets");
        string dotnet = Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? Environment.ProcessPath!;
        using var process = Process.Start(
            new ProcessStartInfo(dotnet, ["msbuild", targets, "-t:RequireNode", "-nologo", "-v:minimal"])
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                Environment = { ["PATH"] = folder },
            }
        )!;
        string output = await process.StandardOutput.ReadToEndAsync() + await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, output);
    }
}
