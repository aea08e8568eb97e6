using MudBlazor;

namespace BatchViz.Components.Notices;

/// <summary>
/// A notice without MudBlazor's fading, which it writes into a style element that the page's policy refuses. Refusals stay until they are
/// closed; everything else goes by itself after <see cref="Lasting"/>.
/// </summary>
public sealed class NoticeElement : MudSnackbarElement, IDisposable
{
    /// <summary>Long enough to read, find and press "Undo" by keyboard.</summary>
    public static readonly TimeSpan Lasting = TimeSpan.FromSeconds(20);

    private readonly CancellationTokenSource gone = new();

    /// <summary>Not the base's, which would begin the fading.</summary>
    protected override void OnInitialized()
    {
        if (Snackbar is { Severity: not Severity.Error } notice)
            _ = CloseLater(notice);
    }

    private async Task CloseLater(Snackbar notice)
    {
        try
        {
            await Task.Delay(Lasting, gone.Token);
            await InvokeAsync(notice.ForceClose);
        }
        catch (OperationCanceledException)
        {
            // Closed by hand, or the page is gone.
        }
    }

    void IDisposable.Dispose()
    {
        gone.Cancel();
        gone.Dispose();
        Dispose();
    }
}
