using System.Net;
using System.Text.RegularExpressions;

namespace BatchViz.Tests;

public partial class AssetsTests(RunningHost host) : IClassFixture<RunningHost>
{
    [Theory]
    [InlineData("/healthz", "text/plain")]
    [InlineData("/", "text/html")]
    [InlineData("/_framework/blazor.web.js", "text/javascript")]
    [InlineData("/_content/MudBlazor/MudBlazor.min.js", "text/javascript")]
    [InlineData("/js/stage.js", "text/javascript")]
    [InlineData("/js/stage.css", "text/css")]
    [InlineData("/css/site.css", "text/css")]
    [InlineData("/fonts/inter-latin-wght-normal.woff2", "font/woff2")]
    [InlineData("/fonts/inter-license.txt", "text/plain")]
    public async Task What_a_page_needs_is_served(string path, string type)
    {
        using var answer = await host.Client.GetAsync(path);

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal(type, answer.Content.Headers.ContentType?.MediaType);
        Assert.NotEmpty(await answer.Content.ReadAsByteArrayAsync());
    }

    [Fact]
    public async Task Every_address_in_the_page_answers()
    {
        string page = await host.Client.GetStringAsync("/");
        string[] addresses = [.. Address().Matches(page).Select(match => match.Groups[1].Value)];

        Assert.Contains(addresses, address => address.StartsWith("js/stage.", StringComparison.Ordinal));
        foreach (string address in addresses)
        {
            using var answer = await host.Client.GetAsync(address);
            Assert.True(answer.IsSuccessStatusCode, $"{address}: {answer.StatusCode}");
        }
    }

    [Fact]
    public async Task Every_colour_that_MudBlazor_reads_is_one_of_ours()
    {
        string theirs = await host.Client.GetStringAsync("/_content/MudBlazor/MudBlazor.min.css"),
            ours = await host.Client.GetStringAsync("/css/mudblazor.css");
        string[] read = [.. PaletteRead().Matches(theirs).Select(match => match.Groups[1].Value).Distinct().Order(StringComparer.Ordinal)];

        Assert.NotEmpty(read);
        Assert.Equal([], read.Where(name => !ours.Contains($"  {name}: ", StringComparison.Ordinal)).ToArray());
    }

    [GeneratedRegex(@"var\((--mud-palette-[a-z0-9-]+)")]
    private static partial Regex PaletteRead();

    [GeneratedRegex("""<(?:link|script)[^>]*\s(?:href|src)="([^"]+)""")]
    private static partial Regex Address();
}
