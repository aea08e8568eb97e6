using System.Globalization;

namespace BatchViz.Core.Specs;

/// <summary>Foreign text, made fit to stand in a sentence.</summary>
internal static class UntrustedText
{
    private const int Longest = 60;

    /// <summary>
    /// At most sixty characters of it, with blanks for whatever breaks a line, steers a terminal or turns the direction of writing.
    /// </summary>
    public static string Shorten(ReadOnlySpan<char> text)
    {
        bool whole = text.Length <= Longest;
        int length = whole ? text.Length : Longest - 3;
        // Half a character at the cut is none.
        if (!whole && char.IsHighSurrogate(text[length - 1]))
            length--;
        Span<char> clean = stackalloc char[Longest];
        for (int i = 0; i < length; i++)
            clean[i] = Plain(text[i]) ? text[i] : ' ';
        string shown = new(clean[..length]);
        return whole ? shown : shown + "…";
    }

    private static bool Plain(char c) =>
        char.GetUnicodeCategory(c)
            is not (
                UnicodeCategory.Control
                or UnicodeCategory.Format
                or UnicodeCategory.LineSeparator
                or UnicodeCategory.ParagraphSeparator
            );
}
