using BatchViz.Engine.Torch;

namespace BatchViz.Conformance.Tests.Torch;

/// <summary>Where libtorch is looked for, and what is refused; folders with files of the right names stand for it, since nothing is
/// loaded.</summary>
public sealed class LibTorchSearchTests : IDisposable
{
    private static readonly string Version = LibTorchSearch.Version,
        System = LibTorchSearch.SystemId;

    private readonly string top = Directory.CreateTempSubdirectory("batchviz-libtorch-").FullName;

    private string Program => Path.Combine(top, "program");

    private string Packages => Path.Combine(top, "packages");

    public void Dispose() => Directory.Delete(top, recursive: true);

    [Fact]
    public void What_was_asked_for_comes_first_then_the_programs_folder_then_NuGets()
    {
        string asked = Fill("asked"),
            packed = Fill("packages", $"libtorch-cpu-{System}", Version, "runtimes", System, "native");
        Assert.Equal(packed, Taken(Search()));
        string flat = Fill("program");
        Assert.Equal(flat, Taken(Search()));
        string restored = Fill("program", "runtimes", System, "native");
        Assert.Equal(restored, Taken(Search()));
        string beside = Fill("program", "libtorch");
        Assert.Equal(beside, Taken(Search()));
        Assert.Equal(asked, Taken(Search() with { Asked = asked }));
        // Each place that was passed by is told, too.
        Directory.Delete(beside, recursive: true);
        Assert.Equal([beside, restored], Search().Look().Select(place => place.Place));
    }

    [Fact]
    public void A_folder_that_was_asked_for_and_will_not_do_is_not_made_up_for()
    {
        Fill("program");
        string empty = Directory.CreateDirectory(Path.Combine(top, "empty")).FullName,
            nowhere = Path.Combine(top, "nowhere");
        Refused(nowhere, "there is no such folder", nowhere);
        Refused(empty, "there is no libtorch in it", empty);
        string half = Fill("half");
        File.Delete(Path.Combine(half, LibTorchSearch.Libraries[1]));
        Refused(half, $"{LibTorchSearch.Libraries[1]} is missing", half);
    }

    /// <summary>Python's PyTorch, an archive of pytorch.org, a package: each says its version in a file or a name of its own.</summary>
    [Fact]
    public void Wrong_versions_are_named_and_patches_of_the_right_one_are_taken()
    {
        string wheel = Fill("torch", "lib"),
            archive = Fill("archive", "lib"),
            package = Fill("other", $"libtorch-cpu-{System}", "2.7.1", "runtimes", System, "native");
        File.WriteAllText(Path.Combine(top, "torch", "version.py"), "__version__ = '1.13.0a0'\ndebug = False\n");
        File.WriteAllText(Path.Combine(top, "archive", "build-version"), "2.6.0+cpu\n");
        Refused(wheel, $"it is libtorch 1.13.0a0, and TorchSharp needs {Version}", wheel);
        // The archive's own folder is as good as its lib.
        Refused(Path.Combine(top, "archive"), $"it is libtorch 2.6.0+cpu, and TorchSharp needs {Version}", archive);
        Refused(package, $"it is libtorch 2.7.1, and TorchSharp needs {Version}", package);

        string patched = $"{Version[..Version.LastIndexOf('.')]}.9+cpu";
        File.WriteAllText(Path.Combine(top, "torch", "version.py"), $"__version__ = '{patched}'\n");
        var place = Assert.Single((Search() with { Asked = wheel }).Look());
        Assert.Equal((wheel, $"libtorch {patched}"), (place.Folder, place.Finding));
    }

    [Fact]
    public void A_package_of_another_version_is_named_where_the_right_one_is_looked_for()
    {
        Fill("packages", $"libtorch-cpu-{System}", "2.7.1", "runtimes", System, "native");
        var last = Search().Look()[^1];
        Assert.Equal((null, $"it is libtorch 2.7.1, and TorchSharp needs {Version}"), (last.Folder, last.Finding));
        Directory.Delete(Packages, recursive: true);
        Assert.Equal("there is no such folder", Search().Look()[^1].Finding);
    }

    /// <summary>Scripts stand for Python, since what matters is what it answers.</summary>
    [Fact]
    public void Pythons_libtorch_is_taken_only_when_asked_for_and_of_the_right_version()
    {
        if (OperatingSystem.IsWindows())
            return; // scripts without an extension are not started there
        string lib = Fill("site-packages", "torch", "lib"),
            version = Path.Combine(top, "site-packages", "torch", "version.py");
        var search = Search() with { Asked = LibTorchSearch.OfPython, Pythons = [Path.Combine(top, "no-python")] };
        Assert.Equal("there is no Python", search.Look()[0].Finding);
        search = search with { Pythons = [Script("bare", "echo")] };
        Assert.Equal("it has no PyTorch", search.Look()[0].Finding);
        search = search with { Pythons = [Script("broken", "exit 1"), Script("python", $"echo '{Path.GetDirectoryName(lib)}'")] };
        File.WriteAllText(version, "__version__ = '1.13.1'\n");
        Assert.Equal($"it is libtorch 1.13.1, and TorchSharp needs {Version}", search.Look()[0].Finding);
        File.WriteAllText(version, $"__version__ = '{Version}+cpu'\n");
        Assert.Equal(lib, Taken(search));
        Assert.Null(Search().Look()[^1].Folder);
    }

    private string Script(string name, string line)
    {
        string file = Path.Combine(top, name);
        File.WriteAllText(file, $"#!/bin/sh\n{line}\n");
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return file;
    }

    private LibTorchSearch Search() =>
        new()
        {
            Asked = null,
            ProgramFolder = Program,
            PackagesFolder = Packages,
            Pythons = [],
        };

    private static string? Taken(LibTorchSearch search) => search.Look()[^1].Folder;

    private void Refused(string asked, string finding, string place)
    {
        var looked = Assert.Single((Search() with { Asked = asked }).Look());
        Assert.Equal((place, finding, null), (looked.Place, looked.Finding, looked.Folder));
    }

    private string Fill(params string[] path)
    {
        string folder = Directory.CreateDirectory(Path.Combine([top, .. path])).FullName;
        foreach (string library in LibTorchSearch.Libraries)
            File.WriteAllText(Path.Combine(folder, library), "");
        return folder;
    }
}
