using Microsoft.AspNetCore.Components.Rendering;
using MudBlazor;

namespace BatchViz.Components.Notices;

/// <summary>Shows what was said through <see cref="ISnackbar"/>, with elements of our own.</summary>
public sealed class NoticeProvider : MudSnackbarProvider
{
    protected override void BuildRenderTree(RenderTreeBuilder builder)
    {
        builder.OpenElement(0, "div");
        builder.AddAttribute(1, "id", "notices");
        builder.AddAttribute(2, "class", Classname);
        foreach (var notice in Snackbar)
        {
            builder.OpenComponent<NoticeElement>(3);
            builder.AddComponentParameter(4, nameof(NoticeElement.Snackbar), notice);
            builder.SetKey(notice);
            builder.CloseComponent();
        }
        builder.CloseElement();
    }
}
