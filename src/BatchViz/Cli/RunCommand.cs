using System.CommandLine;
using System.Globalization;
using BatchViz.Api;
using BatchViz.Core.Specs;
using BatchViz.Engines;
using BatchViz.Recording;
using BatchViz.Recordings;
using BatchViz.Telemetry;
using BatchViz.Training;
using Spectre.Console;

namespace BatchViz.Cli;

/// <summary>
/// <c>batchviz run FILE</c>: an experiment without a browser. Progress goes to standard error, results to standard output.
/// </summary>
internal static class RunCommand
{
    public static void AddTo(RootCommand root)
    {
        var file = new Argument<string>("FILE") { Description = "The experiment file." };
        var json = new Option<bool>("--json") { Description = "End with one line of JSON on standard output." };
        var data = new Option<string?>("--data") { Description = "The folder with CSV and IDX files that the experiment reads." };
        var threads = new Option<int>("--threads")
        {
            Description = "Runs that train at the same time; results do not depend on it.",
            DefaultValueFactory = _ => Environment.ProcessorCount,
        };
        var engine = new EngineOptions("whatever the file names");
        var output = new Option<string?>("--out") { Description = "Keep a recording in this folder, which must be new or empty." };
        var budget = BudgetOption();
        var bare = new Option<bool>("--no-landscape")
        {
            Description =
                "With --out: leave the landscape and the paths' points on it out of the recording, which is then hardly dearer than training.",
        };
        var run = new Command("run", "Run an experiment without a browser.");
        run.Arguments.Add(file);
        foreach (Option option in new Option[] { json, data, threads, output, bare, budget })
            run.Options.Add(option);
        engine.AddTo(run);
        run.SetAction(
            (parsed, stop) =>
                CommandLine.Guard(() =>
                    Run(
                        parsed.GetRequiredValue(file),
                        parsed.GetValue(data),
                        parsed.GetValue(threads),
                        engine.Read(parsed, overrides: true),
                        parsed.GetValue(output),
                        !parsed.GetValue(bare),
                        ReadBudget(parsed, budget),
                        parsed.GetValue(json),
                        stop
                    )
                )
        );
        root.Subcommands.Add(run);
    }

    private static async Task<int> Run(
        string file,
        string? dataFolder,
        int threads,
        ExperimentEngines engines,
        string? output,
        bool landscape,
        long recordingBytes,
        bool json,
        CancellationToken stop
    )
    {
        if (threads is < 1 or > 1024)
            throw new RefusedException($"\"--threads\" is {threads}; it must be a whole number from 1 to 1,024.");
        var data = Files.Data(dataFolder);
        var plan = Files.Plan(file, data);
        var chosen = engines.For(plan.Spec);
        using var engine = chosen.Engine;
        plan = plan with { Spec = engines.Kept(plan.Spec) };
        using var files = output is null ? null : RecordingFiles.New(output);
        using var experiment = new Experiment(
            plan,
            engine,
            new ExperimentOptions
            {
                LanesAtOnce = threads,
                Landscape = landscape && output is not null,
                Files = files,
                RecordingBytes = recordingBytes,
                Processor = Cli.Processor.Name(),
                EngineReason = chosen.Reason,
                DataFolder = data.FolderFor(plan.Spec.Data, Path.GetDirectoryName(Path.GetFullPath(file))),
            }
        );
        return await Train(experiment, [.. experiment.Runs], json, stop);
    }

    /// <summary>What a recording may take on the disk.</summary>
    public static Option<int> BudgetOption() =>
        new("--recording-mb")
        {
            Description =
                "Megabytes that a recording's records and keyframes may take; what is finer is recomputed when someone looks at it.",
            DefaultValueFactory = _ => 512,
        };

    public static long ReadBudget(ParseResult parsed, Option<int> option) =>
        parsed.GetValue(option) is var megabytes and >= 1 and <= 1_000_000
            ? megabytes * 1_000_000L
            : throw new RefusedException(
                $"\"--recording-mb\" is {parsed.GetValue(option)}; it must be a whole number from 1 to 1,000,000."
            );

    /// <summary>Trains to the end, shows how it goes, and tells the figures of some runs.</summary>
    public static async Task<int> Train(Experiment experiment, IReadOnlyList<Run> reported, bool json, CancellationToken stop)
    {
        var console = Shown.OnError();
        console.MarkupLineInterpolated(
            $"[bold]{experiment.Plan.Title}[/] on the {experiment.Engine.Name} engine ({experiment.Engine.Description}){(experiment.EngineReason is { } why ? $": {why}" : "")}"
        );
        foreach (string note in PlanNotes.Of(experiment.Plan))
            console.WriteLine(note);
        using var interrupt = stop.Register(experiment.Stop);
        experiment.Start();
        await Progress(console, experiment);
        // The picture that the recording is opened with; a training of hours is worth the seconds.
        for (int i = 0; i < 600 && experiment is { LandscapeSettled: false, Recorder.Problem: null } && !stop.IsCancellationRequested; i++)
            await Task.Delay(50, CancellationToken.None);
        // What is told here must be on the disk: success is never reported before.
        bool kept = experiment.Recorder is not { } recorder || recorder.Flush(TimeSpan.FromMinutes(10));
        Report(experiment, reported, json);
        // The landscape is written last.
        experiment.Dispose();
        kept &= experiment.RecordingProblem is null;
        if (!kept)
            Console.Error.WriteLine(experiment.RecordingProblem ?? "The recording could not be written in time.");
        foreach (var failed in experiment.Runs.Where(r => r.Log.State == RunState.Failed))
            console.MarkupLineInterpolated($"[red]{failed.Plan.Id}: {failed.Log.Message}[/]");
        return kept && experiment.Runs.All(r => r.Result is not null) && experiment.State == ExperimentState.Finished
            ? CommandLine.Done
            : CommandLine.Failed;
    }

    private static Task Progress(IAnsiConsole console, Experiment experiment) =>
        console
            .Progress()
            .Columns(
                new TaskDescriptionColumn { Alignment = Justify.Left },
                new ProgressBarColumn(),
                new PercentageColumn(),
                new RemainingTimeColumn()
            )
            .StartAsync(async context =>
            {
                var bars = experiment
                    .Runs.Select(run => context.AddTask(run.Plan.Id, maxValue: Math.Max(1, Total(run, experiment))))
                    .ToArray();
                string? told = null;
                while (true)
                {
                    bool last = experiment.Finished;
                    if (told is null && (told = experiment.RecordingProblem) is not null)
                        console.MarkupLineInterpolated($"[red]{told}[/]");
                    for (int i = 0; i < bars.Length; i++)
                        Show(bars[i], experiment.Runs[i], experiment);
                    if (last)
                        return;
                    await Task.WhenAny(experiment.Ended, Task.Delay(200));
                }
            });

    private static double Total(Run run, Experiment experiment) => run.Plan.TotalUpdates ?? run.Plan.Budget.Seconds ?? 1;

    private static void Show(ProgressTask bar, Run run, Experiment experiment)
    {
        long made = run.Log.Count;
        float spent = run.Log.Newest(run.Log.SecondsColumn),
            newest = run.Log.Newest(Core.Engines.RecordLayout.Loss);
        bar.Value =
            run.Log.Ended ? bar.MaxValue
            : run.Plan.TotalUpdates is null && made > 0 ? spent
            : made;
        string loss = float.IsNaN(newest) ? "–" : newest.ToString("0.0000", CultureInfo.InvariantCulture);
        long marks = run.Log.Evaluations.Count;
        float accuracy = marks > 0 ? run.Log.Evaluations[marks - 1].TestAccuracy : float.NaN;
        string test = float.IsNaN(accuracy) ? "" : $"  test {accuracy.ToString("0.0 %", CultureInfo.InvariantCulture)}";
        bar.Description = Markup.Escape($"B = {run.Plan.BatchSize, -5} seed {run.Plan.Seed}  loss {loss}{test}");
    }

    private static void Report(Experiment experiment, IReadOnlyList<Run> runs, bool json)
    {
        var results = runs.Select(r => r.Result).OfType<RunResult>().ToArray();
        if (!json)
        {
            Console.WriteLine(
                $"{"run", -14}{"updates", 10}{"epochs", 9}{"train loss", 13}{"test loss", 12}{"test acc.", 11}{"own s", 9}{"lane s", 9}"
            );
            foreach (var r in results)
                Console.WriteLine(
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"{r.Id, -14}{r.Updates, 10:#,0}{r.Epochs, 9:0.##}{Number(r.TrainLoss), 13}{Number(r.TestLoss), 12}{(double.IsNaN(r.TestAccuracy) ? "–" : r.TestAccuracy.ToString("0.00 %", CultureInfo.InvariantCulture)), 11}{Seconds(OwnSeconds(r))}{Seconds(r.Seconds)}{(r.Diverged ? "  diverged" : "")}"
                    )
                );
            return;
        }
        var reports = results.Select(result => ReportOf(result, experiment.Runs.Single(run => run.Plan.Id == result.Id), experiment));
        Console.WriteLine(ApiJson.Line(new TrainingReport(SpecWriter.Write(experiment.Plan.Spec), [.. reports])));

        double OwnSeconds(RunResult r) => LaneShare.Of(experiment.Runs.Single(run => run.Plan.Id == r.Id), experiment);
        static string Seconds(double value) =>
            double.IsNaN(value) ? $"{"–", 9}" : string.Create(CultureInfo.InvariantCulture, $"{value, 9:0.0}");
    }

    private static RunReport ReportOf(RunResult result, Run run, Experiment experiment) =>
        new(
            result.Id,
            result.BatchSize,
            result.Seed,
            result.Updates,
            result.Epochs,
            result.TrainLoss,
            result.TrainAccuracy,
            result.TestLoss,
            result.TestAccuracy,
            LaneShare.Of(run, experiment),
            result.Seconds,
            result.Diverged,
            result.Diverged ? result.Updates + 1 : null,
            result.WeightsSha256,
            MemoryOf(run),
            ProbesOf(run)
        );

    private static MemoryReport? MemoryOf(Run run) =>
        run.Memory is not (var seeds, var predicted, { } reserved)
            ? null
            : new(
                seeds,
                predicted.Total,
                reserved.Total,
                reserved.Weights,
                reserved.OptimizerState,
                reserved.Activations,
                reserved.Gradients,
                reserved.Batch,
                reserved.Workspace
            );

    /// <summary>The run's last probes, if it has any, with what they and all before them cost.</summary>
    private static ProbeReport? ProbesOf(Run run)
    {
        if (run.Probes.Count == 0)
            return null;
        var point = run.Probes[run.Probes.Count - 1];
        double all = 0;
        for (long i = 0; i < run.Probes.Count; i++)
            all += run.Probes[i].Seconds;
        bool hasEigenvalues = point.Eigenvalues.Count > 0;
        return new()
        {
            Update = point.Update,
            GradientNorm = Measured(point.GradientNorm),
            BatchCosine = Measured(point.BatchCosine),
            Sharpness = Measured(point.Sharpness),
            AdaptiveSharpness = Measured(point.AdaptiveSharpness),
            Eigenvalues = hasEigenvalues ? point.Eigenvalues : null,
            EigenResiduals = hasEigenvalues ? point.EigenResiduals : null,
            Trace = Measured(point.Trace),
            TraceStandardError = Measured(point.TraceStandardError),
            GradientCurvature = Measured(point.GradientCurvature),
            FisherRao = Measured(point.FisherRao),
            GradientVariance = Measured(point.GradientVariance),
            NoiseScale = Measured(point.NoiseScale),
            Cost = new(point.Cost.Losses, point.Cost.Gradients, point.Cost.HessianProducts, point.Seconds, run.Probes.Count, all),
        };
    }

    /// <summary>NaN: it was not asked for.</summary>
    private static double? Measured(double value) => double.IsNaN(value) ? null : value;

    private static string Number(double value) => double.IsFinite(value) ? value.ToString("0.0000", CultureInfo.InvariantCulture) : "–";
}
