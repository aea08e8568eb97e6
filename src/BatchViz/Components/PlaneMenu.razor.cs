using BatchViz.Core.Specs;
using BatchViz.Lab;
using BatchViz.Live;
using Microsoft.AspNetCore.Components;
using Microsoft.JSInterop;
using static BatchViz.Core.Language;

namespace BatchViz.Components;

/// <summary>Which slice of the landscape everyone sees. The Hessian's is taken at the page's playhead, that through runs at three that are chosen.</summary>
public sealed partial class PlaneMenu : ComponentBase, IDisposable
{
    private readonly CancellationTokenSource gone = new();
    private readonly string[] three = ["", "", ""];
    private (string Run, long Update)? place;
    private uint generation;

    [Parameter, EditorRequired] public bool Ready { get; set; }

    [Parameter, EditorRequired] public bool TwoWeights { get; set; }

    /// <summary>Of the plane on the screen; null while there is none.</summary>
    [Parameter, EditorRequired] public PlaneKind? Plane { get; set; }

    [Parameter, EditorRequired] public bool Fitting { get; set; }

    /// <summary>Runs of the experiment.</summary>
    [Parameter, EditorRequired] public int Count { get; set; }

    /// <summary>A sentence: why there is no such plane. Null when another is tried.</summary>
    [Parameter, EditorRequired] public EventCallback<string?> Refused { get; set; }

    [Inject] private Conductor Conductor { get; set; } = default!;

    [Inject] private OwnerScript Script { get; set; } = default!;

    private IReadOnlyList<Run> Runs => Conductor.Current?.Experiment.Runs ?? [];

    private bool CanReplane => Ready && !TwoWeights && Plane is not null;

    private string Label => Plane switch
    {
        PlaneKind.Pca => "PCA",
        PlaneKind.Random => Tr("Random", "随机"),
        PlaneKind.Runs => Tr("Runs", "运行"),
        PlaneKind.Hessian => "Hessian",
        PlaneKind.Weights => Tr("Exact", "精确"),
        _ => Tr("No", "无"),
    };

    private string Where => place is not var (id, update) || Runs.FirstOrDefault(run => run.Plan.Id == id) is not { } run
        ? Tr("where a run is at the playhead", "取自一个运行在播放头处的权重")
        : Tr($"where {Name(run)} is at the playhead: update {RunNames.Number(update)}", $"取自 {Name(run)} 在播放头处的权重：第 {RunNames.Number(update)} 次更新");

    private string Name(Run run) => Conductor.Current is { } live ? RunNames.Of(run.Plan, live.Experiment.Plan) : run.Plan.Id;

    private static string Ordinal(int index) => index switch
    {
        0 => Tr("First run: the origin", "第一个运行：原点"),
        1 => Tr("Second run: along the first axis", "第二个运行：沿第一个轴"),
        _ => Tr("Third run: on the side of the second axis", "第三个运行：在第二个轴的一侧"),
    };

    protected override void OnParametersSet()
    {
        if (Conductor.Current is not { } live || live.Generation == generation) return;
        (generation, place) = (live.Generation, null);
        var byBatch = Runs.OrderBy(run => run.Plan.BatchSize).ThenBy(run => run.Plan.Index).ToArray();
        for (int i = 0; i < three.Length; i++) three[i] = byBatch[i * (byBatch.Length - 1) / 2].Plan.Id;
        if (byBatch.Length >= 3) three[1] = byBatch[byBatch.Length / 2].Plan.Id;
    }

    /// <summary>Where the playhead is now: of the selected run, else of the one with the largest batches.</summary>
    private async Task Look()
    {
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
        if (run is null) return;
        long made = run.Log.Count;
        place = (run.Plan.Id, Math.Clamp(playhead?.Updates.GetValueOrDefault(run.Plan.Id, made) ?? made, 0, made));
    }

    private Task Replane(string kind) => Try(() =>
    {
        Conductor.Replane(kind);
        return Task.CompletedTask;
    });

    private Task Curving() => place is var (run, update) ? Try(() => Conductor.ReplaneAt("hessian", [run], update, gone.Token)) : Task.CompletedTask;

    private Task Through() => Try(() => Conductor.ReplaneAt("runs", [.. three], 0, gone.Token));

    private async Task Try(Func<Task> replane)
    {
        await Refused.InvokeAsync(null);
        try
        {
            await replane();
        }
        catch (SpecException refusal)
        {
            await Refused.InvokeAsync(refusal.Message);
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
