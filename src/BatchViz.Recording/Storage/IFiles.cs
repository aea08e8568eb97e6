namespace BatchViz.Recording.Storage;

/// <summary>
/// The few file operations that a recording is made of, in a folder of its own. Names are relative, with '/' between folders. What
/// has been written is durable only after <see cref="IWriteFile.Sync"/>, a rename or a new name only after <see cref="SyncFolder"/>.
/// Used by one writer; reading may go on beside it. Everything may throw <see cref="IOException"/>.
/// </summary>
public interface IFiles : IDisposable
{
    /// <summary>For people: where this is.</summary>
    string Place { get; }

    /// <summary>A file to write anew; one of that name is emptied.</summary>
    IWriteFile Create(string name);

    /// <summary>A file to go on writing at its end.</summary>
    IWriteFile Append(string name);

    /// <summary>Null where there is none.</summary>
    IReadFile? Read(string name);

    /// <summary>Gives a file another name, in place of a file that has it.</summary>
    void Rename(string from, string to);

    void Delete(string name);

    /// <summary>Makes the names in a folder durable; "" is the recording's own.</summary>
    void SyncFolder(string folder);

    void CreateFolder(string folder);

    /// <summary>Names (without the folder) of the files in a folder, in no order; none where there is no such folder.</summary>
    IReadOnlyList<string> List(string folder);
}

public interface IWriteFile : IDisposable
{
    /// <summary>Bytes written so far, the ones that were there among them.</summary>
    long Length { get; }

    void Write(ReadOnlySpan<byte> bytes);

    /// <summary>Everything written is on the disk when this returns.</summary>
    void Sync();

    /// <summary>Cuts the file.</summary>
    void Cut(long length);
}

/// <summary>Safe to use from several threads.</summary>
public interface IReadFile : IDisposable
{
    long Length { get; }

    /// <summary>Fills <paramref name="into"/> from an offset on; returns less than its length at the end of the file only.</summary>
    int Read(long offset, Span<byte> into);
}

public static class FilesExtensions
{
    /// <summary>
    /// Puts a small file in place of another such that after a crash the one or the other is there, whole, under the name.
    /// </summary>
    /// <param name="durable">Whether it must be on the disk when this returns; otherwise it is there some time later, or not whole.</param>
    public static void Replace(this IFiles files, string name, ReadOnlySpan<byte> bytes, bool durable = true)
    {
        string temporary = name + ".new";
        using (var file = files.Create(temporary))
        {
            file.Write(bytes);
            if (durable)
                file.Sync();
        }
        files.Rename(temporary, name);
        if (durable)
            files.SyncFolder(Path.GetDirectoryName(name) ?? "");
    }

    /// <summary>The whole of a file; null where there is none.</summary>
    /// <exception cref="IOException">It is larger than <paramref name="atMost"/> bytes.</exception>
    public static byte[]? ReadAll(this IFiles files, string name, long atMost)
    {
        using var file = files.Read(name);
        if (file is null)
            return null;
        if (file.Length > atMost)
            throw new IOException($"{name} is larger than {atMost:#,0} bytes.");
        var bytes = new byte[file.Length];
        int read = file.Read(0, bytes);
        return read == bytes.Length ? bytes : bytes[..read];
    }
}
