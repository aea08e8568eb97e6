using System.Net;
using System.Reflection;
using BatchViz.Web;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.SignalR;
using Microsoft.Extensions.DependencyInjection;

namespace BatchViz.Tests;

/// <summary>With sign-in on: who gets in where. Every endpoint and every hub method is in one of the lists.</summary>
public class AccessTests(GuardedHost host) : IClassFixture<GuardedHost>
{
    private static readonly string[] ForAnyone = ["/healthz", "/join/{secret}"];

    private static readonly string[] OwnersOnly = ["/_blazor", "/hubs/control", "/recordings", "/api/recordings"];

    /// <summary>Of an experiment: all of it is for viewers, too.</summary>
    private static readonly string[] Looking =
    [
        "",
        "/tiles/{run:int}/{columns}/{level:int}/{index:long}",
        "/batches/{run:int}/{update:long}",
        "/moments/{run:int}/{update:long}/{plane:long}",
        "/boundary/{run:int}/{update:long}",
        "/examples/{split}/{ids}",
        "/points/{split}",
        "/lines/{a:int}/{b:int}",
        "/probes/{run:int}",
        "/keyframes/{run:int}",
        "/evaluations/{run:int}",
        "/paths/{plane:long}/{run:int}",
        "/grids/{grid:long}/{resolution:int}",
    ];

    private static readonly string[] Watching = ["Watch"];

    private static readonly (string Method, object[] Arguments)[] Controlling =
    [
        ("Hold", []),
        ("Continue", []),
        ("StepOnce", []),
        ("Stop", []),
        ("FitPlane", ["random"]),
        ("FitPlaneAt", ["hessian", new[] { "b1-s1" }, 0]),
        ("Start", [SomeHost.Moons]),
    ];

    /// <summary>Of a host that keeps no recordings: an owner gets as far as a sentence.</summary>
    private static readonly (string Method, object[] Arguments)[] Keeping =
    [
        ("Open", ["moons"]),
        ("Resume", ["moons"]),
        ("Rename", ["moons", "Suns"]),
        ("Delete", ["moons"]),
        ("Undelete", ["moons"]),
        ("Fork", ["b9-s9", 1, new Dictionary<string, string>()]),
        ("UndoFork", ["b9-s9"]),
        ("RedoFork", ["b9-s9"]),
    ];

    public static IEnumerable<object[]> Secrets =>
        [
            ["0"],
            [new string('0', 64)],
            ["%00"],
            ["owner"],
        ];

    private IEnumerable<RouteEndpoint> Endpoints =>
        host
            .App.Services.GetRequiredService<EndpointDataSource>()
            .Endpoints.OfType<RouteEndpoint>()
            .Concat(((IEndpointRouteBuilder)host.App).DataSources.SelectMany(s => s.Endpoints).OfType<RouteEndpoint>())
            .Distinct();

    [Fact]
    public async Task Nobody_without_a_link_reaches_any_endpoint_but_the_door()
    {
        int tried = 0;
        foreach (string path in Paths())
        {
            if (ForAnyone.Contains(path))
                continue;
            tried++;
            foreach (var method in new[] { HttpMethod.Get, HttpMethod.Post })
            {
                using var answer = await host.Client.SendAsync(new HttpRequestMessage(method, Filled(path)));
                Assert.False(answer.IsSuccessStatusCode, $"{method} {path}: {answer.StatusCode}");
            }
        }
        Assert.True(tried > 10, $"only {tried} endpoints were found");
    }

    [Fact]
    public async Task A_viewer_reaches_only_what_changes_nothing()
    {
        using var viewer = await host.Joined(host.Links.Viewer);

        foreach (string path in Paths().Where(p => OwnersOnly.Any(start => p.StartsWith(start, StringComparison.Ordinal))))
        {
            using var get = await viewer.GetAsync(Filled(path));
            using var post = await viewer.PostAsync(Filled(path), null);
            Assert.True(get.StatusCode is HttpStatusCode.Forbidden or HttpStatusCode.MethodNotAllowed, $"GET {path}: {get.StatusCode}");
            Assert.True(post.StatusCode is HttpStatusCode.Forbidden or HttpStatusCode.MethodNotAllowed, $"POST {path}: {post.StatusCode}");
        }
        foreach (string path in new[] { "/recordings", "/api/recordings" })
        {
            using var refused = await viewer.GetAsync(path);
            Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
        }
        using var manifest = await viewer.GetAsync("/api/experiments/current");
        Assert.Equal(HttpStatusCode.OK, manifest.StatusCode);
        Assert.Contains("\"viewer\"", await viewer.GetStringAsync("/api/session"));
    }

    [Fact]
    public async Task A_viewer_sees_all_of_the_experiment_and_the_list_of_it_is_complete()
    {
        const string Experiment = "/api/experiments/{generation:long}";
        using var viewer = await host.Joined(host.Links.Viewer);

        Assert.Equal(
            Looking.Select(path => Experiment + path).Order(),
            Paths().Where(path => path.StartsWith(Experiment, StringComparison.Ordinal)).Order()
        );
        foreach (string path in Looking)
        {
            using var answer = await viewer.GetAsync(Filled(Experiment + path));
            Assert.False(answer.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden, $"{path}: {answer.StatusCode}");
        }
    }

    [Fact]
    public async Task Endpoints_that_take_more_than_reading_are_hubs_circuits_and_pages_only()
    {
        await Task.CompletedTask;
        var writing = Endpoints
            .Where(e => e.Metadata.GetMetadata<HttpMethodMetadata>() is not { } m || m.HttpMethods.Any(h => h is not ("GET" or "HEAD")))
            .Select(Path)
            .Distinct();

        Assert.All(
            writing,
            path =>
                Assert.True(
                    path.StartsWith("/hubs/", StringComparison.Ordinal)
                        || path.StartsWith("/_blazor", StringComparison.Ordinal)
                        || path.StartsWith("/_framework", StringComparison.Ordinal)
                        || path is "/" or "/recordings" or "/api/recordings/import",
                    path
                )
        );
    }

    [Fact]
    public void The_watching_hub_has_nothing_but_Watch_and_the_lists_here_are_complete()
    {
        Assert.Equal(Watching, Methods(typeof(WatchHub)));
        Assert.Equal(Controlling.Concat(Keeping).Select(c => c.Method).Order(), Methods(typeof(ControlHub)).Order());
    }

    [Fact]
    public async Task A_viewer_can_watch_but_call_no_controlling_method_on_either_hub()
    {
        string cookie = await Cookie(host.Links.Viewer);

        var refused = await Assert.ThrowsAsync<HttpRequestException>(() =>
            HubClient.Connect(host.Client.BaseAddress!, "/hubs/control", cookie)
        );
        Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
        foreach (var (method, arguments) in Controlling.Concat(Keeping))
        {
            await using var hub = await HubClient.Connect(host.Client.BaseAddress!, "/hubs/watch", cookie);
            Assert.NotNull(await hub.Invoke(method, arguments));
        }
        await using var watching = await HubClient.Connect(host.Client.BaseAddress!, "/hubs/watch", cookie);
        int frames = 0;
        await watching.Stream("Watch", _ => ++frames == 2);
    }

    [Fact]
    public async Task An_owner_can_call_every_controlling_method()
    {
        await using var hub = await HubClient.Connect(host.Client.BaseAddress!, "/hubs/control", await Cookie(host.Links.Owner));

        foreach (var (method, arguments) in Controlling)
            Assert.Null(await hub.Invoke(method, arguments));
        foreach (var (method, arguments) in Keeping)
            Assert.Contains(
                method switch
                {
                    "Fork" => "no run of this experiment",
                    "UndoFork" or "RedoFork" => "no fork of this experiment",
                    _ => "keeps no recordings",
                },
                await hub.Invoke(method, arguments)
            );
        Assert.Contains("batchSizes[0]", await hub.Invoke("Start", SomeHost.Moons.Replace("[1,", "[0,")));
    }

    [Fact]
    public async Task The_two_links_are_long_random_and_unlike_each_other_and_the_cookie_is_out_of_reach_of_scripts()
    {
        Assert.Matches("^[0-9a-f]{64}$", host.Links.Owner);
        Assert.Matches("^[0-9a-f]{64}$", host.Links.Viewer);
        Assert.NotEqual(host.Links.Owner, host.Links.Viewer);
        Assert.NotEqual(host.Links.Owner, new Links().Owner);

        using var client = new HttpClient(new HttpClientHandler { AllowAutoRedirect = false }) { BaseAddress = host.Client.BaseAddress };
        using var answer = await client.GetAsync($"/join/{host.Links.Viewer}");
        string cookie = answer.Headers.GetValues("Set-Cookie").Single();
        Assert.Contains("httponly", cookie, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("samesite=lax", cookie, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain(host.Links.Viewer, cookie);
    }

    [Theory]
    [MemberData(nameof(Secrets))]
    public async Task A_wrong_link_opens_nothing(string secret)
    {
        using var answer = await host.Client.GetAsync($"/join/{secret}");

        Assert.False(answer.IsSuccessStatusCode);
        Assert.False(answer.Headers.Contains("Set-Cookie"));
    }

    [Theory]
    [InlineData("http://evil.example")]
    [InlineData("null")]
    [InlineData("http://127.0.0.1:1")]
    public async Task Pages_of_other_sites_reach_no_hub_and_no_circuit(string origin)
    {
        string owner = await Cookie(host.Links.Owner);
        foreach (string hub in new[] { "/hubs/watch", "/hubs/control", "/_blazor" })
        {
            var refused = await Assert.ThrowsAsync<HttpRequestException>(() =>
                HubClient.Connect(host.Client.BaseAddress!, hub, owner, origin)
            );
            Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
        }
        string own = host.Client.BaseAddress!.GetLeftPart(UriPartial.Authority);
        await using var allowed = await HubClient.Connect(host.Client.BaseAddress!, "/hubs/control", owner, own);
        Assert.Null(await allowed.Invoke("Continue"));
    }

    private static IEnumerable<string> Methods(Type hub) =>
        hub.GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly)
            .Where(m => !typeof(Hub).GetMethods().Any(b => b.Name == m.Name))
            .Select(m => m.Name);

    /// <summary>Every route but those of files, which are no secret.</summary>
    private IEnumerable<string> Paths() =>
        Endpoints
            .Where(e => !e.Metadata.Any(m => m.GetType().Name.Contains("StaticAsset", StringComparison.Ordinal)))
            .Select(Path)
            .Distinct();

    private static string Path(RouteEndpoint endpoint) => "/" + (endpoint.RoutePattern.RawText ?? "").TrimStart('/');

    private static string Filled(string path) => System.Text.RegularExpressions.Regex.Replace(path, @"\{[^}]*\}", "1");

    private Task<string> Cookie(string secret) => host.Cookie(secret);
}
