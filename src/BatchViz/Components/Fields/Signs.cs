namespace BatchViz.Components.Fields;

/// <summary>Our signs where MudBlazor draws its own, on its grid of 24 × 24: lines as thin as everywhere on the page.</summary>
internal static class Signs
{
    public const string Down = Begin + """<path d="M6 9l6 6 6-6"/>""" + End;
    public const string Up = Begin + """<path d="M6 15l6-6 6 6"/>""" + End;
    public const string Sort = Begin + """<path d="M12 19V5M6 11l6-6 6 6"/>""" + End;
    public const string Filter = Begin + """<path d="M4 5h16l-6 8v6l-4-2v-4z"/>""" + End;
    public const string FilterOff = Begin + """<path d="M4 5h16l-6 8v6l-4-2v-4zM3 3l18 18"/>""" + End;
    public const string More =
        """<path d="M12 6h.01M12 12h.01M12 18h.01" fill="none" stroke="currentColor" stroke-width="3" stroke-linecap="round"/>""";

    private const string Begin =
        """<g fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round">""";
    private const string End = "</g>";
}
