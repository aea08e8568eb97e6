using BatchViz.Components;
using Radzen;

namespace BatchViz.Web;

/// <summary>Puts the web program together; tests start the same one on port 0.</summary>
public static class WebHost
{
    public static WebApplication Create(string urls)
    {
        // Named and rooted here, so that `dotnet run`, a published folder and a test all find the same files.
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions
        {
            ApplicationName = "batchviz",
            ContentRootPath = AppContext.BaseDirectory,
        });
        builder.WebHost.UseStaticWebAssets();
        builder.WebHost.UseUrls(urls);
        builder.Logging.AddFilter("Microsoft.AspNetCore", LogLevel.Warning);
        builder.Services.AddRazorComponents().AddInteractiveServerComponents();
        builder.Services.AddRadzenComponents();

        var app = builder.Build();
        app.UseAntiforgery();
        app.MapStaticAssets();
        app.MapGet("/healthz", () => "ok");
        app.MapRazorComponents<App>().AddInteractiveServerRenderMode();
        return app;
    }
}
