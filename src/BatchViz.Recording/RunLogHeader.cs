using System.Buffers.Binary;
using System.Text;
using BatchViz.Core.Engines;

namespace BatchViz.Recording;

/// <summary>
/// The first block of a run's log (docs/recording-format.md): whose records it has, from which one on, and what their columns are called.
/// </summary>
/// <param name="Version">3; 2 named no columns, 1 named no run either.</param>
/// <param name="Width">Columns of a record.</param>
/// <param name="First">The first record of its own: 0 but for a fork.</param>
/// <param name="Columns">Names of the columns, in their order; null before version 3.</param>
internal sealed record RunLogHeader(int Version, int Width, long First, IReadOnlyList<string>? Columns)
{
    private const int Current = 3,
        WithoutColumns = 2,
        WithoutRun = 1;
    private const int HeadBytes = 16,
        BytesWithoutRun = 40,
        MostNameBytes = 1 << 20;

    public bool NamesRun => Version > WithoutRun;

    public static byte[] ToBytes(IEnumerable<string> columns, long first, FileIdentity identity)
    {
        string[] names = [.. columns];
        byte[] text = Encoding.UTF8.GetBytes(string.Join('\n', names));
        byte[] payload = [.. new byte[HeadBytes + 4], .. text, .. identity.ToBytes()];
        BinaryPrimitives.WriteInt32LittleEndian(payload, Current);
        BinaryPrimitives.WriteInt32LittleEndian(payload.AsSpan(4), names.Length);
        BinaryPrimitives.WriteInt64LittleEndian(payload.AsSpan(8), first);
        BinaryPrimitives.WriteInt32LittleEndian(payload.AsSpan(HeadBytes), text.Length);
        return payload;
    }

    /// <summary>What a payload says, or why it is not the first block of this run's log.</summary>
    public static (RunLogHeader? Header, string? Wrong) Read(ReadOnlySpan<byte> payload, Guid recording, string runId)
    {
        if (payload.Length < HeadBytes)
            return (null, "a log begins with something else");
        int version = BinaryPrimitives.ReadInt32LittleEndian(payload),
            width = BinaryPrimitives.ReadInt32LittleEndian(payload[4..]);
        long first = BinaryPrimitives.ReadInt64LittleEndian(payload[8..]);
        var rest = payload[HeadBytes..];
        string[]? columns = null;
        string? wrong;
        switch (version)
        {
            case Current:
                if (
                    rest.Length < 4
                    || BinaryPrimitives.ReadInt32LittleEndian(rest) is var length
                        && (length is < 1 or > MostNameBytes || length > rest.Length - 4)
                )
                    return (null, "the names of its columns cannot be read");
                columns = Encoding.UTF8.GetString(rest.Slice(4, length)).Split('\n');
                if (columns.Length != width || columns.Distinct().Count() != width)
                    return (null, "the names of its columns cannot be read");
                wrong = FileIdentity.WrongFor(rest[(4 + length)..], recording, runId);
                break;
            case WithoutColumns:
                wrong = FileIdentity.WrongFor(rest, recording, runId);
                break;
            case WithoutRun when payload.Length == BytesWithoutRun:
                wrong = new Guid(rest[..16]) == recording ? null : "it belongs to another recording";
                break;
            default:
                wrong = "its version is another one";
                break;
        }
        return wrong is null ? (new RunLogHeader(version, width, first, columns), null) : (null, wrong);
    }

    /// <summary>
    /// How the file's columns lie in a log's; null where a log without names is of another net. Before version 3 they are those of the layout,
    /// without what came later.
    /// </summary>
    public ColumnMap? MapTo(RecordLayout layout)
    {
        var names = Columns ?? [.. new RecordLayout(layout.Layers, layout.HasLineSearchColumns, []).Columns.Select(column => column.Name)];
        return names.Count == Width ? new ColumnMap(names, [.. layout.Columns.Select(column => column.Name)]) : null;
    }
}

/// <summary>
/// Columns of a file beside those of a log, by name. Where one has a column that the other has not, values are not numbers: the other is
/// of an earlier or a later build, which is no damage.
/// </summary>
internal sealed class ColumnMap(IReadOnlyList<string> file, IReadOnlyList<string> log)
{
    private readonly int[] toLog = [.. log.Select(name => IndexOf(file, name))];
    private readonly int[] toFile = [.. file.Select(name => IndexOf(log, name))];

    /// <summary>Both have the same columns in the same order.</summary>
    public bool Same { get; } = file.SequenceEqual(log);

    public int FileWidth => file.Count;

    /// <summary>Columns of the log that the file does not have.</summary>
    public IEnumerable<int> Missing => Enumerable.Range(0, toLog.Length).Where(c => toLog[c] < 0);

    public void ToLog<T>(ReadOnlySpan<T> from, Span<T> to, T missing) => Copy(from, to, toLog, missing);

    public void ToFile<T>(ReadOnlySpan<T> from, Span<T> to, T missing) => Copy(from, to, toFile, missing);

    private void Copy<T>(ReadOnlySpan<T> from, Span<T> to, int[] places, T missing)
    {
        if (Same)
        {
            from[..places.Length].CopyTo(to);
            return;
        }
        for (int c = 0; c < places.Length; c++)
            to[c] = places[c] < 0 ? missing : from[places[c]];
    }

    private static int IndexOf(IReadOnlyList<string> names, string name)
    {
        for (int i = 0; i < names.Count; i++)
            if (names[i] == name)
                return i;
        return -1;
    }
}
