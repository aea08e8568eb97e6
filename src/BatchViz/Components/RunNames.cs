using System.Globalization;
using BatchViz.Core.Specs;
using static BatchViz.Core.Language;

namespace BatchViz.Components;

/// <summary>How runs are called: by batch size, with the seed where there are several, and a fork by where it leaves.</summary>
internal static class RunNames
{
    public static string Of(RunPlan run, ExperimentPlan plan)
    {
        string seed = plan.Spec.Seeds.Count > 1 ? Tr($" · seed {run.Seed}", $" · 随机种子 {run.Seed}") : "";
        string fork = run.Fork is not { } from
            ? ""
            : Tr($" · from {from.Parent} at {Number(from.Update)}", $" · 自 {from.Parent} 的 {Number(from.Update)} 处");
        return $"B = {run.BatchSize}{fork}{seed}";
    }

    public static string Number(long value) => value.ToString("#,0", CultureInfo.InvariantCulture);
}
