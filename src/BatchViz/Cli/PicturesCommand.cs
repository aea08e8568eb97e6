using System.CommandLine;
using System.Text.Json;
using BatchViz.Live;

namespace BatchViz.Cli;

/// <summary>
/// <c>batchviz pictures ROOT --out FOLDER</c>: the small pictures of recorded landscapes, for the dialog's ready experiments
/// (examples/pictures.sh).
/// </summary>
internal static class PicturesCommand
{
    public static void AddTo(RootCommand root)
    {
        var folder = new Argument<string>("ROOT") { Description = "The folder with the recordings." };
        var output = new Option<string>("--out") { Description = "The folder to write to.", Required = true };
        var pictures = new Command("pictures", "Write the small pictures of recordings' landscapes, as JSON.") { Hidden = true };
        pictures.Arguments.Add(folder);
        pictures.Options.Add(output);
        pictures.SetAction(parsed => Write(parsed.GetRequiredValue(folder), parsed.GetRequiredValue(output)));
        root.Subcommands.Add(pictures);
    }

    private static int Write(string root, string output)
    {
        Directory.CreateDirectory(output);
        foreach (var entry in new Library(Path.GetFullPath(root)).List(null))
            if (entry.Picture is { } picture)
                File.WriteAllText(
                    Path.Combine(output, $"{entry.Key}.json"),
                    JsonSerializer.Serialize(picture, PictureContext.Default.RecordingPicture) + "\n"
                );
        return CommandLine.Done;
    }
}
