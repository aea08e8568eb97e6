using System.Globalization;

namespace BatchViz.Core;

/// <summary>
/// The language of what is said to people: English, or simplified Chinese where the UI culture is Chinese (docs/decisions/0011).
/// </summary>
public static class Language
{
    public static bool IsChinese => CultureInfo.CurrentUICulture.Name.StartsWith("zh", StringComparison.OrdinalIgnoreCase);

    /// <summary>As the document's language (BCP 47).</summary>
    public static string Tag => IsChinese ? "zh-Hans" : "en";

    /// <summary>Both texts stand side by side, so that neither can be forgotten.</summary>
    public static string Tr(string english, string chinese) => IsChinese ? chinese : english;
}
