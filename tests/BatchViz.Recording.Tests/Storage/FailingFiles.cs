using BatchViz.Recording.Storage;

namespace BatchViz.Recording.Tests.Storage;

/// <summary>A disk on which the n-th operation that changes something fails, and, if it stays so, every later one.</summary>
internal sealed class FailingFiles(IFiles inner, int n, string why, bool stays) : IFiles
{
    private int done;

    private string Why => why;

    /// <summary>Whether it came to the n-th operation.</summary>
    public bool Failed => Volatile.Read(ref done) >= n;

    /// <summary>The next operation fails, whatever n was.</summary>
    public void FailFromNow() => Volatile.Write(ref n, Volatile.Read(ref done) + 1);

    public string Place => inner.Place;

    public IWriteFile Create(string name)
    {
        Count();
        return new Written(this, inner.Create(name));
    }

    public IWriteFile Append(string name)
    {
        Count();
        return new Written(this, inner.Append(name));
    }

    public IReadFile? Read(string name) => inner.Read(name);

    public void Rename(string from, string to)
    {
        Count();
        inner.Rename(from, to);
    }

    public void Delete(string name)
    {
        Count();
        inner.Delete(name);
    }

    public void SyncFolder(string folder)
    {
        Count();
        inner.SyncFolder(folder);
    }

    public void CreateFolder(string folder)
    {
        Count();
        inner.CreateFolder(folder);
    }

    public IReadOnlyList<string> List(string folder) => inner.List(folder);

    public void Dispose() => inner.Dispose();

    private bool Fails()
    {
        int now = Interlocked.Increment(ref done);
        return now == n || (stays && now > n);
    }

    private void Count()
    {
        if (Fails())
            throw new IOException(why);
    }

    private sealed class Written(FailingFiles files, IWriteFile inner) : IWriteFile
    {
        public long Length => inner.Length;

        public void Write(ReadOnlySpan<byte> bytes)
        {
            if (files.Fails())
            {
                // Some of it fitted.
                inner.Write(bytes[..(bytes.Length / 3)]);
                throw new IOException(files.Why);
            }
            inner.Write(bytes);
        }

        public void Sync()
        {
            files.Count();
            inner.Sync();
        }

        public void Cut(long length)
        {
            files.Count();
            inner.Cut(length);
        }

        public void Dispose() => inner.Dispose();
    }
}
