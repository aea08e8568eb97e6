using System.IO.Compression;
using BatchViz.Core.Data;
using BatchViz.Core.Specs;
using BatchViz.Recording;

namespace BatchViz.Data;

/// <summary>
/// Opens data files for specs: MNIST and Fashion-MNIST from beside the program, CSV, IDX and CIFAR-10 from a folder that the user named. A spec from the
/// command line may name its own folder; one from the page only a folder inside <c>--data</c>.
/// </summary>
public sealed class DataFiles(string? dataFolder)
{
    /// <summary>Largest file that is read.</summary>
    public const long MaxBytes = 1L << 30;

    private readonly Lock gate = new();
    private readonly Dictionary<DataKind, WeakReference<DataSet>> whole = [];

    public string? Folder { get; } = dataFolder;

    /// <summary>Brings a spec and its data together.</summary>
    /// <param name="trusted">The spec comes from the machine's own user, who may name any folder.</param>
    /// <param name="specFolder">What a relative <c>data.folder</c> is relative to; null: the data folder.</param>
    /// <exception cref="SpecException">One sentence.</exception>
    public ExperimentPlan Plan(ExperimentSpec spec, bool trusted, string? specFolder = null)
        => SpecResolver.Resolve(spec, Load(spec.Data, trusted, specFolder));

    /// <summary>The plan of a recording, with the data that it was made from.</summary>
    /// <exception cref="SpecException">One sentence: they are not here, or are others now.</exception>
    public ExperimentPlan Plan(RecordingManifest manifest, bool trusted)
    {
        var spec = manifest.ReadSpec();
        if (manifest.Data.Folder is { } folder) spec = spec with { Data = spec.Data with { Folder = folder } };
        var plan = Plan(spec, trusted);
        if (plan.Data.Fingerprint() != manifest.Data.Sha256)
            throw new SpecException($"The data of {manifest.Data.Name} are not those that the recording was made from; nothing of it can be recomputed.");
        return manifest.PlanOf(plan);
    }

    /// <summary>The data alone.</summary>
    public DataSet Load(DataSpec spec, bool trusted, string? specFolder = null)
    {
        if (DataSource.PackedFolder(spec.From) is not { } packed)
        {
            string? folder = NeedsFolder(spec) ? FolderOf(spec, trusted, specFolder) : null;
            return DataSource.Load(spec, name => Read(folder!, name));
        }
        if (spec.Kind != spec.From || spec.TrainExamples is not null || spec.TestExamples is not null) return DataSource.Load(spec, name => OpenPacked(packed, name));
        // Sixty thousand images are worth keeping from one experiment to the next.
        lock (gate)
        {
            if (whole.TryGetValue(spec.Kind, out var known) && known.TryGetTarget(out var kept)) return kept;
            var loaded = DataSource.Load(spec, name => OpenPacked(packed, name));
            whole[spec.Kind] = new WeakReference<DataSet>(loaded);
            return loaded;
        }
    }

    /// <summary>The folder that a trusted spec's files are in, as a whole path; null for data that need none.</summary>
    public string? FolderFor(DataSpec spec, string? specFolder) => NeedsFolder(spec) ? FolderOf(spec, trusted: true, specFolder) : null;

    private static bool NeedsFolder(DataSpec spec) => spec.From is DataKind.Csv or DataKind.Idx or DataKind.Cifar10;

    private string FolderOf(DataSpec spec, bool trusted, string? specFolder)
    {
        if (spec.Folder is null && Folder is null)
            throw new SpecException("\"data.folder\" is missing; name the folder with the data there, or with --data.");
        string root = Path.GetFullPath(spec.Folder is null ? Folder! : Path.Combine(trusted && specFolder is not null ? specFolder : Folder ?? ".", spec.Folder));
        try
        {
            string real = RealPath.Of(root);
            if (!trusted)
            {
                if (Folder is null) throw new SpecException("\"data.folder\" cannot be read: the server was started without --data.");
                if (!Inside(real, RealPath.Of(Path.GetFullPath(Folder)))) throw new SpecException("\"data.folder\" must lie inside the folder given by --data.");
            }
            return Directory.Exists(real) ? real : throw new SpecException($"\"data.folder\": there is no folder {root}.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new SpecException($"\"data.folder\" cannot be read: {e.Message.TrimEnd('.')}.");
        }
    }

    /// <param name="folder">Without links.</param>
    private static byte[] Read(string folder, string name)
    {
        try
        {
            if (!File.Exists(Path.Combine(folder, name))) throw new SpecException($"There is no file {name} in {folder}.");
            // What was looked at is what is opened, with no link left to follow.
            string path = RealPath.Of(Path.Combine(folder, name));
            if (!Inside(path, folder)) throw new SpecException($"{name} is a link that leads out of its folder.");
            using var file = File.OpenRead(path);
            if (file.Length > MaxBytes) throw new SpecException($"{name} is larger than 1 GB.");
            // As long as it is now: a device has no end.
            byte[] bytes = new byte[file.Length];
            file.ReadExactly(bytes);
            return bytes;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new SpecException($"{name} cannot be read: {e.Message.TrimEnd('.')}.");
        }
    }

    private static byte[] OpenPacked(string folder, string name)
    {
        string path = Path.Combine(AppContext.BaseDirectory, "data", folder, name + ".gz");
        try
        {
            using var file = new GZipStream(File.OpenRead(path), CompressionMode.Decompress);
            using var bytes = new MemoryStream(name.StartsWith("train-images", StringComparison.Ordinal) ? 47_040_016 : 7_840_016);
            file.CopyTo(bytes);
            return bytes.Length == bytes.Capacity ? bytes.GetBuffer() : bytes.ToArray();
        }
        catch (Exception e) when (e is IOException or InvalidDataException or UnauthorizedAccessException)
        {
            throw new SpecException($"{folder} cannot be read from {path}; build the program again to restore it ({e.Message.TrimEnd('.')}).");
        }
    }

    private static bool Inside(string path, string folder)
        => path == folder || path.StartsWith(folder.EndsWith(Path.DirectorySeparatorChar) ? folder : folder + Path.DirectorySeparatorChar, StringComparison.Ordinal);
}
