using Microsoft.AspNetCore.Components;
using MudBlazor;

namespace BatchViz.Components;

/// <summary>
/// MudBlazor's modal dialog in our looks (css/owner.css): Esc closes it, the focus stays inside and goes back to where it came from.
/// The page's shortcuts rest while one is open (BatchViz.Stage/panels/dom.ts).
/// </summary>
public sealed partial class Dialog : ComponentBase
{
    private static readonly DialogOptions Shown = new()
    {
        NoHeader = true,
        CloseOnEscapeKey = true,
        BackdropClick = false,
    };

    [Parameter, EditorRequired]
    public string Title { get; set; } = "";

    [Parameter, EditorRequired]
    public string Name { get; set; } = "";

    [Parameter]
    public string Class { get; set; } = "";

    [Parameter]
    public RenderFragment? ChildContent { get; set; }

    public bool IsOpen { get; private set; }

    private string TitleId => $"{Name}-title";

    public void Open() => Set(true);

    public void Close() => Set(false);

    private void Set(bool open)
    {
        IsOpen = open;
        StateHasChanged();
    }

    /// <summary>Esc closes it too.</summary>
    private void Follow(bool open) => IsOpen = open;
}
