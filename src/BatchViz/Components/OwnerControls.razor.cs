using BatchViz.Components.Fork;
using BatchViz.Components.NewExperiment;
using BatchViz.Components.Share;
using BatchViz.Core.Specs;
using BatchViz.Lab;
using BatchViz.Live;
using Microsoft.AspNetCore.Components;

namespace BatchViz.Components;

/// <summary>Hold and continue, resume, the plane, forks, another experiment, the links. It looks at the conductor four times a second and renders when something changed.</summary>
public sealed partial class OwnerControls : ComponentBase, IDisposable
{
    private readonly CancellationTokenSource gone = new();
    private NewExperimentDialog experiment = default!;
    private ShareDialog share = default!;
    private ForkDialog fork = default!;
    private Glance seen;
    private bool resuming;
    private string? refusal;

    /// <summary>What the buttons show.</summary>
    private readonly record struct Glance(ExperimentState? State, bool TwoWeights, int Runs, PlaneKind? Plane, int Watching, bool ReadOnly)
    {
        /// <summary>There are runs left that could train on.</summary>
        public bool Resumable => State == ExperimentState.Stopped && !ReadOnly;

        public bool Held => State == ExperimentState.Held;
    }

    [Inject] private Conductor Conductor { get; set; } = default!;

    [Inject] private Broadcast Broadcast { get; set; } = default!;

    private bool Ready => RendererInfo.IsInteractive && seen.State is not null;

    private bool CanHold => Ready && seen.State is ExperimentState.Running or ExperimentState.Held;

    private bool CanReplane => Ready && !seen.TwoWeights && seen.Plane is not null;

    private string HoldTitle => seen.State switch
    {
        ExperimentState.Running => "Hold the training, for everyone. Playback goes on: it moves only each viewer's playhead.",
        ExperimentState.Held => "Go on with the training, which is held for everyone.",
        null => "There is no training yet.",
        _ => "Every run has ended; there is nothing to hold.",
    };

    private string PlaneLabel => seen.Plane switch
    {
        PlaneKind.Pca => "PCA",
        PlaneKind.Random => "Random",
        PlaneKind.Runs => "Runs",
        PlaneKind.Hessian => "Hessian",
        PlaneKind.Weights => "Exact",
        _ => "No",
    };

    protected override void OnInitialized() => seen = Look();

    protected override void OnAfterRender(bool firstRender)
    {
        if (firstRender) _ = Watch();
    }

    private async Task Watch()
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(250));
        try
        {
            while (await timer.WaitForNextTickAsync(gone.Token)) Refresh();
        }
        catch (OperationCanceledException)
        {
            // The page is gone.
        }
    }

    private void Refresh()
    {
        var now = Look();
        if (now == seen) return;
        seen = now;
        StateHasChanged();
    }

    private Glance Look() => Conductor.Current is { Experiment: var running } live
        ? new Glance(running.State, running.Plan.Network.ParameterCount == 2, running.Runs.Count, running.Landscape?.Kind, Broadcast.Viewers, live.Recording.ReadOnly)
        : new Glance(null, false, 0, null, Broadcast.Viewers, false);

    private async Task Resume()
    {
        (resuming, refusal) = (true, null);
        try
        {
            await Conductor.Resume(null, gone.Token);
        }
        catch (SpecException e)
        {
            refusal = e.Message;
        }
        catch (OperationCanceledException)
        {
            // The page is gone.
        }
        finally
        {
            resuming = false;
            Refresh();
        }
    }

    private void ToggleHold()
    {
        if (seen.Held) Conductor.Continue();
        else Conductor.Hold();
        Refresh();
    }

    private void Replane(string kind)
    {
        try
        {
            Conductor.Replane(kind);
        }
        catch (SpecException)
        {
            // Another experiment began under the menu; the next glance disables what does not apply to it.
        }
    }

    public void Dispose()
    {
        gone.Cancel();
        gone.Dispose();
    }
}
