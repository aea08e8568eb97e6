using BatchViz.Components.Library;
using Bunit;

namespace BatchViz.Tests.Components;

/// <summary>A host that records, in a folder of its own.</summary>
public sealed class RecordingHost() : SomeHost(signIn: false, Directory.CreateTempSubdirectory("batchviz-list-").FullName);

/// <summary>What the page of recordings refuses and says, without a browser.</summary>
public class RecordingListTests(RecordingHost host) : OwnerComponents(host), IClassFixture<RecordingHost>
{
    [Fact]
    public async Task What_cannot_be_deleted_says_why_in_its_row()
    {
        await Ended();
        var list = Listed();
        await list.Find("button[aria-label='Delete Moons']").ClickAsync(new());

        list.WaitForAssertion(
            () =>
                Assert.Equal(
                    "“Moons” is on the air; it can be deleted when another experiment is.",
                    list.Find("tr [role=alert]").TextContent
                ),
            Patience
        );
        Assert.Empty(Shown.FindAll(".mud-snackbar"));
    }

    [Fact]
    public async Task A_name_that_is_refused_says_why_below_the_field_and_another_is_taken()
    {
        await Ended();
        var list = Listed();
        await list.Find("button[aria-label='Rename Moons']").ClickAsync(new());
        Shown.WaitForAssertion(() => Assert.Equal("Moons", Shown.Find("#rename-name").GetAttribute("value")), Patience);

        await Shown.Find("#rename-name").InputAsync("");
        await Shown.Find("form").SubmitAsync();
        Shown.WaitForAssertion(
            () => Assert.Equal("A recording's name has 1 to 100 characters.", Shown.Find("#rename-name-problem").TextContent.Trim()),
            Patience
        );

        await Shown.Find("#rename-name").InputAsync("Half-moons");
        await Shown.Find("form").SubmitAsync();
        list.WaitForAssertion(() => Assert.Equal("Half-moons", list.Find("tr h2").TextContent), Patience);
        Assert.Empty(Shown.FindAll("[role=dialog]"));

        await Experiments.Rename(Experiments.Recordings().Single().Key, "Moons");
        list.WaitForAssertion(() => Assert.Equal("Moons", list.Find("tr h2").TextContent), Patience);
    }

    [Fact]
    public async Task A_search_without_an_answer_teaches_the_way_back()
    {
        await Ended();
        var list = Listed();
        await list.Find("#search").InputAsync("nowhere");
        list.WaitForAssertion(() => Assert.Contains("No recording has “nowhere” in its name", list.Find(".nothing").TextContent), Patience);

        await list.FindAll(".nothing button").Single().ClickAsync(new());
        list.WaitForAssertion(() => Assert.Single(list.FindAll("tr h2")), Patience);
    }

    private IRenderedComponent<RecordingList> Listed()
    {
        var list = Render<RecordingList>();
        list.WaitForState(() => list.FindAll("tr h2").Count == 1, Patience);
        return list;
    }
}
