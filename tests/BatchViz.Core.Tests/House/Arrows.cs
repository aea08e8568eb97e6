using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace BatchViz.Core.Tests.House;

/// <summary>What one project of src/ names: other projects of ours, packages and frameworks, and its SDK.</summary>
public sealed record ProjectNode(string Name, string Sdk, IReadOnlyList<string> Projects, IReadOnlyList<string> Packages);

/// <summary>One import of a TypeScript file; both paths are relative to the top of the repository.</summary>
public sealed record ScriptImport(string File, string Target);

/// <summary>
/// The direction of the house's arrows: who may name whom. Each function gives one sentence per arrow that runs backwards.
/// </summary>
public static partial class Arrows
{
    /// <summary>Per project of src/, the projects it may reference.</summary>
    private static readonly Dictionary<string, string[]> MayReference = new()
    {
        ["BatchViz.Core"] = [],
        ["BatchViz.Stage"] = [],
        ["BatchViz.Engine.Cpu"] = ["BatchViz.Core"],
        ["BatchViz.Engine.Torch"] = ["BatchViz.Core"],
        ["BatchViz.Telemetry"] = ["BatchViz.Core"],
        ["BatchViz.Recording"] = ["BatchViz.Core", "BatchViz.Telemetry"],
        ["BatchViz.Training"] = ["BatchViz.Core", "BatchViz.Telemetry", "BatchViz.Recording"],
        ["BatchViz"] =
        [
            "BatchViz.Core",
            "BatchViz.Engine.Cpu",
            "BatchViz.Engine.Torch",
            "BatchViz.Telemetry",
            "BatchViz.Recording",
            "BatchViz.Training",
            "BatchViz.Stage",
        ],
    };

    /// <summary>
    /// Per project, the packages it may reference, by the start of their names; the host may reference any but an engine's.
    /// </summary>
    private static readonly Dictionary<string, string[]> MayInstall = new()
    {
        ["BatchViz.Core"] = ["CsvHelper", "System.Numerics.Tensors"],
        ["BatchViz.Engine.Cpu"] = ["System.Numerics.Tensors"],
        ["BatchViz.Engine.Torch"] = ["TorchSharp"],
        ["BatchViz.Stage"] = [],
        ["BatchViz.Telemetry"] = [],
        ["BatchViz.Recording"] = ["CsvHelper", "Google.Protobuf", "Microsoft.Data.Sqlite", "System.IO.Hashing"],
        ["BatchViz.Training"] = ["CsvHelper"],
    };

    public static IEnumerable<string> Backwards(IEnumerable<ProjectNode> projects)
    {
        foreach (var project in projects)
        {
            if (!MayReference.TryGetValue(project.Name, out string[]? allowed))
            {
                yield return $"{project.Name} has no place in the house; name its arrows here.";
                continue;
            }
            foreach (string other in project.Projects.Except(allowed))
                yield return $"{project.Name} must not reference {other}.";

            bool host = project.Name == "BatchViz";
            if (!host && project.Sdk != "Microsoft.NET.Sdk")
                yield return $"{project.Name} must not use {project.Sdk}.";
            foreach (string package in project.Packages)
            {
                bool fits = host
                    ? !package.StartsWith("TorchSharp")
                    : MayInstall[project.Name].Any(p => package.StartsWith(p, StringComparison.Ordinal));
                if (!fits)
                    yield return $"{project.Name} must not install {package}.";
            }
        }
    }

    /// <summary>Stage imports itself and the packages of package.json, nothing else.</summary>
    public static IEnumerable<string> Backwards(IEnumerable<ScriptImport> imports, string stage, IReadOnlySet<string> packages)
    {
        foreach (var (file, target) in imports)
        {
            bool own = target.StartsWith('.');
            bool fits = own
                ? Path.GetFullPath(Path.Combine("/", file, "..", target)).StartsWith($"/{stage}/", StringComparison.Ordinal)
                : packages.Contains(PackageOf(target));
            if (!fits)
                yield return $"{file} must not import {target}.";
        }
    }

    /// <summary>Folders of the host that nobody imports but themselves and Program.</summary>
    private static readonly string[] Outermost = ["Cli"];

    /// <summary>Folders of the host that import none of the others.</summary>
    private static readonly string[] Innermost = ["Api"];

    /// <summary>Nothing of the host but Program imports its command line, and its contracts import none of its folders.</summary>
    /// <param name="file">Within the host's folder.</param>
    /// <param name="folders">Of the host.</param>
    public static IEnumerable<string> BackwardsInHost(string file, string source, IReadOnlyCollection<string> folders)
    {
        string from = file.Contains('/') ? file[..file.IndexOf('/')] : "";
        if (from == "")
            yield break;
        string code = CSharpComment().Replace(source, "");
        foreach (string to in folders.Where(to => to != from && (Outermost.Contains(to) || Innermost.Contains(from))))
        {
            // In full, after "using", or by the end of its name, which is enough inside BatchViz.
            if (Regex.IsMatch(code, $@"\bBatchViz\.{to}\b|(?<![\w.""]){to}\.[A-Z]"))
                yield return $"{file} must not import BatchViz.{to}.";
        }
    }

    /// <summary>
    /// Files of src/ and bench/ that may put JSON together by hand: an experiment file is the user's own document, which is read, edited
    /// and written back; and fuzzers make up input. All that the program tells others is a contract.
    /// </summary>
    private static readonly string[] EditDocuments =
    [
        "BatchViz.Core/Specs/",
        "BatchViz/Components/NewExperiment/SpecForm.cs",
        "BatchViz.Bench/Soak/Targets/",
        // The experiment file as a part of them.
        "BatchViz/Api/Manifest.cs",
        "BatchViz/Api/CommandReports.cs",
        "BatchViz.Recording/RecordingManifest.cs",
    ];

    /// <param name="file">Within src/ or bench/.</param>
    public static bool BuildsJsonByHand(string file, string source) =>
        !EditDocuments.Any(allowed => file.StartsWith(allowed, StringComparison.Ordinal))
        && HandmadeJson().IsMatch(CSharpComment().Replace(source, ""));

    public static ProjectNode ReadProject(string name, XElement project) =>
        new(
            name,
            (string?)project.Attribute("Sdk")
                ?? project.Elements("Import").Select(import => (string?)import.Attribute("Sdk")).FirstOrDefault(sdk => sdk is not null)
                ?? "",
            [.. Includes(project, "ProjectReference").Select(path => Path.GetFileNameWithoutExtension(path.Replace('\\', '/')))],
            [.. Includes(project, "PackageReference"), .. Includes(project, "FrameworkReference")]
        );

    public static IEnumerable<ScriptImport> ReadImports(string file, string source) =>
        ImportedName().Matches(Comment().Replace(source, "")).Select(match => new ScriptImport(file, match.Groups["name"].Value));

    private static IEnumerable<string> Includes(XElement project, string item) =>
        project.Descendants(item).Select(element => (string?)element.Attribute("Include")).OfType<string>();

    /// <summary>The package of an import: "uplot/dist/uPlot.min.css" is of "uplot", "@microsoft/signalr" of itself.</summary>
    private static string PackageOf(string target) => string.Join('/', target.Split('/').Take(target.StartsWith('@') ? 2 : 1));

    [GeneratedRegex("""(?<!['"`])(?:\bfrom|\bimport|\brequire)\s*\(?\s*(?<quote>['"`])(?<name>[^'"`]+)\k<quote>""")]
    private static partial Regex ImportedName();

    [GeneratedRegex("""^\s*//[^\n]*|/\*[\s\S]*?\*/""", RegexOptions.Multiline)]
    private static partial Regex Comment();

    [GeneratedRegex("""^\s*//[^\n]*|\s//\s[^\n]*|@\*[\s\S]*?\*@|/\*[\s\S]*?\*/""", RegexOptions.Multiline)]
    private static partial Regex CSharpComment();

    [GeneratedRegex("""\bJson(Object|Array|Node|Value)\b|\bResults\.Json\(new\s*\{|\bJsonSerializer\.Serialize\w*\(new\s*\{""")]
    private static partial Regex HandmadeJson();
}
