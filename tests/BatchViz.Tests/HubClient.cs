using Microsoft.AspNetCore.SignalR;
using Microsoft.AspNetCore.SignalR.Client;
using Microsoft.Extensions.DependencyInjection;

namespace BatchViz.Tests;

/// <summary>A connection to one of the program's hubs, as a .NET program makes it.</summary>
public sealed class HubClient : IAsyncDisposable
{
    private readonly HubConnection connection;
    private readonly CancellationTokenSource closed = new();

    private HubClient(HubConnection connection) => this.connection = connection;

    /// <exception cref="HttpRequestException">The hub refuses; <see cref="HttpRequestException.StatusCode"/> says how.</exception>
    public static async Task<HubClient> Connect(Uri server, string hub, string? cookie = null, string? origin = null, bool json = false)
    {
        var builder = new HubConnectionBuilder().WithUrl(
            new Uri(server, hub),
            options =>
            {
                options.UseDefaultCredentials = false;
                if (cookie is not null)
                    options.Headers["Cookie"] = cookie;
                if (origin is not null)
                    options.Headers["Origin"] = origin;
            }
        );
        if (!json)
            builder.AddMessagePackProtocol();
        var client = new HubClient(builder.Build());
        try
        {
            await client.connection.StartAsync(Patience());
        }
        catch
        {
            await client.DisposeAsync();
            throw;
        }
        return client;
    }

    /// <summary>Calls a method and returns its error, or null when it was done.</summary>
    public async Task<string?> Invoke(string method, params object?[] arguments)
    {
        try
        {
            await connection.InvokeCoreAsync(method, typeof(object), arguments, Patience());
            return null;
        }
        catch (HubException refused)
        {
            return refused.Message;
        }
    }

    /// <summary>Streams bytes until <paramref name="enough"/> says so; the stream stays open as long as the connection.</summary>
    /// <exception cref="HubException">The hub refuses.</exception>
    public async Task Stream(string method, Func<byte[], bool> enough)
    {
        var stream = await connection.StreamAsChannelCoreAsync<byte[]>(method, [], closed.Token);
        await foreach (byte[] bytes in stream.ReadAllAsync(Patience()))
            if (enough(bytes))
                return;
    }

    public async ValueTask DisposeAsync()
    {
        await closed.CancelAsync();
        await connection.DisposeAsync();
        closed.Dispose();
    }

    private static CancellationToken Patience() => new CancellationTokenSource(TimeSpan.FromSeconds(30)).Token;
}
