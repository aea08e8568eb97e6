using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using BatchViz.Recording.Storage;
using BatchViz.Telemetry;

namespace BatchViz.Recording;

/// <summary>A recording that was read: its manifest, its runs with what is known of each, and what could not be read.</summary>
public sealed class RecordingFolder : IDisposable
{
    private RecordingFolder(
        IFiles files,
        RecordingManifest manifest,
        ExperimentPlan plan,
        IReadOnlyList<RecordedRun> runs,
        IReadOnlyList<Damage> damages
    ) => (Files, Manifest, Plan, Runs, Damages) = (files, manifest, plan, runs, damages);

    public IFiles Files { get; }

    public RecordingManifest Manifest { get; private set; }

    public ExperimentPlan Plan { get; }

    public IReadOnlyList<RecordedRun> Runs { get; }

    public IReadOnlyList<Damage> Damages { get; }

    /// <summary>What cannot be checked, for people: a sentence each.</summary>
    public IReadOnlyList<string> Notes { get; private init; } = [];

    /// <summary>The landscape as it was last saved; null where there is none.</summary>
    public byte[]? Landscape { get; private init; }

    /// <summary>Makes the empty logs of an experiment that begins.</summary>
    public static IReadOnlyList<RecordedRun> NewRuns(IFiles files, RecordingManifest manifest, ExperimentPlan plan)
    {
        var runs = new List<RecordedRun>();
        foreach (var run in plan.Runs)
            runs.Add(NewRun(files, manifest, plan, run, runs));
        return runs;
    }

    /// <summary>Makes the empty log of one run; of a fork with its parent's records until then.</summary>
    public static RecordedRun NewRun(
        IFiles files,
        RecordingManifest manifest,
        ExperimentPlan plan,
        RunPlan run,
        IReadOnlyList<RecordedRun> before
    )
    {
        var layout = LayoutOf(plan);
        long share = manifest.BudgetBytes / 2 / Math.Max(1, manifest.Runs.Count(entry => entry.Parent is null));
        var bundle = plan.BundleOf([run]);
        var detail = DetailPlan.For(
            layout.Width,
            bundle.FlopsOf(run.Progress.BatchSize),
            bundle.FlopsOf(run.Progress.LargestBatch),
            plan.Network.ParameterCount,
            bundle.StateVectors,
            run.TotalUpdates,
            share,
            manifest.Engine.BitExact
        );
        var parent = run.Fork is { } fork ? before.Single(other => other.Id == fork.Parent) : null;
        var log = new RunLog(layout, detail, parent?.Log, run.Fork?.Update ?? 0);
        return new RecordedRun(run.Id, log, new Keyframes(files, manifest.Id, run.Id, share));
    }

    /// <summary>Of a landscape with its plane: origin, two directions and what else is in it.</summary>
    private const long MostLandscapeBytes = 1L << 28;

    /// <summary>The first block of a file of all runs: it names them and the recording.</summary>
    public static byte[] IdentityBlock(RecordingManifest manifest) =>
        new FileIdentity(manifest.Id, [.. manifest.Runs.Select(run => run.Id)]).ToBlock();

    /// <summary>Whether a block is such a one.</summary>
    public static bool IsIdentity(BlockScanner block) => block is { Type: FileIdentity.BlockType, Blocks: 1 };

    public static RecordLayout LayoutOf(ExperimentPlan plan) =>
        plan.BundleOf([plan.Runs[0]]).LayoutOf(plan.Network.Model.Kind == ModelKind.Surface ? 1 : plan.Network.Layers);

    /// <summary>Reads the intact part of everything. Whoever wants to go on writing hands it to <see cref="Recorder.GoOn"/>.</summary>
    /// <param name="plan">Of the manifest's spec, forks included. <see cref="Plan"/> is the same with the columns that were recorded.</param>
    public static RecordingFolder Open(IFiles files, RecordingManifest manifest, ExperimentPlan plan)
    {
        plan = plan with { RecordedColumns = RunFile.ColumnsOf(files, manifest.Id, plan.Runs.Select(run => run.Id)) };
        var damages = new List<Damage>();
        var runs = new List<RecordedRun>();
        foreach (var planned in plan.Runs)
        {
            var run = NewRun(files, manifest, plan, planned, runs);
            run.File = RunFile.Load(files, manifest.Id, run.Id, run.Log, ExamplesOf(plan, planned), damages);
            run.Keyframes.Find();
            damages.AddRange(run.Keyframes.Foreign);
            runs.Add(run);
        }
        byte[]? landscape = ReadLandscape(files, manifest, damages);
        return new RecordingFolder(files, manifest, plan, runs, damages) { Landscape = landscape, Notes = NotesOn(runs) };
    }

    /// <summary>While no recorder writes it.</summary>
    /// <exception cref="IOException">It cannot be written; the name is as before.</exception>
    public void Rename(string name)
    {
        var next = Manifest with { Name = name };
        next.Write(Files);
        Manifest = next;
    }

    public void Dispose()
    {
        foreach (var run in Runs)
            run.File?.Dispose();
    }

    /// <summary>Examples that each update takes; null where that is the engine's choice out of a pool.</summary>
    private static Func<long, int>? ExamplesOf(ExperimentPlan plan, RunPlan run) =>
        plan.Spec.Sampler.Pool is null ? update => run.Progress.ExamplesOf(update) : null;

    private static IReadOnlyList<string> NotesOn(IReadOnlyList<RecordedRun> runs)
    {
        if (runs.All(run => run.File!.NamesRun))
            return [];
        return
        [
            "This recording was made by an earlier version, whose files do not name their run: that logs or timings of runs of one batch size "
                + "have not been exchanged cannot be checked.",
        ];
    }

    /// <summary>The saved landscape of a recording; null where there is none, or it is another recording's.</summary>
    public static byte[]? ReadLandscape(IFiles files, RecordingManifest manifest, List<Damage>? damages = null)
    {
        try
        {
            if (FileIdentity.WrongIn(files, Recorder.LandscapeName, manifest) is not { } wrong)
                return files.ReadAll(Recorder.LandscapeName, MostLandscapeBytes);
            damages?.Add(new Damage(Recorder.LandscapeName, 0, 0, wrong, DamageKind.Foreign));
            return null;
        }
        catch (IOException)
        {
            return null; // it is computed anew when it is wanted
        }
    }
}
