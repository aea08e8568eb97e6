using System.IO.Compression;
using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using BatchViz.Data;
using BatchViz.Recording;
using BatchViz.Recording.Export;
using BatchViz.Recording.Storage;
using BatchViz.Telemetry;
using BatchViz.Training;

namespace BatchViz.Recordings;

/// <summary>A file that was written.</summary>
public sealed record ExportedFile(string Path, long Bytes);

/// <summary>
/// A recording opened to be written in another format: as files on this machine, or into a stream. The recording may be one that is
/// being written; what it had when this was made is exported.
/// </summary>
public sealed class RecordingExport : IDisposable
{
    private const int BufferBytes = 1 << 18;

    private readonly ExportRequest request;
    private readonly IFiles files;
    private readonly IEngine? engine;
    private readonly Experiment? experiment;
    private readonly List<Part> parts = [];
    private readonly List<Damage> damages = [];
    private readonly List<string> notes = [];
    private readonly bool written;

    /// <summary>A file of the export.</summary>
    /// <param name="Name">With '/' between folders; of an export that is one file, null.</param>
    private sealed record Part(string? Name, Action<Stream, IProgress<double>?, CancellationToken> Write);

    /// <param name="folder">The recording's.</param>
    /// <param name="trusted">Whether the recording may name folders with data anywhere on this machine.</param>
    /// <exception cref="RefusedException">One sentence: it cannot be read, or what is asked for is not in it.</exception>
    public RecordingExport(string folder, ExportRequest request, DataFiles data, bool trusted)
    {
        this.request = request;
        files = RecordingFiles.ToRead(folder);
        written = DiskFiles.IsHeld(folder);
        try
        {
            var manifest = RecordingManifest.Read(files);
            Name = manifest.Name;
            if (request.To == ExportFormat.Bviz)
            {
                parts.Add(new(null, (stream, progress, cancel) => Lose(Bviz.Write(files, manifest, stream, progress, cancel))));
                return;
            }
            engine = RecordingFiles.Engine(manifest.Engine);
            var plan = RecordingFiles.Plan(manifest, data, trusted);
            var recording = RecordingFolder.Open(files, manifest, plan);
            Lose(recording.Damages);
            notes.AddRange(recording.Notes);
            bool landscape = request.To is ExportFormat.Html or ExportFormat.Safetensors;
            experiment = new Experiment(plan, engine, new ExperimentOptions { Landscape = landscape, ReadOnly = true }, recording);
            if (request.To == ExportFormat.Html)
                parts.Add(new(null, (stream, _, cancel) => stream.Write(HtmlExport.Write(experiment, cancel))));
            if (request.To == ExportFormat.Csv && DataMap.Has(plan.Data))
                parts.Add(new(DataMap.FileName, (stream, _, _) => DataMap.Write(plan.Data, stream)));
            if (request.To != ExportFormat.Html)
                foreach (var run in request.Run is { } id ? [RecordingFiles.RunOf(experiment, id)] : experiment.Runs)
                    parts.AddRange(PartsOf(run, experiment));
            if (request is { To: ExportFormat.Safetensors, Run: null } && LandscapeExport.Of(experiment) is { } tensors)
                parts.Add(
                    new(LandscapeExport.FileName, (stream, _, _) => SafetensorsExport.Write(tensors, plan.Spec, plan.Network, stream))
                );
            if (request is { Run: null, Update: { } update } && !experiment.Runs.Any(run => WhyNotAfter(run, update) is null))
                throw new RefusedException(WhyNotAfter(experiment.Runs.MaxBy(run => run.Log.UpdatesMade)!, update)!);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The recording's, for people.</summary>
    public string Name { get; }

    /// <summary>What of the recording is lost, and so not in the export; complete when it has been written.</summary>
    public IReadOnlyList<Damage> Damages => damages;

    /// <summary>What was left out for another reason, or cannot be checked; a sentence each.</summary>
    public IReadOnlyList<string> Notes => notes;

    /// <summary>A file that is being written may end in the middle of a block, which is no loss.</summary>
    private void Lose(IReadOnlyList<Damage> found) =>
        damages.AddRange(found.Where(damage => !written || damage.Kind != DamageKind.CutShort));

    /// <summary>
    /// Writes the file, or the folder of files, and returns them. They appear when all of them are whole; failed or cancelled, nothing
    /// has changed.
    /// </summary>
    /// <param name="force">Replace files of the same names; others in a folder stay.</param>
    /// <exception cref="RefusedException">There is something already.</exception>
    public IReadOnlyList<ExportedFile> WriteTo(
        string target,
        bool force,
        IProgress<double>? progress = null,
        CancellationToken cancel = default
    )
    {
        target = Path.TrimEndingDirectorySeparator(Path.GetFullPath(target));
        CheckFree(target, request.IsFile, force);
        string temporary = Path.Combine(Path.GetDirectoryName(target) ?? target, $".{Guid.NewGuid():N}.exporting");
        try
        {
            for (int p = 0; p < parts.Count; p++)
            {
                string path = parts[p].Name is { } name ? Path.Combine(temporary, name) : temporary;
                Directory.CreateDirectory(Path.GetDirectoryName(path)!);
                using var file = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, BufferBytes);
                parts[p].Write(file, Share.Of(progress, p, parts.Count), cancel);
            }
            return [.. parts.Select(part => Move(part.Name, temporary, target))];
        }
        finally
        {
            if (File.Exists(temporary))
                File.Delete(temporary);
            if (Directory.Exists(temporary))
                Directory.Delete(temporary, recursive: true);
        }
    }

    /// <summary>Writes the file, or a ZIP of the folder, front to back.</summary>
    public void WriteTo(Stream stream, IProgress<double>? progress = null, CancellationToken cancel = default)
    {
        if (request.IsFile)
        {
            parts[0].Write(stream, progress, cancel);
            return;
        }
        using var zip = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true);
        for (int p = 0; p < parts.Count; p++)
        {
            using var entry = new BufferedStream(zip.CreateEntry(parts[p].Name!, CompressionLevel.Fastest).Open(), BufferBytes);
            parts[p].Write(entry, Share.Of(progress, p, parts.Count), cancel);
        }
        if (damages.Count == 0)
            return;
        // Whoever unpacks it is told what those on a command line are told.
        using var lost = new StreamWriter(zip.CreateEntry(LostName, CompressionLevel.Fastest).Open());
        foreach (var damage in damages)
            lost.WriteLine($"{damage}.");
    }

    /// <summary>In a ZIP of a recording that was damaged: what is lost.</summary>
    public const string LostName = "LOST.txt";

    /// <exception cref="RefusedException">There is something already that the export would replace.</exception>
    public static void CheckFree(string target, bool isFile, bool force)
    {
        if (isFile ? Directory.Exists(target) : File.Exists(target))
            throw new RefusedException($"{target} is a {(isFile ? "folder" : "file")}; name another with --out.");
        if (!force && (File.Exists(target) || (Directory.Exists(target) && Directory.EnumerateFileSystemEntries(target).Any())))
            throw new RefusedException($"{target} is there already; name another with --out, or replace what is in it with --force.");
    }

    public void Dispose()
    {
        experiment?.Dispose();
        engine?.Dispose();
        files.Dispose();
    }

    private IEnumerable<Part> PartsOf(Run run, Experiment of)
    {
        var records = new RecordSource(of, run);
        string id = run.Plan.Id;
        switch (request.To)
        {
            case ExportFormat.Csv:
                yield return new($"{id}.csv", (stream, progress, cancel) => CsvExport.WriteRecords(records, stream, progress, cancel));
                yield return new($"{id}-evaluations.csv", (stream, _, _) => CsvExport.WriteEvaluations(records, stream));
                break;
            case ExportFormat.TensorBoard:
                yield return new(
                    $"{id}/{TensorBoardExport.FileName}",
                    (stream, progress, cancel) => TensorBoardExport.Write(records, stream, progress, cancel)
                );
                break;
            default:
                var sampler = of.Plan.BundleOf([run.Plan]).SamplerOf(0, of.Plan.Data.Train.Count);
                foreach (long update in StatesOf(run, records.UpdatesMade))
                {
                    yield return new(
                        FormattableString.Invariant($"{id}-update{update}.safetensors"),
                        (stream, progress, cancel) =>
                            SafetensorsExport.Write(
                                records,
                                of.Plan.Spec,
                                of.Plan.Network,
                                of.Replayer.At(run, update, progress, cancel),
                                sampler,
                                request.Batches,
                                stream,
                                cancel,
                                of.Plan.Data
                            )
                    );
                }
                break;
        }
    }

    /// <summary>After which updates the weights are written: at the last keyframe, and where it was asked for.</summary>
    private IEnumerable<long> StatesOf(Run run, long count)
    {
        // A run that diverged has no keyframe at its end; its weights there are those after the last update that was made.
        long last = run.Log.State == RunState.Diverged ? count : run.Recorded!.Keyframes.Before(count)?.Updates ?? count;
        if (request.Update is not { } update)
            return [last];
        if (WhyNotAfter(run, update) is not { } why)
            return new[] { update, last }.Distinct();
        // Of all runs some may have ended before; those that have not are not to wait for them.
        if (request.Run is not null)
            throw new RefusedException(why);
        notes.Add($"{why} Its weights after {last:#,0} updates were written alone.");
        return [last];
    }

    /// <summary>Why a run has no weights of its own after an update; null where it has.</summary>
    private static string? WhyNotAfter(Run run, long update)
    {
        long made = run.Log.UpdatesMade;
        if (update > made)
        {
            string diverged = run.Log.State == RunState.Diverged ? $": it diverged at update {made + 1:#,0}" : "";
            return $"\"update\" is {update:#,0}, but {run.Plan.Id} has made only {made:#,0} updates{diverged}.";
        }
        return run.Plan.Fork is { } fork && update < fork.Update
            ? $"\"update\" is {update:#,0}, but {run.Plan.Id} leaves {fork.Parent} only after update {fork.Update:#,0}; export that run there."
            : null;
    }

    private static ExportedFile Move(string? name, string temporary, string target)
    {
        string from = name is null ? temporary : Path.Combine(temporary, name),
            to = name is null ? target : Path.Combine(target, name);
        Directory.CreateDirectory(Path.GetDirectoryName(to)!);
        File.Move(from, to, overwrite: true);
        return new ExportedFile(to, new FileInfo(to).Length);
    }

    /// <summary>One of several equal shares of the whole.</summary>
    private sealed class Share(IProgress<double> whole, int part, int parts) : IProgress<double>
    {
        public static Share? Of(IProgress<double>? whole, int part, int parts) => whole is null ? null : new Share(whole, part, parts);

        public void Report(double value) => whole.Report((part + value) / parts);
    }
}
