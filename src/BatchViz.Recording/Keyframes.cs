using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using BatchViz.Core.Engines;
using BatchViz.Recording.Storage;

namespace BatchViz.Recording;

/// <summary>
/// The keyframes of one run, a file each. Beyond its share of the budget they are thinned: the one goes whose neighbours are closest
/// together for how long ago it was, never the first and never the last two.
/// </summary>
/// <param name="mostBytes">The run's share of the budget for keyframes.</param>
public sealed class Keyframes(IFiles files, Guid recording, string runId, long mostBytes)
{
    private const byte Type = 16;
    private const int HeadBytes = 48,
        MostStates = 512;

    /// <summary>
    /// More than any run keeps: a mean and a variance for each channel of each norm. A damaged head does not take more memory than this.
    /// </summary>
    private const int MostStatistics = 10_000_000;
    private const string Extension = ".key";

    private readonly Lock gate = new();
    private readonly SortedSet<long> updates = [];
    private readonly HashSet<long> whole = [];
    private long each;
    private bool made;

    public static string FolderOf(string runId) => $"keys/{runId}";

    /// <summary>The update of the keyframe in a file of this name; null where it is no keyframe's.</summary>
    public static long? UpdateOf(string file) =>
        file.EndsWith(Extension, StringComparison.Ordinal)
        && long.TryParse(file.AsSpan(0, file.Length - Extension.Length), NumberStyles.None, CultureInfo.InvariantCulture, out long at)
        && file == FileOf(at)
            ? at
            : null;

    /// <summary>Whether a keyframe that was asked to be durable later is not yet.</summary>
    public bool Unsynced { get; private set; }

    /// <summary>The updates after which there is one, ascending.</summary>
    public long[] Updates
    {
        get
        {
            lock (gate)
                return [.. updates];
        }
    }

    /// <summary>
    /// Whether there is one that is known to be whole. One that was merely found may be damaged: whoever passes it makes it once more.
    /// </summary>
    public bool Has(long update)
    {
        lock (gate)
            return whole.Contains(update);
    }

    /// <summary>Files that are keyframes, but of another run, recording or update: they are not used.</summary>
    public IReadOnlyList<Damage> Foreign { get; private set; } = [];

    /// <summary>Looks what there is.</summary>
    public void Find()
    {
        lock (gate)
        {
            updates.Clear();
            whole.Clear();
            var foreign = new List<Damage>();
            foreach (string name in files.List(FolderOf(runId)))
            {
                if (UpdateOf(name) is not { } at)
                    continue;
                if (WhyForeign($"{FolderOf(runId)}/{name}", at) is { } damage)
                    foreign.Add(damage);
                else
                    updates.Add(at);
            }
            Foreign = foreign;
        }
    }

    /// <summary>Null of a keyframe of this run, and of one that is damaged, which is found out when it is read.</summary>
    private Damage? WhyForeign(string name, long update)
    {
        try
        {
            using var file = files.Read(name);
            if (file is null)
                return null;
            var head = new BlockScanner(file, HeadBytes);
            if (!head.Next() || WrongHead(head, recording, runId, update) is null)
                return null;
            // Only now is all of it read, since a damaged head looks like another's.
            var all = new BlockScanner(file);
            if (!all.Next() || WrongHead(all, recording, runId, update) is not { } wrong)
                return null;
            return new Damage(name, 0, file.Length, wrong, DamageKind.Foreign);
        }
        catch (IOException)
        {
            return null;
        }
    }

    /// <summary>Why a block is not the keyframe of a run after an update, as far as its head says; null where it is.</summary>
    internal static string? WrongHead(BlockScanner block, Guid recording, string runId, long update)
    {
        var payload = block.Payload;
        if (block.Type != Type || payload.Length < HeadBytes)
            return "it is no keyframe";
        if (new Guid(payload[..16]) != recording)
            return "it belongs to another recording";
        if (BinaryPrimitives.ReadUInt32LittleEndian(payload[36..]) != ChecksumOf(runId))
            return "it belongs to another run";
        long found = BinaryPrimitives.ReadInt64LittleEndian(payload[16..]);
        return found == update ? null : $"it is of update {found:#,0}";
    }

    private static uint ChecksumOf(string runId) => Crc32C.Of(System.Text.Encoding.UTF8.GetBytes(runId));

    /// <summary>Adds one, and lets go of others where the share is spent.</summary>
    public void Add(Keyframe keyframe, bool durable)
    {
        string folder = FolderOf(runId);
        if (!made)
        {
            files.CreateFolder(folder);
            files.SyncFolder("keys");
            made = true;
        }
        byte[] bytes = Encode(keyframe);
        files.Replace($"{folder}/{FileOf(keyframe.Updates)}", bytes, durable);
        Unsynced |= !durable;
        each = bytes.Length;
        lock (gate)
        {
            updates.Add(keyframe.Updates);
            whole.Add(keyframe.Updates);
        }
        while (Thin() is { } gone)
            files.Delete($"{folder}/{FileOf(gone)}");
    }

    /// <summary>Makes the newest one durable; older ones were before, or are not needed beside it.</summary>
    public void Sync()
    {
        Unsynced = false;
        long newest;
        lock (gate)
        {
            if (updates.Count == 0)
                return;
            newest = updates.Max;
        }
        using (var file = files.Append($"{FolderOf(runId)}/{FileOf(newest)}"))
            file.Sync();
        files.SyncFolder(FolderOf(runId));
    }

    /// <summary>The newest whole one after at most so many updates; null where there is none.</summary>
    /// <param name="damages">Those that could not be read, if anyone wants to know.</param>
    public Keyframe? Before(long update, List<Damage>? damages = null)
    {
        long[] candidates;
        lock (gate)
            candidates = [.. updates.Where(at => at <= update).Reverse()];
        foreach (long at in candidates)
            if (Read(at, damages) is { } keyframe)
                return keyframe;
        return null;
    }

    public Keyframe? Read(long update, List<Damage>? damages = null)
    {
        string name = $"{FolderOf(runId)}/{FileOf(update)}";
        try
        {
            using var file = files.Read(name);
            if (file is null)
                return null;
            var scanner = new BlockScanner(file);
            if (scanner.Next() && scanner.Type == Type && Decode(scanner.Payload) is { } keyframe && keyframe.Updates == update)
            {
                lock (gate)
                    whole.Add(update);
                return keyframe;
            }
            damages?.Add(new Damage(name, 0, file.Length, scanner.Why ?? "it is no keyframe of this run"));
        }
        catch (IOException e)
        {
            damages?.Add(new Damage(name, 0, 0, e.Message.TrimEnd('.')));
        }
        return null;
    }

    private static string FileOf(long update) => update.ToString("D12", CultureInfo.InvariantCulture) + Extension;

    private byte[] Encode(Keyframe keyframe)
    {
        int parameters = keyframe.Weights.Length,
            states = keyframe.OptimizerState.Length,
            statistics = keyframe.Statistics?.Length ?? -1;
        var payload = new byte[checked(HeadBytes + 8L * Math.Max(0, statistics) + 4L * parameters * (1 + states))];
        var at = payload.AsSpan();
        recording.TryWriteBytes(at);
        BinaryPrimitives.WriteInt64LittleEndian(at[16..], keyframe.Updates);
        BinaryPrimitives.WriteInt32LittleEndian(at[24..], parameters);
        BinaryPrimitives.WriteInt32LittleEndian(at[28..], states);
        BinaryPrimitives.WriteInt32LittleEndian(at[32..], statistics);
        BinaryPrimitives.WriteUInt32LittleEndian(at[36..], ChecksumOf(runId));
        at = at[HeadBytes..];
        if (keyframe.Statistics is { } figures)
        {
            MemoryMarshal.AsBytes(figures.AsSpan()).CopyTo(at);
            at = at[(8 * figures.Length)..];
        }
        foreach (float[] vector in new[] { keyframe.Weights }.Concat(keyframe.OptimizerState))
        {
            MemoryMarshal.AsBytes(vector.AsSpan()).CopyTo(at);
            at = at[(4 * parameters)..];
        }
        return LogBlock.Whole(Type, 0, payload);
    }

    private Keyframe? Decode(ReadOnlySpan<byte> payload)
    {
        if (payload.Length < HeadBytes || new Guid(payload[..16]) != recording)
            return null;
        if (BinaryPrimitives.ReadUInt32LittleEndian(payload[36..]) != ChecksumOf(runId))
            return null;
        long updates = BinaryPrimitives.ReadInt64LittleEndian(payload[16..]);
        int parameters = BinaryPrimitives.ReadInt32LittleEndian(payload[24..]),
            states = BinaryPrimitives.ReadInt32LittleEndian(payload[28..]),
            statistics = BinaryPrimitives.ReadInt32LittleEndian(payload[32..]);
        if (parameters < 0 || states is < 0 or > MostStates || statistics is < -1 or > MostStatistics || updates < 0)
            return null;
        if (payload.Length != HeadBytes + 8L * Math.Max(0, statistics) + 4L * parameters * (1 + states))
            return null;
        var at = payload[HeadBytes..];
        double[]? figures = statistics < 0 ? null : MemoryMarshal.Cast<byte, double>(at[..(8 * statistics)]).ToArray();
        at = at[(8 * Math.Max(0, statistics))..];
        var vectors = new float[1 + states][];
        for (int v = 0; v < vectors.Length; v++)
        {
            vectors[v] = MemoryMarshal.Cast<byte, float>(at[..(4 * parameters)]).ToArray();
            at = at[(4 * parameters)..];
        }
        return new Keyframe(updates, vectors[0], vectors[1..], figures);
    }

    /// <summary>The one to let go of next; null while all fit.</summary>
    private long? Thin()
    {
        lock (gate)
        {
            if (updates.Count * each <= mostBytes || updates.Count <= 3)
                return null;
            long[] all = [.. updates];
            int least = 1;
            double smallest = double.MaxValue;
            for (int i = 1; i < all.Length - 2; i++)
            {
                double gap = (double)(all[i + 1] - all[i - 1]) / (all[^1] - all[i - 1] + 1);
                if (gap < smallest)
                    (smallest, least) = (gap, i);
            }
            updates.Remove(all[least]);
            whole.Remove(all[least]);
            return all[least];
        }
    }
}
