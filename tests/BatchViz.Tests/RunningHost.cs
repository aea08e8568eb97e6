using BatchViz.Web;
using Microsoft.AspNetCore.Builder;

namespace BatchViz.Tests;

/// <summary>The web program on a free loopback port, and a client for it.</summary>
public sealed class RunningHost : IAsyncLifetime
{
    private WebApplication? app;

    public HttpClient Client { get; } = new();

    public async Task InitializeAsync()
    {
        app = WebHost.Create("http://127.0.0.1:0");
        await app.StartAsync();
        Client.BaseAddress = new Uri(app.Urls.Single());
    }

    public async Task DisposeAsync()
    {
        Client.Dispose();
        if (app is not null) await app.DisposeAsync();
    }
}
