using System.Text.RegularExpressions;

namespace BatchViz.Tests.Components;

public partial class PageTests(GuardedHost host) : IClassFixture<GuardedHost>
{
    private static readonly string[] Placeholders =
    [
        "title",
        "transport",
        "axis",
        "view",
        "live",
        "theme",
        "hierarchy",
        "scene",
        "layout",
        "legend",
        "charts",
        "timeline",
        "inspector",
        "status",
        "help",
        "history",
    ];

    [Fact]
    public async Task A_viewers_page_has_no_circuit_no_MudBlazor_and_nothing_of_an_owner()
    {
        using var viewer = await host.Joined(host.Links.Viewer);
        string page = Sealed().Replace(await viewer.GetStringAsync("/"), "");

        Assert.Equal(["js/theme", "js/stage"], Scripts(page).Select(script => script.Split('.')[0]));
        foreach (
            string word in new[]
            {
                "blazor",
                "mudblazor",
                "owner",
                "id=\"hold\"",
                "id=\"new-experiment\"",
                "<dialog",
                "batchviz.styles",
                "plane-menu",
                "/recordings",
                host.Links.Owner,
                host.Links.Viewer,
            }
        )
            Assert.DoesNotContain(word, page, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task An_owners_page_has_both_and_neither_link()
    {
        using var owner = await host.Joined(host.Links.Owner);
        string page = await owner.GetStringAsync("/");

        Assert.Contains(Scripts(page), script => script.StartsWith("_framework/blazor.web.", StringComparison.Ordinal));
        Assert.Contains(Scripts(page), script => script.StartsWith("_content/MudBlazor/", StringComparison.Ordinal));
        foreach (string id in new[] { "hold", "plane", "fork", "new-experiment", "share", "recordings" })
            Assert.Contains($"id=\"{id}\"", page);
        Assert.DoesNotContain(host.Links.Owner, page);
        Assert.DoesNotContain(host.Links.Viewer, page);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Both_pages_have_every_place_that_Stage_fills_and_no_inline_script(bool owner)
    {
        using var client = await host.Joined(owner ? host.Links.Owner : host.Links.Viewer);
        string page = await client.GetStringAsync("/");

        string[] places = [.. Place().Matches(page).Select(match => match.Groups[1].Value)];
        Assert.Equal(Placeholders.Order(), places.Order());
        Assert.Equal(ScriptTag().Count(page), Scripts(page).Length);
        Assert.DoesNotContain(" onclick=", page);
        Assert.Contains("<html lang=\"en\"", page);
        Assert.Contains("<title>Moons &#xB7; BatchViz</title>", page);
    }

    private static string[] Scripts(string page) => [.. Source().Matches(page).Select(match => match.Groups[1].Value)];

    [GeneratedRegex("""<script[^>]*\ssrc="([^"]+)""")]
    private static partial Regex Source();

    /// <summary>State that the server seals for itself into every page; there is nothing in it but the form token.</summary>
    [GeneratedRegex("<!--Blazor-Server-Component-State:[^>]*-->")]
    private static partial Regex Sealed();

    [GeneratedRegex("<script")]
    private static partial Regex ScriptTag();

    [GeneratedRegex(""" data-stage="([^"]+)""")]
    private static partial Regex Place();
}
