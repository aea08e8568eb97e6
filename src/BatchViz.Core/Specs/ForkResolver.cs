using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using BatchViz.Core.Engines;
using static BatchViz.Core.Language;

namespace BatchViz.Core.Specs;

/// <summary>
/// A run that leaves another after some update and goes on with other settings. It has its parent's weights, and its optimiser's
/// state unless the optimiser's kind is another; what is not set is as it was. Its updates, examples and epochs count on.
/// </summary>
public static class ForkResolver
{
    /// <summary>What a fork can set, in the words of experiment files.</summary>
    public static readonly IReadOnlyList<string> Keys =
    [
        "batchSize",
        "learningRate",
        "optimizer",
        "optimizer.kind",
        "optimizer.momentum",
        "optimizer.trust",
        "optimizer.beta1",
        "optimizer.beta2",
        "optimizer.rho",
        "optimizer.epsilon",
        "optimizer.lineSearch",
        "optimizer.trials",
        "optimizer.weightDecay",
        "schedule.kind",
        "budget.epochs",
        "budget.updates",
        "budget.examples",
    ];

    private const int LongestParentId = 80;

    /// <summary>
    /// The plan of a fork of a run after <paramref name="update"/> updates, counted from the first of its ancestors; the caller knows how
    /// many it has made.
    /// </summary>
    /// <param name="plan">With all runs there are, whose ids the fork must not repeat.</param>
    /// <param name="set">
    /// Values by <see cref="Keys"/>. A batch size, even the one in force, ends the batch schedule; "optimizer" is short for
    /// "optimizer.kind"; the schedule's kind can be constant only, which ends a warm-up too; a budget is counted from the parent's
    /// beginning.
    /// </param>
    /// <exception cref="RefusedException">One sentence that names the key.</exception>
    public static RunPlan Resolve(ExperimentPlan plan, RunPlan parent, long update, IReadOnlyDictionary<string, string> set, int index)
    {
        long first = parent.Fork?.Update ?? 0;
        if (update < first || update > SpecReader.MaxUpdates)
            throw new RefusedException(
                Tr(
                    $"\"update\" is {update}; it must be a whole number from {first:#,0} to {SpecReader.MaxUpdates:#,0}.",
                    $"\"update\" 是 {update}；必须是 {first:#,0} 到 {SpecReader.MaxUpdates:#,0} 的整数。"
                )
            );
        var given = Read(set);
        int? own = given.Get("batchSize") is { } batch
            ? SpecResolver.SizeOf("batchSize", SpecReader.ReadBatchSize("batchSize", batch), plan.Data)
            : null;
        // A pool stays as it is, whatever is chosen from it.
        bool pools = plan.Spec.Sampler.Pool is not null;
        var progress = own is { } other && !pools ? parent.Progress.ForkedAt(update, other) : parent.Progress;
        int size = pools ? own ?? parent.BatchSize : progress.PhaseOf(update + 1).BatchSize;
        SpecResolver.CheckPool("batchSize", size, plan.Spec.Sampler, plan.Data);
        SpecResolver.CheckActivations("batchSize", size, progress, plan.Network, plan.Spec.MicroBatch, !pools);
        var optimizer = SpecReader.ReadOptimizer(given.Object("optimizer"), parent.Optimizer);
        if (optimizer.UsesLineSearch && !plan.Spec.Optimizer.UsesLineSearch)
            throw new RefusedException(
                Tr(
                    $"\"optimizer.kind\" is \"{SpecVocabulary.Of(SpecVocabulary.Optimizers, optimizer.Kind)}\", whose costs this recording has no columns for; begin an experiment with it, or fork one that did.",
                    $"\"optimizer.kind\" 是 \"{SpecVocabulary.Of(SpecVocabulary.Optimizers, optimizer.Kind)}\"，此记录没有记其开销的列；请用它开始新实验，或从那样的实验分叉。"
                )
            );
        bool ends = given.Object("schedule")?.Choice("kind", [("constant", ScheduleKind.Constant)]) is not null;
        var budget = given.Object("budget") is { } until ? SpecReader.ReadBudget(until) : parent.Budget;
        long? total = SpecResolver.TotalUpdates(budget, plan.Spec.Sampler.Pool ?? size, progress);
        SpecResolver.CheckStream(plan.Data, progress, total);
        if (total <= update)
            throw TooEarly(budget, total.Value, update);
        return parent with
        {
            Index = index,
            Id = FreeId(plan, parent, update),
            BatchSize = size,
            LearningRate = given.Get("learningRate") is { } rate ? SpecReader.ReadRate("learningRate", rate) : parent.LearningRate,
            Schedule = ends ? new ScheduleSpec() : parent.Schedule,
            Progress = progress,
            TotalUpdates = total,
            Optimizer = optimizer,
            Budget = budget,
            Fork = new RunFork(parent.Id, update, new Dictionary<string, string>(set)),
            OptimizerFrom = optimizer.Kind == parent.Optimizer.Kind ? parent.OptimizerFrom : update,
        };
    }

    /// <summary>
    /// What a fork begins with: the parent's keyframe after the fork's update, with the optimiser's state at zero where it begins anew; old
    /// weights stay.
    /// </summary>
    public static Keyframe Begin(Keyframe parent, RunPlan fork)
    {
        if (fork.Fork?.Update != parent.Updates)
            throw new ArgumentException($"the fork does not begin after update {parent.Updates}", nameof(parent));
        return fork.OptimizerFrom < parent.Updates
            ? parent
            : parent with
            {
                OptimizerState =
                [
                    .. Enumerable.Range(0, fork.Optimizer.StateVectors).Select(_ => new float[parent.Weights.Length]),
                    .. parent.OptimizerState[^fork.Staleness..],
                ],
            };
    }

    /// <summary>The settings as the JSON object of an experiment file, so that they are read as strictly.</summary>
    private static StrictJsonReader Read(IReadOnlyDictionary<string, string> set)
    {
        var root = new JsonObject();
        foreach (var (key, text) in set)
        {
            if (!Keys.Contains(key))
                throw new RefusedException(
                    Tr(
                        $"\"{UntrustedText.Shorten(key)}\" is not a key of a fork; known are {string.Join(", ", Keys)}.",
                        $"\"{UntrustedText.Shorten(key)}\" 不是分叉的键；可用的有 {string.Join(", ", Keys)}。"
                    )
                );
            string[] path = key == "optimizer" ? ["optimizer", "kind"] : key.Split('.');
            var at = root;
            foreach (string part in path[..^1])
                at = (JsonObject)(at[part] ??= new JsonObject());
            if (!at.TryAdd(path[^1], Value(text)))
                throw new RefusedException(
                    Tr(
                        "\"optimizer\" and \"optimizer.kind\" are the same key; give one of them.",
                        "\"optimizer\" 与 \"optimizer.kind\" 是同一个键；请只给出一个。"
                    )
                );
        }
        return StrictJsonReader.Parse(Encoding.UTF8.GetBytes(root.ToJsonString()), Tr("The fork", "分叉"));
    }

    /// <summary>A number where it is one, else a text.</summary>
    private static JsonNode Value(string text)
    {
        try
        {
            if (JsonNode.Parse(text) is { } node && node.GetValueKind() == JsonValueKind.Number)
                return node;
        }
        catch (Exception e) when (e is JsonException or ArgumentException) // no JSON, or half a character
        { }
        return text;
    }

    private static RefusedException TooEarly(BudgetSpec budget, long total, long update)
    {
        var (key, amount) = budget switch
        {
            { Epochs: { } epochs } => ("epochs", epochs),
            { Updates: { } updates } => ("updates", updates),
            _ => ("examples", (double)budget.Examples!),
        };
        return new(
            Tr(
                $"\"budget.{key}\" is {amount.ToString(CultureInfo.InvariantCulture)}, which ends with update {total}; a fork after update {update} needs more.",
                $"\"budget.{key}\" 是 {amount.ToString(CultureInfo.InvariantCulture)}，在第 {total} 次更新结束；第 {update} 次更新之后的分叉需要更多。"
            )
        );
    }

    /// <summary>
    /// Parent and update, such as b32-s1-u1200, and a number where that is taken. After many forks of forks it is named after the first
    /// run alone, so that an id remains a file's name.
    /// </summary>
    private static string FreeId(ExperimentPlan plan, RunPlan parent, long update)
    {
        string stem = parent.Id.Length <= LongestParentId ? parent.Id : parent.Id[..parent.Id.IndexOf("-u", StringComparison.Ordinal)];
        string id = $"{stem}-u{update}";
        for (int copy = 2; plan.Runs.Any(run => run.Id == id); copy++)
            id = $"{stem}-u{update}-{copy}";
        return id;
    }
}
