using System.IO.Hashing;

namespace BatchViz.Recording.Storage;

/// <summary>The Castagnoli checksum (RFC 3720, appendix B.4), under one name for everything that lies on the disk.</summary>
public static class Crc32C
{
    public static uint Of(ReadOnlySpan<byte> bytes) => Crc32.HashToUInt32(Crc32ParameterSet.Crc32C, bytes);
}
