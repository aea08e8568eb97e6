using System.CommandLine;
using System.Globalization;
using BatchViz.Core.Specs;
using BatchViz.Recording;
using BatchViz.Recordings;
using BatchViz.Training;
using Spectre.Console;

namespace BatchViz.Cli;

/// <summary>
/// <c>batchviz fork DIR --run ID --update N --set key=value</c>: one more run of the recording, which leaves another one there.
/// </summary>
internal static class ForkCommand
{
    public static void AddTo(RootCommand root)
    {
        var folder = new Argument<string>("DIR") { Description = "The recording's folder." };
        var run = new Option<string>("--run") { Description = "The id of the run to leave, such as b32-s1.", Required = true };
        var update = new Option<long>("--update") { Description = "How many of its updates to keep.", Required = true };
        var set = new Option<string[]>("--set")
        {
            Description = $"What is different from there on, as key=value; keys are {string.Join(", ", ForkResolver.Keys)}.",
        };
        var json = new Option<bool>("--json") { Description = "End with one line of JSON on standard output." };
        var data = new Option<string?>("--data") { Description = "The folder with CSV and IDX files that the experiment reads." };
        var fork = new Command("fork", "Continue a run differently from any batch.");
        fork.Arguments.Add(folder);
        foreach (Option option in new Option[] { run, update, set, json, data })
            fork.Options.Add(option);
        fork.SetAction(
            (parsed, stop) =>
                CommandLine.Guard(() =>
                    Fork(
                        parsed.GetRequiredValue(folder),
                        parsed.GetRequiredValue(run),
                        parsed.GetRequiredValue(update),
                        parsed.GetValue(set) ?? [],
                        parsed.GetValue(data),
                        parsed.GetValue(json),
                        stop
                    )
                )
        );
        root.Subcommands.Add(fork);
    }

    private static async Task<int> Fork(
        string folder,
        string id,
        long update,
        string[] set,
        string? dataFolder,
        bool json,
        CancellationToken stop
    )
    {
        var settings = Settings(set);
        using var files = RecordingFiles.ToWrite(folder);
        var manifest = RecordingManifest.Read(files);
        using var engine = RecordingFiles.Engine(manifest.Engine);
        var plan = RecordingFiles.Plan(manifest, Files.Data(dataFolder), trusted: true);
        var recording = RecordingFiles.Open(files, manifest, plan);
        using var experiment = new Experiment(plan, engine, new ExperimentOptions { Landscape = false }, recording);
        RecordingFiles.RunOf(experiment, id);
        var console = Shown.OnError();
        var run = await Shown.WithProgress(
            console,
            $"{id} after update {update.ToString("#,0", CultureInfo.InvariantCulture)}",
            progress => experiment.Fork(id, update, settings, progress, stop)
        );
        console.MarkupLineInterpolated(
            $"{run.Plan.Id} leaves {id} after update {update.ToString("#,0", CultureInfo.InvariantCulture)}{(settings.Count == 0 ? "" : " with " + string.Join(", ", settings.Select(s => $"{s.Key} = {s.Value}")))}"
        );
        return await RunCommand.Train(experiment, [run], json, stop);
    }

    private static Dictionary<string, string> Settings(string[] set)
    {
        var settings = new Dictionary<string, string>();
        foreach (string pair in set)
        {
            int equals = pair.IndexOf('=');
            if (equals < 1)
                throw new RefusedException($"\"--set\" is \"{pair}\"; it must be key=value, such as batchSize=64.");
            if (!settings.TryAdd(pair[..equals].Trim(), pair[(equals + 1)..].Trim()))
                throw new RefusedException($"\"--set\" gives {pair[..equals].Trim()} twice.");
        }
        return settings;
    }
}
