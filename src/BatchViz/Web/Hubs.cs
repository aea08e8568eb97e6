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

    public void Replane(string kind) => Refusing(() => conductor.Replane(kind));

    /// <summary>A plane at a chosen place: "hessian" at one run's weights after an update, or "runs" through the ends of three. Returns when everyone sees it.</summary>
    public Task ReplaneAt(string kind, string[] runs, long update) => Refusing(() => conductor.ReplaneAt(kind, runs, update, Context.ConnectionAborted));

    /// <summary>Begins the experiment of a JSON text in place of the present one.</summary>
    public Task Start(string json) => Refusing(() => conductor.Start(System.Text.Encoding.UTF8.GetBytes(json), Context.ConnectionAborted));

    /// <summary>Puts a recording on the air.</summary>
    public Task Open(string id) => Refusing(() => conductor.Open(id, Context.ConnectionAborted));

    /// <summary>Trains a recording on; without an id the one on the air.</summary>
    public Task Resume(string? id) => Refusing(() => conductor.Resume(id, Context.ConnectionAborted));

    /// <summary>A new run that leaves another after an update; returns its id.</summary>
    public async Task<string> Fork(string run, long update, Dictionary<string, string> settings)
    {
        string made = "";
        await Refusing(async () => made = await conductor.Fork(run, update, settings, null, Context.ConnectionAborted));
        return made;
    }

    /// <summary>Undoes a fork: its run trains no more and is hidden.</summary>
    public void TakeBack(string run) => Refusing(() => conductor.TakeBack(run));

    /// <summary>Redoes it: the run goes on where it was.</summary>
    public void BringBack(string run) => Refusing(() => conductor.BringBack(run));

    public Task Rename(string id, string name) => Refusing(() => conductor.Rename(id, name, Context.ConnectionAborted));

    /// <summary>Moves a recording into the trash; returns what <see cref="Undelete"/> wants.</summary>
    public async Task<string> Delete(string id)
    {
        string trashed = "";
        await Refusing(async () => trashed = await conductor.Delete(id, Context.ConnectionAborted));
        return trashed;
    }

    /// <summary>Takes a recording out of the trash; returns its id.</summary>
    public string Undelete(string trashed)
    {
        string id = "";
        Refusing(() => id = conductor.Undelete(trashed));
        return id;
    }

    private static void Refusing(Action work)
    {
        try
        {
            work();
        }
        catch (SpecException e)
        {
            throw new HubException(e.Message);
        }
    }

    private static async Task Refusing(Func<Task> work)
    {
        try
        {
            await work();
        }
        catch (SpecException e)
        {
            throw new HubException(e.Message);
        }
    }
}
