using System.Runtime.InteropServices;
using BatchViz.Core.Specs;
using BatchViz.Recording.Storage;

namespace BatchViz.Bench.Soak;

/// <summary>
/// Ends the process, as kill -9 does, just before the n-th file operation of a kind: the way in which tests hit each of a recording's
/// write, rename and sync points in a real process. A point is an operation and the kind of file, such as "sync log" or "rename manifest".
/// </summary>
internal sealed partial class KillingFiles : IFiles
{
    private readonly IFiles inner;
    private readonly string point;
    private readonly Action<string>? reached;
    private int left;

    private KillingFiles(IFiles inner, string point, int left, Action<string>? reached = null) =>
        (this.inner, this.point, this.left, this.reached) = (inner, point, left, reached);

    /// <summary>Ends nothing, but tells each point that is reached.</summary>
    public static IFiles Watching(IFiles inner, Action<string> reached) => new KillingFiles(inner, "", 0, reached);

    /// <param name="wish">POINT:N.</param>
    /// <exception cref="RefusedException">It is no such thing.</exception>
    public static Func<IFiles, IFiles> Before(string wish)
    {
        int colon = wish.LastIndexOf(':');
        if (colon <= 0 || !int.TryParse(wish.AsSpan(colon + 1), out int n) || n <= 0)
            throw new RefusedException($"\"{wish}\" is no point of a recording; it must be such as \"sync log:3\".");
        return inner => new KillingFiles(inner, wish[..colon], n);
    }

    public string Place => inner.Place;

    public IWriteFile Create(string name)
    {
        Reach("create", name);
        return new Written(this, KindOf(name), inner.Create(name));
    }

    public IWriteFile Append(string name)
    {
        Reach("open", name);
        return new Written(this, KindOf(name), inner.Append(name));
    }

    public IReadFile? Read(string name) => inner.Read(name);

    public void Rename(string from, string to)
    {
        Reach("rename", to);
        inner.Rename(from, to);
    }

    public void Delete(string name)
    {
        Reach("delete", name);
        inner.Delete(name);
    }

    public void SyncFolder(string folder)
    {
        Reach("sync folder", folder);
        inner.SyncFolder(folder);
    }

    public void CreateFolder(string folder)
    {
        Reach("create folder", folder);
        inner.CreateFolder(folder);
    }

    public IReadOnlyList<string> List(string folder) => inner.List(folder);

    public void Dispose() => inner.Dispose();

    /// <summary>manifest, log, times, keyframe, landscape; of a folder its first part.</summary>
    private static string KindOf(string name) =>
        name switch
        {
            _ when name.StartsWith("manifest", StringComparison.Ordinal) => "manifest",
            _ when name.Contains(".log", StringComparison.Ordinal) => "log",
            _ when name.Contains(".times", StringComparison.Ordinal) => "times",
            _ when name.Contains(".key", StringComparison.Ordinal) => "keyframe",
            _ when name.StartsWith("landscape", StringComparison.Ordinal) => "landscape",
            "" => "recording",
            _ => name.Split('/')[0],
        };

    private void Reach(string operation, string name) => Count($"{operation} {KindOf(name)}");

    private void Count(string at)
    {
        reached?.Invoke(at);
        if (at != point || Interlocked.Decrement(ref left) != 0)
            return;
        _ = Kill(Environment.ProcessId, 9);
        Thread.Sleep(Timeout.Infinite);
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int process, int signal);

    private sealed class Written(KillingFiles files, string kind, IWriteFile inner) : IWriteFile
    {
        public long Length => inner.Length;

        public void Write(ReadOnlySpan<byte> bytes)
        {
            files.Count($"write {kind}");
            // Half of it is in the file when the process ends.
            if (files.point == $"half write {kind}" && files.left == 1)
                inner.Write(bytes[..(bytes.Length / 2)]);
            files.Count($"half write {kind}");
            inner.Write(bytes);
        }

        public void Sync()
        {
            files.Count($"sync {kind}");
            inner.Sync();
        }

        public void Cut(long length)
        {
            files.Count($"cut {kind}");
            inner.Cut(length);
        }

        public void Dispose() => inner.Dispose();
    }
}
