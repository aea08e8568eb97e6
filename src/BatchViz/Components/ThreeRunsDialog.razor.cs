using BatchViz.Core.Specs;
using BatchViz.Live;
using BatchViz.Training;
using Microsoft.AspNetCore.Components;
using static BatchViz.Core.Language;

namespace BatchViz.Components;

/// <summary>
/// Chooses the three runs through which the plane of the landscape is laid. A refusal is shown here, with the runs as they were chosen.
/// </summary>
public sealed partial class ThreeRunsDialog : ComponentBase, IDisposable
{
    private readonly CancellationTokenSource gone = new();
    private readonly string[] runs = ["", "", ""];
    private Dialog dialog = default!;
    private string? problem;
    private uint generation;

    [Inject]
    private ExperimentHost Experiments { get; set; } = default!;

    private IReadOnlyList<Run> All => Experiments.Current?.Experiment.Runs ?? [];

    private IReadOnlyList<(string Word, string Reading)> Names =>
        Experiments.Current is { } live ? [.. All.Select(run => (run.Plan.Id, RunNames.Of(run.Plan, live.Experiment.Plan)))] : [];

    /// <summary>Opens with the smallest, the middle and the largest batch size, or with what was chosen last for this experiment.</summary>
    public void Open()
    {
        if (Experiments.Current is { } live && live.Generation != generation)
            TakeExperiment(live.Generation);
        problem = null;
        dialog.Open();
    }

    private void TakeExperiment(uint now)
    {
        generation = now;
        var byBatch = All.OrderBy(run => run.Plan.BatchSize).ThenBy(run => run.Plan.Index).ToArray();
        if (byBatch.Length < runs.Length)
            return;
        (runs[0], runs[1], runs[2]) = (byBatch[0].Plan.Id, byBatch[byBatch.Length / 2].Plan.Id, byBatch[^1].Plan.Id);
    }

    private void Choose(int at, string id) => (runs[at], problem) = (id, null);

    private static string Ordinal(int index) =>
        index switch
        {
            0 => Tr("First run: the origin", "第一个运行：原点"),
            1 => Tr("Second run: along the first axis", "第二个运行：沿第一个轴"),
            _ => Tr("Third run: on the side of the second axis", "第三个运行：在第二个轴的一侧"),
        };

    private async Task Begin()
    {
        try
        {
            await Experiments.FitPlaneAt("runs", [.. runs], 0, gone.Token);
            dialog.Close();
        }
        catch (RefusedException refusal)
        {
            problem = refusal.Message;
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
