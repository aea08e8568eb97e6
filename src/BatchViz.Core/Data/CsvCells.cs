using System.Text;
using BatchViz.Core.Specs;
using static BatchViz.Core.Language;

namespace BatchViz.Core.Data;

/// <summary>
/// Walks over the cells of UTF-8 text as RFC 4180 has them, record by record, without keeping any. Blank lines are skipped; blanks
/// around a cell do not count. A line ends with \n, \r\n or, as on a Mac of old and from some spreadsheets still, \r.
/// </summary>
internal ref struct CsvCells(ReadOnlySpan<byte> text, byte separator, string name)
{
    private readonly ReadOnlySpan<byte> text = text;
    private int at,
        line = 1;
    private bool ended = true;
    private byte[] unquoted = [];

    /// <summary>Number of the line on which the record begins, from 1.</summary>
    public int Line { get; private set; }

    /// <summary>The separator that the first line has most of.</summary>
    public static byte Separator(ReadOnlySpan<byte> text)
    {
        int end = text.IndexOfAny((byte)'\n', (byte)'\r');
        var first = end < 0 ? text : text[..end];
        byte best = (byte)',';
        foreach (byte candidate in ";\t"u8)
            if (first.Count(candidate) > first.Count(best))
                best = candidate;
        return best;
    }

    /// <summary>Goes to the next record; false at the end. All cells of the one before must have been read.</summary>
    public bool NextRecord()
    {
        while (at < text.Length)
        {
            // What begins with a character that is no blank needs no closer look.
            if (text[at] is > (byte)' ' and < 0x80 || !BlankLine(out int next))
            {
                (Line, ended) = (line, false);
                return true;
            }
            (at, line) = (next, line + 1);
        }
        return false;
    }

    /// <summary>The record's next cell, valid until the one after it; false after the last.</summary>
    /// <exception cref="RefusedException">A quotation mark is never closed.</exception>
    public bool Next(out ReadOnlySpan<byte> cell)
    {
        cell = default;
        if (ended)
            return false;
        int start = at;
        while (at < text.Length && text[at] != separator && text[at] is not ((byte)'\n' or (byte)'\r' or (byte)'"'))
            at++;
        int end = at;
        if (at < text.Length && text[at] == '"')
        {
            at = start;
            cell = Trim(Unquote());
        }
        else
        {
            cell = Trim(text[start..end]);
        }
        if (at == text.Length || text[at] != separator)
        {
            ended = true;
            line++;
            at = AfterLineEnd(at);
            return true;
        }
        at++;
        return true;
    }

    /// <summary>Cells of the record that are left.</summary>
    public int Count()
    {
        int count = 0;
        while (Next(out _))
            count++;
        return count;
    }

    /// <summary>Copies a cell without its quotation marks; a mark that is not the first character is one like any other.</summary>
    private ReadOnlySpan<byte> Unquote()
    {
        int length = 0;
        bool quoted = false;
        for (; at < text.Length; at++)
        {
            byte c = text[at];
            if (!quoted && (c == separator || c is (byte)'\n' or (byte)'\r'))
                break;
            if (!quoted && c == '"' && length == 0)
            {
                quoted = true;
                continue;
            }
            if (quoted && c == '"')
            {
                if (at + 1 == text.Length || text[at + 1] != '"')
                {
                    quoted = false;
                    continue;
                }
                at++;
            }
            if (quoted && (c == '\n' || (c == '\r' && AfterLineEnd(at) == at + 1)))
                line++;
            if (length == unquoted.Length)
                Array.Resize(ref unquoted, Math.Max(256, 2 * length));
            unquoted[length++] = c;
        }
        return quoted
            ? throw new RefusedException(
                Tr(
                    $"{name} is cut short: the quotation mark of line {Line} is never closed.",
                    $"{name} 不完整：第 {Line} 行的引号没有闭合。"
                )
            )
            : unquoted.AsSpan(0, length);
    }

    private readonly bool BlankLine(out int next)
    {
        var rest = text[at..];
        int end = rest.IndexOfAny((byte)'\n', (byte)'\r');
        var whole = end < 0 ? rest : rest[..end];
        next = AfterLineEnd(at + whole.Length);
        return Trim(whole).IsEmpty && !whole.Contains(separator);
    }

    /// <summary>Where the next line begins behind the line end, or the text's, at <paramref name="end"/>.</summary>
    private readonly int AfterLineEnd(int end) => end + 1 < text.Length && text[end] == '\r' && text[end + 1] == '\n' ? end + 2 : end + 1;

    private static ReadOnlySpan<byte> Trim(ReadOnlySpan<byte> cell)
    {
        while (!cell.IsEmpty && cell[0] is <= (byte)' ' or >= 0x80)
        {
            Rune.DecodeFromUtf8(cell, out var first, out int length);
            if (!Rune.IsWhiteSpace(first))
                break;
            cell = cell[length..];
        }
        while (!cell.IsEmpty && cell[^1] is <= (byte)' ' or >= 0x80)
        {
            Rune.DecodeLastFromUtf8(cell, out var last, out int length);
            if (!Rune.IsWhiteSpace(last))
                break;
            cell = cell[..^length];
        }
        return cell;
    }
}
