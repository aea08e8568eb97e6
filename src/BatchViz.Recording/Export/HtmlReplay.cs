using System.IO.Compression;
using System.Net;
using System.Text;
using BatchViz.Core.Specs;

namespace BatchViz.Recording.Export;

/// <summary>What a file is to show of an experiment, in the form in which a page gets it from a server.</summary>
/// <param name="Manifest">The manifest as JSON in UTF-8, without '<' and '&' (which JSON can escape), of an experiment in which nothing
/// goes on.</param>
/// <param name="Outline">What of it the file's head and its choice of detail go by.</param>
/// <param name="Blocks">Evaluations, paths and the finest grid, as <see cref="Wire.Blocks"/> encodes them. All of them go into the
/// file.</param>
/// <param name="Tile">A tile, likewise encoded: of a run, some columns, a level and an index. Only tiles that exist are asked for; null: it
/// would take too long to recompute, and the run stays coarser.</param>
public sealed record ReplaySource(
    byte[] Manifest,
    ReplayOutline Outline,
    IReadOnlyList<byte[]> Blocks,
    Func<int, int[], int, long, byte[]?> Tile
);

/// <param name="LiveColumns">For each column of the records, whether charts are drawn from it.</param>
/// <param name="Updates">That each run has made.</param>
public sealed record ReplayOutline(string Name, string Title, IReadOnlyList<bool> LiveColumns, IReadOnlyList<long> Updates);

/// <summary>An experiment as one HTML file that replays it without a server or a network; docs/html-replay.md describes it.</summary>
public static class HtmlReplay
{
    /// <summary>Bytes of the whole file.</summary>
    public const long DefaultBudget = 2_500_000;

    private const string HeadMark = "<!--batchviz:head-->",
        DataMark = "<!--batchviz:data-->";

    /// <summary>Fills the page with an experiment, in the finest detail with which the whole file stays within its budget.</summary>
    /// <param name="page">The page without an experiment, which the build lays beside the program as replay/replay.html.</param>
    /// <param name="budget">Bytes of the whole file.</param>
    /// <exception cref="RefusedException">Even the coarsest detail takes more than that.</exception>
    public static byte[] Write(byte[] page, ReplaySource source, long budget = DefaultBudget)
    {
        if (source.Manifest.AsSpan().IndexOfAny((byte)'<', (byte)'&') >= 0)
            throw new ArgumentException("The manifest's JSON must escape '<' and '&', so that it can stand in a page.", nameof(source));
        var (before, between, after) = Split(page);
        using var file = new MemoryStream();
        file.Write(before);
        file.Write(Encoding.UTF8.GetBytes(Head(source.Outline)));
        file.Write(between);
        file.Write("<script type=\"application/json\" id=\"manifest\">"u8);
        file.Write(source.Manifest);
        file.Write("</script>\n"u8);
        foreach (byte[] block in source.Blocks)
            file.Write(Pack(block));
        var detail = new ReplayDetail(source, budget - file.Length - after.Length);
        if (detail.Room < 0)
            throw new RefusedException(
                $"The smallest file of this experiment takes {budget - detail.Room:#,0} bytes, and at most {budget:#,0} were asked for."
            );
        foreach (byte[] tile in detail.Tiles)
            file.Write(tile);
        file.Write(after);
        return file.ToArray();
    }

    /// <summary>A block as an element of the page: gzipped, in base64.</summary>
    internal static byte[] Pack(byte[] block)
    {
        var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.SmallestSize))
            gzip.Write(block);
        return Encoding.UTF8.GetBytes(
            $"<script type=\"application/octet-stream\" data-block>{Convert.ToBase64String(packed.ToArray())}</script>\n"
        );
    }

    private static string Head(ReplayOutline outline)
    {
        string name = WebUtility.HtmlEncode(outline.Name),
            title = WebUtility.HtmlEncode(outline.Title);
        return $"<title>{name} · BatchViz</title>\n<meta name=\"description\" content=\"{title}: every path and curve of a BatchViz experiment, in one file.\">";
    }

    private static (byte[] Before, byte[] Between, byte[] After) Split(byte[] page)
    {
        int head = page.AsSpan().IndexOf(Encoding.UTF8.GetBytes(HeadMark)),
            data = page.AsSpan().LastIndexOf(Encoding.UTF8.GetBytes(DataMark));
        if (head < 0 || data < head)
            throw new InvalidDataException("The page for a replay has no place for the experiment; build the program again.");
        return (page[..head], page[(head + HeadMark.Length)..data], page[(data + DataMark.Length)..]);
    }
}
