using System.Diagnostics;
using System.Text.Json.Nodes;

namespace BatchViz.Browser.Tests;

/// <summary>
/// BatchViz as somebody has it who has no checkout: the .NET tool, and the published folder. Neither finds node on its PATH.
/// </summary>
public abstract class InstalledTests(Installed installed)
{
    [Fact]
    public async Task The_page_opens_in_a_browser_and_trains()
    {
        List<string> troubles = [];
        var page = await installed.NewPage(troubles, []);
        await page.GotoAsync("/");

        await Probe.Until(
            page,
            "all five runs on the picture",
            s => s.Drawn.Count == 5 && s.Drawn.Values.All(p => p.Update > 0 && p.Loss is not null)
        );
        Assert.Empty(troubles);
    }

    [Fact]
    public async Task An_experiment_runs_and_its_recording_is_exported()
    {
        string folder = Directory.CreateTempSubdirectory("batchviz-installed-run-").FullName;
        string spec = Path.Combine(folder, "moons.json"),
            recording = Path.Combine(folder, "recording");
        await File.WriteAllTextAsync(
            spec,
            """
            { "name": "Moons", "data": { "kind": "moons", "trainExamples": 200 }, "model": { "hidden": [8], "activation": "tanh" },
              "learningRate": 0.1, "batchSizes": [1, 7], "budget": { "updates": 300 } }
            """
        );

        var (code, output, error) = await installed.Run("run", spec, "--out", recording, "--json");
        Assert.True(code == 0, error);
        Assert.Equal(300, (int)JsonNode.Parse(output.TrimEnd().Split('\n')[^1])!["runs"]![0]!["updates"]!);
        foreach (string format in new[] { "bviz", "csv", "html" })
        {
            (code, _, error) = await installed.Run("export", recording, "--to", format, "--out", Path.Combine(folder, format));
            Assert.True(code == 0, error);
        }
        Directory.Delete(folder, recursive: true);
    }
}

public sealed class ToolTests(InstalledTool installed) : InstalledTests(installed), IClassFixture<InstalledTool>;

public sealed class PublishedFolderTests(PublishedFolder installed) : InstalledTests(installed), IClassFixture<PublishedFolder>;

/// <summary>Puts the built program somewhere as its users get it, and starts it from there.</summary>
public abstract class Installed() : BrowserFixture(null)
{
    private readonly string folder = Directory.CreateTempSubdirectory("batchviz-installed-").FullName;

    /// <summary>What was built with these tests is packed as it is: a second build would prove nothing more.</summary>
    protected static string Project { get; } = Path.GetFullPath(Path.Combine(HostProcess.Folder, "../../.."));

    protected static string Configuration { get; } = Path.GetFileName(Path.GetDirectoryName(HostProcess.Folder))!;

    private static string PathWithoutNode { get; } =
        string.Join(
            Path.PathSeparator,
            (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Where(f => !File.Exists(Path.Combine(f, "node")))
        );

    /// <summary>The program that runs this test, wherever it lies.</summary>
    protected static string Dotnet { get; } = Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? Environment.ProcessPath!;

    protected abstract Task Install(string folder);

    protected abstract ProcessStartInfo Command(string folder);

    protected override async Task<HostProcess> StartHost()
    {
        await Install(folder);
        return await HostProcess.Start(null, WithoutNode(Command(folder)));
    }

    public async Task<(int Code, string Output, string Error)> Run(params string[] arguments)
    {
        var command = WithoutNode(Command(folder));
        foreach (string argument in arguments)
            command.ArgumentList.Add(argument);
        return await Run(command);
    }

    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        Directory.Delete(folder, recursive: true);
    }

    protected static async Task RunDotnet(params string[] arguments)
    {
        var (code, output, error) = await Run(new ProcessStartInfo(Dotnet, arguments));
        Assert.True(code == 0, $"dotnet {string.Join(' ', arguments)}\n{output}\n{error}");
    }

    private static async Task<(int Code, string Output, string Error)> Run(ProcessStartInfo command)
    {
        command.RedirectStandardOutput = command.RedirectStandardError = true;
        using var process = Process.Start(command)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, await output, await error);
    }

    private static ProcessStartInfo WithoutNode(ProcessStartInfo command)
    {
        command.Environment["PATH"] = PathWithoutNode;
        command.Environment["DOTNET_ROOT"] = Path.GetDirectoryName(Dotnet);
        return command;
    }
}

/// <summary><c>dotnet tool install</c> from a folder that holds the package.</summary>
public sealed class InstalledTool : Installed
{
    protected override async Task Install(string folder)
    {
        string packages = Path.Combine(folder, "packages");
        await RunDotnet("pack", Project, "--no-build", "--configuration", Configuration, "--output", packages, "-nologo", "-v:quiet");
        await RunDotnet("tool", "install", "BatchViz", "--tool-path", Path.Combine(folder, "tools"), "--source", packages, "--no-cache");
    }

    protected override ProcessStartInfo Command(string folder) => new(Path.Combine(folder, "tools", "batchviz"));
}

/// <summary><c>dotnet publish</c> into a folder, which is run with the runtime that is there.</summary>
public sealed class PublishedFolder : Installed
{
    protected override Task Install(string folder) =>
        RunDotnet(
            "publish",
            Project,
            "--no-build",
            "--configuration",
            Configuration,
            "--output",
            Path.Combine(folder, "program"),
            "-nologo",
            "-v:quiet"
        );

    protected override ProcessStartInfo Command(string folder) => new(Dotnet, [Path.Combine(folder, "program", "batchviz.dll")]);
}
