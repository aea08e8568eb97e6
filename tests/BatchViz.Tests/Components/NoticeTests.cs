using System.Collections;
using System.Globalization;
using System.Resources;
using BatchViz.Components;
using BatchViz.Components.Notices;
using Bunit;
using Microsoft.Extensions.DependencyInjection;
using MudBlazor;

namespace BatchViz.Tests.Components;

/// <summary>What an owner's page says at its edge, and what MudBlazor says by itself.</summary>
public class NoticeTests(RunningHost host) : OwnerComponents(host), IClassFixture<RunningHost>
{
    [Fact]
    public async Task What_was_done_is_undone_once_and_its_notice_goes()
    {
        var notices = Services.GetRequiredService<ISnackbar>();
        int undone = 0;
        await Shown.InvokeAsync(() => notices.AddUndoable("Deleted “One”.", "Undo", () => Task.FromResult(++undone)));
        Assert.Equal("Undo", Shown.Find(".mud-snackbar-action-button").TextContent.Trim());

        await Shown.Find(".mud-snackbar-action-button").ClickAsync(new());
        Assert.Equal(1, undone);
        Shown.WaitForAssertion(() => Assert.Empty(Shown.FindAll("[role=alert]")), Patience);
    }

    [Fact]
    public async Task One_refusal_stands_at_a_time_and_none_carries_a_style_element()
    {
        var notices = Services.GetRequiredService<ISnackbar>();
        await Shown.InvokeAsync(() => notices.AddRefusal("First."));
        await Shown.InvokeAsync(() => notices.AddRefusal("Second."));
        Assert.Contains("Second.", Shown.Find("[role=alert]").TextContent);
        Assert.Single(Shown.FindAll("[role=alert]"));
        Assert.Empty(Shown.FindAll("style"));

        await Shown.InvokeAsync(notices.ClearRefusals);
        Assert.Empty(Shown.FindAll("[role=alert]"));
    }

    [Fact]
    public void Whatever_the_components_in_use_say_by_themselves_is_said_in_Chinese_too()
    {
        string[] used = ["MudDataGrid_", "MudDialog_", "MudInput_", "MudSelect_", "MudSnackbar_", "MudTable_Select", "MudTabs_"];
        using var stream = typeof(MudLocalizer).Assembly.GetManifestResourceStream("MudBlazor.Resources.LanguageResource.resources")!;
        using var english = new ResourceReader(stream);
        string[] keys =
        [
            .. english
                .Cast<DictionaryEntry>()
                .Select(entry => (string)entry.Key)
                .Where(key => used.Any(prefix => key.StartsWith(prefix, StringComparison.Ordinal))),
        ];
        Assert.NotEmpty(keys);

        var before = CultureInfo.CurrentUICulture;
        try
        {
            CultureInfo.CurrentUICulture = new CultureInfo("zh-Hans");
            Assert.Equal([], keys.Where(key => new MudWords()[key].ResourceNotFound).ToArray());
        }
        finally
        {
            CultureInfo.CurrentUICulture = before;
        }
    }
}
