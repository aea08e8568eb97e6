using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using BatchViz.Data;
using BatchViz.Engine.Cpu;
using BatchViz.Engines;
using BatchViz.Recording;
using BatchViz.Recording.Storage;
using BatchViz.Training;

namespace BatchViz.Recordings;

/// <summary>Opens recordings for commands; what is wrong is one sentence.</summary>
internal static class RecordingFiles
{
    /// <summary>
    /// What stands between a recording that is written and its disk: nothing, unless something is to go wrong there on purpose.
    /// </summary>
    internal static Func<IFiles, IFiles> Written { get; set; } = disk => disk;

    /// <summary>A folder for a recording that begins: new, or empty.</summary>
    public static IFiles New(string folder)
    {
        if (File.Exists(folder))
            throw new RefusedException($"\"--out\" is {folder}, which is a file.");
        if (
            Directory.Exists(folder)
            && Directory.EnumerateFileSystemEntries(folder).Any(entry => Path.GetFileName(entry) != DiskFiles.LockName)
        )
            throw new RefusedException(
                $"\"--out\" is {folder}, which is not empty; name a new folder, or go on with what is in it with \"batchviz resume {folder}\"."
            );
        return Guarded(folder, () => Written(DiskFiles.ToWrite(folder)));
    }

    /// <summary>A recording to go on with.</summary>
    public static IFiles ToWrite(string folder)
    {
        CheckThere(folder);
        return Guarded(folder, () => Written(DiskFiles.ToWrite(folder)));
    }

    /// <summary>A recording to look into, which may be one that is being written.</summary>
    public static IFiles ToRead(string folder)
    {
        CheckThere(folder);
        return DiskFiles.ToRead(folder);
    }

    /// <summary>The engine that a recording was made with: of the same kernel path, so that the same bits come again.</summary>
    public static IEngine Engine(RecordingManifest.EngineInfo made)
    {
        if (made.Name == "torch")
            return EngineList.TorchOf(made.Variant);
        if (made.Name != "cpu")
            throw new RefusedException($"The recording was made with the engine \"{made.Name}\", which this program does not have.");
        if (!Enum.TryParse<KernelPath>(made.Variant, ignoreCase: true, out var path) || !CpuEngine.Available.Contains(path))
            throw new RefusedException(
                $"The recording was made with the kernels \"{made.Variant}\", which this processor does not have; its bits cannot be repeated here."
            );
        var engine = new CpuEngine(path);
        if (engine.Revision == made.Revision)
            return engine;
        engine.Dispose();
        throw new RefusedException(
            $"The recording was made with revision {made.Revision} of the engine, and this program has revision {engine.Revision}; its bits cannot be repeated here."
        );
    }

    /// <summary>The plan of a recording, with the data that it was made from.</summary>
    public static ExperimentPlan Plan(RecordingManifest manifest, DataFiles data, bool trusted) => data.Plan(manifest, trusted);

    /// <summary>Everything that is intact, and a word on standard error about what is not.</summary>
    public static RecordingFolder Open(IFiles files, RecordingManifest manifest, ExperimentPlan plan)
    {
        var folder = RecordingFolder.Open(files, manifest, plan);
        foreach (string note in folder.Notes)
            Console.Error.WriteLine(note);
        foreach (var damage in folder.Damages)
            Console.Error.WriteLine($"{damage}.");
        return folder;
    }

    /// <summary>The run of an id.</summary>
    public static Run RunOf(Experiment experiment, string id) =>
        experiment.Runs.FirstOrDefault(run => run.Plan.Id == id)
        ?? throw new RefusedException(
            $"\"--run\" is {id}, which is no run of the recording; there are {string.Join(", ", experiment.Runs.Select(run => run.Plan.Id))}."
        );

    private static void CheckThere(string folder)
    {
        if (!Directory.Exists(folder))
            throw new RefusedException($"There is no folder {folder}.");
    }

    private static IFiles Guarded(string folder, Func<IFiles> open)
    {
        try
        {
            return open();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new RefusedException($"{folder} cannot be written: {e.Message.TrimEnd('.')}.");
        }
    }
}
