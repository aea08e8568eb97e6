using System.IO.Hashing;
using BatchViz.Core.Specs;
using BatchViz.Recording.Storage;

namespace BatchViz.Recording.Export;

/// <summary>A whole recording in one file, out and in; docs/bviz.md describes it.</summary>
public static class Bviz
{
    public const string Extension = ".bviz";

    /// <summary>Keyframes are few; a file with more names than this was made to fill a disk.</summary>
    internal const int MostFiles = 1 << 18;

    private const int CopyBytes = 1 << 16;

    /// <summary>Writes a recording front to back. Of one that is being written, or was damaged, what is intact at this moment.</summary>
    /// <param name="manifest">Of the recording; runs that it does not name are left out.</param>
    /// <param name="to">Need not be able to seek.</param>
    /// <returns>What was left out: files that are another run's, and what lies behind the intact part of each.</returns>
    public static IReadOnlyList<Damage> Write(
        IFiles recording,
        RecordingManifest manifest,
        Stream to,
        IProgress<double>? progress = null,
        CancellationToken cancel = default
    )
    {
        var damages = new List<Damage>();
        var entries = new List<ZipEntry>();
        byte[] bytes = manifest.ToBytes();
        Put(new(RecordingManifest.FileName, Crc32.HashToUInt32(bytes), bytes.Length));
        to.Write(bytes);
        var names = NamesOf(recording, manifest);
        if (names.Count >= MostFiles)
            throw new RefusedException($"The recording has {names.Count:#,0} files, and a .bviz holds at most {MostFiles:#,0}.");
        var buffer = new byte[CopyBytes];
        for (int i = 0; i < names.Count; i++)
        {
            using var file = recording.Read(names[i]);
            if (file is null)
            {
                // A keyframe may have been let go of meanwhile, and a landscape need not be there.
                if (names[i].StartsWith("runs/", StringComparison.Ordinal))
                    damages.Add(Damage.MissingFile(names[i]));
                continue;
            }
            if (FileIdentity.WrongIn(recording, names[i], manifest) is { } wrong)
            {
                damages.Add(new Damage(names[i], 0, file.Length, wrong, DamageKind.Foreign));
                continue;
            }
            var scanner = Intact(file, cancel);
            if (Damage.After(names[i], scanner) is { } damage)
                damages.Add(damage);
            else if (scanner.Blocks == 0 && names[i].EndsWith(".log", StringComparison.Ordinal))
                damages.Add(new Damage(names[i], 0, 0, "it is empty"));
            long size = scanner.End;
            if (size == 0)
                continue;
            var crc = new Crc32();
            foreach (int read in Pieces(file, size, buffer, cancel))
                crc.Append(buffer.AsSpan(0, read));
            Put(new(names[i], crc.GetCurrentHashAsUInt32(), size));
            foreach (int read in Pieces(file, size, buffer, cancel))
                to.Write(buffer, 0, read);
            progress?.Report((i + 1.0) / names.Count);
        }
        foreach (byte[] piece in StoredZip.End(entries))
            to.Write(piece);
        return damages;

        void Put(ZipEntry entry)
        {
            entries.Add(entry);
            to.Write(StoredZip.Local(entry));
        }
    }

    /// <summary>
    /// Unpacks a .bviz, from whomever it is, into a folder that is new or empty. The folder is there, whole, when this returns; refused,
    /// failed or cancelled, nothing is left.
    /// </summary>
    /// <param name="from">Read front to back, once.</param>
    /// <param name="progress">From 0 to 1, where <paramref name="from"/> knows its length.</param>
    /// <exception cref="RefusedException">One sentence: it is no .bviz, it is damaged, or the folder is taken.</exception>
    /// <exception cref="IOException">It cannot be read, or the folder cannot be written.</exception>
    public static RecordingManifest Read(Stream from, string folder, IProgress<double>? progress = null, CancellationToken cancel = default)
    {
        string target = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));
        if (File.Exists(target) || (Directory.Exists(target) && Directory.EnumerateFileSystemEntries(target).Any()))
            throw new RefusedException($"{folder} is there already, and is not empty; name a new folder.");
        if (Path.GetDirectoryName(target) is not { } beside)
            throw new RefusedException($"{folder} cannot be a recording's folder.");
        string temporary = Path.Combine(beside, $".{Guid.NewGuid():N}.importing");
        try
        {
            RecordingManifest manifest;
            using (var files = DiskFiles.ToWrite(temporary))
                manifest = Read(from, files, progress, cancel);
            File.Delete(Path.Combine(temporary, DiskFiles.LockName));
            if (Directory.Exists(target))
                Directory.Delete(target);
            Directory.Move(temporary, target);
            using (var parent = DiskFiles.ToRead(beside))
                parent.SyncFolder("");
            return manifest;
        }
        catch
        {
            if (Directory.Exists(temporary))
                Directory.Delete(temporary, recursive: true);
            throw;
        }
    }

    /// <summary>
    /// Unpacks a .bviz where there is nothing yet. The manifest comes last: when this throws, what is there is no recording.
    /// </summary>
    /// <exception cref="RefusedException">One sentence.</exception>
    /// <exception cref="IOException">It cannot be read, or written.</exception>
    public static RecordingManifest Read(
        Stream from,
        IFiles into,
        IProgress<double>? progress = null,
        CancellationToken cancel = default
    ) => new BvizReader(from, into, progress, cancel).Unpack();

    /// <summary>How much of a file is intact blocks.</summary>
    internal static long IntactBytes(IReadFile file, CancellationToken cancel) => Intact(file, cancel).End;

    private static BlockScanner Intact(IReadFile file, CancellationToken cancel)
    {
        var scanner = new BlockScanner(file);
        while (scanner.Next())
            cancel.ThrowIfCancellationRequested();
        return scanner;
    }

    internal static IEnumerable<int> Pieces(IReadFile file, long size, byte[] buffer, CancellationToken cancel)
    {
        for (long at = 0; at < size; )
        {
            cancel.ThrowIfCancellationRequested();
            int wanted = (int)Math.Min(buffer.Length, size - at);
            if (file.Read(at, buffer.AsSpan(0, wanted)) < wanted)
                throw new IOException("A file of the recording became shorter while it was read.");
            yield return wanted;
            at += wanted;
        }
    }

    /// <summary>
    /// Of a recording that is being written, keyframes are looked up before logs, and timings read before their log: so neither is further
    /// ahead of the log than after a crash.
    /// </summary>
    private static List<string> NamesOf(IFiles recording, RecordingManifest manifest)
    {
        var names = new List<string> { Recorder.LandscapeName };
        foreach (var run in manifest.Runs)
        {
            string keys = Keyframes.FolderOf(run.Id);
            names.AddRange(
                recording
                    .List(keys)
                    .Where(name => Keyframes.UpdateOf(name) is not null)
                    .Order(StringComparer.Ordinal)
                    .Select(name => $"{keys}/{name}")
            );
            names.Add(RunFile.TimesNameOf(run.Id));
            names.Add(RunFile.NameOf(run.Id));
        }
        return names;
    }
}
