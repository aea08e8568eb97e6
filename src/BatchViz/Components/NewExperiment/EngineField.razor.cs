using BatchViz.Core.Specs;
using BatchViz.Engines;
using BatchViz.Live;
using Microsoft.AspNetCore.Components;
using static BatchViz.Core.Language;

namespace BatchViz.Components.NewExperiment;

/// <summary>Chooses the engine. Engines are looked for, and the experiment is measured on each, once the hands rest.</summary>
public sealed partial class EngineField : ComponentBase, IDisposable
{
    private const string Key = EngineRequest.OfExperiment;

    /// <summary>Shown while they are looked for.</summary>
    private static readonly string[] Likely = ["cpu", "torch:cpu", "torch:cuda:0"];

    private static readonly TimeSpan Rest = TimeSpan.FromMilliseconds(400);

    private readonly CancellationTokenSource gone = new();
    private readonly Dictionary<string, EngineEstimate> estimates = [];
    private IReadOnlyList<EngineEntry>? engines;
    private CancellationTokenSource? measuring;
    private string? measuredText,
        defaultEngine;
    private bool measured;

    [CascadingParameter]
    public SpecForm Form { get; set; } = default!;

    [Parameter]
    public EventCallback Changed { get; set; }

    [Inject]
    private ExperimentHost Experiments { get; set; } = default!;

    [Inject]
    private ILogger<EngineField> Log { get; set; } = default!;

    private static string Id => SpecForm.IdOf(Key);

    private bool Refused => Form.Blames(Key);

    private IEnumerable<Row> Rows
    {
        get
        {
            string automatic = defaultEngine is null
                ? ""
                : Tr($"here: {Labels.Engine(defaultEngine)}", $"此处为：{Labels.Engine(defaultEngine)}");
            yield return new("", Missing: false, automatic);
            string[] names = [.. engines?.Select(engine => engine.Name) ?? Likely];
            foreach (string name in names)
            {
                string? lacking = Lacking(name);
                yield return new(name, lacking is not null, lacking ?? CostOf(name));
            }
            // What was written as JSON, and is none of these.
            if (Form.Get(Key) is { Length: > 0 } written && written != SpecReader.AnyEngine && !names.Contains(written))
                yield return new(written, Missing: false, "");
        }
    }

    /// <summary>Why there is no such engine here and how to get it; null: it is here, or is still looked for.</summary>
    private string? Lacking(string name) =>
        engines?.First(engine => engine.Name == name) is not { WhyNot: { } why } entry ? null
        : entry.HowToGet is { } how ? $"{why} {how}"
        : why;

    private string CostOf(string name)
    {
        if (engines is null)
            return name == "cpu" ? "" : Tr("looking for it…", "正在查找…");
        if (estimates.TryGetValue(name, out var estimate))
            return estimate.Problem ?? CostWords.Brief(estimate.Cost!);
        return Form.Spec is null || measured ? "" : Tr("measuring what it will cost…", "正在测算开销…");
    }

    protected override void OnParametersSet()
    {
        if (measuredText == Form.Text)
            return;
        measuredText = Form.Text;
        Measure();
    }

    /// <summary>What is measured belongs to the experiment, not to the engine that is chosen: a change begins it anew.</summary>
    private async void Measure()
    {
        measuring?.Cancel();
        using var mine = measuring = CancellationTokenSource.CreateLinkedTokenSource(gone.Token);
        estimates.Clear();
        measured = false;
        try
        {
            await Task.Delay(Rest, mine.Token);
            if (engines is null)
            {
                engines = await Task.Run(EngineList.All, mine.Token);
                await InvokeAsync(StateHasChanged);
            }
            if (Form.Spec is not { } spec)
                return;
            try
            {
                defaultEngine = await Task.Run(() => Experiments.DefaultEngine(spec), mine.Token);
            }
            catch (RefusedException)
            {
                defaultEngine = null; // the dialog says why, where it is chosen
            }
            await foreach (var estimate in Experiments.Estimates(spec, mine.Token))
            {
                if (measuring != mine)
                    return;
                estimates[estimate.Engine] = estimate;
                await InvokeAsync(StateHasChanged);
            }
            measured = true;
        }
        catch (OperationCanceledException)
        {
            return; // something changed, or the field is gone
        }
        catch (Exception e)
        {
            Log.LogError(e, "What an experiment costs on each engine could not be measured.");
            if (measuring != mine)
                return;
            measured = true;
        }
        finally
        {
            if (measuring == mine)
                measuring = null;
        }
        if (!gone.IsCancellationRequested)
            await InvokeAsync(StateHasChanged);
    }

    private async Task Choose(string name)
    {
        Form.SetText(Key, name);
        await Changed.InvokeAsync();
    }

    public void Dispose()
    {
        gone.Cancel();
        gone.Dispose();
    }

    /// <param name="Missing">It cannot be chosen, for <paramref name="Note"/>'s reason.</param>
    private sealed record Row(string Name, bool Missing, string Note);
}
