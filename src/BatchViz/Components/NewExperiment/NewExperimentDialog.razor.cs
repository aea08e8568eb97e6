using BatchViz.Core.Specs;
using BatchViz.Live;
using Microsoft.AspNetCore.Components;

namespace BatchViz.Components.NewExperiment;

/// <summary>Chooses or describes an experiment and starts it. A refusal is shown here, with everything as it was.</summary>
public sealed partial class NewExperimentDialog : ComponentBase, IDisposable
{
    /// <summary>What a form begins with where there is nothing to vary.</summary>
    private static readonly ExperimentSpec Simplest = SpecReader.Read("""
        { "data": { "kind": "moons" }, "model": { "hidden": [8, 8], "activation": "tanh" }, "learningRate": 0.1, "batchSizes": [1, 8, 32, "full"], "budget": { "epochs": 50 } }
        """u8.ToArray());

    private readonly CancellationTokenSource gone = new();
    private Dialog dialog = default!;
    private SpecForm form = new(Simplest);
    private IReadOnlyList<Preset> presets = [];
    private string? chosen;
    private bool starting, begun = true;
    private int tab;

    [Inject] private Conductor Conductor { get; set; } = default!;

    [Inject] private ILogger<NewExperimentDialog> Log { get; set; } = default!;

    /// <summary>Pages that show the present experiment, and will show the new one.</summary>
    [Parameter] public int Watching { get; set; }

    private string Summary
    {
        get
        {
            int runs = form.Spec is { } spec ? spec.BatchSizes.Count * spec.Seeds.Count : 0;
            string watching = Watching > 1 ? $", on all {Watching} pages that are open" : "";
            return $"{(runs == 1 ? "One run" : $"{runs} runs")}, in place of the present experiment{watching}.";
        }
    }

    /// <summary>Opens with the present experiment's settings, to vary them; what was typed last time and not started is kept.</summary>
    public void Open()
    {
        presets = Preset.ReadAll(Preset.Folder);
        if (begun)
        {
            form = new SpecForm(Conductor.Current?.Experiment.Plan.Spec ?? Simplest);
            (chosen, tab, begun) = (null, 0, false);
        }
        dialog.Open();
    }

    private void Choose(Preset preset)
    {
        chosen = preset.Key;
        form.Use(preset.Spec!);
    }

    private void Changed() => chosen = null;

    private void Rewrite(string? text)
    {
        form.Text = text ?? "";
        Changed();
    }

    private async Task Start()
    {
        if (starting || form.Spec is null) return;
        starting = true;
        try
        {
            await Conductor.Start(form.Utf8, gone.Token);
            begun = true;
            await dialog.Close();
        }
        catch (SpecException e)
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
            form.Refuse("The experiment could not be started; the server's log says why.");
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
