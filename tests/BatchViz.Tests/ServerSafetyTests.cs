using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using BatchViz.Web;
using Microsoft.AspNetCore.SignalR;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace BatchViz.Tests;

/// <summary>What hostile or careless clients may do to a server that others use.</summary>
public class ServerSafetyTests(GuardedHost host) : IClassFixture<GuardedHost>
{
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(60);

    /// <summary>Where a frame says how many people watch (docs/wire-format.md).</summary>
    private const int WatchingAt = 30;

    [Fact]
    public async Task A_person_has_few_connections_and_is_counted_once_however_many()
    {
        string ann = await host.Cookie(host.Links.Viewer),
            bob = await host.Cookie(host.Links.Viewer);
        var open = new List<HubClient>();
        for (int i = 0; i < HubConnections.MostOfAPerson; i++)
        {
            open.Add(await HubClient.Connect(host.Client.BaseAddress!, "/hubs/watch", ann));
            await open[^1].Stream("Watch", _ => true);
        }
        var refused = await Assert.ThrowsAsync<HttpRequestException>(() => HubClient.Connect(host.Client.BaseAddress!, "/hubs/watch", ann));
        Assert.Equal(HttpStatusCode.TooManyRequests, refused.StatusCode);
        using var request = new HttpRequestMessage(HttpMethod.Post, "/hubs/watch/negotiate?negotiateVersion=1")
        {
            Headers = { { "Cookie", ann } },
        };
        using var negotiating = await host.Client.SendAsync(request);
        Assert.Equal(
            (HttpStatusCode.TooManyRequests, HubConnections.Refusal),
            (negotiating.StatusCode, await negotiating.Content.ReadAsStringAsync())
        );

        await using (var other = await HubClient.Connect(host.Client.BaseAddress!, "/hubs/watch", bob))
        {
            await other.Stream("Watch", frame => BinaryPrimitives.ReadUInt16LittleEndian(frame.AsSpan(WatchingAt)) == 2).WaitAsync(Long);
        }
        foreach (var connection in open)
            await connection.DisposeAsync();
        // The server notices that they are gone a little later.
        for (var limit = DateTime.UtcNow + Long; ; await Task.Delay(20))
        {
            Assert.True(DateTime.UtcNow < limit, "there is no room again");
            try
            {
                await using var again = await HubClient.Connect(host.Client.BaseAddress!, "/hubs/watch", ann);
                break;
            }
            catch (HttpRequestException) { }
        }
    }

    [Fact]
    public async Task A_connection_watches_once_and_refusals_are_no_failures_in_the_log()
    {
        var log = new Warnings();
        host.App.Services.GetRequiredService<ILoggerFactory>().AddProvider(log);
        await using (var viewer = await HubClient.Connect(host.Client.BaseAddress!, "/hubs/watch", await host.Cookie(host.Links.Viewer)))
        {
            await viewer.Stream("Watch", _ => true);
            var refused = await Assert.ThrowsAsync<HubException>(() => viewer.Stream("Watch", _ => true));
            Assert.Contains("watches already", refused.Message);
        }
        await using var owner = await HubClient.Connect(host.Client.BaseAddress!, "/hubs/control", await host.Cookie(host.Links.Owner));
        Assert.Contains("A plane is", await owner.Invoke("FitPlane", "nonsense"));
        Assert.Contains("is no run", await owner.Invoke("FitPlaneAt", "hessian", new[] { "b9-s9" }, 1));
        Assert.Contains("keeps no recordings", await owner.Invoke("Open", "moons"));
        Assert.NotNull(await owner.Invoke("Fork", "b1-s1", "no number", new Dictionary<string, string>()));
        Assert.Empty(log.Lines);
    }

    [Theory]
    [InlineData("127.0.0.1:99999")]
    [InlineData("127.0.0.1:99999999999999999999")]
    [InlineData("localhost:-1")]
    [InlineData("[::1")]
    [InlineData("")]
    public async Task A_Host_that_is_no_address_is_a_bad_request(string name)
    {
        string answer = await Raw(host.Client.BaseAddress!, $"GET / HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 400 ", answer);
    }

    [Fact]
    public async Task A_viewer_who_asks_in_a_loop_waits_and_is_refused_with_a_sentence_and_the_owner_is_not()
    {
        using var viewer = await host.Joined(host.Links.Viewer);
        using var owner = await host.Joined(host.Links.Owner);
        string path = $"/api/experiments/{host.Experiments.Current!.Generation}/batches/0/1";
        var loop = Task.WhenAll(Enumerable.Range(0, 400).Select(_ => viewer.GetAsync(path)));
        var own = await Task.WhenAll(Enumerable.Range(0, 200).Select(_ => owner.GetAsync(path)));
        Assert.All(own, answer => Assert.True(answer.StatusCode is HttpStatusCode.OK or HttpStatusCode.Accepted, $"{answer.StatusCode}"));

        var answers = await loop.WaitAsync(Long);
        var refused = answers.Where(answer => answer.StatusCode == HttpStatusCode.TooManyRequests).ToArray();
        Assert.NotEmpty(refused);
        Assert.Equal("You ask too much at once; ask again in a moment.", await refused[0].Content.ReadAsStringAsync());
        Assert.All(
            answers.Except(refused),
            answer => Assert.True(answer.StatusCode is HttpStatusCode.OK or HttpStatusCode.Accepted, $"{answer.StatusCode}")
        );
    }

    [Theory]
    [InlineData("http://192.168.1.20:5203", "192.168.1.20")]
    [InlineData("https://batchviz.example/", "batchviz.example")]
    public void An_address_that_others_use_is_answered_under_and_asks_for_a_link(string address, string name)
    {
        var options = new ServeOptions("http://localhost:5000", signIn: false, ServeOptions.ParsePublic(address));
        Assert.True(options.AllowsHost(name) && options.AllowsHost("localhost") && options.SignIn);
        Assert.False(options.AllowsHost("evil.example"));
        Assert.False(new ServeOptions("http://localhost:5000", signIn: false, ServeOptions.ParsePublic("http://localhost:8080")).SignIn);
    }

    /// <summary>Sends bytes as they are and reads until the server closes.</summary>
    internal static async Task<string> Raw(Uri server, string request)
    {
        using var socket = new TcpClient();
        await socket.ConnectAsync(server.Host, server.Port);
        await socket.GetStream().WriteAsync(Encoding.Latin1.GetBytes(request));
        var answer = new StringBuilder();
        byte[] buffer = new byte[4096];
        using var patience = new CancellationTokenSource(Long);
        try
        {
            while (await socket.GetStream().ReadAsync(buffer, patience.Token) is > 0 and var read)
                answer.Append(Encoding.Latin1.GetString(buffer, 0, read));
        }
        catch (IOException)
        {
            // Reset is closed, too.
        }
        return answer.ToString();
    }

    /// <summary>What a log takes from warnings on.</summary>
    private sealed class Warnings : ILoggerProvider, ILogger
    {
        public readonly ConcurrentQueue<string> Lines = new();

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel level) => level >= LogLevel.Warning;

        public void Log<TState>(LogLevel level, EventId id, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(level))
                Lines.Enqueue($"{level}: {formatter(state, exception)} {exception}");
        }

        public void Dispose() { }
    }
}

/// <summary>Behind a proxy that keeps the name others use.</summary>
public sealed class ProxiedHost() : SomeHost(signIn: false)
{
    public const string Name = "192.168.1.20:5203";

    protected override ServeOptions Options => new("http://127.0.0.1:0", signIn: false, new Uri($"http://{Name}"));
}

public class ProxiedHostTests(ProxiedHost host) : IClassFixture<ProxiedHost>
{
    [Fact]
    public async Task Links_with_the_address_that_others_use_open_the_page_there_and_nobody_is_the_owner_without_one()
    {
        Assert.Equal(HttpStatusCode.Unauthorized, (await Get("/", null)).StatusCode);
        using var joined = await Get($"/join/{host.Links.Viewer}", null);
        Assert.Equal(HttpStatusCode.Redirect, joined.StatusCode);
        string cookie = joined.Headers.GetValues("Set-Cookie").Single().Split(';')[0];
        using var session = await Get("/api/session", cookie);
        Assert.Contains("\"viewer\"", await session.Content.ReadAsStringAsync());
        // The proxy may also name this server by its own address, and pass the page's Origin on.
        await using var watching = await HubClient.Connect(host.Client.BaseAddress!, "/hubs/watch", cookie, $"http://{ProxiedHost.Name}");
        await watching.Stream("Watch", _ => true);
    }

    private async Task<HttpResponseMessage> Get(string path, string? cookie)
    {
        using var client = new HttpClient(new HttpClientHandler { AllowAutoRedirect = false, UseCookies = false })
        {
            BaseAddress = host.Client.BaseAddress,
        };
        using var request = new HttpRequestMessage(HttpMethod.Get, path) { Headers = { Host = ProxiedHost.Name } };
        if (cookie is not null)
            request.Headers.Add("Cookie", cookie);
        return await client.SendAsync(request);
    }
}

/// <summary>Has little patience with connections that say nothing.</summary>
public sealed class ImpatientHost() : SomeHost(signIn: true)
{
    protected override ServeOptions Options => new("http://127.0.0.1:0", signIn: true) { Silence = TimeSpan.FromSeconds(1) };
}

public class ImpatientHostTests(ImpatientHost host) : IClassFixture<ImpatientHost>
{
    [Theory]
    [InlineData("")]
    [InlineData("GET / HT")]
    [InlineData("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ")]
    [InlineData("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")]
    public async Task Connections_on_which_nothing_more_is_said_are_closed(string said) =>
        await ServerSafetyTests.Raw(host.Client.BaseAddress!, said);

    /// <summary>One that does not even begin with SignalR's handshake, and one that falls silent after it.</summary>
    [Theory]
    [InlineData]
    [InlineData("""{"protocol":"json","version":1}""")]
    public async Task So_are_hub_connections_of_clients_that_have_fallen_silent(params string[] said)
    {
        const string Upgrade =
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
        string cookie = await host.Cookie(host.Links.Viewer);
        // Text frames (RFC 6455) under a mask of zeros; what is sent is far shorter than 126 bytes.
        string frames = string.Concat(said.Select(text => $"\u0081{(char)(0x80 | (text.Length + 1))}\0\0\0\0{text}\u001e"));
        string answer = await ServerSafetyTests.Raw(
            host.Client.BaseAddress!,
            $"GET /hubs/watch HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {cookie}\r\n{Upgrade}\r\n{frames}"
        );
        Assert.StartsWith("HTTP/1.1 101", answer);
    }
}
