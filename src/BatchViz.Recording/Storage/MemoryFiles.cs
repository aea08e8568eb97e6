namespace BatchViz.Recording.Storage;

/// <summary>Files that last as long as the program: where nothing is to be left on a disk, the rest works the same.</summary>
public sealed class MemoryFiles : IFiles
{
    private readonly Lock gate = new();
    private readonly Dictionary<string, Held> files = [];

    public string Place => "memory";

    public IWriteFile Create(string name)
    {
        lock (gate)
            return new Written(gate, files[name] = new Held());
    }

    public IWriteFile Append(string name)
    {
        lock (gate)
        {
            if (!files.TryGetValue(name, out var file))
                files[name] = file = new Held();
            return new Written(gate, file);
        }
    }

    public IReadFile? Read(string name)
    {
        lock (gate)
            return files.TryGetValue(name, out var file) ? new Opened(gate, file) : null;
    }

    public void Rename(string from, string to)
    {
        lock (gate)
        {
            if (!files.Remove(from, out var file))
                throw new FileNotFoundException($"There is no file {from}.");
            files[to] = file;
        }
    }

    public void Delete(string name)
    {
        lock (gate)
            files.Remove(name);
    }

    public void SyncFolder(string folder) { }

    public void CreateFolder(string folder) { }

    public IReadOnlyList<string> List(string folder)
    {
        string front = folder.Length == 0 ? "" : folder + "/";
        lock (gate)
            return
            [
                .. files
                    .Keys.Where(name => name.StartsWith(front, StringComparison.Ordinal) && !name.AsSpan(front.Length).Contains('/'))
                    .Select(name => name[front.Length..]),
            ];
    }

    public void Dispose() { }

    /// <summary>Blocks that never move, so that appending copies nothing.</summary>
    private sealed class Held
    {
        public const int Block = 1 << 16;

        public readonly List<byte[]> Blocks = [];
        public long Length;
    }

    private sealed class Written(Lock gate, Held file) : IWriteFile
    {
        public long Length
        {
            get
            {
                lock (gate)
                    return file.Length;
            }
        }

        public void Write(ReadOnlySpan<byte> bytes)
        {
            lock (gate)
            {
                while (bytes.Length > 0)
                {
                    int at = (int)(file.Length % Held.Block),
                        part = Math.Min(bytes.Length, Held.Block - at);
                    if (at == 0 && file.Length / Held.Block == file.Blocks.Count)
                        file.Blocks.Add(new byte[Held.Block]);
                    bytes[..part].CopyTo(file.Blocks[(int)(file.Length / Held.Block)].AsSpan(at));
                    file.Length += part;
                    bytes = bytes[part..];
                }
            }
        }

        public void Sync() { }

        public void Cut(long length)
        {
            lock (gate)
                file.Length = Math.Min(file.Length, length);
        }

        public void Dispose() { }
    }

    private sealed class Opened(Lock gate, Held file) : IReadFile
    {
        public long Length
        {
            get
            {
                lock (gate)
                    return file.Length;
            }
        }

        public int Read(long offset, Span<byte> into)
        {
            lock (gate)
            {
                int done = 0;
                while (done < into.Length && offset + done < file.Length)
                {
                    long at = offset + done;
                    int place = (int)(at % Held.Block),
                        part = (int)Math.Min(Math.Min(into.Length - done, Held.Block - place), file.Length - at);
                    file.Blocks[(int)(at / Held.Block)].AsSpan(place, part).CopyTo(into[done..]);
                    done += part;
                }
                return done;
            }
        }

        public void Dispose() { }
    }
}
