using System.Globalization;
using BatchViz.Components.Notices;
using BatchViz.Core.Specs;
using BatchViz.Live;
using Microsoft.AspNetCore.Components;
using MudBlazor;
using static BatchViz.Core.Language;

namespace BatchViz.Components.Library;

/// <summary>What the library holds, found, sorted, and changed. A refusal is shown in the row that it is about.</summary>
public sealed partial class RecordingList : ComponentBase, IDisposable
{
    private enum Order
    {
        Newest,
        Name,
        Size,
    }

    private readonly CancellationTokenSource gone = new();
    private MudDataGrid<LibraryEntry>? grid;
    private RenameDialog rename = default!;
    private ConfirmDialog emptyTrash = default!;
    private readonly HashSet<string> hidden = [];
    private HashSet<LibraryEntry> selected = new(SameKey);
    private IReadOnlyList<LibraryEntry>? entries;
    private (int Count, long Bytes) trash;
    private string search = "";
    private Order sort;
    private string? failure;
    private (string Key, string Doing)? busy;
    private (string Key, string Why)? refused;
    private bool importing;

    /// <summary>What is shown as failed is that the recordings cannot be listed.</summary>
    private bool listing;
    private ElementReference picker;

    [Inject]
    private ISnackbar Notices { get; set; } = default!;

    [Inject]
    private ExperimentHost Experiments { get; set; } = default!;

    [Inject]
    private OwnerScript Script { get; set; } = default!;

    [Inject]
    private NavigationManager Navigation { get; set; } = default!;

    [Inject]
    private ILogger<RecordingList> Log { get; set; } = default!;

    /// <summary>An entry is made anew whenever something about its recording changes.</summary>
    private static readonly IEqualityComparer<LibraryEntry> SameKey = EqualityComparer<LibraryEntry>.Create(
        (one, other) => one?.Key == other?.Key,
        entry => entry.Key.GetHashCode(StringComparison.Ordinal)
    );

    /// <summary>As chosen where there is no room for the grid's headers.</summary>
    private IEnumerable<LibraryEntry> Ordered =>
        sort switch
        {
            Order.Name => (entries ?? []).OrderBy(entry => entry.Name, StringComparer.CurrentCultureIgnoreCase),
            Order.Size => (entries ?? []).OrderByDescending(entry => entry.Bytes),
            _ => entries ?? [],
        };

    private static string Read(Order order) =>
        order switch
        {
            Order.Name => Tr("By name", "按名称"),
            Order.Size => Tr("Largest first", "最大在前"),
            _ => Tr("Newest first", "最新在前"),
        };

    private bool IsFound(LibraryEntry entry) =>
        search
            .Split(' ', StringSplitOptions.RemoveEmptyEntries)
            .All(word =>
                entry.Name.Contains(word, StringComparison.CurrentCultureIgnoreCase)
                || entry.Title.Contains(word, StringComparison.CurrentCultureIgnoreCase)
                || entry.Says.Contains(word, StringComparison.CurrentCultureIgnoreCase)
            );

    /// <summary>What recordings in the same state are grouped under; <see cref="LibraryEntry.Says"/> also tells of updates.</summary>
    private static string NameOf(LibraryState state) =>
        state switch
        {
            LibraryState.OnAir => Tr("On the air", "正在播出"),
            LibraryState.Elsewhere => Tr("Written by another BatchViz", "另一个 BatchViz 正在写入"),
            LibraryState.Finished => Tr("Finished", "已完成"),
            LibraryState.Diverged => Tr("Diverged", "发散"),
            LibraryState.Failed => Tr("Failed", "失败"),
            LibraryState.Stopped => Tr("Stopped", "已停止"),
            LibraryState.Interrupted => Tr("Interrupted", "已中断"),
            _ => Tr("Unreadable", "无法读取"),
        };

    private static string Day(LibraryEntry entry) =>
        entry.Created.ToLocalTime().ToString(Tr("d MMM yyyy", "yyyy-MM-dd"), CultureInfo.InvariantCulture);

    private static IReadOnlyList<long> BatchSizes(LibraryEntry entry) =>
        entry.Manifest is { } manifest ? [.. RecordingPicture.BatchSizes(manifest).Distinct().Order()] : [];

    private static string StateTitle => Tr("State", "状态");

    private static string BatchSizesTitle => Tr("Batch sizes", "批量大小");

    private static string BegunTitle => Tr("Begun", "开始时间");

    private static string UpdatesTitle => Tr("Updates", "更新次数");

    private static string SizeTitle => Tr("Size", "大小");

    /// <summary>Columns that can be hidden, from the menu or from their headers.</summary>
    private IEnumerable<Column<LibraryEntry>> Hideable => grid?.RenderedColumns.Where(column => column.Hideable != false) ?? [];

    /// <summary>The menu shows which columns are hidden, whoever hid them.</summary>
    private EventCallback<bool> Follow(string title) =>
        EventCallback.Factory.Create<bool>(
            this,
            nowHidden =>
            {
                if (nowHidden)
                    hidden.Add(title);
                else
                    hidden.Remove(title);
            }
        );

    private async Task ShowAll()
    {
        search = "";
        if (grid is not null)
            await grid.ClearFiltersAsync();
    }

    protected override void OnAfterRender(bool firstRender)
    {
        if (firstRender)
            _ = Watch();
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
            var (now, waiting) = await Task.Run(() => (Experiments.Recordings(), Experiments.Library?.InTrash() ?? default), gone.Token);
            if (!listing && entries is not null && now.SequenceEqual(entries) && waiting == trash)
                return;
            (entries, trash) = (now, waiting);
            if (listing)
                (listing, failure) = (false, null);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            entries ??= [];
            string why =
                e is RefusedException
                    ? e.Message
                    : Tr("The recordings cannot be listed; the server's log says why.", "无法列出录制；原因见服务器日志。");
            if (failure == why)
                return;
            if (e is not RefusedException)
                Log.LogError(e, "The recordings could not be listed.");
            (listing, failure) = (true, why);
        }
        StateHasChanged();
    }

    private Task Open(LibraryEntry entry) => PutOnAir(entry, Tr("Opening…", "正在打开…"), () => Experiments.Open(entry.Key, gone.Token));

    private Task Resume(LibraryEntry entry) =>
        PutOnAir(entry, Tr("Resuming…", "正在恢复…"), () => Experiments.Resume(entry.Key, gone.Token));

    private Task PutOnAir(LibraryEntry entry, string doing, Func<Task> command) =>
        Do(
            entry,
            doing,
            async () =>
            {
                await command();
                Navigation.NavigateTo("/", forceLoad: true);
            }
        );

    /// <summary>Why not, in a sentence; null when it has the name.</summary>
    private async Task<string?> Rename(LibraryEntry entry, string name)
    {
        try
        {
            await Experiments.Rename(entry.Key, name, gone.Token);
            await Look();
            await Script.Focus($"#{RecordingActions.RenameId(entry)}");
            return null;
        }
        catch (RefusedException e)
        {
            return e.Message;
        }
    }

    /// <summary>They can be brought back while the notice lasts. What cannot be deleted says why, and stops no other.</summary>
    private async Task Delete(IReadOnlyList<LibraryEntry> doomed)
    {
        var deleted = new List<string>();
        foreach (var entry in doomed)
            await Do(entry, Tr("Deleting…", "正在删除…"), async () => deleted.Add(await Experiments.Delete(entry.Key, gone.Token)));
        selected = new(selected.Where(entry => entries?.Contains(entry, SameKey) == true), SameKey);
        if (deleted.Count == 0)
            return;
        string what =
            deleted.Count == 1 && doomed.Count == 1
                ? Tr($"Deleted “{doomed[0].Name}”.", $"已删除“{doomed[0].Name}”。")
                : Tr($"Deleted {Count(deleted.Count)}.", $"已删除 {deleted.Count} 个录制。");
        Notices.AddUndoable(what, Tr("Undo", "撤销"), () => InvokeAsync(() => Undelete(deleted)));
        await Script.Focus("#notices .mud-snackbar-action-button");
    }

    private async Task Undelete(IReadOnlyList<string> deleted)
    {
        try
        {
            string key = deleted.Select(Experiments.Undelete).ToArray()[0];
            await Look();
            await Script.Focus($"#{RecordingActions.OpenId(key)}");
        }
        catch (RefusedException e)
        {
            failure = e.Message;
            StateHasChanged();
        }
    }

    private async Task Import()
    {
        (importing, failure) = (true, null);
        try
        {
            var answer = await Script.Upload(picker, gone.Token);
            await Look();
            if (answer?.Id is { } key)
                await Script.Focus($"#{RecordingActions.OpenId(key)}");
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
        Notices.ClearUndoable();
        await Task.Run(() => Experiments.Library?.EmptyTrash());
        await Look();
    }

    private async Task Do(LibraryEntry entry, string doing, Func<Task> command)
    {
        if (busy is not null)
            return;
        (busy, refused) = ((entry.Key, doing), null);
        try
        {
            await command();
            await Look();
        }
        catch (RefusedException e)
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

    private static string Count(int n, string what = "") =>
        Tr(n == 1 ? $"1 {what}recording" : $"{n:#,0} {what}recordings", $"{n:#,0} 个录制");

    public void Dispose()
    {
        gone.Cancel();
        gone.Dispose();
    }
}
