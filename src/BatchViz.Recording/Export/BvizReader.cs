using System.Buffers.Binary;
using System.IO.Hashing;
using System.Text;
using BatchViz.Core.Specs;
using BatchViz.Recording.Storage;

namespace BatchViz.Recording.Export;

/// <summary>
/// Unpacks a .bviz that may have been made by anyone. It is read once, front to back; every byte is either a name out of the few that
/// the manifest allows, content with a checksum, or compared with the only one that can stand there. Nothing is compressed, so what is
/// unpacked is never more than what came.
/// </summary>
internal sealed class BvizReader(Stream from, IFiles into, IProgress<double>? progress, CancellationToken cancel)
{
    private const string Damaged = "The file is damaged";

    private readonly byte[] buffer = new byte[1 << 16];
    private readonly List<ZipEntry> entries = [];
    private readonly HashSet<string> seen = [];
    private readonly double length = from.CanSeek ? from.Length : double.NaN;
    private long taken;

    /// <exception cref="RefusedException">One sentence.</exception>
    public RecordingManifest Unpack()
    {
        if (!TryNext(out var first) || first.Name != RecordingManifest.FileName)
            throw new RefusedException("The file is no .bviz: it does not begin with a recording's manifest.");
        if (first.Size is < 0 or > RecordingManifest.MostBytes)
            throw new RefusedException($"{Damaged}: its manifest has {first.Size:#,0} bytes.");
        var kept = new MemoryStream();
        Copy(first, piece => kept.Write(piece));
        byte[] bytes = kept.ToArray();
        var manifest = RecordingManifest.Parse(bytes);
        foreach (string folder in FoldersOf(manifest))
            into.CreateFolder(folder);
        HashSet<string> ids = [.. manifest.Runs.Select(run => run.Id)];
        while (TryNext(out var entry))
        {
            if (!IsName(entry.Name, ids))
                throw new RefusedException($"The file is no .bviz: a recording has no file \"{Shown(entry.Name)}\".");
            Unpack(entry);
            if (FileIdentity.WrongIn(into, entry.Name, manifest) is { } wrong)
                throw new RefusedException($"{Damaged}: of {entry.Name}, {wrong}.");
        }
        CheckEnd();
        foreach (string folder in FoldersOf(manifest))
            into.SyncFolder(folder);
        // Last, since a folder with a manifest is a recording.
        into.Replace(RecordingManifest.FileName, bytes);
        return manifest;
    }

    private void Unpack(ZipEntry entry)
    {
        using (var file = into.Create(entry.Name))
        {
            Copy(entry, piece => file.Write(piece));
            file.Sync();
        }
        using var written = into.Read(entry.Name)!;
        if (entry.Size == 0 || Bviz.IntactBytes(written, cancel) != entry.Size)
            throw new RefusedException($"{Damaged}: {entry.Name} is not intact.");
    }

    /// <summary>The header of the next file; false where the list of files begins.</summary>
    private bool TryNext(out ZipEntry entry)
    {
        entry = default;
        if (!TryRead(buffer.AsSpan(0, 4)))
            throw CutShort();
        if (BinaryPrimitives.ReadUInt32LittleEndian(buffer) != StoredZip.LocalSign)
            return false;
        if (!TryRead(buffer.AsSpan(4, StoredZip.LocalBytes - 4)))
            throw CutShort();
        int name = BinaryPrimitives.ReadUInt16LittleEndian(buffer.AsSpan(26)),
            whole = StoredZip.LocalBytes + name + StoredZip.ExtraBytes;
        if (name is 0 or > StoredZip.MostName)
            throw Foreign();
        if (!TryRead(buffer.AsSpan(StoredZip.LocalBytes, whole - StoredZip.LocalBytes)))
            throw CutShort();
        entry = StoredZip.Parse(buffer.AsSpan(0, whole));
        if (!buffer.AsSpan(0, whole).SequenceEqual(StoredZip.Local(entry)))
            throw Foreign();
        if (entries.Count == Bviz.MostFiles)
            throw new RefusedException($"The file is no .bviz: it holds more than {Bviz.MostFiles:#,0} files.");
        if (!seen.Add(entry.Name))
            throw new RefusedException($"{Damaged}: it holds \"{Shown(entry.Name)}\" twice.");
        entries.Add(entry);
        return true;
    }

    /// <summary>A size that is a lie costs nothing: what is not there is not written.</summary>
    private void Copy(ZipEntry entry, Action<ReadOnlySpan<byte>> take)
    {
        var crc = new Crc32();
        for (long left = entry.Size; left > 0; )
        {
            cancel.ThrowIfCancellationRequested();
            int read = from.Read(buffer, 0, (int)Math.Min(buffer.Length, left));
            if (read <= 0)
                throw CutShort();
            crc.Append(buffer.AsSpan(0, read));
            take(buffer.AsSpan(0, read));
            left -= read;
            taken += read;
            if (length > 0)
                progress?.Report(taken / length);
        }
        if (crc.GetCurrentHashAsUInt32() != entry.Crc || entry.Size < 0)
            throw new RefusedException($"{Damaged}: the checksum of {entry.Name} does not fit.");
    }

    /// <summary>The list of files says the same as the files, and nothing follows it. Its first four bytes have been read.</summary>
    private void CheckEnd()
    {
        int have = 4;
        foreach (byte[] piece in StoredZip.End(entries))
        {
            cancel.ThrowIfCancellationRequested();
            if (!TryRead(buffer.AsSpan(have, piece.Length - have)))
                throw CutShort();
            if (!buffer.AsSpan(0, piece.Length).SequenceEqual(piece))
                throw Foreign();
            have = 0;
        }
        if (from.Read(buffer, 0, 1) != 0)
            throw new RefusedException($"{Damaged}: something follows its end.");
    }

    /// <summary>Whether a recording with runs of these ids has a file of this name.</summary>
    private static bool IsName(string name, HashSet<string> ids) =>
        name.Split('/') switch
        {
            [Recorder.LandscapeName] => true,
            ["runs", var file] => file.EndsWith(".log", StringComparison.Ordinal)
                ? ids.Contains(file[..^4])
                : file.EndsWith(".times", StringComparison.Ordinal) && ids.Contains(file[..^6]),
            ["keys", var id, var file] => ids.Contains(id) && Keyframes.UpdateOf(file) is not null,
            _ => false,
        };

    private static IEnumerable<string> FoldersOf(RecordingManifest manifest) =>
        ["runs", "keys", .. manifest.Runs.Select(run => Keyframes.FolderOf(run.Id))];

    private bool TryRead(Span<byte> bytes)
    {
        int read = from.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        taken += read;
        return read == bytes.Length;
    }

    private static RefusedException CutShort() => new($"{Damaged}: it is cut short.");

    private static RefusedException Foreign() => new("The file is no .bviz: it is another kind of ZIP than BatchViz writes, or damaged.");

    private static string Shown(string name) =>
        new StringBuilder(name.Length).AppendJoin("", name.Select(c => char.IsControl(c) ? '?' : c)).ToString();
}
