using System.Buffers.Binary;
using System.IO.Compression;

namespace BatchViz.Data;

/// <summary>Files that come packed with gzip (RFC 1952).</summary>
internal static class Gzip
{
    private const int HeaderAndEnd = 18;

    public static bool Begins(ReadOnlySpan<byte> file) => file.Length > 2 && file[0] == 0x1F && file[1] == 0x8B;

    /// <returns>Null where it is longer than <paramref name="most"/>.</returns>
    /// <exception cref="InvalidDataException">The file is damaged, or cut short.</exception>
    public static byte[]? Unpack(byte[] file, long most)
    {
        if (file.Length < HeaderAndEnd)
            throw new InvalidDataException("it is cut short");
        using var from = new GZipStream(new MemoryStream(file), CompressionMode.Decompress);
        using var to = new MemoryStream();
        byte[] buffer = new byte[1 << 16];
        while (from.Read(buffer) is > 0 and var read)
        {
            if (to.Length + read > most)
                return null;
            to.Write(buffer, 0, read);
        }
        // The end says how long the last part is; where the end is missing, the stream above just stops.
        uint said = BinaryPrimitives.ReadUInt32LittleEndian(file.AsSpan(file.Length - sizeof(uint)));
        if (said > to.Length || (said != (uint)to.Length && !HasParts(file)))
            throw new InvalidDataException("it is cut short");
        return to.ToArray();
    }

    /// <summary>Whether several packed files may lie behind one another, which together are one.</summary>
    private static bool HasParts(ReadOnlySpan<byte> file) => file[2..].IndexOf((ReadOnlySpan<byte>)[0x1F, 0x8B, 8]) >= 0;
}
