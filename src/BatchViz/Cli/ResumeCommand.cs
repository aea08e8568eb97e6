using System.CommandLine;
using BatchViz.Core.Specs;
using BatchViz.Recording;
using BatchViz.Recordings;
using BatchViz.Training;

namespace BatchViz.Cli;

/// <summary><c>batchviz resume DIR</c>: goes on with a recording that was interrupted, however it was, to the same bits.</summary>
internal static class ResumeCommand
{
    public static void AddTo(RootCommand root)
    {
        var folder = new Argument<string>("DIR") { Description = "The recording's folder." };
        var json = new Option<bool>("--json") { Description = "End with one line of JSON on standard output." };
        var data = new Option<string?>("--data") { Description = "The folder with CSV and IDX files that the experiment reads." };
        var threads = new Option<int>("--threads")
        {
            Description = "Runs that train at the same time; results do not depend on it.",
            DefaultValueFactory = _ => Environment.ProcessorCount,
        };
        var resume = new Command("resume", "Go on with an interrupted recording.");
        resume.Arguments.Add(folder);
        foreach (Option option in new Option[] { json, data, threads })
            resume.Options.Add(option);
        resume.SetAction(
            (parsed, stop) =>
                CommandLine.Guard(() =>
                    Resume(parsed.GetRequiredValue(folder), parsed.GetValue(data), parsed.GetValue(threads), parsed.GetValue(json), stop)
                )
        );
        root.Subcommands.Add(resume);
    }

    private static async Task<int> Resume(string folder, string? dataFolder, int threads, bool json, CancellationToken stop)
    {
        if (threads is < 1 or > 1024)
            throw new RefusedException($"\"--threads\" is {threads}; it must be a whole number from 1 to 1,024.");
        using var files = RecordingFiles.ToWrite(folder);
        var manifest = RecordingManifest.Read(files);
        using var engine = RecordingFiles.Engine(manifest.Engine);
        var plan = RecordingFiles.Plan(manifest, Files.Data(dataFolder), trusted: true);
        var recording = RecordingFiles.Open(files, manifest, plan);
        using var experiment = new Experiment(
            plan,
            engine,
            new ExperimentOptions
            {
                LanesAtOnce = threads,
                Landscape = true,
                Resume = true,
            },
            recording
        );
        return await RunCommand.Train(experiment, experiment.Runs, json, stop);
    }
}
