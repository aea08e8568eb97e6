using System.Security.Cryptography;
using System.Text;
using BatchViz.Live;
using Microsoft.AspNetCore.Components;
using static BatchViz.Core.Language;

namespace BatchViz.Components.Library;

/// <summary>The buttons of one recording; what they do is done by the list.</summary>
public sealed partial class RecordingActions : ComponentBase
{
    private static (string Format, string Label, string What)[] Formats =>
        [
            ("bviz", "BatchViz", Tr("all of it in one file, to open elsewhere", "全部内容存为一个文件，可在别处打开")),
            ("html", Tr("Web page", "网页"), Tr("the picture by itself, for any browser", "独立的画面，任何浏览器可看")),
            ("csv", "CSV", Tr("every record and evaluation as tables", "所有记录与评估的表格")),
            ("tensorboard", "TensorBoard", Tr("curves as event files", "曲线的事件文件")),
            ("safetensors", "Safetensors", Tr("weights at the keyframes", "各关键帧的权重")),
        ];

    [Parameter, EditorRequired]
    public LibraryEntry Entry { get; set; } = default!;

    /// <summary>Whether something is being done to it.</summary>
    [Parameter]
    public bool Busy { get; set; }

    [Parameter]
    public EventCallback<LibraryEntry> Open { get; set; }

    [Parameter]
    public EventCallback<LibraryEntry> Resume { get; set; }

    [Parameter]
    public EventCallback<LibraryEntry> Rename { get; set; }

    [Parameter]
    public EventCallback<LibraryEntry> Delete { get; set; }

    /// <summary>Id of the button that opens it, for who brings the focus there.</summary>
    public static string OpenId(LibraryEntry entry) => $"open-{IdOf(entry.Key)}";

    public static string OpenId(string key) => $"open-{IdOf(key)}";

    public static string RenameId(LibraryEntry entry) => $"rename-{IdOf(entry.Key)}";

    /// <summary>Folders may have any name, ids in a page may not.</summary>
    private static string IdOf(string key) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)))[..12];
}
