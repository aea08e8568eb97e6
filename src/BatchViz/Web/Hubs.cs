using BatchViz.Core.Specs;
using BatchViz.Live;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.SignalR;

namespace BatchViz.Web;

/// <summary>The hub that only watches. Nothing here changes anything.</summary>
[Authorize(Access.Viewer)]
public sealed class WatchHub(Conductor conductor, Broadcast broadcast) : Hub
{
    /// <summary>Live frames of whatever experiment is on the air; docs/wire-format.md.</summary>
    public IAsyncEnumerable<byte[]> Watch(CancellationToken cancel) => broadcast.Watch(() => conductor.Current?.Heads, cancel);
}

/// <summary>The hub that controls. Refusals are one sentence.</summary>
[Authorize(Access.Owner)]
public sealed class ControlHub(Conductor conductor) : Hub
{
    public void Hold() => conductor.Hold();

    public void Continue() => conductor.Continue();

    /// <summary>One more update for every run of a held experiment.</summary>
    public void StepOnce() => conductor.StepOnce();

    public void Stop() => conductor.Stop();

    public void Replane(string kind)
    {
        try
        {
            conductor.Replane(kind);
        }
        catch (SpecException e)
        {
            throw new HubException(e.Message);
        }
    }

    /// <summary>Begins the experiment of a JSON text in place of the present one.</summary>
    public async Task Start(string json)
    {
        try
        {
            await conductor.Start(System.Text.Encoding.UTF8.GetBytes(json), Context.ConnectionAborted);
        }
        catch (SpecException e)
        {
            throw new HubException(e.Message);
        }
    }
}
