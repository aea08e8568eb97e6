using System.Text;
using BatchViz.Components.Library;
using BatchViz.Core.Specs;
using BatchViz.Live;
using BatchViz.Training;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Forms;
using Microsoft.JSInterop;
using static BatchViz.Core.Language;

namespace BatchViz.Components.NewExperiment;

/// <summary>Chooses or describes an experiment and starts it. A refusal is shown here, with everything as it was.</summary>
public sealed partial class NewExperimentDialog : ComponentBase, IDisposable
{
    /// <summary>What a form begins with where there is nothing to vary.</summary>
    private static readonly ExperimentSpec Simplest = SpecReader.Read(
        """
        { "data": { "kind": "moons" }, "model": { "hidden": [8, 8], "activation": "tanh" }, "learningRate": 0.1, "batchSizes": [1, 8, 32, "full"], "budget": { "epochs": 50 } }
        """u8.ToArray()
    );

    private readonly CancellationTokenSource gone = new();
    private Dialog dialog = default!;
    private SpecForm form = new(Simplest);
    private IReadOnlyList<Preset> presets = [];
    private string? chosen;
    private bool starting,
        begun = true;
    private int tab;
    private ElementReference element;
    private InputFile? picker;
    private bool takesDrops;
    private CancellationTokenSource? estimating;
    private CostEstimate? cost;

    /// <summary>The text reads well, and yet its data or the memory refuse it.</summary>
    private bool unfit;

    [Inject]
    private ExperimentHost Experiments { get; set; } = default!;

    [Inject]
    private OwnerScript Script { get; set; } = default!;

    [Inject]
    private ILogger<NewExperimentDialog> Log { get; set; } = default!;

    /// <summary>Pages that show the present experiment, and will show the new one.</summary>
    [Parameter]
    public int Watching { get; set; }

    private bool CanStart => !starting && !unfit && form.Spec is not null;

    private string Summary
    {
        get
        {
            int runs = form.Spec is { } spec ? spec.BatchSizes.Count * spec.Seeds.Count : 0;
            string watching = Watching > 1 ? Tr($", on all {Watching} pages that are open", $"，对所有 {Watching} 个打开的页面生效") : "";
            return Tr(
                $"{(runs == 1 ? "One run" : $"{runs} runs")}, in place of the present experiment{watching}.",
                $"{runs} 个运行，取代当前实验{watching}。"
            );
        }
    }

    private string Costs =>
        cost is not { } known
            ? Tr("Measuring what it will cost…", "正在测算开销…")
            : Tr(
                $"About {CostWords.Duration(known.TrainingSeconds)} of training{Evaluations(known)} on {(known.Lanes == 1 ? "one lane" : $"{known.Lanes} lanes")}",
                $"约 {CostWords.Duration(known.TrainingSeconds)}训练{Evaluations(known)}，使用 {known.Lanes} 个训练线程"
            )
                + (
                    known.MeasuredUpdates > 0
                        ? Tr($", measured on {known.MeasuredUpdates:#,0} updates", $"（由 {known.MeasuredUpdates:#,0} 次更新测得）")
                        : ""
                )
                + Tr($"; {Sizes.Of((long)known.MemoryBytes)} of memory.", $"；内存 {Sizes.Of((long)known.MemoryBytes)}。");

    /// <summary>Where they take a share worth a word.</summary>
    private static string Evaluations(CostEstimate known) =>
        known.EvaluationSeconds < Math.Max(0.95, 0.2 * known.TrainingSeconds)
            ? ""
            : Tr(
                $" and {CostWords.Duration(known.EvaluationSeconds)} of evaluations",
                $"、{CostWords.Duration(known.EvaluationSeconds)}评估"
            );

    /// <summary>Opens with the present experiment's settings, to vary them; what was typed last time and not started is kept.</summary>
    public void Open()
    {
        presets = Preset.ReadAll(Preset.Folder);
        if (begun)
        {
            form = new SpecForm(Experiments.Current?.Experiment.Plan.Spec ?? Simplest);
            (chosen, tab, begun) = (null, 0, false);
        }
        dialog.Open();
        takesDrops = false;
        Estimate();
    }

    protected override async Task OnAfterRenderAsync(bool firstRender)
    {
        if (takesDrops || picker?.Element is not { } input || !dialog.IsOpen)
            return;
        takesDrops = true;
        await Script.TakeDrops(element, input);
    }

    /// <summary>Measures the experiment as it stands, once the hands rest; a change begins it anew.</summary>
    private async void Estimate()
    {
        estimating?.Cancel();
        (cost, unfit) = (null, false);
        if (form.Spec is not { } spec)
            return;
        using var mine = estimating = CancellationTokenSource.CreateLinkedTokenSource(gone.Token);
        try
        {
            await Task.Delay(400, mine.Token);
            var known = await Experiments.Estimate(spec, mine.Token);
            if (estimating == mine)
                cost = known;
        }
        catch (RefusedException e)
        {
            if (estimating != mine)
                return;
            unfit = true;
            form.Refuse(e.Message);
        }
        catch (OperationCanceledException)
        {
            return; // something changed, or the page is gone
        }
        catch (Exception e)
        {
            Log.LogError(e, "What an experiment costs could not be measured.");
            return;
        }
        finally
        {
            if (estimating == mine)
                estimating = null;
        }
        await InvokeAsync(StateHasChanged);
    }

    private async Task Import(InputFileChangeEventArgs chosenFile)
    {
        var file = chosenFile.File;
        if (file.Size > SpecReader.MaxBytes)
        {
            form.Refuse(
                Tr($"{file.Name} is larger than 1 MB, too large for an experiment.", $"{file.Name} 大于 1 MB，对实验文件来说太大。")
            );
            return;
        }
        try
        {
            using var stream = file.OpenReadStream(SpecReader.MaxBytes, gone.Token);
            using var reader = new StreamReader(stream, new UTF8Encoding(false, throwOnInvalidBytes: true));
            form.Text = await reader.ReadToEndAsync(gone.Token);
            tab = form.HasFields ? 1 : 2;
            Changed();
        }
        catch (DecoderFallbackException)
        {
            form.Refuse(Tr($"{file.Name} is not UTF-8 text.", $"{file.Name} 不是 UTF-8 文本。"));
        }
        catch (Exception e) when (e is IOException or JSException)
        {
            form.Refuse(Tr($"{file.Name} could not be read.", $"无法读取 {file.Name}。"));
        }
    }

    private Task Export()
    {
        string name = string.Concat((form.Spec?.Name ?? "experiment").Select(c => char.IsLetterOrDigit(c) ? c : '-')).Trim('-');
        return Script.Save($"{(name.Length > 0 ? name : "experiment")}.json", form.Text);
    }

    private void Choose(Preset preset)
    {
        chosen = preset.Key;
        form.Use(preset.Spec!);
        Estimate();
    }

    private void Changed()
    {
        chosen = null;
        Estimate();
    }

    private void Rewrite(string? text)
    {
        form.Text = text ?? "";
        Changed();
    }

    private async Task Start()
    {
        if (!CanStart)
            return;
        starting = true;
        estimating?.Cancel();
        try
        {
            await Experiments.Start(form.Utf8, gone.Token);
            begun = true;
            dialog.Close();
        }
        catch (RefusedException e)
        {
            form.Refuse(e.Message);
        }
        catch (OperationCanceledException)
        {
            // The page is gone.
        }
        catch (Exception e)
        {
            Log.LogError(e, "An experiment could not be started.");
            form.Refuse(Tr("The experiment could not be started; the server's log says why.", "无法启动实验；原因见服务器日志。"));
        }
        finally
        {
            starting = false;
        }
    }

    public void Dispose()
    {
        gone.Cancel();
        gone.Dispose();
    }
}
