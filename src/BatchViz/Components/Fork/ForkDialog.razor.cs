using System.Globalization;
using BatchViz.Components.NewExperiment;
using BatchViz.Core.Specs;
using BatchViz.Live;
using BatchViz.Training;
using Microsoft.AspNetCore.Components;
using Microsoft.JSInterop;
using static BatchViz.Core.Language;

namespace BatchViz.Components.Fork;

/// <summary>
/// Chooses where a run is left and what is different from there on. Every key press is checked by what will check the fork itself.
/// </summary>
public sealed partial class ForkDialog : ComponentBase, IDisposable
{
    private readonly CancellationTokenSource gone = new();
    private CancellationTokenSource? cancel;
    private Dialog dialog = default!;
    private string run = "",
        update = "",
        batchSize = "",
        rate = "",
        optimizer = "",
        amount = "",
        unit = "epochs";
    private string? problem;
    private string summary = "";
    private double? progress;
    private Playhead? playhead;
    private DotNetObjectReference<ForkDialog>? asked;

    [Inject]
    private ExperimentHost Experiments { get; set; } = default!;

    [Inject]
    private OwnerScript Script { get; set; } = default!;

    [Inject]
    private ILogger<ForkDialog> Log { get; set; } = default!;

    private Experiment? Experiment => Experiments.Current?.Experiment;

    private IReadOnlyList<Run> Runs => Experiment?.Runs ?? [];

    private Run? Chosen => Runs.FirstOrDefault(other => other.Plan.Id == run);

    private RunPlan? Parent => Chosen?.Plan;

    private IReadOnlyList<(string Word, string Reading)> Names => [.. Runs.Select(other => (other.Plan.Id, other.Plan.Id))];

    /// <summary>The first leaves it as it was.</summary>
    private IReadOnlyList<(string Word, string Reading)> Optimizers => [("", AsBefore), .. Labels.Of(SpecVocabulary.Optimizers)];

    private string AsBefore
    {
        get
        {
            if (Parent is null)
                return Tr("as before", "不变");
            string present = Labels.Of(SpecVocabulary.Of(SpecVocabulary.Optimizers, Parent.Optimizer.Kind));
            return Tr($"{present}, as before", $"{present}，不变");
        }
    }

    private static IReadOnlyList<(string Word, string Reading)> Units =>
        [("epochs", Tr("epochs", "轮 (epoch)")), ("updates", Tr("updates", "次更新")), ("examples", Tr("examples", "个样本"))];

    private string Made =>
        Chosen is { } chosen
            ? Tr($"of {RunNames.Number(chosen.Log.Count)} made so far", $"目前共 {RunNames.Number(chosen.Log.Count)} 次")
            : "";

    /// <summary>Opens at the page's playhead: that run, that update.</summary>
    public async Task Open()
    {
        try
        {
            playhead = await Script.Playhead();
        }
        catch (JSException)
        {
            playhead = null; // a page whose Stage is of another version
        }
        Fill(
            playhead?.Selected is { } selected && Runs.Any(other => other.Plan.Id == selected) ? selected
            : Runs.Count > 0 ? Runs[0].Plan.Id
            : ""
        );
        dialog.Open();
    }

    /// <summary>Opens where Stage was asked to fork (fork.ts): at this update of this run, with these settings to begin with.</summary>
    [JSInvokable]
    public void OpenAt(string parent, long after, Dictionary<string, string> set)
    {
        if (Runs.All(other => other.Plan.Id != parent))
            return; // of an experiment that has just gone
        playhead = new(parent, new() { [parent] = after });
        Fill(parent, set.GetValueOrDefault("batchSize", ""), set.GetValueOrDefault("learningRate", ""));
        dialog.Open();
        StateHasChanged();
    }

    private void Fill(string parent, string otherBatchSize = "", string otherRate = "")
    {
        (batchSize, rate, optimizer, amount) = (otherBatchSize, otherRate, "", "");
        unit = Experiment?.Plan.Spec.Budget switch
        {
            { Updates: not null } => "updates",
            { Examples: not null } => "examples",
            _ => "epochs",
        };
        Choose(parent);
    }

    protected override async Task OnAfterRenderAsync(bool firstRender)
    {
        if (firstRender)
            await Script.TakeForks(asked = DotNetObjectReference.Create(this));
    }

    private void Choose(string id)
    {
        run = id;
        long newest = Chosen?.Log.Count ?? 0,
            first = Parent?.Fork?.Update ?? 0;
        update = Math.Clamp(playhead?.Updates.GetValueOrDefault(id, newest) ?? newest, Math.Min(first, newest), newest)
            .ToString(CultureInfo.InvariantCulture);
        Check();
    }

    private void Change(Action change)
    {
        change();
        Check();
    }

    private Dictionary<string, string> Settings()
    {
        var set = new Dictionary<string, string>();
        void Add(string key, string value)
        {
            if (value.Trim() is { Length: > 0 } given)
                set[key] = given;
        }
        Add("batchSize", batchSize);
        Add("learningRate", rate);
        Add("optimizer.kind", optimizer);
        Add($"budget.{unit}", amount);
        return set;
    }

    private void Check()
    {
        try
        {
            if (Experiment is not { } experiment || Chosen is not { } chosen)
                throw new RefusedException(Tr("This run is gone: another experiment has begun.", "该运行已不存在：另一个实验已经开始。"));
            long after = Update();
            Replayer.Check(chosen, after);
            var plan = ForkResolver.Resolve(experiment.Plan, chosen.Plan, after, Settings(), experiment.Runs.Count);
            long again = experiment.Replayer.Cost(chosen, after).Updates;
            string end = plan.TotalUpdates is { } total
                ? Tr($"{RunNames.Number(total - after)} more updates", $"再做 {RunNames.Number(total - after)} 次更新")
                : Tr("goes on", "继续训练");
            (problem, summary) = (
                null,
                $"{plan.Id}: {end}{Tr(" at ", "，")}B = {RunNames.Number(plan.BatchSize)}{(again > 0 ? Tr($"; {RunNames.Number(again)} are recomputed first", $"；先重新计算 {RunNames.Number(again)} 次") : "")}{Tr(".", "。")}"
            );
        }
        catch (RefusedException e)
        {
            problem = e.Message;
        }
    }

    private long Update() =>
        long.TryParse(
            update.Replace(",", ""),
            NumberStyles.AllowLeadingSign | NumberStyles.AllowLeadingWhite | NumberStyles.AllowTrailingWhite,
            CultureInfo.InvariantCulture,
            out long after
        )
            ? after
            : throw new RefusedException(
                Tr($"\"update\" is \"{update}\"; it must be a whole number.", $"\"update\" 是 \"{update}\"；必须是整数。")
            );

    /// <summary>The refusal, where it is about this field: it begins with its key.</summary>
    private string? Against(string key) => problem?.StartsWith($"\"{key}", StringComparison.Ordinal) == true ? problem : null;

    private async Task Begin()
    {
        if (progress is not null || problem is not null)
            return;
        progress = 0;
        cancel = CancellationTokenSource.CreateLinkedTokenSource(gone.Token);
        try
        {
            string made = await Experiments.Fork(run, Update(), Settings(), new Progress<double>(Show), cancel.Token);
            dialog.Close();
            await Script.Forked(made);
        }
        catch (RefusedException e)
        {
            problem = e.Message;
        }
        catch (OperationCanceledException)
        {
            // As wished, or the page is gone.
        }
        catch (Exception e)
        {
            Log.LogError(e, "A fork could not be made.");
            problem = Tr("The fork could not be made; the server's log says why.", "无法分叉；原因见服务器日志。");
        }
        finally
        {
            progress = null;
            cancel.Dispose();
            cancel = null;
        }
    }

    private void Show(double share)
    {
        if (progress is null || share - progress < 0.01)
            return;
        progress = share;
        _ = InvokeAsync(StateHasChanged);
    }

    private void Cancel()
    {
        cancel?.Cancel();
        dialog.Close();
    }

    public void Dispose()
    {
        gone.Cancel();
        gone.Dispose();
        asked?.Dispose();
    }
}
