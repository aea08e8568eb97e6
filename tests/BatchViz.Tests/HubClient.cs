using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace BatchViz.Tests;

/// <summary>A hub connection over a plain WebSocket with SignalR's JSON protocol; the .NET client is not to be had everywhere.</summary>
public sealed class HubClient : IAsyncDisposable
{
    private const byte End = 0x1E;

    private readonly ClientWebSocket socket = new();
    private readonly MemoryStream rest = new();

    /// <exception cref="WebSocketException">The hub refuses; <see cref="Status"/> says how.</exception>
    public static async Task<HubClient> Connect(Uri server, string hub, string? cookie = null, string? origin = null)
    {
        var client = new HubClient();
        client.socket.Options.CollectHttpResponseDetails = true;
        if (cookie is not null) client.socket.Options.SetRequestHeader("Cookie", cookie);
        if (origin is not null) client.socket.Options.SetRequestHeader("Origin", origin);
        try
        {
            await client.socket.ConnectAsync(new Uri($"ws://{server.Authority}{hub}"), Patience());
        }
        catch (WebSocketException e)
        {
            throw new HttpRequestException(e.Message, e, client.socket.HttpStatusCode);
        }
        await client.Send("""{"protocol":"json","version":1}""");
        Assert.Equal("{}", (await client.Message())!.ToJsonString());
        return client;
    }

    /// <summary>Calls a method and returns its error, or null when it was done.</summary>
    public async Task<string?> Invoke(string method, params object[] arguments)
    {
        await Send(JsonSerializer.Serialize(new { type = 1, invocationId = "1", target = method, arguments }));
        while (await Message() is { } message)
            if ((int?)message["type"] == 3) return (string?)message["error"];
        return "The connection was closed.";
    }

    /// <summary>Streams bytes until <paramref name="enough"/> says so.</summary>
    /// <param name="id">Tells streams of one connection apart.</param>
    public async Task Stream(string method, Func<byte[], bool> enough, string id = "stream")
    {
        await Send(JsonSerializer.Serialize(new { type = 4, invocationId = id, target = method, arguments = Array.Empty<object>() }));
        while (await Message() is { } message)
        {
            if ((string?)message["invocationId"] is { } of && of != id) continue;
            if ((int?)message["type"] == 3) throw new InvalidOperationException((string?)message["error"]);
            if ((int?)message["type"] == 2 && enough(Convert.FromBase64String((string)message["item"]!))) return;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (socket.State == WebSocketState.Open) await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, Patience());
        socket.Dispose();
        await rest.DisposeAsync();
    }

    private Task Send(string json) => socket.SendAsync(Encoding.UTF8.GetBytes(json + (char)End), WebSocketMessageType.Text, true, Patience());

    private async Task<JsonNode?> Message()
    {
        var buffer = new byte[65536];
        while (true)
        {
            var bytes = rest.GetBuffer().AsSpan(0, (int)rest.Length);
            int end = bytes.IndexOf(End);
            if (end >= 0)
            {
                var message = JsonNode.Parse(bytes[..end]);
                byte[] after = bytes[(end + 1)..].ToArray();
                rest.SetLength(0);
                rest.Write(after);
                return message;
            }
            var read = await socket.ReceiveAsync(buffer, Patience());
            if (read.MessageType == WebSocketMessageType.Close) return null;
            rest.Write(buffer, 0, read.Count);
        }
    }

    private static CancellationToken Patience() => new CancellationTokenSource(TimeSpan.FromSeconds(30)).Token;
}
