using BatchViz.Core.Specs;

namespace BatchViz.Recording.Export;

/// <summary>Files of an export: named after their run, and there only when they are whole.</summary>
internal static class ExportFile
{
    private const string Partial = ".partial";

    /// <summary>
    /// Writes a file under another name and gives it its own when it is whole; an earlier one of that name is replaced. Cancelled or
    /// failed, it leaves nothing.
    /// </summary>
    public static void Write(string path, Action<Stream> content)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        string partial = path + Partial;
        try
        {
            using (var file = new FileStream(partial, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 1 << 18))
                content(file);
            File.Move(partial, path, overwrite: true);
        }
        catch
        {
            File.Delete(partial);
            throw;
        }
    }

    /// <summary>The run's id, which names its files.</summary>
    /// <exception cref="RefusedException">A recording from elsewhere has an id that would name a file somewhere else.</exception>
    public static string NameOf(RunPlan run)
    {
        bool plain =
            run.Id.Length is > 0 and <= 100 && run.Id[0] != '.' && run.Id.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.');
        return plain ? run.Id : throw new RefusedException($"The run \"{run.Id}\" cannot be exported: its id cannot name a file.");
    }
}
