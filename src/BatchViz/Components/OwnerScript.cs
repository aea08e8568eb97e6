using Microsoft.AspNetCore.Components;
using Microsoft.JSInterop;

namespace BatchViz.Components;

/// <param name="Selected">Id of the selected run.</param>
/// <param name="Updates">By run, after how many updates it is shown.</param>
public sealed record Playhead(string? Selected, Dictionary<string, long> Updates);

/// <param name="Id">The recording's, where it was taken in.</param>
/// <param name="Refusal">Why it was not, in a sentence.</param>
public sealed record Uploaded(string? Id, string? Refusal);

/// <summary>The few things that only the browser can do, from wwwroot/js/owner.js, loaded when first needed.</summary>
public sealed class OwnerScript(IJSRuntime js) : IAsyncDisposable
{
    private Task<IJSObjectReference>? loading;

    /// <summary>Gives the focus to the first element that a CSS selector names, as soon as it is on the page.</summary>
    public async Task Focus(string selector) => await (await Module()).InvokeVoidAsync("focus", selector);

    /// <summary>Files dropped onto <paramref name="place"/> are taken as if chosen in the file input.</summary>
    public async Task TakeDrops(ElementReference place, ElementReference input) =>
        await (await Module()).InvokeVoidAsync("takeDrops", place, input);

    /// <summary>Hands a text to the browser as a download.</summary>
    public async Task Save(string name, string text) => await (await Module()).InvokeVoidAsync("save", name, text);

    /// <summary>False where the browser does not let a page write to the clipboard.</summary>
    public async Task<bool> Copy(string text) => await (await Module()).InvokeAsync<bool>("copy", text);

    /// <summary>Where the page's playhead is; null where there is none.</summary>
    public async Task<Playhead?> Playhead() => await (await Module()).InvokeAsync<Playhead?>("playhead");

    /// <summary>Whoever asks on the page for a fork is heard by <paramref name="dialog"/>.</summary>
    public async Task TakeForks(DotNetObjectReference<Fork.ForkDialog> dialog) =>
        await (await Module()).InvokeVoidAsync("takeForks", dialog);

    /// <summary>Tells the page that a fork was made here, which it can take back.</summary>
    public async Task Forked(string run) => await (await Module()).InvokeVoidAsync("forked", run);

    /// <summary>Sends the file of an input to the library, however long that takes; null where none was chosen.</summary>
    public async Task<Uploaded?> Upload(ElementReference input, CancellationToken cancel) =>
        await (await Module()).InvokeAsync<Uploaded?>("upload", cancel, input);

    private Task<IJSObjectReference> Module() => loading ??= js.InvokeAsync<IJSObjectReference>("import", "./js/owner.js").AsTask();

    public async ValueTask DisposeAsync()
    {
        if (loading is not { IsCompletedSuccessfully: true })
            return;
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
