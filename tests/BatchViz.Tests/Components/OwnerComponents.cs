using BatchViz.Components;
using BatchViz.Live;
using BatchViz.Web;
using Bunit;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.Extensions.DependencyInjection;

namespace BatchViz.Tests.Components;

/// <summary>
/// The owner's components without a browser, on a real host and its experiments. What they ask of the browser's scripts is answered with
/// nothing, unless a test says otherwise through <see cref="Script"/>.
/// </summary>
public abstract class OwnerComponents : BunitContext, IAsyncLifetime
{
    protected static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    protected OwnerComponents(SomeHost host)
    {
        Host = host;
        Services.AddSingleton(host.Experiments);
        foreach (var type in new[] { typeof(ServeOptions), typeof(Links), typeof(Broadcast), typeof(IServer) })
            Services.AddSingleton(type, host.App.Services.GetRequiredService(type));
        Services.AddOwnerComponents();
        JSInterop.Mode = JSRuntimeMode.Loose;
        Script = JSInterop.SetupModule("./js/owner.js");
        Script.Mode = JSRuntimeMode.Loose;
        SetRendererInfo(new("Server", true));
        Shown = Render<OwnerProviders>();
    }

    protected SomeHost Host { get; }

    protected ExperimentHost Experiments => Host.Experiments;

    protected BunitJSModuleInterop Script { get; }

    /// <summary>Where dialogs, menus and notices appear.</summary>
    protected IRenderedComponent<OwnerProviders> Shown { get; }

    /// <summary>All runs of the experiment on the air have ended.</summary>
    protected async Task Ended()
    {
        using var patience = new CancellationTokenSource(Patience);
        while (Experiments.Current!.Experiment.Runs.Any(run => run.Log.Count < run.Plan.TotalUpdates))
            await Task.Delay(20, patience.Token);
    }

    Task IAsyncLifetime.InitializeAsync() => Task.CompletedTask;

    async Task IAsyncLifetime.DisposeAsync() => await DisposeAsync();
}
