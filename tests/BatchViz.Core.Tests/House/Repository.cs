namespace BatchViz.Core.Tests.House;

/// <summary>The source tree that this test was built from.</summary>
public static class Repository
{
    public static readonly string Top = FindTop();

    /// <summary>Files under a folder, as paths relative to the top; build outputs are left out.</summary>
    public static IEnumerable<string> Files(string folder, string pattern) =>
        Directory
            .EnumerateFiles(Path.Combine(Top, folder), pattern, SearchOption.AllDirectories)
            .Select(path => Path.GetRelativePath(Top, path).Replace('\\', '/'))
            .Where(path => !path.Split('/').Any(part => part is "bin" or "obj" or "node_modules"))
            .Order(StringComparer.Ordinal);

    public static string Read(string path) => File.ReadAllText(Path.Combine(Top, path));

    private static string FindTop()
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "BatchViz.sln")))
            folder = Path.GetDirectoryName(folder);
        return folder ?? throw new DirectoryNotFoundException("No folder above this test holds BatchViz.sln.");
    }
}
