using BatchViz.Core.Engines;
using static BatchViz.Core.Language;

namespace BatchViz.Core.Specs;

/// <summary>
/// What an experiment may do and yet surprises, said before it begins; docs/layers.md and docs/optimisers.md have the whole of it.
/// </summary>
public static class PlanNotes
{
    private const int ColumnsShown = 5;

    /// <summary>One sentence each; none where there is nothing to say.</summary>
    public static IReadOnlyList<string> Of(ExperimentPlan plan)
    {
        var network = plan.Network;
        var notes = new List<string>();
        if (network is { Layered: true, Graph.NormalizesSingleValues: true } && Sizes(plan, HasSingles) is { } norms)
            notes.Add(
                Tr(
                    $"{norms.English} batches of one example, for which a batch norm over one value gives β: only what stands behind it learns from them.",
                    $"{norms.Chinese}有单样本批量：只有一个值的批归一化输出 β，只有其后的层能从中学习。"
                )
            );
        if (network.Contrastive && Sizes(plan, HasSingles) is { } pairs)
            notes.Add(
                network.Loss == LossKind.InfoNce
                    ? Tr(
                        $"{pairs.English} batches of one pair, whose InfoNCE loss and gradient are 0: there is nothing to tell the pair from.",
                        $"{pairs.Chinese}有单对批量：其 InfoNCE 损失与梯度均为 0，没有可比较的对象。"
                    )
                    : Tr(
                        $"{pairs.English} batches of one pair, whose loss has its one positive term alone and no negatives.",
                        $"{pairs.Chinese}有单对批量：其损失只有一个正项，没有负项。"
                    )
            );
        if (
            plan.Spec.Optimizer.UsesLineSearch
            && Sizes(plan, run => run.BatchSize < plan.Data.Train.Count, "searches", "search") is { } searches
        )
            notes.Add(
                Tr(
                    $"{searches.English} along lines with less than all examples: {(searches.Many ? "they follow their" : "it follows its")} batches' noise, and may be thrown about or diverge.",
                    $"{searches.Chinese}用部分样本做线搜索：会跟随批量的噪声，可能被带偏或发散。"
                )
            );
        if (plan.Data.MergedColumns is { Count: > 0 } merged)
        {
            string columns = string.Join(", ", merged.Take(ColumnsShown).Select(column => $"\"{UntrustedText.Shorten(column)}\"")),
                more = merged.Count > ColumnsShown ? ", …" : "";
            notes.Add(
                Tr(
                    $"{(merged.Count == 1 ? "Column" : "Columns")} {columns}{more}: float32, in which networks train, cannot tell some of the different values apart.",
                    $"{columns}{more} 列：网络训练所用的 float32 无法区分其中一些不同的值。"
                )
            );
        }
        return notes;

        bool HasSingles(RunPlan run) =>
            plan.Spec.Sampler.Pool is null
            && (
                run.BatchSize == 1
                || plan.Spec.Sampler.Remainder is RemainderPolicy.Keep or RemainderPolicy.Reweight
                    && plan.Data.Train.Count % run.BatchSize == 1
            );
    }

    /// <summary>The batch sizes of which something is true, as the subject of a sentence; null where there are none.</summary>
    private static (string English, string Chinese, bool Many)? Sizes(
        ExperimentPlan plan,
        Func<RunPlan, bool> which,
        string one = "has",
        string many = "have"
    )
    {
        int[] sizes = [.. plan.Runs.Where(which).Select(run => run.BatchSize).Distinct().Order()];
        if (sizes.Length == 0)
            return null;
        string list = sizes.Length == 1 ? $"{sizes[0]}" : $"{string.Join(", ", sizes[..^1])} and {sizes[^1]}";
        return ($"B = {list} {(sizes.Length == 1 ? one : many)}", $"B = {string.Join("、", sizes)} ", sizes.Length > 1);
    }
}
