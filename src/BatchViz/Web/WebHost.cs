using BatchViz.Components;
using BatchViz.Live;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.AspNetCore.SignalR;

namespace BatchViz.Web;

/// <summary>Puts the web program together; tests start the same one on port 0.</summary>
public static class WebHost
{
    /// <summary>A stalled reader fills this much of the kernel's memory, not megabytes, before it is noticed and let go.</summary>
    private const int SendBufferBytes = 64 * 1024;

    private const string ViewerPolicy =
        "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
        + "connect-src 'self'; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'";

    /// <summary>The components of an owner's page carry style attributes; style elements are refused there too.</summary>
    private static readonly string OwnerPolicy = ViewerPolicy.Replace(
        "style-src 'self'",
        "style-src 'self'; style-src-attr 'unsafe-inline'"
    );

    public static WebApplication Create(ServeOptions options, ExperimentHost experiments)
    {
        // Named and rooted here, so that `dotnet run`, a published folder and a test all find the same files.
        var builder = WebApplication.CreateBuilder(
            new WebApplicationOptions { ApplicationName = "batchviz", ContentRootPath = AppContext.BaseDirectory }
        );
        builder.WebHost.UseStaticWebAssets();
        builder.WebHost.UseUrls(options.Urls);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.KeepAliveTimeout = kestrel.Limits.RequestHeadersTimeout = options.Silence;
        });
        builder.WebHost.UseSockets(sockets =>
            sockets.CreateBoundListenSocket = endpoint =>
            {
                var socket = SocketTransportOptions.CreateDefaultBoundListenSocket(endpoint);
                socket.SendBufferSize = SendBufferBytes;
                return socket;
            }
        );
        builder.Logging.AddFilter("Microsoft", LogLevel.Warning);
        // What fails in a hub's method is logged by HubGuard, refusals are not; that the program cannot listen is said by who starts it.
        builder.Logging.AddFilter("Microsoft.AspNetCore.SignalR.Internal.DefaultHubDispatcher", LogLevel.None);
        builder.Logging.AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.Critical);
        builder.Services.AddSingleton(options);
        builder.Services.AddSingleton(experiments);
        builder.Services.AddSingleton<Links>();
        builder.Services.AddSingleton<Broadcast>();
        builder.Services.AddHostedService<FrameLoop>();
        builder.Services.AddAccess();
        builder.Services.AddCascadingAuthenticationState();
        builder.Services.AddViewersPace();
        builder.Services.AddSingleton<HubConnections>();
        builder.Services.AddSingleton<HubGuard>();
        // MessagePack carries frames as their own bytes; JSON, which is there by default, is for a person who debugs.
        builder
            .Services.AddSignalR(hub =>
            {
                hub.MaximumParallelInvocationsPerClient = 2;
                hub.HandshakeTimeout = options.Silence;
                hub.ClientTimeoutInterval = options.Silence;
            })
            .AddMessagePackProtocol()
            .AddHubOptions<WatchHub>(hub => hub.AddFilter<HubGuard>())
            .AddHubOptions<ControlHub>(hub => hub.AddFilter<HubGuard>());
        builder.Services.AddRazorComponents().AddInteractiveServerComponents();
        builder.Services.AddOwnerComponents();
        builder.Services.AddMetricsEndpoint();

        var app = builder.Build();
        app.Use(
            (context, next) =>
            {
                var headers = context.Response.Headers;
                headers.ContentSecurityPolicy = ViewerPolicy;
                headers.XContentTypeOptions = "nosniff";
                headers["Referrer-Policy"] = "same-origin";
                return next(context);
            }
        );
        app.UsePageLanguage();
        app.UseAccess(options);
        app.Use(
            (context, next) =>
            {
                if (context.User.IsInRole(Access.Owner))
                    context.Response.Headers.ContentSecurityPolicy = OwnerPolicy;
                return next(context);
            }
        );
        app.UseRateLimiter();
        app.UseWebSockets();
        app.Use(HubGuard.Refuse);
        app.UseAntiforgery();
        app.MapAccess(options);
        app.MapHistory();
        app.MapLibrary();
        if (experiments.Library is { } library)
            app.MapRecordings(library.FolderIn, library.Root, experiments.Files);
        // Looks and scripts are no secret, and the page that asks for a link needs them.
        app.MapStaticAssets().Add(endpoint => endpoint.Metadata.Add(new AllowAnonymousAttribute()));
        app.MapGet("/healthz", () => "ok").AllowAnonymous();
        app.MapMetrics();
        app.MapHub<WatchHub>("/hubs/watch");
        app.MapHub<ControlHub>("/hubs/control");
        app.MapRazorComponents<App>()
            .AddInteractiveServerRenderMode(mode => mode.ContentSecurityFrameAncestorsPolicy = "'none'")
            .Add(endpoint => endpoint.Metadata.Add(new AuthorizeAttribute(IsCircuit(endpoint) ? Access.Owner : Access.Viewer)));
        return app;
    }

    /// <summary>Circuits are for owners; a viewer's page has none.</summary>
    private static bool IsCircuit(EndpointBuilder endpoint) =>
        endpoint is RouteEndpointBuilder { RoutePattern.RawText: { } route }
        && route.TrimStart('/').StartsWith("_blazor", StringComparison.Ordinal);
}
