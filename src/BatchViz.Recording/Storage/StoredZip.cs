using System.Buffers.Binary;
using System.Text;

namespace BatchViz.Recording.Storage;

/// <summary>A file of a <see cref="StoredZip"/>.</summary>
/// <param name="Name">ASCII, with '/' between folders.</param>
/// <param name="Crc">CRC-32 as ZIP has it, of the content.</param>
internal readonly record struct ZipEntry(string Name, uint Crc, long Size);

/// <summary>
/// The one form of ZIP that a .bviz is (PKWARE's APPNOTE.TXT, 4.3): files stored as they are, sizes always in ZIP64 fields, the same
/// date for all, no comments or attributes. From names, sums and sizes follows every other byte; a reader that compares them all needs
/// to understand, and to trust, none.
/// </summary>
internal static class StoredZip
{
    public const int LocalBytes = 30,
        ExtraBytes = 20,
        MostName = 200;
    public const uint LocalSign = 0x04034b50;

    private const uint CentralSign = 0x02014b50,
        EndSign64 = 0x06064b50,
        LocatorSign = 0x07064b50,
        EndSign = 0x06054b50;
    private const ushort Version = 45,
        Date = 0x21; // ZIP64; 1 January 1980

    /// <summary>What stands before a file's content.</summary>
    public static byte[] Local(ZipEntry entry)
    {
        byte[] name = Encoding.ASCII.GetBytes(entry.Name);
        var at = new Fields(LocalBytes + name.Length + ExtraBytes);
        at.U32(LocalSign)
            .U16(Version)
            .U16(0)
            .U16(0)
            .U16(0)
            .U16(Date)
            .U32(entry.Crc)
            .U32(uint.MaxValue)
            .U32(uint.MaxValue)
            .U16((ushort)name.Length)
            .U16(ExtraBytes);
        return at.Raw(name).U16(1).U16(16).U64(entry.Size).U64(entry.Size).Bytes;
    }

    /// <summary>Name, sum and size in the bytes of a <see cref="Local"/>, whose others are not looked at.</summary>
    /// <param name="local">Of a whole header.</param>
    public static ZipEntry Parse(ReadOnlySpan<byte> local) =>
        new(
            Encoding.ASCII.GetString(local[LocalBytes..^ExtraBytes]),
            BinaryPrimitives.ReadUInt32LittleEndian(local[14..]),
            BinaryPrimitives.ReadInt64LittleEndian(local[^8..])
        );

    /// <summary>What stands behind the last file, a piece at a time: the list of all files, and where it is.</summary>
    public static IEnumerable<byte[]> End(IReadOnlyList<ZipEntry> entries)
    {
        long offset = 0,
            list = 0;
        foreach (var entry in entries)
        {
            byte[] name = Encoding.ASCII.GetBytes(entry.Name);
            var at = new Fields(46 + name.Length + 28);
            at.U32(CentralSign)
                .U16(Version)
                .U16(Version)
                .U16(0)
                .U16(0)
                .U16(0)
                .U16(Date)
                .U32(entry.Crc)
                .U32(uint.MaxValue)
                .U32(uint.MaxValue);
            at.U16((ushort)name.Length).U16(28).U16(0).U16(0).U16(0).U32(0).U32(uint.MaxValue);
            yield return at.Raw(name).U16(1).U16(24).U64(entry.Size).U64(entry.Size).U64(offset).Bytes;
            offset += LocalBytes + name.Length + ExtraBytes + entry.Size;
            list += 46 + name.Length + 28;
        }
        var end = new Fields(56 + 20 + 22);
        end.U32(EndSign64).U64(44).U16(Version).U16(Version).U32(0).U32(0).U64(entries.Count).U64(entries.Count).U64(list).U64(offset);
        end.U32(LocatorSign).U32(0).U64(offset + list).U32(1);
        yield return end.U32(EndSign)
            .U16(0)
            .U16(0)
            .U16(ushort.MaxValue)
            .U16(ushort.MaxValue)
            .U32(uint.MaxValue)
            .U32(uint.MaxValue)
            .U16(0)
            .Bytes;
    }

    /// <summary>Little-endian numbers, one after the other.</summary>
    private sealed class Fields(int length)
    {
        private int at;

        public byte[] Bytes { get; } = new byte[length];

        public Fields U16(ushort value)
        {
            BinaryPrimitives.WriteUInt16LittleEndian(Bytes.AsSpan(at), value);
            at += 2;
            return this;
        }

        public Fields U32(uint value)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(Bytes.AsSpan(at), value);
            at += 4;
            return this;
        }

        public Fields U64(long value)
        {
            BinaryPrimitives.WriteInt64LittleEndian(Bytes.AsSpan(at), value);
            at += 8;
            return this;
        }

        public Fields Raw(byte[] bytes)
        {
            bytes.CopyTo(Bytes, at);
            at += bytes.Length;
            return this;
        }
    }
}
