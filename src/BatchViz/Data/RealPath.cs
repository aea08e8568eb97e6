namespace BatchViz.Data;

/// <summary>Where a path leads when every link on the way is followed, step by step as the system follows them.</summary>
internal static class RealPath
{
    private const int MostLinks = 40;

    /// <summary>
    /// The absolute path without links. ".." after a link leaves the folder that the link leads to, and what a link names may have links
    /// in it again, so neither can be told from the text of the path. What does not exist stays as it is named.
    /// </summary>
    /// <exception cref="IOException">The links go round in circles.</exception>
    public static string Of(string path)
    {
        string full = Path.IsPathRooted(path) ? path : Path.Combine(Directory.GetCurrentDirectory(), path);
        string done = Path.GetPathRoot(full)!;
        var ahead = new Stack<string>();
        Push(ahead, full[done.Length..]);
        for (int links = 0; ahead.TryPop(out string? step); )
        {
            if (step == ".")
                continue;
            if (step == "..")
            {
                done = Path.GetDirectoryName(done) ?? done;
                continue;
            }
            string next = Path.Combine(done, step);
            if (new FileInfo(next).LinkTarget is not { } target)
            {
                done = next;
                continue;
            }
            if (++links > MostLinks)
                throw new IOException($"there are more than {MostLinks} links on the way");
            if (Path.IsPathRooted(target))
                done = Path.GetPathRoot(target)!;
            Push(ahead, target[(Path.IsPathRooted(target) ? done.Length : 0)..]);
        }
        return done;
    }

    private static void Push(Stack<string> ahead, string path)
    {
        string[] steps = path.Split([Path.DirectorySeparatorChar, Path.AltDirectorySeparatorChar], StringSplitOptions.RemoveEmptyEntries);
        for (int i = steps.Length - 1; i >= 0; i--)
            ahead.Push(steps[i]);
    }
}
