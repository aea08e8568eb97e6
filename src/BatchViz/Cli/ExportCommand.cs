using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using BatchViz.Api;
using BatchViz.Core.Specs;
using BatchViz.Recordings;
using Spectre.Console;

namespace BatchViz.Cli;

/// <summary><c>batchviz export DIR --to FORMAT</c>: a recording as one file, or as files for other programs.</summary>
internal static class ExportCommand
{
    private sealed record Wish(
        string Folder,
        string To,
        string? Out,
        string? Run,
        long? Update,
        int? Batches,
        bool Force,
        string? Data,
        bool Json
    );

    public static void AddTo(RootCommand root)
    {
        var folder = new Argument<string>("DIR") { Description = "The recording's folder." };
        var to = new Option<string>("--to")
        {
            Description = $"The format: {string.Join(", ", ExportRequest.Words.Select(word => word.Word))}.",
            Required = true,
        };
        var output = new Option<string?>("--out")
        {
            Description = "The file or folder to write; beside DIR and named after it where nothing is said.",
        };
        var run = new Option<string?>("--run") { Description = "csv, tensorboard, safetensors: this run alone, such as b32-s1." };
        var update = new Option<long?>("--update")
        {
            Description = "safetensors: the weights after this update, beside those of the last keyframe.",
        };
        var batches = new Option<int?>("--batches")
        {
            Description =
                $"safetensors: so many batches after the weights, with their order and losses; {ExportRequest.DefaultBatches} where nothing is said.",
        };
        var force = new Option<bool>("--force") { Description = "Replace files of the same names." };
        var json = new Option<bool>("--json") { Description = "End with one line of JSON on standard output." };
        var data = new Option<string?>("--data") { Description = "The folder with CSV and IDX files that the experiment reads." };
        var export = new Command("export", "Write a recording in another format.");
        export.Arguments.Add(folder);
        foreach (Option option in new Option[] { to, output, run, update, batches, force, json, data })
            export.Options.Add(option);
        export.SetAction(
            (parsed, stop) =>
                CommandLine.Guard(() =>
                    Export(
                        new Wish(
                            parsed.GetRequiredValue(folder),
                            parsed.GetRequiredValue(to),
                            parsed.GetValue(output),
                            parsed.GetValue(run),
                            parsed.GetValue(update),
                            parsed.GetValue(batches),
                            parsed.GetValue(force),
                            parsed.GetValue(data),
                            parsed.GetValue(json)
                        ),
                        stop
                    )
                )
        );
        root.Subcommands.Add(export);
    }

    private static async Task<int> Export(Wish wish, CancellationToken stop)
    {
        var watch = Stopwatch.StartNew();
        var request = ExportRequest.Of(wish.To, wish.Run, wish.Update, wish.Batches);
        string from = Path.TrimEndingDirectorySeparator(Path.GetFullPath(wish.Folder));
        string target = Path.GetFullPath(
            wish.Out ?? Path.Combine(Path.GetDirectoryName(from) ?? from, request.NameFor(Path.GetFileName(from)))
        );
        RecordingExport.CheckFree(target, request.IsFile, wish.Force);
        using var export = new RecordingExport(from, request, Files.Data(wish.Data), trusted: true);
        var console = Shown.OnError();
        try
        {
            var files = await Shown.WithProgress(
                console,
                $"{Path.GetFileName(from)} to {wish.To}",
                progress => export.WriteTo(target, wish.Force, progress, stop)
            );
            foreach (string note in export.Notes)
                Console.Error.WriteLine(note);
            foreach (var damage in export.Damages)
                Console.Error.WriteLine($"{damage}.");
            Report(request, files, watch.Elapsed.TotalSeconds, wish.Json);
            if (export.Damages.Count == 0)
                return CommandLine.Done;
            Console.Error.WriteLine("What is intact of the recording was exported; the rest is lost.");
            return CommandLine.Failed;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine($"{target} cannot be written: {e.Message.TrimEnd('.')}.");
            return CommandLine.Failed;
        }
    }

    private static void Report(ExportRequest request, IReadOnlyList<ExportedFile> files, double seconds, bool json)
    {
        if (!json)
        {
            foreach (var file in files)
                Console.WriteLine($"{file.Bytes.ToString("#,0", CultureInfo.InvariantCulture), 16} bytes  {file.Path}");
            return;
        }
        var written = files.Select(file => new ExportedFileReport(file.Path, file.Bytes));
        Console.WriteLine(ApiJson.Line(new ExportReport(new(request.Word, [.. written], Math.Round(seconds, 3)))));
    }
}
