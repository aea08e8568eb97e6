using System.Buffers.Binary;

namespace BatchViz.Recording.Storage;

/// <summary>
/// The frame around every piece of a recording's binary files (docs/recording-format.md): 24 bytes of header, the payload, both with
/// a checksum, so that a reader trusts a length only after it has been checked.
/// </summary>
public static class LogBlock
{
    public const int HeaderBytes = 24,
        MostPayload = 1 << 26;

    /// <summary>"BVB1".</summary>
    public const uint Magic = 0x31425642;

    /// <summary>Writes the header for a payload of a type; <paramref name="sequence"/> counts a file's blocks from 0.</summary>
    public static void Header(Span<byte> into, byte type, uint sequence, ReadOnlySpan<byte> payload)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(into, Magic);
        BinaryPrimitives.WriteUInt32LittleEndian(into[4..], type);
        BinaryPrimitives.WriteUInt32LittleEndian(into[8..], sequence);
        BinaryPrimitives.WriteInt32LittleEndian(into[12..], payload.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(into[16..], Crc32C.Of(payload));
        BinaryPrimitives.WriteUInt32LittleEndian(into[20..], Crc32C.Of(into[..20]));
    }

    /// <summary>A block by itself.</summary>
    public static byte[] Whole(byte type, uint sequence, ReadOnlySpan<byte> payload)
    {
        var block = new byte[HeaderBytes + payload.Length];
        payload.CopyTo(block.AsSpan(HeaderBytes));
        Header(block, type, sequence, payload);
        return block;
    }
}

/// <summary>Reads the intact blocks from the front of a file, and says what is wrong with what follows.</summary>
/// <param name="glance">Of each payload read only so many bytes, and hop over the rest unchecked: headers alone are trusted.</param>
public sealed class BlockScanner(IReadFile file, int glance = int.MaxValue)
{
    private readonly long length = file.Length;
    private byte[] payload = [];
    private uint sequence;

    /// <summary>Where the intact part ends.</summary>
    public long End { get; private set; }

    /// <summary>Bytes after it.</summary>
    public long Lost => length - End;

    /// <summary>Why it ends there; null while nothing is wrong.</summary>
    public string? Why { get; private set; }

    /// <summary>Whether it ends in the middle of a block, as a file does that is being written.</summary>
    public bool CutShort { get; private set; }

    public byte Type { get; private set; }

    /// <summary>Blocks read so far.</summary>
    public uint Blocks => sequence;

    /// <summary>Where the payload lies in the file.</summary>
    public long PayloadAt { get; private set; }

    /// <summary>Of the block just read; valid until the next.</summary>
    public ReadOnlySpan<byte> Payload => payload.AsSpan(0, Math.Min(PayloadLength, glance));

    public int PayloadLength { get; private set; }

    /// <summary>The next block; false at the end, or where the rest cannot be trusted.</summary>
    public bool Next()
    {
        try
        {
            return Why is null && End < length && Block();
        }
        catch (IOException e)
        {
            return Stop($"it cannot be read ({e.Message.TrimEnd('.')})");
        }
    }

    private bool Block()
    {
        Span<byte> header = stackalloc byte[LogBlock.HeaderBytes];
        if (file.Read(End, header) < header.Length)
            return StopShort("the header of a block is cut short");
        if (BinaryPrimitives.ReadUInt32LittleEndian(header) != LogBlock.Magic)
            return Stop("no block begins there");
        if (BinaryPrimitives.ReadUInt32LittleEndian(header[20..]) != Crc32C.Of(header[..20]))
            return Stop("the header of a block is damaged");
        if (BinaryPrimitives.ReadUInt32LittleEndian(header[8..]) != sequence)
            return Stop("a block is out of order");
        uint type = BinaryPrimitives.ReadUInt32LittleEndian(header[4..]);
        int size = BinaryPrimitives.ReadInt32LittleEndian(header[12..]);
        if (type > byte.MaxValue || size is < 0 or > LogBlock.MostPayload)
            return Stop("the header of a block is damaged");
        if (size > length - End - LogBlock.HeaderBytes)
            return StopShort("a block is cut short");
        int wanted = Math.Min(size, glance);
        if (payload.Length < wanted)
            payload = new byte[Math.Max(wanted, Math.Min(2L * payload.Length, length))];
        if (file.Read(End + LogBlock.HeaderBytes, payload.AsSpan(0, wanted)) < wanted)
            return StopShort("a block is cut short");
        if (wanted == size && BinaryPrimitives.ReadUInt32LittleEndian(header[16..]) != Crc32C.Of(payload.AsSpan(0, size)))
            return Stop("a block is damaged");
        (Type, PayloadAt, PayloadLength) = ((byte)type, End + LogBlock.HeaderBytes, size);
        End += LogBlock.HeaderBytes + size;
        sequence++;
        return true;
    }

    /// <summary>The block just read makes no sense, although its checksum is right: the intact part ends before it.</summary>
    public void Refuse(string why)
    {
        End = PayloadAt - LogBlock.HeaderBytes;
        sequence--;
        Why = why;
    }

    private bool StopShort(string why)
    {
        CutShort = true;
        return Stop(why);
    }

    private bool Stop(string why)
    {
        Why = why;
        return false;
    }
}
