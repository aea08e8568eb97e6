using Microsoft.AspNetCore.Components;
using Microsoft.JSInterop;

namespace BatchViz.Components;

/// <summary>The few things that only the browser can do, from wwwroot/js/owner.js, loaded when first needed.</summary>
public sealed class OwnerScript(IJSRuntime js) : IAsyncDisposable
{
    private Task<IJSObjectReference>? loading;

    public async Task Show(ElementReference dialog) => await (await Module()).InvokeVoidAsync("show", dialog);

    public async Task Close(ElementReference dialog) => await (await Module()).InvokeVoidAsync("close", dialog);

    /// <summary>False where the browser does not let a page write to the clipboard.</summary>
    public async Task<bool> Copy(string text) => await (await Module()).InvokeAsync<bool>("copy", text);

    private Task<IJSObjectReference> Module() => loading ??= js.InvokeAsync<IJSObjectReference>("import", "./js/owner.js").AsTask();

    public async ValueTask DisposeAsync()
    {
        if (loading is not { IsCompletedSuccessfully: true }) return;
        try
        {
            await (await loading).DisposeAsync();
        }
        catch (JSDisconnectedException)
        {
            // The page is gone, and its module with it.
        }
    }
}
