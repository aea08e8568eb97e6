using System.CommandLine;
using System.Globalization;
using BatchViz.Api;
using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using BatchViz.Recording;
using BatchViz.Recordings;
using BatchViz.Training;
using Spectre.Console;

namespace BatchViz.Cli;

/// <summary><c>batchviz replay DIR --run ID --update N</c>: any batch once more, with its examples and its exact record.</summary>
internal static class ReplayCommand
{
    private const int ExamplesShown = 20;

    public static void AddTo(RootCommand root)
    {
        var folder = new Argument<string>("DIR") { Description = "The recording's folder." };
        var run = new Option<string>("--run") { Description = "The run's id, such as b32-s1.", Required = true };
        var update = new Option<long>("--update") { Description = "The update, counted from 1.", Required = true };
        var json = new Option<bool>("--json") { Description = "End with one line of JSON on standard output." };
        var data = new Option<string?>("--data") { Description = "The folder with CSV and IDX files that the experiment reads." };
        var replay = new Command("replay", "Recompute the exact record of any batch.");
        replay.Arguments.Add(folder);
        foreach (Option option in new Option[] { run, update, json, data })
            replay.Options.Add(option);
        replay.SetAction(
            (parsed, stop) =>
                CommandLine.Guard(() =>
                    Replay(
                        parsed.GetRequiredValue(folder),
                        parsed.GetRequiredValue(run),
                        parsed.GetRequiredValue(update),
                        parsed.GetValue(data),
                        parsed.GetValue(json),
                        stop
                    )
                )
        );
        root.Subcommands.Add(replay);
    }

    private static async Task<int> Replay(string folder, string id, long update, string? dataFolder, bool json, CancellationToken stop)
    {
        using var files = RecordingFiles.ToRead(folder);
        var manifest = RecordingManifest.Read(files);
        using var engine = RecordingFiles.Engine(manifest.Engine);
        var plan = RecordingFiles.Plan(manifest, Files.Data(dataFolder), trusted: true);
        var recording = RecordingFiles.Open(files, manifest, plan);
        using var experiment = new Experiment(plan, engine, new ExperimentOptions { Landscape = false, ReadOnly = true }, recording);
        var run = RecordingFiles.RunOf(experiment, id);
        var console = Shown.OnError();
        var batch = await Shown.WithProgress(
            console,
            $"{id}, update {update.ToString("#,0", CultureInfo.InvariantCulture)}",
            progress => experiment.Replayer.Batch(run, update, progress, stop)
        );
        if (json)
            Console.WriteLine(ApiJson.Line(Batch.Of(run, batch)));
        else
            Show(run, batch, plan.Network);
        return batch.Difference is null || !engine.BitExact ? CommandLine.Done : CommandLine.Failed;
    }

    /// <summary>What a record has become, beside what it was: both numbers, their difference, and its share where neither is 0.</summary>
    private static string Words(Run run, RecordDifference difference)
    {
        string both = string.Create(
            CultureInfo.InvariantCulture,
            $"{run.Log.Layout.Columns[difference.Column].Name} is {difference.Now:G7}, recorded {difference.Recorded:G7}"
        );
        if (!double.IsFinite(difference.Absolute))
            return both;
        string share = difference is { Now: not 0, Recorded: not 0 }
            ? string.Create(CultureInfo.InvariantCulture, $", {100 * difference.Relative:G2} %")
            : "";
        return string.Create(CultureInfo.InvariantCulture, $"{both} (a difference of {difference.Absolute:G2}{share})");
    }

    private static void Show(Run run, ReplayedBatch batch, NetworkSpec network)
    {
        Console.WriteLine(
            $"{batch.Run}, update {batch.Update.ToString("#,0", CultureInfo.InvariantCulture)}: {batch.Examples.Count} examples, {batch.UpdatesReplayed.ToString("#,0", CultureInfo.InvariantCulture)} updates replayed; "
                + (
                    batch.Recorded
                        ? batch.Difference is not { } difference
                            ? "the same bits as recorded."
                            : $"DIFFERS from what was recorded: {Words(run, difference)}."
                        : "only buckets of it were recorded."
                )
        );
        for (int c = 0; c < batch.Record.Length; c++)
        {
            var column = run.Log.Layout.Columns[c];
            bool defined = !(float.IsNaN(batch.Record[c]) && column.OfExamples);
            Console.WriteLine(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"  {column.Name, -20}{(defined ? batch.Record[c].ToString("G7", CultureInfo.InvariantCulture) : "not defined"), 16} {(defined ? column.Unit : "")}"
                )
            );
        }
        if (!network.Separable)
            Console.WriteLine(
                network.Contrastive
                    ? "Not defined: a contrastive loss compares the examples of a batch with one another, so single examples have no losses and gradients."
                    : "Not defined in train mode: with batch norms an example's gradient depends on its whole batch. What follows is in evaluation mode, with running statistics."
            );
        Console.WriteLine(network.Contrastive ? $"{"example", 10}" : $"{"example", 10}{"loss", 14}{"gradient norm", 16}");
        foreach (var example in batch.Examples.Take(ExamplesShown))
            Console.WriteLine(
                network.Contrastive
                    ? $"{example.Index, 10}"
                    : string.Create(CultureInfo.InvariantCulture, $"{example.Index, 10}{example.Loss, 14:G6}{example.GradientNorm, 16:G6}")
            );
        if (batch.Examples.Count > ExamplesShown)
            Console.WriteLine($"{"…", 10} {batch.Examples.Count - ExamplesShown} more; --json lists all");
    }
}
