using System.Buffers;
using System.Globalization;
using System.Text;

namespace BatchViz.Recording.Export;

/// <summary>Rows of RFC 4180 in UTF-8. Numbers are the shortest that read back to the same bits, apart from the payload of a NaN.</summary>
internal sealed class CsvWriter(Stream stream) : IDisposable
{
    /// <summary>More than any number takes.</summary>
    private const int LongestNumber = 64;

    private static readonly SearchValues<char> Quoted = SearchValues.Create(",\"\r\n");

    private readonly byte[] buffer = new byte[1 << 16];
    private int used;
    private bool inRow;

    /// <summary>Text; what a spreadsheet would take for a formula gets an apostrophe in front.</summary>
    public void Text(string text)
    {
        if (text.Length > 0 && text[0] is '=' or '+' or '-' or '@' or '\t' or '\r')
            text = "'" + text;
        if (text.AsSpan().ContainsAny(Quoted))
            text = $"\"{text.Replace("\"", "\"\"")}\"";
        Separate();
        Bytes(Encoding.UTF8.GetBytes(text));
    }

    public void Number<T>(T value)
        where T : IUtf8SpanFormattable
    {
        Separate();
        if (buffer.Length - used < LongestNumber)
            Flush();
        value.TryFormat(buffer.AsSpan(used), out int written, default, CultureInfo.InvariantCulture);
        used += written;
    }

    public void Empty() => Separate();

    public void EndRow()
    {
        Bytes("\r\n"u8);
        inRow = false;
    }

    public void Dispose() => Flush();

    private void Separate()
    {
        if (inRow)
            Bytes(","u8);
        inRow = true;
    }

    private void Bytes(ReadOnlySpan<byte> bytes)
    {
        if (buffer.Length - used < bytes.Length)
            Flush();
        if (bytes.Length > buffer.Length)
        {
            stream.Write(bytes);
            return;
        }
        bytes.CopyTo(buffer.AsSpan(used));
        used += bytes.Length;
    }

    private void Flush()
    {
        stream.Write(buffer, 0, used);
        used = 0;
    }
}
