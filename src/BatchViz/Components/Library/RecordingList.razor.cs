using BatchViz.Core.Specs;
using BatchViz.Live;
using Microsoft.AspNetCore.Components;
using static BatchViz.Core.Language;

namespace BatchViz.Components.Library;

/// <summary>What the library holds, found, sorted, and changed. A refusal is shown on the card that it is about.</summary>
public sealed partial class RecordingList : ComponentBase, IDisposable
{
    private enum Order { Newest, Name, Size }

    private readonly CancellationTokenSource gone = new();
    private readonly Dictionary<string, RecordingCard?> cards = [];
    private IReadOnlyList<LibraryEntry>? entries;
    private (int Count, long Bytes) trash;
    private string search = "";
    private Order sort;
    private string? failure, focused;
    private (string Key, string Doing)? busy;
    private (string Key, string Why)? refused;
    private (string Trashed, string Name)? deleted;
    private ElementReference undo;
    private bool focusUndo, importing;

    /// <summary>What is shown as failed is that the recordings cannot be listed.</summary>
    private bool listing;
    private ElementReference picker;

    [Inject] private Conductor Conductor { get; set; } = default!;

    [Inject] private OwnerScript Script { get; set; } = default!;

    [Inject] private NavigationManager Navigation { get; set; } = default!;

    [Inject] private ILogger<RecordingList> Log { get; set; } = default!;

    private IReadOnlyList<LibraryEntry> Shown
    {
        get
        {
            var found = (entries ?? []).Where(entry => search.Split(' ', StringSplitOptions.RemoveEmptyEntries).All(word
                => entry.Name.Contains(word, StringComparison.CurrentCultureIgnoreCase) || entry.Title.Contains(word, StringComparison.CurrentCultureIgnoreCase)
                || entry.Says.Contains(word, StringComparison.CurrentCultureIgnoreCase)));
            return sort switch
            {
                Order.Name => [.. found.OrderBy(entry => entry.Name, StringComparer.CurrentCultureIgnoreCase)],
                Order.Size => [.. found.OrderByDescending(entry => entry.Bytes)],
                _ => [.. found],
            };
        }
    }

    protected override async Task OnAfterRenderAsync(bool firstRender)
    {
        if (firstRender) _ = Watch();
        if (focusUndo && deleted is not null)
        {
            focusUndo = false;
            await undo.FocusAsync();
        }
        if (focused is { } key && cards.GetValueOrDefault(key) is { } card)
        {
            focused = null;
            await card.Focus();
        }
    }

    private async Task Watch()
    {
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1));
        try
        {
            do await Look();
            while (await timer.WaitForNextTickAsync(gone.Token));
        }
        catch (OperationCanceledException)
        {
            // The page is gone.
        }
    }

    private async Task Look()
    {
        try
        {
            var (now, waiting) = await Task.Run(() => (Conductor.Recordings(), Conductor.Library?.InTrash() ?? default), gone.Token);
            if (!listing && entries is not null && now.SequenceEqual(entries) && waiting == trash) return;
            (entries, trash) = (now, waiting);
            if (listing) (listing, failure) = (false, null);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            entries ??= [];
            string why = e is SpecException ? e.Message : Tr("The recordings cannot be listed; the server's log says why.", "无法列出录制；原因见服务器日志。");
            if (failure == why) return;
            if (e is not SpecException) Log.LogError(e, "The recordings could not be listed.");
            (listing, failure) = (true, why);
        }
        StateHasChanged();
    }

    private Task Open(LibraryEntry entry) => PutOnAir(entry, Tr("Opening…", "正在打开…"), () => Conductor.Open(entry.Key, gone.Token));

    private Task Resume(LibraryEntry entry) => PutOnAir(entry, Tr("Resuming…", "正在恢复…"), () => Conductor.Resume(entry.Key, gone.Token));

    private Task PutOnAir(LibraryEntry entry, string doing, Func<Task> command) => Do(entry, doing, async () =>
    {
        await command();
        Navigation.NavigateTo("/", forceLoad: true);
    });

    private Task Rename((LibraryEntry Entry, string Name) wanted) => Do(wanted.Entry, Tr("Renaming…", "正在重命名…"), () => Conductor.Rename(wanted.Entry.Key, wanted.Name, gone.Token));

    private Task Delete(LibraryEntry entry) => Do(entry, Tr("Deleting…", "正在删除…"), async () =>
    {
        deleted = (await Conductor.Delete(entry.Key, gone.Token), entry.Name);
        focusUndo = true;
    });

    private async Task Undo()
    {
        if (deleted is not { } what) return;
        deleted = null;
        try
        {
            string key = Conductor.Undelete(what.Trashed);
            await Look();
            focused = key;
        }
        catch (SpecException e)
        {
            failure = e.Message;
        }
    }

    private async Task Import()
    {
        (importing, failure) = (true, null);
        try
        {
            var answer = await Script.Upload(picker, gone.Token);
            await Look();
            if (answer?.Id is { } key) focused = key;
            failure = answer?.Refusal;
        }
        catch (OperationCanceledException)
        {
            // The page is gone.
        }
        finally
        {
            importing = false;
        }
    }

    private async Task EmptyTrash()
    {
        deleted = null;
        await Task.Run(() => Conductor.Library?.EmptyTrash());
        await Look();
    }

    private async Task Do(LibraryEntry entry, string doing, Func<Task> command)
    {
        if (busy is not null) return;
        (busy, refused) = ((entry.Key, doing), null);
        try
        {
            await command();
            await Look();
        }
        catch (SpecException e)
        {
            refused = (entry.Key, e.Message);
        }
        catch (OperationCanceledException)
        {
            // The page is gone.
        }
        catch (Exception e)
        {
            Log.LogError(e, "{Doing} {Key} failed.", doing, entry.Key);
            refused = (entry.Key, Tr("That did not work; the server's log says why.", "操作失败；原因见服务器日志。"));
        }
        finally
        {
            busy = null;
        }
    }

    private static string Count(int n, string what = "") => Tr(n == 1 ? $"1 {what}recording" : $"{n:#,0} {what}recordings", $"{n:#,0} 个录制");

    public void Dispose()
    {
        gone.Cancel();
        gone.Dispose();
    }
}
