using Microsoft.AspNetCore.Components;
using Microsoft.JSInterop;

namespace BatchViz.Components;

/// <summary>
/// A native &lt;dialog&gt;. Not Radzen's: the page's shortcuts rest while a native one is open, and what is behind it is out of
/// reach for the keyboard and for screen readers without our doing.
/// </summary>
public sealed partial class Dialog : ComponentBase
{
    private ElementReference element;
    private bool shown;

    [Inject] private OwnerScript Script { get; set; } = default!;

    [Parameter, EditorRequired] public string Title { get; set; } = "";

    [Parameter, EditorRequired] public string Name { get; set; } = "";

    [Parameter] public string Class { get; set; } = "";

    [Parameter] public RenderFragment? ChildContent { get; set; }

    public bool IsOpen { get; private set; }

    private string TitleId => $"{Name}-title";

    public void Open()
    {
        IsOpen = true;
        StateHasChanged();
    }

    public async Task Close()
    {
        try
        {
            await Script.Close(element);
        }
        catch (JSDisconnectedException)
        {
            // The page is gone, and the dialog with it.
        }
    }

    protected override async Task OnAfterRenderAsync(bool firstRender)
    {
        if (!IsOpen || shown) return;
        shown = true;
        await Script.Show(element);
    }

    /// <summary>Esc, the button or <see cref="Close"/>: the browser says so after the fact.</summary>
    private void WhenClosed() => IsOpen = shown = false;
}
