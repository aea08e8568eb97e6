using System.CommandLine;
using System.Globalization;
using BatchViz.Api;
using BatchViz.Core.Specs;
using BatchViz.Recording.Export;
using Spectre.Console;

namespace BatchViz.Cli;

/// <summary><c>batchviz import FILE.bviz</c>: a recording's folder again, out of the one file.</summary>
internal static class ImportCommand
{
    public static void AddTo(RootCommand root)
    {
        var file = new Argument<string>("FILE") { Description = "The .bviz file." };
        var output = new Option<string?>("--out")
        {
            Description = "The recording's folder, which must be new or empty; beside FILE and named after it where nothing is said.",
        };
        var json = new Option<bool>("--json") { Description = "End with one line of JSON on standard output." };
        var import = new Command("import", "Take in a recording that was exported to a .bviz.");
        import.Arguments.Add(file);
        foreach (Option option in new Option[] { output, json })
            import.Options.Add(option);
        import.SetAction(
            (parsed, stop) =>
                CommandLine.Guard(() => Import(parsed.GetRequiredValue(file), parsed.GetValue(output), parsed.GetValue(json), stop))
        );
        root.Subcommands.Add(import);
    }

    private static async Task<int> Import(string file, string? output, bool json, CancellationToken stop)
    {
        if (!File.Exists(file))
            throw new RefusedException($"There is no file {file}.");
        string target = Path.GetFullPath(output ?? Path.ChangeExtension(Path.GetFullPath(file), null));
        if (target == Path.GetFullPath(file))
            throw new RefusedException($"{file} has no ending to leave out; name the recording's folder with --out.");
        var console = Shown.OnError();
        try
        {
            using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16, FileOptions.SequentialScan);
            var manifest = await Shown.WithProgress(console, Path.GetFileName(file), progress => Bviz.Read(stream, target, progress, stop));
            if (!json)
                Console.WriteLine($"{target}: {manifest.Title}, {manifest.Runs.Count.ToString("#,0", CultureInfo.InvariantCulture)} runs.");
            else
                Console.WriteLine(ApiJson.Line(new ImportReport(new(target, manifest.Name, manifest.Runs.Count))));
            return CommandLine.Done;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine($"{file} cannot be taken in: {e.Message.TrimEnd('.')}.");
            return CommandLine.Failed;
        }
    }
}
