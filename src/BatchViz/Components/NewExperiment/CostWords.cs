using BatchViz.Components.Library;
using BatchViz.Training;
using static BatchViz.Core.Language;

namespace BatchViz.Components.NewExperiment;

/// <summary>What an experiment costs, in words.</summary>
internal static class CostWords
{
    /// <summary>Training time and memory, to compare engines by.</summary>
    public static string Brief(CostEstimate cost) =>
        Tr(
            $"about {Duration(cost.TrainingSeconds)} of training, {Sizes.Of((long)cost.MemoryBytes)} of memory",
            $"约 {Duration(cost.TrainingSeconds)}训练，内存 {Sizes.Of((long)cost.MemoryBytes)}"
        );

    public static string Duration(double seconds) =>
        seconds switch
        {
            < 0.95 => Tr("a second", "1 秒"),
            < 99.5 => Tr($"{seconds:0} s", $"{seconds:0} 秒"),
            < 5970 => Tr($"{seconds / 60:0} min", $"{seconds / 60:0} 分钟"),
            < 48 * 3600 => Tr($"{seconds / 3600:0.#} h", $"{seconds / 3600:0.#} 小时"),
            _ => Tr($"{seconds / 86_400:0} days", $"{seconds / 86_400:0} 天"),
        };
}
