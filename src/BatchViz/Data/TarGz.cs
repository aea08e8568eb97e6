using System.Formats.Tar;
using System.IO.Compression;

namespace BatchViz.Data;

/// <summary>Files out of a .tar.gz, which is read forward, once: what was passed on the way to another file is kept.</summary>
internal sealed class TarGz(Stream packed) : IDisposable
{
    private readonly TarReader reader = new(new GZipStream(packed, CompressionMode.Decompress));
    private readonly Dictionary<string, byte[]> passed = new(StringComparer.Ordinal);

    /// <param name="name">Of a file, in whatever folder of the archive.</param>
    /// <param name="most">Bytes that files of the archive may have together.</param>
    /// <returns>Null where there is none.</returns>
    /// <exception cref="InvalidDataException">The archive is damaged, cut short or too large.</exception>
    public byte[]? Read(string name, long most)
    {
        while (true)
        {
            if (passed.Remove(name, out byte[]? found))
                return found;
            if (Next() is not { } entry)
                return null;
            if (entry is not { EntryType: TarEntryType.RegularFile or TarEntryType.V7RegularFile, DataStream: { } data })
                continue;
            if (entry.Length > most - passed.Values.Sum(kept => (long)kept.Length))
                throw new InvalidDataException("it is larger than 1 GB when unpacked");
            byte[] bytes = new byte[entry.Length];
            data.ReadExactly(bytes);
            passed[Path.GetFileName(entry.Name)] = bytes;
        }
    }

    public void Dispose() => reader.Dispose();

    private TarEntry? Next()
    {
        try
        {
            return reader.GetNextEntry();
        }
        catch (Exception e) when (e is FormatException or EndOfStreamException)
        {
            throw new InvalidDataException("it is damaged or cut short", e);
        }
    }
}
