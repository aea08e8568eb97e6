using System.IO.Compression;
using BatchViz.Core.Data;
using BatchViz.Core.Specs;
using BatchViz.Recording;
using static BatchViz.Core.Language;

namespace BatchViz.Data;

/// <summary>
/// Opens data files for specs: MNIST and Fashion-MNIST from beside the program, CSV, IDX and CIFAR-10 from a folder that the user named. A
/// spec from the command line may name its own folder; one from the page only a folder inside <c>--data</c>.
/// </summary>
public sealed class DataFiles(string? dataFolder)
{
    /// <summary>Largest file that is read.</summary>
    public const long MaxBytes = 1L << 30;

    /// <summary>As many names of a folder are suggested.</summary>
    private const int MostNames = 1000;

    private readonly Lock gate = new();
    private readonly Dictionary<DataKind, WeakReference<DataSet>> whole = [];

    public string? Folder { get; } = dataFolder;

    /// <summary>Brings a spec and its data together.</summary>
    /// <param name="trusted">The spec comes from the machine's own user, who may name any folder.</param>
    /// <param name="specFolder">What a relative <c>data.folder</c> is relative to; null: the data folder.</param>
    /// <exception cref="RefusedException">One sentence.</exception>
    public ExperimentPlan Plan(ExperimentSpec spec, bool trusted, string? specFolder = null) =>
        SpecResolver.Resolve(spec, Load(spec.Data, trusted, specFolder));

    /// <summary>The plan of a recording, with the data that it was made from.</summary>
    /// <exception cref="RefusedException">One sentence: they are not here, or are others now.</exception>
    public ExperimentPlan Plan(RecordingManifest manifest, bool trusted)
    {
        var spec = manifest.ReadSpec();
        // The plan keeps the file's own words: viewers and exports see it, and a folder of this machine is none of their business.
        var plan = SpecResolver.Resolve(
            spec,
            Load(manifest.Data.Folder is { } folder ? spec.Data with { Folder = folder } : spec.Data, trusted)
        );
        if (plan.Data.Fingerprint() != manifest.Data.Sha256)
            throw new RefusedException(
                Tr(
                    $"The data of {manifest.Data.Name} are not those that the recording was made from; nothing of it can be recomputed.",
                    $"{manifest.Data.Name} 的数据不是录制时所用的数据，无法重新计算其中任何内容。"
                )
            );
        return manifest.PlanOf(plan);
    }

    /// <summary>The data alone.</summary>
    public DataSet Load(DataSpec spec, bool trusted, string? specFolder = null)
    {
        if (DataSource.PackedFolder(spec.From) is not { } packed)
        {
            string? folder = NeedsFolder(spec) ? FolderOf(spec, trusted, specFolder) : null;
            return spec.From == DataKind.Cifar10 ? LoadCifar(spec, folder!) : DataSource.Load(spec, name => Read(folder!, name));
        }
        if (spec.Kind != spec.From || spec.TrainExamples is not null || spec.TestExamples is not null)
            return DataSource.Load(spec, name => OpenPacked(packed, name));
        // Sixty thousand images are worth keeping from one experiment to the next.
        lock (gate)
        {
            if (whole.TryGetValue(spec.Kind, out var known) && known.TryGetTarget(out var kept))
                return kept;
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
            throw new RefusedException(
                Tr(
                    "\"data.folder\" is missing; name the folder with the data there, or with --data.",
                    "\"data.folder\" 缺失；请在其中或用 --data 指定数据文件夹。"
                )
            );
        string root = Path.GetFullPath(
            spec.Folder is null ? Folder! : Path.Combine(trusted && specFolder is not null ? specFolder : Folder ?? ".", spec.Folder)
        );
        try
        {
            string real = RealPath.Of(root);
            if (!trusted)
            {
                if (Folder is null)
                    throw new RefusedException(
                        Tr(
                            "\"data.folder\" cannot be read: the server was started without --data.",
                            "\"data.folder\" 无法读取：服务器启动时没有 --data。"
                        )
                    );
                if (!Inside(real, RealPath.Of(Path.GetFullPath(Folder))))
                    throw new RefusedException(
                        Tr(
                            "\"data.folder\" must lie inside the folder given by --data.",
                            "\"data.folder\" 必须位于 --data 指定的文件夹内。"
                        )
                    );
            }
            return Directory.Exists(real)
                ? real
                : throw new RefusedException(Tr($"\"data.folder\": there is no folder {root}.", $"\"data.folder\"：没有文件夹 {root}。"));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new RefusedException(
                Tr($"\"data.folder\" cannot be read: {e.Message.TrimEnd('.')}.", $"\"data.folder\" 无法读取：{e.Message.TrimEnd('.')}。")
            );
        }
    }

    /// <summary>CIFAR-10 as its authors give it away: the archive, the folder that it unpacks to, or the files in it.</summary>
    private static DataSet LoadCifar(DataSpec spec, string folder)
    {
        TarGz? archive = null;
        try
        {
            return DataSource.Load(
                spec,
                name => Find(folder, name) ?? Find(folder, Path.Combine(Cifar10.Folder, name)) ?? FromArchive(name)
            );
        }
        finally
        {
            archive?.Dispose();
        }

        byte[] FromArchive(string name)
        {
            try
            {
                archive ??= Open(folder, Cifar10.Archive) is { } file
                    ? new TarGz(file)
                    : throw new RefusedException(
                        Tr(
                            $"There is no file {name} in {folder}, no folder {Cifar10.Folder} with it, and no {Cifar10.Archive}.",
                            $"{folder} 中没有文件 {name}，没有含它的文件夹 {Cifar10.Folder}，也没有 {Cifar10.Archive}。"
                        )
                    );
                return archive.Read(name, MaxBytes)
                    ?? throw new RefusedException(
                        Tr($"There is no file {name} in {Cifar10.Archive}.", $"{Cifar10.Archive} 中没有文件 {name}。")
                    );
            }
            catch (Exception e) when (e is IOException or InvalidDataException or UnauthorizedAccessException)
            {
                throw Unreadable(Cifar10.Archive, e);
            }
        }
    }

    private static byte[] Read(string folder, string name) =>
        Find(folder, name) ?? throw new RefusedException(Tr($"There is no file {name} in {folder}.", $"{folder} 中没有文件 {name}。"));

    /// <summary>
    /// The content of a file, or of the file with .gz behind its name, which is how many data sets come; unpacked, whatever it is called.
    /// Null: there is neither.
    /// </summary>
    /// <param name="folder">Without links.</param>
    private static byte[]? Find(string folder, string name)
    {
        try
        {
            using var file = Open(folder, name) ?? Open(folder, name + ".gz");
            if (file is null)
                return null;
            if (file.Length > MaxBytes)
                throw new RefusedException(Tr($"{name} is larger than 1 GB.", $"{name} 大于 1 GB。"));
            // As long as it is now: a device has no end.
            byte[] bytes = new byte[file.Length];
            file.ReadExactly(bytes);
            return Gzip.Begins(bytes)
                ? Gzip.Unpack(bytes, MaxBytes)
                    ?? throw new RefusedException(Tr($"{name} is larger than 1 GB when unpacked.", $"{name} 解压后大于 1 GB。"))
                : bytes;
        }
        catch (Exception e) when (e is IOException or InvalidDataException or UnauthorizedAccessException)
        {
            throw Unreadable(name, e);
        }
    }

    private static RefusedException Unreadable(string name, Exception e) =>
        new(Tr($"{name} cannot be read: {e.Message.TrimEnd('.')}.", $"无法读取 {name}：{e.Message.TrimEnd('.')}。"));

    /// <returns>Null where there is no such file.</returns>
    private static FileStream? Open(string folder, string name)
    {
        if (!File.Exists(Path.Combine(folder, name)))
            return null;
        // What was looked at is what is opened, with no link left to follow.
        string path = RealPath.Of(Path.Combine(folder, name));
        if (!Inside(path, folder))
            throw new RefusedException(Tr($"{name} is a link that leads out of its folder.", $"{name} 是指向文件夹之外的链接。"));
        return File.OpenRead(path);
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
            throw new RefusedException(
                Tr(
                    $"{folder} cannot be read from {path}; build the program again to restore it ({e.Message.TrimEnd('.')}).",
                    $"无法从 {path} 读取 {folder}；请重新构建程序以恢复（{e.Message.TrimEnd('.')}）。"
                )
            );
        }
    }

    /// <summary>Names of folders directly inside <see cref="Folder"/>, to suggest.</summary>
    public IReadOnlyList<string> FolderNames() => Names(null, Directory.EnumerateDirectories);

    /// <summary>Names of files in a folder inside <see cref="Folder"/>, to suggest; empty: of <see cref="Folder"/> itself.</summary>
    public IReadOnlyList<string> FileNames(string folder) => Names(folder.Length > 0 ? folder : null, Directory.EnumerateFiles);

    /// <summary>
    /// At most <see cref="MostNames"/>, hidden ones left out. A folder that cannot be read has none: its own field says why.
    /// </summary>
    private IReadOnlyList<string> Names(string? folder, Func<string, IEnumerable<string>> enumerate)
    {
        if (Folder is null)
            return [];
        try
        {
            string root = FolderOf(new DataSpec { Kind = DataKind.Csv, Folder = folder }, trusted: false, specFolder: null);
            return
            [
                .. enumerate(root)
                    .Select(path => Path.GetFileName(path))
                    .Where(name => !name.StartsWith('.'))
                    .Take(MostNames)
                    .Order(StringComparer.OrdinalIgnoreCase),
            ];
        }
        catch (Exception e) when (e is RefusedException or IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    private static bool Inside(string path, string folder) =>
        path == folder
        || path.StartsWith(
            folder.EndsWith(Path.DirectorySeparatorChar) ? folder : folder + Path.DirectorySeparatorChar,
            StringComparison.Ordinal
        );
}
