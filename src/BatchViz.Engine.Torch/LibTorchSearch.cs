using System.Diagnostics;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using static BatchViz.Core.Language;

namespace BatchViz.Engine.Torch;

/// <summary>A place where libtorch was looked for.</summary>
/// <param name="Place">The folder, or what was asked for.</param>
/// <param name="Said">What is there, or why it will not do, in half a sentence of each language.</param>
/// <param name="Folder">The folder with the libraries, where they will do; else null.</param>
public sealed record LibTorchPlace(string Place, (string English, string Chinese) Said, string? Folder = null)
{
    public string Finding => Tr(Said.English, Said.Chinese);
}

/// <summary>
/// Where libtorch is looked for; only files are looked at, nothing is loaded. A folder that was asked for is the only place. Otherwise the
/// program's own folder comes first, then NuGet's.
/// </summary>
public sealed partial record LibTorchSearch
{
    /// <summary>The environment's word for <c>--libtorch</c>.</summary>
    public const string Variable = "BATCHVIZ_LIBTORCH";

    /// <summary>What <see cref="Asked"/> says for the libtorch that Python's PyTorch brings.</summary>
    public const string OfPython = "python";

    /// <summary>Prints the folder of torch without importing it.</summary>
    private const string WhereTorchIs =
        "import importlib.util, os; spec = importlib.util.find_spec('torch'); "
        + "print(os.path.dirname(spec.origin) if spec and spec.origin else '')";

    private static readonly TimeSpan PythonsPatience = TimeSpan.FromSeconds(20);

    /// <summary>The version that TorchSharp is made for; its patches (2.10.1) will do as well.</summary>
    public static string Version { get; } =
        typeof(LibTorchSearch)
            .Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
            .First(data => data.Key == "LibTorchVersion")
            .Value!;

    /// <summary>NuGet's word for this system.</summary>
    public static string SystemId { get; } =
        (
            OperatingSystem.IsWindows() ? "win-"
            : OperatingSystem.IsMacOS() ? "osx-"
            : "linux-"
        ) + RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant();

    /// <summary>A folder, or <see cref="OfPython"/>; null: nothing was asked for.</summary>
    public string? Asked { get; init; } = Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } named ? named : null;

    public string ProgramFolder { get; init; } = AppContext.BaseDirectory;

    public string PackagesFolder { get; init; } =
        Environment.GetEnvironmentVariable("NUGET_PACKAGES") is { Length: > 0 } named
            ? named
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");

    /// <summary>The Python to ask, in this order.</summary>
    public IReadOnlyList<string> Pythons { get; init; } = ["python3", "python"];

    /// <summary>Places in the order in which they are looked at, the last of them the one that will do, where there is one.</summary>
    public IReadOnlyList<LibTorchPlace> Look()
    {
        if (Asked == OfPython)
            return [LookAtPython()];
        if (Asked is not null)
        {
            string within = Path.Combine(Asked, "lib");
            return [LookAt(Directory.Exists(within) && !File.Exists(Path.Combine(Asked, Libraries[0])) ? within : Asked)];
        }
        var looked = new List<LibTorchPlace>();
        foreach (
            string folder in new[]
            {
                Path.Combine(ProgramFolder, "libtorch"),
                Path.Combine(ProgramFolder, "runtimes", SystemId, "native"),
                ProgramFolder,
            }
        )
        {
            looked.Add(LookAt(folder));
            if (looked[^1].Folder is not null)
                return looked;
        }
        looked.Add(LookAtPackages());
        return looked;
    }

    /// <summary>How to get libtorch, in a sentence.</summary>
    public static string HowToGet =>
        Tr(
            $"Build with -p:Torch=cpu, or name a folder with libtorch {Version} by --libtorch (or {Variable}); "
                + "--libtorch python takes that of Python's PyTorch.",
            $"用 -p:Torch=cpu 构建，或用 --libtorch（或 {Variable}）指出含 libtorch {Version} 的文件夹；--libtorch python 使用 Python 的 PyTorch 自带的。"
        );

    /// <summary>Libraries that TorchSharp's links to, in the order in which they are loaded.</summary>
    internal static IReadOnlyList<string> Libraries { get; } = [FileOf("c10"), FileOf("torch_cpu"), FileOf("torch")];

    /// <summary>The file of a library on this system.</summary>
    internal static string FileOf(string library) =>
        OperatingSystem.IsWindows() ? $"{library}.dll"
        : OperatingSystem.IsMacOS() ? $"lib{library}.dylib"
        : $"lib{library}.so";

    /// <summary>Whether a version is the one that TorchSharp is made for, but for its patch.</summary>
    internal static bool Fits(string version) => version.StartsWith(Version[..(Version.LastIndexOf('.') + 1)], StringComparison.Ordinal);

    internal static (string English, string Chinese) WrongVersion(string version) =>
        ($"it is libtorch {version}, and TorchSharp needs {Version}", $"它是 libtorch {version}，而 TorchSharp 需要 {Version}");

    private LibTorchPlace LookAtPackages()
    {
        string package = $"libtorch-cpu-{SystemId}",
            all = Path.Combine(PackagesFolder, package);
        if (!Directory.Exists(all))
            return new(all, ("there is no such folder", "没有此文件夹"));
        string one = Path.Combine(all, Version, "runtimes", SystemId, "native");
        if (Directory.Exists(one))
            return LookAt(one);
        string[] others = [.. Directory.EnumerateDirectories(all).Select(folder => Path.GetFileName(folder)!).Order()];
        return new(all, others.Length == 0 ? ("it is empty", "它是空的") : WrongVersion(string.Join(", ", others)));
    }

    private LibTorchPlace LookAtPython()
    {
        foreach (string python in Pythons)
        {
            if (Ask(python) is not { } torch)
                continue;
            return torch.Length > 0 ? LookAt(Path.Combine(torch, "lib")) : new(python, ("it has no PyTorch", "它没有 PyTorch"));
        }
        return new(string.Join(", ", Pythons), ("there is no Python", "没有 Python"));
    }

    /// <summary>The folder of PyTorch, empty where it has none; null: there is no such Python.</summary>
    private static string? Ask(string python)
    {
        try
        {
            using var asked = Process.Start(
                new ProcessStartInfo(python, ["-c", WhereTorchIs]) { RedirectStandardOutput = true, RedirectStandardError = true }
            );
            if (asked is null)
                return null;
            asked.ErrorDataReceived += (_, _) => { };
            asked.BeginErrorReadLine();
            var answer = asked.StandardOutput.ReadToEndAsync();
            if (asked.WaitForExit(PythonsPatience))
                return asked.ExitCode == 0 ? answer.GetAwaiter().GetResult().Trim() : null;
            asked.Kill(entireProcessTree: true);
            return null;
        }
        catch (Exception e) when (e is System.ComponentModel.Win32Exception or IOException or InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>Whether a folder has what is needed, of the right version, as far as its files say.</summary>
    private static LibTorchPlace LookAt(string folder)
    {
        if (!Directory.Exists(folder))
            return new(folder, ("there is no such folder", "没有此文件夹"));
        string[] missing = [.. Libraries.Where(library => !File.Exists(Path.Combine(folder, library)))];
        if (missing.Length == Libraries.Count)
            return new(folder, ("there is no libtorch in it", "其中没有 libtorch"));
        if (missing.Length > 0)
            return new(folder, ($"{string.Join(", ", missing)} is missing", $"缺少 {string.Join(", ", missing)}"));
        if (VersionIn(folder) is not { } version)
            return new(folder, ("libtorch", "libtorch"), folder);
        return Fits(version) ? new(folder, ($"libtorch {version}", $"libtorch {version}"), folder) : new(folder, WrongVersion(version));
    }

    /// <summary>As Python's PyTorch, the archives of pytorch.org and NuGet's packages say it; null: no file says it, and it is asked
    /// when it is loaded.</summary>
    private static string? VersionIn(string folder)
    {
        string above = Path.GetDirectoryName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder))) ?? folder;
        foreach (string file in new[] { Path.Combine(above, "version.py"), Path.Combine(above, "build-version") })
        {
            if (!File.Exists(file))
                continue;
            if (Number().Match(File.ReadAllText(file)) is { Success: true } said)
                return said.Value;
        }
        return InPackage().Match(folder.Replace('\\', '/')) is { Success: true } package ? package.Groups[1].Value : null;
    }

    [GeneratedRegex(@"\d+\.\d+\.\d+[\w.+]*")]
    private static partial Regex Number();

    [GeneratedRegex(@"/libtorch-[^/]+/(\d+\.\d+\.\d+[^/]*)/runtimes/[^/]+/native/?$")]
    private static partial Regex InPackage();
}
