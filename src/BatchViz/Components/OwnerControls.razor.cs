using BatchViz.Components.Fork;
using BatchViz.Components.NewExperiment;
using BatchViz.Components.Notices;
using BatchViz.Components.Share;
using BatchViz.Core.Specs;
using BatchViz.Live;
using BatchViz.Training;
using Microsoft.AspNetCore.Components;
using MudBlazor;
using static BatchViz.Core.Language;

namespace BatchViz.Components;

/// <summary>
/// Hold and continue, resume, the plane, forks, another experiment, the links. It looks at the experiments four times a second and renders
/// when something changed.
/// </summary>
public sealed partial class OwnerControls : ComponentBase, IDisposable
{
    private readonly CancellationTokenSource gone = new();
    private NewExperimentDialog experiment = default!;
    private ShareDialog share = default!;
    private ForkDialog fork = default!;
    private Summary seen;
    private bool resuming;

    /// <summary>What the buttons show.</summary>
    private readonly record struct Summary(
        uint Generation,
        ExperimentState? State,
        bool TwoWeights,
        int Runs,
        PlaneKind? Plane,
        bool Fitting,
        int Watching,
        bool ReadOnly
    )
    {
        /// <summary>There are runs left that could train on.</summary>
        public bool Resumable => State == ExperimentState.Stopped && !ReadOnly;

        public bool Held => State == ExperimentState.Held;
    }

    [Inject]
    private ExperimentHost Experiments { get; set; } = default!;

    [Inject]
    private ISnackbar Notices { get; set; } = default!;

    [Inject]
    private Broadcast Broadcast { get; set; } = default!;

    private bool Ready => RendererInfo.IsInteractive && seen.State is not null;

    private bool CanHold => Ready && seen.State is ExperimentState.Running or ExperimentState.Held;

    private string HoldTitle =>
        seen.State switch
        {
            ExperimentState.Running => Tr(
                "Hold the training, for everyone. Playback goes on: it moves only each viewer's playhead.",
                "为所有人暂停训练。播放照常：它只移动各观众的播放头。"
            ),
            ExperimentState.Held => Tr("Go on with the training, which is held for everyone.", "继续训练；目前已为所有人暂停。"),
            null => Tr("There is no training yet.", "还没有训练。"),
            _ => Tr("Every run has ended; there is nothing to hold.", "所有运行都已结束；没有可暂停的训练。"),
        };

    protected override void OnInitialized() => seen = Look();

    protected override void OnAfterRender(bool firstRender)
    {
        if (firstRender)
            _ = Watch();
    }

    private async Task Watch()
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(250));
        try
        {
            while (await timer.WaitForNextTickAsync(gone.Token))
                Refresh();
        }
        catch (OperationCanceledException)
        {
            // The page is gone.
        }
    }

    private void Refresh()
    {
        var now = Look();
        if (now == seen)
            return;
        seen = now;
        StateHasChanged();
    }

    private Summary Look() =>
        Experiments.Current is { Experiment: var running } live
            ? new Summary(
                live.Generation,
                running.State,
                running.Plan.Network.ParameterCount == 2,
                running.Runs.Count,
                running.Landscape?.Kind,
                running.Fitting,
                Broadcast.Viewers,
                live.Recording.ReadOnly
            )
            : new Summary(0, null, false, 0, null, false, Broadcast.Viewers, false);

    private async Task Resume()
    {
        resuming = true;
        Notices.ClearRefusals();
        try
        {
            await Experiments.Resume(null, gone.Token);
        }
        catch (RefusedException e)
        {
            Notices.AddRefusal(e.Message);
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
        if (seen.Held)
            Experiments.Continue();
        else
            Experiments.Hold();
        Refresh();
    }

    public void Dispose()
    {
        gone.Cancel();
        gone.Dispose();
    }
}
