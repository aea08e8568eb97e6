using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using BatchViz.Core.Specs;
using BatchViz.Recording;
using BatchViz.Recording.Storage;
using BatchViz.Training;
using static BatchViz.Core.Language;

namespace BatchViz.Live;

/// <summary>
/// The recordings of this machine: a folder with one folder for each. Several servers may share it; a folder's lock says who writes
/// it. Keys come from pages, and are only ever compared with the names of folders that are there.
/// </summary>
public sealed class Library(string root, TimeProvider? clock = null)
{
    /// <summary>Where deleted recordings wait.</summary>
    public const string TrashName = ".trash";

    public const int LongestName = 100;

    private const int LongestStem = 40;
    private const string Stamp = "yyyyMMdd'T'HHmmss'Z'";
    private static readonly TimeSpan KeptInTrash = TimeSpan.FromHours(24);

    /// <summary>One that is being written changes all the time, and its log grows long.</summary>
    private static readonly TimeSpan SummariseAgain = TimeSpan.FromSeconds(10);

    private static readonly EnumerationOptions Everything = new()
    {
        RecurseSubdirectories = true,
        AttributesToSkip = FileAttributes.ReparsePoint,
        IgnoreInaccessible = true,
    };

    private readonly TimeProvider clock = clock ?? TimeProvider.System;
    private readonly ConcurrentDictionary<string, (string Signature, DateTimeOffset At, LibraryEntry Entry)> seen = new();
    private readonly ConcurrentDictionary<string, byte> mine = new();
    private readonly RecordingIndex index = new(Path.GetFullPath(root));
    private readonly Lock indexing = new();
    private bool indexLoaded;

    /// <summary>The signatures under which the index has recordings.</summary>
    private Dictionary<string, string> indexed = [];

    public string Root { get; } = Path.GetFullPath(root);

    private string Trash => Path.Combine(Root, TrashName);

    /// <summary>BATCHVIZ_RECORDINGS, or a folder of this user's.</summary>
    public static string DefaultRoot =>
        Environment.GetEnvironmentVariable("BATCHVIZ_RECORDINGS") is { Length: > 0 } named
            ? named
            : Path.Combine(
                Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify),
                "batchviz",
                "recordings"
            );

    /// <summary>All recordings, newest first. One that cannot be read is among them and says why.</summary>
    /// <param name="onAir">Key of the one that is on the air.</param>
    /// <exception cref="RefusedException">The library's folder cannot be read.</exception>
    public IReadOnlyList<LibraryEntry> List(string? onAir = null)
    {
        DirectoryInfo[] folders;
        try
        {
            folders = Directory.Exists(Root)
                ? [.. new DirectoryInfo(Root).EnumerateDirectories().Where(folder => IsKey(folder.Name) && folder.LinkTarget is null)]
                : [];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new RefusedException(
                Tr(
                    $"The recordings in {Root} cannot be listed: {e.Message.TrimEnd('.')}.",
                    $"无法列出 {Root} 中的录制：{e.Message.TrimEnd('.')}。"
                )
            );
        }
        EmptyTrash(clock.GetUtcNow() - KeptInTrash);
        foreach (string gone in seen.Keys.Except(folders.Select(folder => folder.Name)))
            seen.TryRemove(gone, out _);
        LoadIndex();
        LibraryEntry[] entries = [.. folders.Select(folder => Look(folder, onAir)).OfType<LibraryEntry>()];
        UpdateIndex(folders, entries);
        return [.. entries.OrderByDescending(entry => entry.Created).ThenBy(entry => entry.Key, StringComparer.Ordinal)];
    }

    /// <summary>What an earlier server, or another one, has read already need not be read again.</summary>
    private void LoadIndex()
    {
        lock (indexing)
        {
            if (indexLoaded)
                return;
            indexLoaded = true;
            foreach (var (key, (signature, summary)) in index.Load())
                seen.TryAdd(key, (signature, DateTimeOffset.MinValue, EntryOf(new DirectoryInfo(FolderOf(key)), summary)));
            indexed = seen.ToDictionary(known => known.Key, known => known.Value.Signature);
        }
    }

    /// <summary>Those that are being written change too often to be worth it.</summary>
    private void UpdateIndex(DirectoryInfo[] folders, LibraryEntry[] entries)
    {
        lock (indexing)
        {
            var news = new Dictionary<string, (string, IndexedRecording)>();
            foreach (var entry in entries.Where(entry => entry.State is not (LibraryState.OnAir or LibraryState.Elsewhere)))
            {
                if (seen.TryGetValue(entry.Key, out var known) && indexed.GetValueOrDefault(entry.Key) != known.Signature)
                    news[entry.Key] = (known.Signature, SummaryOf(known.Entry));
            }
            var present = folders.Select(folder => folder.Name).ToHashSet();
            if (news.Count == 0 && indexed.Keys.All(present.Contains))
                return;
            index.Update(news, present);
            foreach (string gone in indexed.Keys.Where(key => !present.Contains(key)).ToArray())
                indexed.Remove(gone);
            foreach (var (key, (signature, _)) in news)
                indexed[key] = signature;
        }
    }

    /// <summary>By key, or by the id in its manifest.</summary>
    /// <exception cref="RefusedException">There is none.</exception>
    public LibraryEntry Find(string id, string? onAir = null)
    {
        if (
            IsKey(id)
            && new DirectoryInfo(Path.Combine(Root, id)) is { Exists: true, LinkTarget: null } folder
            && folder.Name == id
            && Look(folder, onAir) is { } entry
        )
            return entry;
        return (Guid.TryParse(id, out var guid) ? List(onAir).FirstOrDefault(other => other.Manifest?.Id == guid) : null)
            ?? throw new RefusedException(Tr("There is no such recording here.", "这里没有该录制。"));
    }

    /// <summary>The folder of a recording; null where there is none.</summary>
    public string? FolderIn(string id)
    {
        try
        {
            return FolderOf(Find(id).Key);
        }
        catch (RefusedException)
        {
            return null;
        }
    }

    /// <summary>A new folder for an experiment that begins, held by this process.</summary>
    /// <exception cref="RefusedException">It cannot be made.</exception>
    public (string Key, IFiles Files) New(string name)
    {
        string key = $"{Stem(name)}-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4))}";
        try
        {
            var files = DiskFiles.ToWrite(FolderOf(key));
            mine[key] = 0;
            return (key, files);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new RefusedException($"{Root} cannot be written: {e.Message.TrimEnd('.')}.");
        }
    }

    /// <summary>To write a recording that is there.</summary>
    /// <exception cref="IOException">Another process writes it, or it cannot be written.</exception>
    public IFiles ToWrite(string key)
    {
        var files = Held(key);
        mine[key] = 0;
        return files;
    }

    public IFiles ToRead(string key) => DiskFiles.ToRead(FolderOf(key));

    /// <summary>Whether another process writes it.</summary>
    public bool IsElsewhere(string key) => !mine.ContainsKey(key) && IsHeld(FolderOf(key));

    /// <summary>This process no longer writes it.</summary>
    public void LetGo(string key) => mine.TryRemove(key, out _);

    /// <summary>What is known of a recording is read once more: it was changed by whoever writes it.</summary>
    public void LookAgain(string key) => seen.TryRemove(key, out _);

    /// <summary>Takes away what was begun by <see cref="New"/> and came to nothing.</summary>
    public void Discard(string key, IFiles files)
    {
        files.Dispose();
        LetGo(key);
        try
        {
            Directory.Delete(FolderOf(key), recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It says of itself that nothing was recorded.
        }
    }

    /// <summary>A name as it is kept.</summary>
    /// <exception cref="RefusedException">It is none.</exception>
    public static string CheckName(string name)
    {
        name = name.Trim();
        if (name.Length is 0 or > LongestName)
            throw new RefusedException(
                Tr($"A recording's name has 1 to {LongestName} characters.", $"录制名称为 1 到 {LongestName} 个字符。")
            );
        return name.EnumerateRunes().Any(rune => Rune.IsControl(rune) || rune == Rune.ReplacementChar)
            ? throw new RefusedException(Tr("A recording's name is one line of text.", "录制名称必须是一行文字。"))
            : name;
    }

    /// <summary>Gives a recording that is not on the air another name; its folder keeps its own.</summary>
    /// <exception cref="RefusedException">One sentence; nothing has changed.</exception>
    public void Rename(string id, string name)
    {
        var entry = Find(id);
        name = CheckName(name);
        Guarded(
            entry,
            Tr("renamed", "改名"),
            () =>
            {
                using var files = Held(entry.Key);
                (RecordingManifest.Read(files) with { Name = name }).Write(files);
            }
        );
    }

    /// <summary>Moves a recording into the trash.</summary>
    /// <returns>What <see cref="Undelete"/> wants.</returns>
    /// <exception cref="RefusedException">It is on the air or being written; nothing has changed.</exception>
    public string Delete(string id)
    {
        var entry = Find(id);
        string trashed = $"{clock.GetUtcNow().ToString(Stamp, CultureInfo.InvariantCulture)}~{entry.Key}";
        Guarded(
            entry,
            Tr("deleted", "删除"),
            () =>
            {
                Directory.CreateDirectory(Trash);
                using var files = Held(entry.Key);
                // Windows moves no folder in which a file is open.
                if (OperatingSystem.IsWindows())
                    files.Dispose();
                Directory.Move(FolderOf(entry.Key), Path.Combine(Trash, trashed));
            }
        );
        return trashed;
    }

    /// <summary>Moves a recording out of the trash to where it was.</summary>
    /// <returns>Its key.</returns>
    /// <exception cref="RefusedException">It is no longer there.</exception>
    public string Undelete(string trashed)
    {
        var folder =
            Trashed().FirstOrDefault(t => t.Folder.Name == trashed).Folder
            ?? throw new RefusedException(Tr("What was deleted is no longer in the trash.", "已删除的内容不在回收站中了。"));
        string key = trashed[(trashed.IndexOf('~') + 1)..];
        try
        {
            folder.MoveTo(FolderOf(key));
            return key;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new RefusedException(
                Tr(
                    $"The recording cannot be taken out of the trash: {e.Message.TrimEnd('.')}.",
                    $"无法从回收站恢复录制：{e.Message.TrimEnd('.')}。"
                )
            );
        }
    }

    /// <summary>Recordings in the trash, and their bytes.</summary>
    public (int Count, long Bytes) InTrash()
    {
        var all = Trashed().ToList();
        return (all.Count, all.Sum(t => BytesOf(t.Folder.FullName)));
    }

    /// <summary>Deletes for good what was deleted before a time; null: everything.</summary>
    public void EmptyTrash(DateTimeOffset? before = null)
    {
        foreach (var (folder, since) in Trashed())
        {
            if (since >= before)
                continue;
            try
            {
                folder.Delete(recursive: true);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // Another server was quicker, or it is tried again the next time.
            }
        }
    }

    /// <summary>Bytes of all files in a folder; 0 where it is gone.</summary>
    public static long BytesOf(string folder)
    {
        try
        {
            return new DirectoryInfo(folder).EnumerateFiles("*", Everything).Sum(file => file.Length);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return 0;
        }
    }

    private string FolderOf(string key) => Path.Combine(Root, key);

    private static bool IsKey(string name) => name.Length is > 0 and <= 255 && name[0] != '.' && name.AsSpan().IndexOfAny("/\\:\0") < 0;

    /// <summary>At most <see cref="LongestStem"/> letters and digits of a name, for people who look into the folder.</summary>
    private static string Stem(string name)
    {
        var stem = new StringBuilder();
        foreach (char c in name.ToLowerInvariant())
        {
            if (stem.Length == LongestStem)
                break;
            if (char.IsAsciiLetterOrDigit(c))
                stem.Append(c);
            else if (stem.Length > 0 && stem[^1] != '-')
                stem.Append('-');
        }
        return stem.ToString().Trim('-') is { Length: > 0 } made ? made : "recording";
    }

    /// <summary>One recording; null for a folder that is none. Read again only when its files have changed.</summary>
    private LibraryEntry? Look(DirectoryInfo folder, string? onAir)
    {
        string key = folder.Name;
        LibraryEntry entry;
        bool elsewhere = key != onAir && IsHeld(folder.FullName);
        try
        {
            if (Signature(folder) is not { } signature)
                return null;
            bool written = elsewhere || key == onAir;
            var now = clock.GetUtcNow();
            if (
                seen.TryGetValue(key, out var known)
                && (known.Signature == signature || (written && known.Entry.Manifest is not null && now - known.At < SummariseAgain))
            )
                entry = known.Entry;
            else
            {
                entry = Read(folder);
                seen[key] = (signature, now, entry);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            entry = Unreadable(folder, $"The recording in {folder.FullName} cannot be read: {e.Message.TrimEnd('.')}.");
        }
        if (entry.Manifest is null)
            return elsewhere || key == onAir ? null : entry.WithStateOfRuns(); // one that is being begun has no manifest yet
        if (key == onAir)
            return entry with { State = LibraryState.OnAir, Said = ("On the air", "正在播出") };
        if (elsewhere)
            return entry with
            {
                State = LibraryState.Elsewhere,
                Said = mine.ContainsKey(key) ? ("Being closed", "正在关闭") : ("Being written elsewhere", "正由另一进程写入"),
            };
        return entry.WithStateOfRuns();
    }

    private static LibraryEntry Read(DirectoryInfo folder)
    {
        using var files = DiskFiles.ToRead(folder.FullName);
        RecordingManifest manifest;
        try
        {
            manifest = RecordingManifest.Read(files);
        }
        catch (RefusedException e)
        {
            return Unreadable(folder, e.Message);
        }
        RunSummary[] runs = [.. manifest.Runs.Select(run => RunSummary.Of(files, manifest.Id, run))];
        return EntryOf(folder, new IndexedRecording(manifest, runs, BytesOf(folder.FullName), manifest.Created, null));
    }

    private static LibraryEntry Unreadable(DirectoryInfo folder, string problem) =>
        EntryOf(
            folder,
            new IndexedRecording(null, [], BytesOf(folder.FullName), new DateTimeOffset(folder.LastWriteTimeUtc, TimeSpan.Zero), problem)
        );

    private static LibraryEntry EntryOf(DirectoryInfo folder, IndexedRecording summary)
    {
        var (manifest, runs, bytes, created, problem) = summary;
        var entry = new LibraryEntry
        {
            Key = folder.Name,
            Manifest = manifest,
            Runs = runs,
            Bytes = bytes,
            Created = created,
            Problem = problem,
        };
        return manifest is null ? entry : entry.WithPicture(() => Draw(folder.FullName, manifest, runs));
    }

    private static IndexedRecording SummaryOf(LibraryEntry entry) =>
        new(entry.Manifest, entry.Runs, entry.Bytes, entry.Created, entry.Problem);

    private static RecordingPicture? Draw(string folder, RecordingManifest manifest, IReadOnlyList<RunSummary> runs)
    {
        try
        {
            using var files = DiskFiles.ToRead(folder);
            return LandscapeFile.Read(RecordingFolder.ReadLandscape(files, manifest), runs.Count) is { } landscape
                ? RecordingPicture.Of(landscape, RecordingPicture.BatchSizes(manifest))
                : null;
        }
        catch (IOException)
        {
            return null;
        }
    }

    /// <summary>Lengths and times of the files that <see cref="Read"/> reads; null where there are none.</summary>
    private static string? Signature(DirectoryInfo folder)
    {
        var text = new StringBuilder();
        var runs = new DirectoryInfo(Path.Combine(folder.FullName, "runs"));
        var files = folder
            .EnumerateFiles()
            .Where(file => file.Name is RecordingManifest.FileName or Recorder.LandscapeName or DiskFiles.LockName)
            .Concat(runs.Exists ? runs.EnumerateFiles() : [])
            .OrderBy(file => file.FullName, StringComparer.Ordinal);
        foreach (var file in files)
            text.Append(CultureInfo.InvariantCulture, $"{file.Name} {file.Length} {file.LastWriteTimeUtc.Ticks}\n");
        return text.Length > 0 ? text.ToString() : null;
    }

    private static bool IsHeld(string folder)
    {
        if (!DiskFiles.IsHeld(folder))
            return false;
        // It may have been another server that asked the same.
        Thread.Sleep(5);
        return DiskFiles.IsHeld(folder);
    }

    private DiskFiles Held(string key)
    {
        for (int more = 3; ; more--)
        {
            try
            {
                return DiskFiles.ToWrite(FolderOf(key));
            }
            catch (IOException) when (more > 0 && !IsHeld(FolderOf(key)))
            {
                // Another server only asked whether it is being written.
            }
        }
    }

    private void Guarded(LibraryEntry entry, string what, Action change)
    {
        if (mine.ContainsKey(entry.Key))
            throw new RefusedException(
                Tr(
                    $"“{entry.Name}” is on the air; it can be {what} when another experiment is.",
                    $"“{entry.Name}”正在播出；换成另一个实验后才能{what}。"
                )
            );
        if (IsHeld(FolderOf(entry.Key)))
            throw new RefusedException(
                Tr(
                    $"“{entry.Name}” is being written by another BatchViz; it can be {what} when that is done.",
                    $"另一个 BatchViz 正在写入“{entry.Name}”；待其完成后才能{what}。"
                )
            );
        try
        {
            change();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new RefusedException(
                Tr($"“{entry.Name}” cannot be {what}: {e.Message.TrimEnd('.')}.", $"无法{what}“{entry.Name}”：{e.Message.TrimEnd('.')}。")
            );
        }
        LookAgain(entry.Key);
    }

    private IEnumerable<(DirectoryInfo Folder, DateTimeOffset Since)> Trashed()
    {
        var trash = new DirectoryInfo(Trash);
        if (trash is not { Exists: true, LinkTarget: null })
            yield break;
        foreach (
            var folder in trash
                .EnumerateDirectories(
                    "*~*",
                    new EnumerationOptions { AttributesToSkip = FileAttributes.ReparsePoint, IgnoreInaccessible = true }
                )
                .ToArray()
        )
        {
            if (
                DateTimeOffset.TryParseExact(
                    folder.Name.AsSpan(0, folder.Name.IndexOf('~')),
                    Stamp,
                    CultureInfo.InvariantCulture,
                    DateTimeStyles.AssumeUniversal,
                    out var since
                )
            )
                yield return (folder, since);
        }
    }
}
