using System.Security.Cryptography;
using System.Text;
using BatchViz.Live;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Web;
using static BatchViz.Core.Language;

namespace BatchViz.Components.Library;

/// <summary>One recording of the library; what its buttons do is done by the list.</summary>
public sealed partial class RecordingCard : ComponentBase
{
    private static (string Format, string Label, string What)[] Formats =>
    [
        ("bviz", "BatchViz", Tr("all of it in one file, to open elsewhere", "全部内容存为一个文件，可在别处打开")),
        ("html", Tr("Web page", "网页"), Tr("the picture by itself, for any browser", "独立的画面，任何浏览器可看")),
        ("csv", "CSV", Tr("every record and evaluation as tables", "所有记录与评估的表格")),
        ("tensorboard", "TensorBoard", Tr("curves as event files", "曲线的事件文件")),
        ("safetensors", "Safetensors", Tr("weights at the keyframes", "各关键帧的权重")),
    ];

    private ElementReference field, pencil, open;
    private bool renaming, focusField, focusPencil, fieldDrawn;
    private string typed = "";

    [Parameter, EditorRequired] public LibraryEntry Entry { get; set; } = default!;

    /// <summary>What is being done to it; null: nothing.</summary>
    [Parameter] public string? Busy { get; set; }

    /// <summary>Why something was refused, in a sentence.</summary>
    [Parameter] public string? Refusal { get; set; }

    [Parameter] public EventCallback<LibraryEntry> Open { get; set; }

    [Parameter] public EventCallback<LibraryEntry> Resume { get; set; }

    [Parameter] public EventCallback<(LibraryEntry Entry, string Name)> Rename { get; set; }

    [Parameter] public EventCallback<LibraryEntry> Delete { get; set; }

    /// <summary>Folders may have any name, ids in a page may not.</summary>
    private string Id => "r-" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Entry.Key)))[..12];

    private IReadOnlyList<string> Damages => Entry.State is LibraryState.OnAir or LibraryState.Elsewhere ? [] : Entry.Damages;

    private IReadOnlyList<long> BatchSizes => Entry.Manifest is { } manifest ? [.. RecordingPicture.BatchSizes(manifest).Distinct().Order()] : [];

    /// <summary>Those that the experiment's page has.</summary>
    private RunColours? Colours => Entry.Manifest is { } manifest ? RunColours.Of(manifest) : null;

    /// <summary>Puts the focus on what a keyboard would go on with.</summary>
    public async Task Focus()
    {
        if (Entry.Manifest is not null && Entry.State != LibraryState.OnAir) await open.FocusAsync();
    }

    protected override async Task OnAfterRenderAsync(bool firstRender)
    {
        // Over a slow connection this may be about an earlier picture, in which what is to have the focus is not there yet.
        if (focusField && fieldDrawn)
        {
            focusField = false;
            await field.FocusAsync();
        }
        if (focusPencil && !fieldDrawn)
        {
            focusPencil = false;
            await pencil.FocusAsync();
        }
    }

    private void BeginRename() => (renaming, focusField, typed) = (true, true, Entry.Name);

    private async Task Key(KeyboardEventArgs key)
    {
        if (key.Key is not ("Enter" or "Escape")) return;
        focusPencil = true;
        if (key.Key == "Enter") await Save();
        else renaming = false;
    }

    /// <summary>Also when the field loses the focus: nothing that was typed is lost without a word.</summary>
    private async Task Save()
    {
        if (!renaming) return;
        renaming = false;
        if (typed.Trim() != Entry.Name) await Rename.InvokeAsync((Entry, typed));
    }
}
