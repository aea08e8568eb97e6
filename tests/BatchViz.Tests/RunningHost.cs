using System.Text;
using BatchViz.Core.Specs;
using BatchViz.Data;
using BatchViz.Engines;
using BatchViz.Live;
using BatchViz.Training;
using BatchViz.Web;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace BatchViz.Tests;

/// <summary>The web program on a free loopback port with a small experiment on the air, and a client for it.</summary>
/// <param name="recordings">The library's folder; null: nothing is recorded.</param>
public abstract class SomeHost(bool signIn, string? recordings = null) : IAsyncLifetime
{
    public const string Moons = """
        { "name": "Moons", "data": { "kind": "moons", "trainExamples": 200 }, "model": { "hidden": [8], "activation": "tanh" },
          "learningRate": 0.1, "batchSizes": [1, 7, "full"], "budget": { "epochs": 40 } }
        """;

    private ExperimentHost? experiments;

    protected virtual ServeOptions Options => new("http://127.0.0.1:0", signIn);

    public WebApplication App { get; private set; } = null!;

    public HttpClient Client { get; } = new();

    public ExperimentHost Experiments => experiments!;

    public Links Links => App.Services.GetRequiredService<Links>();

    public async Task InitializeAsync()
    {
        var files = new DataFiles(null);
        experiments = new ExperimentHost(
            new ExperimentEngines(),
            files,
            new ExperimentOptions(),
            recordings is null ? null : new Library(recordings)
        );
        App = WebHost.Create(Options, experiments);
        await App.StartAsync();
        experiments.Prepare(files.Plan(SpecReader.Read(Encoding.UTF8.GetBytes(Moons)), trusted: true));
        experiments.Begin();
        Client.BaseAddress = new Uri(App.Urls.Single());
    }

    public async Task DisposeAsync()
    {
        Client.Dispose();
        await App.DisposeAsync();
        experiments?.Dispose();
    }

    /// <summary>The cookie that a link gives; each time another one's.</summary>
    public async Task<string> Cookie(string secret)
    {
        using var client = new HttpClient(new HttpClientHandler { AllowAutoRedirect = false, UseCookies = false })
        {
            BaseAddress = Client.BaseAddress,
        };
        using var answer = await client.GetAsync($"/join/{secret}");
        return answer.Headers.GetValues("Set-Cookie").Single().Split(';')[0];
    }

    /// <summary>A client that has followed a link, with the cookie it was given.</summary>
    public async Task<HttpClient> Joined(string secret)
    {
        var client = new HttpClient(new HttpClientHandler { AllowAutoRedirect = false }) { BaseAddress = Client.BaseAddress };
        using var answer = await client.GetAsync($"/join/{secret}");
        Assert.Equal(System.Net.HttpStatusCode.Redirect, answer.StatusCode);
        return client;
    }
}

/// <summary>The same with sign-in: nobody gets in without a link.</summary>
public sealed class GuardedHost() : SomeHost(signIn: true);

/// <summary>The same as most people start it: on this computer alone, without sign-in.</summary>
public sealed class RunningHost() : SomeHost(signIn: false);
