using BatchViz.Live;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.SignalR;

namespace BatchViz.Web;

/// <summary>The hub that only watches. Nothing here changes anything.</summary>
[Authorize(Access.Viewer)]
public sealed class WatchHub(ExperimentHost experiments, Broadcast broadcast, ServeOptions options) : Hub
{
    public override Task OnConnectedAsync()
    {
        _ = LetGoUnlessWatching(Context, broadcast, options.Silence);
        return Task.CompletedTask;
    }

    /// <summary>Live frames of whatever experiment is on the air, once for a connection; docs/wire-format.md.</summary>
    public IAsyncEnumerable<byte[]> Watch(CancellationToken cancel) =>
        broadcast.Watch(Context.ConnectionId, Access.PersonOf(Context.User!), () => experiments.Current?.Heads, cancel);

    /// <summary>
    /// SignalR itself lets go only of clients that have sent a ping before they fell silent. (Who watches and reads nothing is let go when
    /// a write hangs.)
    /// </summary>
    private static async Task LetGoUnlessWatching(HubCallerContext context, Broadcast broadcast, TimeSpan silence)
    {
        var gone = context.ConnectionAborted;
        while (!gone.IsCancellationRequested)
        {
            await Task.Delay(silence, gone).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (!broadcast.IsWatching(context.ConnectionId))
                context.Abort();
        }
    }
}

/// <summary>The hub that controls. Refusals are one sentence; see <see cref="HubGuard"/>.</summary>
[Authorize(Access.Owner)]
public sealed class ControlHub(ExperimentHost experiments) : Hub
{
    public void Hold() => experiments.Hold();

    public void Continue() => experiments.Continue();

    /// <summary>One more update for every run of a held experiment.</summary>
    public void StepOnce() => experiments.StepOnce();

    public void Stop() => experiments.Stop();

    public void FitPlane(string kind) => experiments.FitPlane(kind);

    /// <summary>
    /// A plane at a chosen place: "hessian" at one run's weights after an update, or "runs" through the ends of three. Returns when
    /// everyone sees it.
    /// </summary>
    public Task FitPlaneAt(string kind, string[] runs, long update) =>
        experiments.FitPlaneAt(kind, runs, update, Context.ConnectionAborted);

    /// <summary>Begins the experiment of a JSON text in place of the present one.</summary>
    public Task Start(string json) => experiments.Start(System.Text.Encoding.UTF8.GetBytes(json), Context.ConnectionAborted);

    /// <summary>Puts a recording on the air.</summary>
    public Task Open(string id) => experiments.Open(id, Context.ConnectionAborted);

    /// <summary>Trains a recording on; without an id the one on the air.</summary>
    public Task Resume(string? id) => experiments.Resume(id, Context.ConnectionAborted);

    /// <summary>A new run that leaves another after an update; returns its id.</summary>
    public Task<string> Fork(string run, long update, Dictionary<string, string> settings) =>
        experiments.Fork(run, update, settings, null, Context.ConnectionAborted);

    /// <summary>Undoes a fork: its run trains no more and is hidden.</summary>
    public void UndoFork(string run) => experiments.UndoFork(run);

    /// <summary>Redoes it: the run goes on where it was.</summary>
    public void RedoFork(string run) => experiments.RedoFork(run);

    public Task Rename(string id, string name) => experiments.Rename(id, name, Context.ConnectionAborted);

    /// <summary>Moves a recording into the trash; returns what <see cref="Undelete"/> wants.</summary>
    public Task<string> Delete(string id) => experiments.Delete(id, Context.ConnectionAborted);

    /// <summary>Takes a recording out of the trash; returns its id.</summary>
    public string Undelete(string trashed) => experiments.Undelete(trashed);
}
