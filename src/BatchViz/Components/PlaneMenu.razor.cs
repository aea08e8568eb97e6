using BatchViz.Components.Notices;
using BatchViz.Core.Specs;
using BatchViz.Live;
using BatchViz.Training;
using Microsoft.AspNetCore.Components;
using Microsoft.JSInterop;
using MudBlazor;
using static BatchViz.Core.Language;

namespace BatchViz.Components;

/// <summary>
/// Which slice of the landscape everyone sees. The Hessian's is taken at the page's playhead, that through three runs where
/// <see cref="ThreeRunsDialog"/> says.
/// </summary>
public sealed partial class PlaneMenu : ComponentBase, IDisposable
{
    private readonly CancellationTokenSource gone = new();
    private ThreeRunsDialog threeRuns = default!;
    private (string Run, long Update)? place;
    private uint generation;

    [Parameter, EditorRequired]
    public bool Ready { get; set; }

    [Parameter, EditorRequired]
    public bool TwoWeights { get; set; }

    /// <summary>Of the plane on the screen; null while there is none.</summary>
    [Parameter, EditorRequired]
    public PlaneKind? Plane { get; set; }

    [Parameter, EditorRequired]
    public bool Fitting { get; set; }

    /// <summary>Runs of the experiment.</summary>
    [Parameter, EditorRequired]
    public int Count { get; set; }

    [Inject]
    private ISnackbar Notices { get; set; } = default!;

    [Inject]
    private ExperimentHost Experiments { get; set; } = default!;

    [Inject]
    private OwnerScript Script { get; set; } = default!;

    private IReadOnlyList<Run> Runs => Experiments.Current?.Experiment.Runs ?? [];

    private bool CanFitPlane => Ready && !TwoWeights && Plane is not null;

    private string Label => Fitting ? Tr("Fitting…", "拟合中…") : Kind;

    /// <summary>For screen readers.</summary>
    private string Name => Fitting ? Tr("New plane…", "新平面…") : Tr($"{Kind} plane", $"{Kind}平面");

    private string Kind =>
        Plane switch
        {
            PlaneKind.Pca => "PCA",
            PlaneKind.Random => Tr("Random", "随机"),
            PlaneKind.Runs => Tr("Runs", "运行"),
            PlaneKind.Hessian => "Hessian",
            PlaneKind.Weights => Tr("Exact", "精确"),
            _ => Tr("No", "无"),
        };

    private string Where =>
        place is not var (id, update) || Runs.FirstOrDefault(run => run.Plan.Id == id) is not { } run
            ? Tr("where a run is at the playhead", "取自一个运行在播放头处的权重")
            : Tr(
                $"where {Called(run)} is at the playhead: update {RunNames.Number(update)}",
                $"取自 {Called(run)} 在播放头处的权重：第 {RunNames.Number(update)} 次更新"
            );

    private string Called(Run run) => Experiments.Current is { } live ? RunNames.Of(run.Plan, live.Experiment.Plan) : run.Plan.Id;

    protected override void OnParametersSet()
    {
        if (Experiments.Current is not { } live || live.Generation == generation)
            return;
        (generation, place) = (live.Generation, null);
    }

    /// <summary>Where the playhead is now: of the selected run, else of the one with the largest batches.</summary>
    private async Task Look(bool open)
    {
        if (!open)
            return;
        Playhead? playhead = null;
        try
        {
            playhead = await Script.Playhead();
        }
        catch (JSException)
        {
            // A page whose Stage is of another version: then at the newest weights.
        }
        var run = Runs.FirstOrDefault(run => run.Plan.Id == playhead?.Selected) ?? Runs.MaxBy(run => run.Plan.BatchSize);
        if (run is null)
            return;
        long made = run.Log.Count;
        place = (run.Plan.Id, Math.Clamp(playhead?.Updates.GetValueOrDefault(run.Plan.Id, made) ?? made, 0, made));
    }

    private Task FitPlane(string kind) =>
        Try(() =>
        {
            Experiments.FitPlane(kind);
            return Task.CompletedTask;
        });

    private Task FitHessian() =>
        place is var (run, update) ? Try(() => Experiments.FitPlaneAt("hessian", [run], update, gone.Token)) : Task.CompletedTask;

    private async Task Try(Func<Task> replane)
    {
        Notices.ClearRefusals();
        try
        {
            await replane();
        }
        catch (RefusedException refusal)
        {
            Notices.AddRefusal(refusal.Message);
        }
        catch (OperationCanceledException)
        {
            // The page is gone.
        }
    }

    public void Dispose()
    {
        gone.Cancel();
        gone.Dispose();
    }
}
