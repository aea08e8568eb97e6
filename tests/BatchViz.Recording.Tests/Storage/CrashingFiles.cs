using BatchViz.Core.Numerics;
using BatchViz.Recording.Storage;

namespace BatchViz.Recording.Tests.Storage;

/// <summary>How a crash treats what was not synced.</summary>
public enum CrashKind
{
    KeepsAll,
    DropsAll,
    KeepsFirst,
    KeepsAny,
}

/// <summary>
/// Files in memory with a log of every operation, from which it tells what a disk may hold after the power fails: whatever was
/// synced, and of the rest any part. A write that was not synced may be there, be gone or be torn, sector by sector, with zeros for
/// what is missing before something that is there; a new name, a rename and a deletion may be there or not, whatever the content.
/// </summary>
internal sealed class CrashingFiles : IFiles
{
    private const int Sector = 64;

    private readonly Lock gate = new();
    private readonly MemoryFiles now = new();
    private readonly Dictionary<string, int> names = [];
    private readonly List<Operation> log = [];
    private int nodes;

    private enum What
    {
        Link,
        Write,
        Cut,
        Sync,
        Rename,
        Delete,
        SyncFolder,
        MakeFolder,
    }

    /// <param name="Name">Of a file or a folder.</param>
    /// <param name="From">Of a rename.</param>
    private sealed record Operation(What What, string Name = "", int Node = -1, long At = 0, byte[]? Bytes = null, string From = "");

    public string Place => "a crashing disk";

    /// <summary>Operations so far.</summary>
    public int Operations
    {
        get
        {
            lock (gate)
                return log.Count;
        }
    }

    /// <summary>What a disk holds after a crash when only the first of the operations had been asked for.</summary>
    public MemoryFiles After(int operations, CrashKind kind, Philox random)
    {
        lock (gate)
            return new Crash(log[..operations], nodes, kind, random).Files();
    }

    public IWriteFile Create(string name)
    {
        lock (gate)
        {
            int node = NodeOf(name);
            log.Add(new(What.Cut, Node: node));
            return new Written(this, now.Create(name), node);
        }
    }

    public IWriteFile Append(string name)
    {
        lock (gate)
            return new Written(this, now.Append(name), NodeOf(name));
    }

    public IReadFile? Read(string name) => now.Read(name);

    public void Rename(string from, string to)
    {
        lock (gate)
        {
            now.Rename(from, to);
            names.Remove(from, out int node);
            names[to] = node;
            log.Add(new(What.Rename, to, node, From: from));
        }
    }

    public void Delete(string name)
    {
        lock (gate)
        {
            now.Delete(name);
            names.Remove(name);
            log.Add(new(What.Delete, name));
        }
    }

    public void SyncFolder(string folder)
    {
        lock (gate)
            log.Add(new(What.SyncFolder, folder));
    }

    public void CreateFolder(string folder)
    {
        lock (gate)
            log.Add(new(What.MakeFolder, folder));
    }

    public IReadOnlyList<string> List(string folder) => now.List(folder);

    public void Dispose() { }

    private int NodeOf(string name)
    {
        if (names.TryGetValue(name, out int node))
            return node;
        names[name] = node = nodes++;
        log.Add(new(What.Link, name, node));
        return node;
    }

    private sealed class Written(CrashingFiles files, IWriteFile inner, int node) : IWriteFile
    {
        public long Length => inner.Length;

        public void Write(ReadOnlySpan<byte> bytes)
        {
            lock (files.gate)
            {
                files.log.Add(new(What.Write, Node: node, At: inner.Length, Bytes: bytes.ToArray()));
                inner.Write(bytes);
            }
        }

        public void Sync()
        {
            lock (files.gate)
                files.log.Add(new(What.Sync, Node: node));
        }

        public void Cut(long length)
        {
            lock (files.gate)
            {
                files.log.Add(new(What.Cut, Node: node, At: length));
                inner.Cut(length);
            }
        }

        public void Dispose() => inner.Dispose();
    }

    /// <summary>One crash: what it leaves of names and contents.</summary>
    private sealed class Crash(List<Operation> done, int nodes, CrashKind kind, Philox random)
    {
        private readonly byte[]?[] contents = new byte[]?[nodes];
        private ulong drawn;
        private int first = -1;

        public MemoryFiles Files()
        {
            // In order, up to somewhere: as a disk that loses only its newest work.
            if (kind == CrashKind.KeepsFirst)
                first = Below(done.Count + 1);
            var durable = Durable();
            var folders = new HashSet<string> { "" };
            var there = new Dictionary<string, int>();
            for (int i = 0; i < done.Count; i++)
            {
                var op = done[i];
                if (op.What is What.Sync or What.SyncFolder)
                    continue;
                if (!durable[i] && !Stays(i))
                {
                    if (op.What == What.Write && kind == CrashKind.KeepsAny && Below(2) == 0)
                        contents[op.Node] = Torn(contents[op.Node] ?? [], op);
                    continue;
                }
                byte[] before = op.Node < 0 ? [] : contents[op.Node] ?? [];
                switch (op.What)
                {
                    case What.MakeFolder:
                        folders.Add(op.Name);
                        break;
                    case What.Link:
                        there[op.Name] = op.Node;
                        break;
                    case What.Delete:
                        there.Remove(op.Name);
                        break;
                    case What.Rename:
                        if (there.TryGetValue(op.From, out int held) && held == op.Node)
                            there.Remove(op.From);
                        there[op.Name] = op.Node;
                        break;
                    case What.Cut:
                        contents[op.Node] = before[..(int)Math.Min(before.Length, op.At)];
                        break;
                    case What.Write:
                        contents[op.Node] = With(before, op.At, op.Bytes!);
                        break;
                }
            }
            var files = new MemoryFiles();
            foreach (var (name, node) in there)
            {
                if (!folders.Contains(FolderOf(name)))
                    continue;
                using var file = files.Create(name);
                file.Write(contents[node] ?? []);
            }
            return files;
        }

        /// <summary>Of each operation, whether a sync came after it.</summary>
        private bool[] Durable()
        {
            var synced = new HashSet<string>();
            var durable = new bool[done.Count];
            for (int i = done.Count - 1; i >= 0; i--)
            {
                var op = done[i];
                if (op.What == What.Sync)
                    synced.Add($"node {op.Node}");
                else if (op.What == What.SyncFolder)
                    synced.Add($"folder {op.Name}");
                else
                    durable[i] = synced.Contains(op.What is What.Write or What.Cut ? $"node {op.Node}" : $"folder {FolderOf(op.Name)}");
            }
            return durable;
        }

        private bool Stays(int at) =>
            kind switch
            {
                CrashKind.KeepsAll => true,
                CrashKind.DropsAll => false,
                CrashKind.KeepsFirst => at < first,
                _ => Below(2) == 0,
            };

        /// <summary>Up to some byte, or some of its sectors, with zeros for the others.</summary>
        private byte[] Torn(byte[] before, Operation op)
        {
            byte[] bytes = op.Bytes!;
            if (Below(2) == 0)
                return With(before, op.At, bytes[..Below(bytes.Length + 1)]);
            bytes = [.. bytes];
            for (int at = 0; at < bytes.Length; at += Sector)
                if (Below(2) == 0)
                    bytes.AsSpan(at, Math.Min(Sector, bytes.Length - at)).Clear();
            return With(before, op.At, bytes);
        }

        private static byte[] With(byte[] before, long at, byte[] bytes)
        {
            var after = new byte[Math.Max(before.Length, at + bytes.Length)];
            before.CopyTo(after, 0);
            bytes.CopyTo(after, at);
            return after;
        }

        private int Below(int bound) => random.Below(drawn++, bound);
    }

    private static string FolderOf(string name) => Path.GetDirectoryName(name) ?? "";
}
