using System.Buffers.Binary;
using System.Text;
using BatchViz.Recording.Storage;

namespace BatchViz.Recording;

/// <summary>
/// The recording and the runs that a file belongs to, written in its first block under that block's checksum: a file that was put in
/// another's place is noticed wherever it is opened. Layout: 16 bytes id of the recording, i32 number of runs, then for each run
/// u8 length and its id in ASCII.
/// </summary>
internal sealed record FileIdentity(Guid Recording, IReadOnlyList<string> Runs)
{
    /// <summary>Of the block that timings and landscapes begin with.</summary>
    public const byte BlockType = 8;

    private const int HeadBytes = 20,
        MostRuns = 1024,
        MostId = 100;

    public byte[] ToBytes()
    {
        var bytes = new byte[HeadBytes + Runs.Sum(run => 1 + run.Length)];
        Recording.TryWriteBytes(bytes);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(16), Runs.Count);
        int at = HeadBytes;
        foreach (string run in Runs)
        {
            bytes[at++] = (byte)run.Length;
            at += Encoding.ASCII.GetBytes(run, bytes.AsSpan(at));
        }
        return bytes;
    }

    /// <summary>The block by itself, which is the first of its file.</summary>
    public byte[] ToBlock() => LogBlock.Whole(BlockType, 0, ToBytes());

    /// <summary>Null where the bytes are no identity.</summary>
    public static FileIdentity? Read(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < HeadBytes)
            return null;
        int count = BinaryPrimitives.ReadInt32LittleEndian(bytes[16..]);
        if (count is < 0 or > MostRuns)
            return null;
        var recording = new Guid(bytes[..16]);
        var runs = new List<string>();
        bytes = bytes[HeadBytes..];
        for (int r = 0; r < count; r++)
        {
            if (bytes.Length == 0 || bytes[0] is 0 or > MostId || bytes.Length <= bytes[0])
                return null;
            var id = bytes.Slice(1, bytes[0]);
            foreach (byte letter in id)
                if (letter is not ((>= (byte)'a' and <= (byte)'z') or (>= (byte)'0' and <= (byte)'9') or (byte)'-'))
                    return null;
            runs.Add(Encoding.ASCII.GetString(id));
            bytes = bytes[(1 + bytes[0])..];
        }
        return bytes.Length == 0 ? new FileIdentity(recording, runs) : null;
    }

    /// <summary>Why bytes that should be the identity of a run's file are not; null where they are.</summary>
    public static string? WrongFor(ReadOnlySpan<byte> bytes, Guid recording, string run) =>
        Read(bytes) switch
        {
            null => "its names cannot be read",
            var found when found.Recording != recording => "it belongs to another recording",
            { Runs: [var other] } when other == run => null,
            { Runs: [var other] } => $"it belongs to the run {other}",
            _ => "it belongs to several runs",
        };

    /// <summary>The same for the file of all runs, which may be older than the last of them.</summary>
    public static string? WrongForAll(ReadOnlySpan<byte> bytes, Guid recording, IReadOnlyList<string> runs) =>
        Read(bytes) switch
        {
            null => "its names cannot be read",
            var found when found.Recording != recording => "it belongs to another recording",
            var found when found.Runs.Count <= runs.Count && found.Runs.SequenceEqual(runs.Take(found.Runs.Count)) => null,
            _ => "it belongs to other runs",
        };

    /// <summary>
    /// Why a file of a recording, as far as its first block says, is not the one that its name says; null where it is, or where
    /// that cannot be told: it is damaged, or of the older layout that names no run.
    /// </summary>
    public static string? WrongIn(IFiles files, string name, RecordingManifest manifest)
    {
        using var file = files.Read(name);
        if (file is null)
            return null;
        var scanner = new BlockScanner(file);
        if (!scanner.Next())
            return null;
        return name.Split('/') switch
        {
            [Recorder.LandscapeName] when scanner.Type == BlockType => WrongForAll(
                scanner.Payload,
                manifest.Id,
                [.. manifest.Runs.Select(run => run.Id)]
            ),
            ["runs", var log] when log.EndsWith(".log", StringComparison.Ordinal) => RunFile.WrongBegin(scanner, manifest.Id, log[..^4]),
            ["runs", var times] when scanner.Type == BlockType => WrongFor(
                scanner.Payload,
                manifest.Id,
                Path.GetFileNameWithoutExtension(times)
            ),
            ["keys", var run, var key] when Keyframes.UpdateOf(key) is { } update => Keyframes.WrongHead(scanner, manifest.Id, run, update),
            _ => null,
        };
    }
}
