using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace BatchViz.Recording.Storage;

/// <summary>A folder on the disk. Names never lead out of it: a part that is "..", empty or a link is refused.</summary>
public sealed partial class DiskFiles : IFiles
{
    public const string LockName = "lock";

    private readonly string root;
    private readonly FileStream? held;

    private DiskFiles(string root, FileStream? held) => (this.root, this.held) = (root, held);

    public string Place => root;

    /// <summary>A folder to look into; others may be writing it.</summary>
    public static DiskFiles ToRead(string folder) => new(Path.GetFullPath(folder), null);

    /// <summary>
    /// A folder to write, made where there is none. Nobody else can have it until this is disposed of, or the process ends, however it
    /// ends.
    /// </summary>
    /// <exception cref="IOException">Another writer has it, or it cannot be written.</exception>
    public static DiskFiles ToWrite(string folder)
    {
        string root = Path.GetFullPath(folder);
        if (!Directory.Exists(root))
        {
            Directory.CreateDirectory(root);
            if (Path.GetDirectoryName(root) is { } above)
                SyncAt(above);
        }
        try
        {
            return new(root, new FileStream(Path.Combine(root, LockName), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
        }
        catch (IOException) when (IsHeld(root))
        {
            throw new IOException($"{root} is being written by another BatchViz.");
        }
    }

    /// <summary>Whether a writer has the folder now.</summary>
    public static bool IsHeld(string folder)
    {
        string path = Path.Combine(folder, LockName);
        if (!File.Exists(path))
            return false;
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.None);
            return false;
        }
        catch (UnauthorizedAccessException)
        {
            return false;
        }
        catch (IOException)
        {
            return true;
        }
    }

    public IWriteFile Create(string name) => new Written(Opened(name, FileMode.Create));

    public IWriteFile Append(string name)
    {
        var file = Opened(name, FileMode.OpenOrCreate);
        file.Seek(0, SeekOrigin.End);
        return new Written(file);
    }

    public IReadFile? Read(string name)
    {
        string path = PathOf(name);
        try
        {
            return Allowed(() =>
                new Opening(
                    File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, FileOptions.RandomAccess)
                )
            );
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    public void Rename(string from, string to) =>
        Allowed(() =>
        {
            File.Move(PathOf(from), PathOf(to), overwrite: true);
            return true;
        });

    public void Delete(string name) =>
        Allowed(() =>
        {
            File.Delete(PathOf(name));
            return true;
        });

    public void CreateFolder(string folder) => Allowed(() => Directory.CreateDirectory(PathOf(folder)));

    public IReadOnlyList<string> List(string folder)
    {
        string path = folder.Length == 0 ? root : PathOf(folder);
        return Directory.Exists(path) ? [.. Directory.EnumerateFiles(path).Select(file => Path.GetFileName(file))] : [];
    }

    /// <summary>On Windows names are durable with the file; elsewhere the folder is synced like a file.</summary>
    public void SyncFolder(string folder)
    {
        SyncAt(folder.Length == 0 ? root : PathOf(folder));
    }

    public void Dispose() => held?.Dispose();

    private FileStream Opened(string name, FileMode mode) =>
        Allowed(() => new FileStream(PathOf(name), mode, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete, 0));

    /// <summary>What is not permitted fails like anything else that cannot be done.</summary>
    private static T Allowed<T>(Func<T> work)
    {
        try
        {
            return work();
        }
        catch (UnauthorizedAccessException e)
        {
            throw new IOException(e.Message, e);
        }
    }

    private static void SyncAt(string folder)
    {
        if (OperatingSystem.IsWindows())
            return;
        int handle = Open(folder, 0);
        if (handle < 0)
            throw new IOException($"{folder} cannot be opened to sync it (error {Marshal.GetLastPInvokeError()}).");
        int failed = Fsync(handle),
            error = Marshal.GetLastPInvokeError();
        _ = Close(handle);
        // Some file systems sync no folders, and say so.
        if (failed != 0 && error != InvalidArgument)
            throw new IOException($"The folder {folder} cannot be synced (error {error}).");
    }

    private string PathOf(string name)
    {
        string path = root;
        foreach (string part in name.Split('/'))
        {
            if (part is "" or "." or ".." || part.AsSpan().IndexOfAny('\\', ':', '\0') >= 0)
                throw new IOException($"{name} is no name of a file in a recording.");
            path = Path.Combine(path, part);
            var info = new FileInfo(path);
            if (info.LinkTarget is not null)
                throw new IOException($"{name} is a link, which a recording has none of.");
        }
        return path;
    }

    private const int InvalidArgument = 22;

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Fsync(int handle);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int handle);

    private sealed class Written(FileStream file) : IWriteFile
    {
        public long Length => file.Length;

        public void Write(ReadOnlySpan<byte> bytes) => file.Write(bytes);

        public void Sync() => file.Flush(flushToDisk: true);

        public void Cut(long length)
        {
            file.SetLength(length);
            file.Seek(0, SeekOrigin.End);
        }

        public void Dispose() => file.Dispose();
    }

    private sealed class Opening(SafeFileHandle handle) : IReadFile
    {
        public long Length => RandomAccess.GetLength(handle);

        public int Read(long offset, Span<byte> into)
        {
            int done = 0;
            while (done < into.Length)
            {
                int read = RandomAccess.Read(handle, into[done..], offset + done);
                if (read == 0)
                    break;
                done += read;
            }
            return done;
        }

        public void Dispose() => handle.Dispose();
    }
}
