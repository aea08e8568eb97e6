using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text.RegularExpressions;
using BatchViz.Web;

namespace BatchViz.Tests;

/// <summary>What the server says of itself to a monitoring system, and to whom.</summary>
public partial class MetricsTests(GuardedHost host) : IClassFixture<GuardedHost>
{
    [Fact]
    public async Task A_scraper_sends_a_links_secret_as_its_bearer_token()
    {
        Assert.Equal(HttpStatusCode.Unauthorized, (await Get(Metrics.Path, null)).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await Get(Metrics.Path, new string('0', 64))).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await Get(Metrics.Path, host.Links.Viewer)).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await Get(Metrics.Path, host.Links.Owner)).StatusCode);
    }

    [Fact]
    public async Task A_viewers_secret_is_worth_no_more_as_a_token_than_as_a_link()
    {
        Assert.Equal(HttpStatusCode.Forbidden, (await Get("/api/recordings", host.Links.Viewer)).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await Get("/api/recordings", host.Links.Owner)).StatusCode);
    }

    [Fact]
    public async Task It_tells_how_many_watch_what_was_sent_and_how_far_the_runs_are()
    {
        using var joined = await host.Joined(host.Links.Viewer);
        using var cookies = new HttpClient(new HttpClientHandler { AllowAutoRedirect = false, UseCookies = false })
        {
            BaseAddress = host.Client.BaseAddress,
        };
        using var join = await cookies.GetAsync($"/join/{host.Links.Viewer}");
        string cookie = join.Headers.GetValues("Set-Cookie").Single().Split(';')[0];
        await using var hub = await HubClient.Connect(host.Client.BaseAddress!, "/hubs/watch", cookie);
        string text = "";

        int frames = 0;
        await hub.Stream(
            "Watch",
            _ =>
            {
                if (++frames < 3)
                    return false;
                text = Scrape().GetAwaiter().GetResult();
                return true;
            }
        );

        Assert.Equal(1, Value(text, "batchviz_viewers"));
        Assert.True(Value(text, "batchviz_frames_published_total") >= 2);
        Assert.True(Value(text, "batchviz_frames_bytes_total") > 0);
        Assert.Equal(3, Values(text, "batchviz_run_updates").Count());
        Assert.Contains("run=\"b7-s1\"", text);
        Assert.Equal(3, Values(text, "batchviz_runs").Sum());
        Assert.DoesNotContain("Moons", text);
        Assert.DoesNotContain(host.Links.Viewer, text);
    }

    private async Task<string> Scrape() => await (await Get(Metrics.Path, host.Links.Viewer)).Content.ReadAsStringAsync();

    private async Task<HttpResponseMessage> Get(string path, string? token)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        if (token is not null)
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        return await host.Client.SendAsync(request);
    }

    private static double Value(string text, string name) => Values(text, name).Single();

    private static IEnumerable<double> Values(string text, string name) =>
        from Match line in Sample().Matches(text)
        where line.Groups["name"].Value == name
        select double.Parse(line.Groups["value"].Value, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"^(?<name>[a-z_]+)(\{[^}]*\})? (?<value>[0-9.e+-]+)", RegexOptions.Multiline)]
    private static partial Regex Sample();
}
