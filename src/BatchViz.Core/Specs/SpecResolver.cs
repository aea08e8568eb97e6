using System.Globalization;
using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using BatchViz.Core.Sampling;
using static BatchViz.Core.Language;

namespace BatchViz.Core.Specs;

/// <summary>One run: a batch size and a seed with everything that follows from them.</summary>
/// <param name="BatchSize">B: the size of a whole batch, at the run's or the fork's beginning where a schedule lets it grow (see
/// <see cref="TrainingProgress.Phases"/>).</param>
/// <param name="LearningRate">η, before <paramref name="Schedule"/>.</param>
/// <param name="Schedule">The experiment's, with the length of a cosine; a fork may have ended it.</param>
/// <param name="Progress">Of a fork: its parent's as far as it has gone along with it, and its own from there.</param>
/// <param name="TotalUpdates">Updates in the budget, a fork's counted from its parent's beginning; null under a budget in seconds.</param>
public sealed record RunPlan(
    int Index,
    string Id,
    int BatchSize,
    uint Seed,
    double LearningRate,
    ScheduleSpec Schedule,
    TrainingProgress Progress,
    long? TotalUpdates
)
{
    public required OptimizerSpec Optimizer { get; init; }

    public required BudgetSpec Budget { get; init; }

    /// <summary>Where the run comes from; null: from its seed's initial weights.</summary>
    public RunFork? Fork { get; init; }

    /// <summary>Updates before the optimiser's first one: more than 0 where a fork has another kind than its parent.</summary>
    public long OptimizerFrom { get; init; }

    /// <summary>Old weights that are kept behind the optimiser's state; see <see cref="WorkersSpec.Delay"/>.</summary>
    public int Staleness { get; init; }
}

/// <summary>
/// A run that begins with another's weights: it counts on from its parent's updates, its own first one is <paramref name="Update"/> + 1.
/// </summary>
/// <param name="Parent">The other run's id.</param>
/// <param name="Update">N: updates of the parent before it.</param>
/// <param name="Set">What differs, as <see cref="ForkResolver"/> reads it.</param>
public sealed record RunFork(string Parent, long Update, IReadOnlyDictionary<string, string> Set);

/// <summary>An experiment with its data: what engines and the experiments work from.</summary>
public sealed record ExperimentPlan(ExperimentSpec Spec, DataSet Data, NetworkSpec Network, IReadOnlyList<RunPlan> Runs)
{
    public string Title => Titles.Of(Spec, Network);

    /// <summary>Names of the columns that a recording of it began with; null: all that there are.</summary>
    public IReadOnlyCollection<string>? RecordedColumns { get; init; }

    /// <summary>The bundle of some runs of one batch size, or of one fork.</summary>
    public BundleSpec BundleOf(IReadOnlyList<RunPlan> runs)
    {
        var first = runs[0];
        if (runs.Count > 1 && runs.Any(run => run.Fork is not null))
            throw new ArgumentException("a fork shares no bundle", nameof(runs));
        return new(Network, first.Optimizer, Spec.Sampler, first.BatchSize, first.LearningRate, [.. runs.Select(run => run.Seed)])
        {
            Schedule = first.Schedule,
            BatchSchedule = Spec.BatchSchedule,
            MicroBatch = Spec.MicroBatch,
            HasLineSearchColumns = Spec.Optimizer.UsesLineSearch,
            RecordedColumns = RecordedColumns,
            Staleness = first.Staleness,
            Continuation = first.Fork is null ? null : new(first.Progress, first.OptimizerFrom),
        };
    }

    /// <summary>The plane that "auto" stands for.</summary>
    public PlaneKind Plane =>
        Spec.Landscape.Plane != PlaneKind.Auto ? Spec.Landscape.Plane
        : Network.ParameterCount == 2 ? PlaneKind.Weights
        : PlaneKind.Pca;
}

/// <summary>Brings a spec and its data together, and refuses what does not fit before any memory is taken for training.</summary>
public static class SpecResolver
{
    public const long MaxParameters = 50_000_000,
        MaxActivationFloats = 2_000_000_000;

    /// <exception cref="RefusedException">One sentence that names the key.</exception>
    public static ExperimentPlan Resolve(ExperimentSpec spec, DataSet data)
    {
        var network = Network(spec, data);
        int n = data.Train.Count;
        var runs = new List<RunPlan>();
        for (int i = 0; i < spec.BatchSizes.Count; i++)
        {
            var batch = spec.BatchSizes[i];
            int size = Together($"batchSizes[{i}]", SizeOf($"batchSizes[{i}]", batch, data), spec, data);
            CheckPool($"batchSizes[{i}]", size, spec.Sampler, data);
            if (runs.Any(r => r.BatchSize == size))
                throw new RefusedException(
                    batch.IsFull
                        ? Tr(
                            $"\"batchSizes[{i}]\" is \"full\", which is {size} examples here and is already in the list.",
                            $"\"batchSizes[{i}]\" 是 \"full\"，在此为 {size} 个样本，列表中已有。"
                        )
                        : Tr(
                            $"\"batchSizes[{i}]\" is {size}, which is \"full\" here and is already in the list.",
                            $"\"batchSizes[{i}]\" 是 {size}，在此即 \"full\"，列表中已有。"
                        )
                );
            double rate =
                spec.LearningRate.Rule == LearningRateRule.Tuned
                    ? spec.LearningRate.For(batch, n)
                    : spec.LearningRate.For(new BatchSize(size), n);
            CheckRate($"batchSizes[{i}]", size, rate);
            var progress = new TrainingProgress(spec.Sampler.Remainder, n, spec.Sampler.Pool ?? size, spec.BatchSchedule);
            CheckActivations($"batchSizes[{i}]", size, progress, network, spec.MicroBatch, spec.Sampler.Pool is null);
            long? total = TotalUpdates(spec.Budget, spec.Sampler.Pool ?? size, progress);
            CheckStream(data, progress, total);
            var schedule = spec.Schedule is { Kind: ScheduleKind.Cosine, Epochs: null }
                ? spec.Schedule with
                {
                    Epochs = spec.Budget.Epochs ?? progress.EpochsAfter(total!.Value),
                }
                : spec.Schedule;
            foreach (uint seed in spec.Seeds)
                runs.Add(
                    new RunPlan(runs.Count, $"b{size}-s{seed}", size, seed, rate, schedule, progress, total)
                    {
                        Optimizer = spec.Optimizer,
                        Budget = spec.Budget,
                        Staleness = spec.Workers?.Delay ?? 0,
                    }
                );
        }
        if (spec.Landscape.Plane == PlaneKind.Weights && network.ParameterCount != 2)
            throw new RefusedException(
                Tr(
                    $"\"landscape.plane\" is \"weights\", which needs a model of exactly two weights; this one has {network.ParameterCount:#,0}.",
                    $"\"landscape.plane\" 是 \"weights\"，需要恰有两个权重的模型；此模型有 {network.ParameterCount:#,0} 个。"
                )
            );
        if (spec.Landscape.Plane == PlaneKind.Runs && runs.Count < 3)
            throw new RefusedException(
                Tr(
                    $"\"landscape.plane\" is \"runs\", which needs three runs; this experiment has {runs.Count}.",
                    $"\"landscape.plane\" 是 \"runs\"，需要三个运行；此实验有 {runs.Count} 个。"
                )
            );
        if (spec.Landscape.Plane is not (PlaneKind.Auto or PlaneKind.Weights) && network.ParameterCount == 2)
            throw new RefusedException(
                Tr(
                    $"\"landscape.plane\" is \"{SpecVocabulary.Of(SpecVocabulary.Planes, spec.Landscape.Plane)}\", but this model has two weights, whose landscape is shown exactly; it must be \"auto\" or \"weights\".",
                    $"\"landscape.plane\" 是 \"{SpecVocabulary.Of(SpecVocabulary.Planes, spec.Landscape.Plane)}\"，但此模型只有两个权重，其地形可精确显示；必须是 \"auto\" 或 \"weights\"。"
                )
            );
        if (spec.Model.Start is not null && network.ParameterCount != 2)
            throw new RefusedException(
                Tr(
                    $"\"model.start\" applies only to models of two weights; this one has {network.ParameterCount:#,0}.",
                    $"\"model.start\" 只适用于两个权重的模型；此模型有 {network.ParameterCount:#,0} 个。"
                )
            );
        return new ExperimentPlan(spec, data, network, runs);
    }

    /// <summary>Examples in a whole batch.</summary>
    internal static int SizeOf(string at, BatchSize batch, DataSet data) =>
        batch.IsFull || batch.Examples <= data.Train.Count
            ? batch.Resolve(data.Train.Count)
            : throw new RefusedException(
                Tr(
                    $"\"{at}\" is {batch.Examples}, but {data.Name} has only {data.Train.Count} training examples.",
                    $"\"{at}\" 是 {batch.Examples}，但 {data.Name} 只有 {data.Train.Count} 个训练样本。"
                )
            );

    /// <summary>k·b of synchronous workers.</summary>
    private static int Together(string at, int size, ExperimentSpec spec, DataSet data)
    {
        int workers = spec.Workers?.Together ?? 1;
        long together = (long)workers * size;
        return together <= data.Train.Count
            ? (int)together
            : throw new RefusedException(
                Tr(
                    $"\"{at}\" is {size}, {together:#,0} with {workers} workers in step, but {data.Name} has only {data.Train.Count} training examples.",
                    $"\"{at}\" 是 {size}，{workers} 个同步工作者合计 {together:#,0}，但 {data.Name} 只有 {data.Train.Count} 个训练样本。"
                )
            );
    }

    /// <summary>A rule may have made something of the rate that float32 does not have.</summary>
    internal static void CheckRate(string at, int size, double rate)
    {
        if ((float)rate != 0 && float.IsFinite((float)rate))
            return;
        string seen = (float)rate == 0 ? "0" : "∞";
        throw new RefusedException(
            Tr(
                $"\"{at}\" is {size}, whose learning rate is {rate.ToString("g3", CultureInfo.InvariantCulture)} by the rule; float32, in which networks train, makes {seen} of it.",
                $"\"{at}\" 是 {size}，按规则其学习率为 {rate.ToString("g3", CultureInfo.InvariantCulture)}；网络训练所用的 float32 会把它变成 {seen}。"
            )
        );
    }

    internal static void CheckPool(string at, int size, SamplerSpec sampler, DataSet data)
    {
        if (sampler.Pool is not { } pool)
            return;
        if (pool > data.Train.Count)
            throw new RefusedException(
                Tr(
                    $"\"sampler.hard.pool\" is {pool}, but {data.Name} has only {data.Train.Count} training examples.",
                    $"\"sampler.hard.pool\" 是 {pool}，但 {data.Name} 只有 {data.Train.Count} 个训练样本。"
                )
            );
        if (pool < size)
            throw new RefusedException(
                Tr(
                    $"\"sampler.hard.pool\" is {pool}, less than the batch of {size} that \"{at}\" wants to choose from it.",
                    $"\"sampler.hard.pool\" 是 {pool}，小于 \"{at}\" 要从中选出的 {size} 个样本的批次。"
                )
            );
    }

    internal static void CheckActivations(string at, int size, TrainingProgress progress, NetworkSpec network, int? microBatch, bool grows)
    {
        int atOnce = Math.Min(Math.Max(size, grows ? progress.LargestBatch : 0), microBatch ?? int.MaxValue);
        if (atOnce * network.ActivationsPerExample > MaxActivationFloats)
            throw new RefusedException(
                Tr(
                    $"\"{at}\" is {size}{(atOnce > size ? $" and grows to {atOnce}" : "")}, too large for this model: its activations alone would take more than {MaxActivationFloats * 4 / 1_000_000_000} GB.",
                    $"\"{at}\" 是 {size}{(atOnce > size ? $" 并增长到 {atOnce}" : "")}，对此模型太大：仅激活值就需要 {MaxActivationFloats * 4 / 1_000_000_000} GB 以上。"
                )
            );
    }

    /// <summary>Updates that a budget allows, or null under a budget in seconds.</summary>
    internal static long? TotalUpdates(BudgetSpec budget, int size, TrainingProgress progress)
    {
        long? total = progress.UpdatesIn(budget);
        if (total > SpecReader.MaxUpdates)
            throw new RefusedException(
                Tr(
                    $"\"budget\" makes {total:#,0} updates at batch size {size}; at most {SpecReader.MaxUpdates:#,0} are kept.",
                    $"\"budget\" 在批量大小 {size} 下为 {total:#,0} 次更新；最多保存 {SpecReader.MaxUpdates:#,0} 次。"
                )
            );
        if (budget.Examples is { } examples && examples < size)
            throw new RefusedException(
                Tr(
                    $"\"budget.examples\" is {examples}, less than one batch of {size}.",
                    $"\"budget.examples\" 是 {examples}，少于一个 {size} 的批次。"
                )
            );
        return total;
    }

    /// <summary>A stream goes by once.</summary>
    internal static void CheckStream(DataSet data, TrainingProgress progress, long? total)
    {
        if (!data.Stream)
            return;
        if (total is null)
            throw new RefusedException(
                Tr(
                    $"\"budget.seconds\" cannot go with {data.Name}, a stream that goes by once.",
                    $"\"budget.seconds\" 不能与 {data.Name} 同用：数据流只经过一次。"
                )
            );
        if (progress.ExamplesAfter(total.Value) > data.Train.Count + progress.LargestBatch - 1)
            throw new RefusedException(
                Tr(
                    $"\"budget\" takes {progress.ExamplesAfter(total.Value):#,0} examples, but {data.Name} is a stream of {data.Train.Count:#,0} that goes by once; make \"data.trainExamples\" larger.",
                    $"\"budget\" 需要 {progress.ExamplesAfter(total.Value):#,0} 个样本，但 {data.Name} 是只经过一次的 {data.Train.Count:#,0} 个样本的数据流；请增大 \"data.trainExamples\"。"
                )
            );
    }

    private static NetworkSpec Network(ExperimentSpec spec, DataSet data)
    {
        string loss = SpecVocabulary.Of(SpecVocabulary.Losses, spec.Loss);
        bool contrastive = spec.Loss is LossKind.InfoNce or LossKind.SigmoidContrastive;
        if (contrastive && data.Views != 2)
            throw new RefusedException(
                Tr(
                    $"\"loss\" is \"{loss}\", which compares two views of every example; {data.Name} has one.",
                    $"\"loss\" 是 \"{loss}\"，需比较每个样本的两个视图；{data.Name} 只有一个。"
                )
            );
        int outputs = (data.Task, spec.Loss) switch
        {
            _ when contrastive => 0,
            (DataTask.Surface, LossKind.Surface) => 1,
            (DataTask.Classification, LossKind.CrossEntropy) => data.Outputs,
            (DataTask.Classification, LossKind.Logistic) when data.Outputs == 2 => 1,
            (DataTask.Classification, LossKind.Logistic) => throw new RefusedException(
                Tr(
                    $"\"loss\" is \"logistic\", which needs two classes; {data.Name} has {data.Outputs}.",
                    $"\"loss\" 是 \"logistic\"，需要两个类别；{data.Name} 有 {data.Outputs} 个。"
                )
            ),
            (DataTask.Classification, LossKind.Squared) => data.Outputs == 2 ? 1 : data.Outputs,
            (DataTask.Regression, LossKind.Squared) => data.Outputs,
            (DataTask.Regression, _) => throw new RefusedException(
                Tr(
                    $"\"loss\" is \"{loss}\", but {data.Name} has numbers to predict, which need \"squared\".",
                    $"\"loss\" 是 \"{loss}\"，但 {data.Name} 要预测数值，需要 \"squared\"。"
                )
            ),
            _ => throw new RefusedException(
                Tr($"\"loss\" is \"{loss}\", which does not fit {data.Name}.", $"\"loss\" 是 \"{loss}\"，不适合 {data.Name}。")
            ),
        };
        int inputs = contrastive ? data.Inputs / data.Views : data.Inputs;
        TensorShape? image =
            data.Image is { } size && size.Rows * size.Columns > 1 && inputs % (size.Rows * size.Columns) == 0
                ? new TensorShape(inputs / (size.Rows * size.Columns), size.Rows, size.Columns)
                : null;
        var network = new NetworkSpec(spec.Model, spec.Loss, [inputs, .. spec.Model.Hidden, outputs]) { Image = image };
        if (network.Layered)
            return Layered(network, spec);
        if (network.ParameterCount > MaxParameters)
            throw new RefusedException(
                Tr(
                    $"\"model.hidden\" makes {network.ParameterCount:#,0} weights; at most {MaxParameters:#,0} are allowed.",
                    $"\"model.hidden\" 产生 {network.ParameterCount:#,0} 个权重；最多允许 {MaxParameters:#,0} 个。"
                )
            );
        return network;
    }

    private static NetworkSpec Layered(NetworkSpec network, ExperimentSpec spec)
    {
        var graph = network.Graph;
        if (network.ParameterCount == 0)
            throw new RefusedException(
                Tr(
                    "\"model.layers\" has no layer with weights, so there is nothing to train.",
                    "\"model.layers\" 没有带权重的层，因此无可训练。"
                )
            );
        if (!network.Separable && spec.MicroBatch is not null)
            throw new RefusedException(
                graph.HasBatchNorm
                    ? Tr(
                        "\"microBatch\" cannot go with a layer \"batchNorm\", whose statistics are those of the whole batch.",
                        "\"microBatch\" 不能与 \"batchNorm\" 层同用：其统计量取自整个批次。"
                    )
                    : Tr(
                        $"\"microBatch\" cannot go with the loss \"{SpecVocabulary.Of(SpecVocabulary.Losses, spec.Loss)}\", which compares all examples of a batch.",
                        $"\"microBatch\" 不能与损失 \"{SpecVocabulary.Of(SpecVocabulary.Losses, spec.Loss)}\" 同用：它比较批次中的所有样本。"
                    )
            );
        if (spec.Optimizer.UsesLineSearch && (!network.Separable || graph.HasDropout))
            throw new RefusedException(
                Tr(
                    $"\"optimizer.kind\" is \"{SpecVocabulary.Of(SpecVocabulary.Optimizers, spec.Optimizer.Kind)}\", which compares losses of one batch; with {(graph.HasDropout ? "dropout" : network.Contrastive ? "a contrastive loss" : "batch norms")} they are not those that its gradient belongs to.",
                    $"\"optimizer.kind\" 是 \"{SpecVocabulary.Of(SpecVocabulary.Optimizers, spec.Optimizer.Kind)}\"，它比较同一批次的损失；使用{(graph.HasDropout ? "随机失活" : network.Contrastive ? "对比损失" : "批归一化")}时，这些损失与其梯度不对应。"
                )
            );
        if (spec.Sampler.Pool is not null && network.Contrastive)
            throw new RefusedException(
                Tr(
                    $"\"sampler.hard\" scores examples one by one, but with the loss \"{SpecVocabulary.Of(SpecVocabulary.Losses, spec.Loss)}\" they have none of their own.",
                    $"\"sampler.hard\" 逐个给样本打分，但损失 \"{SpecVocabulary.Of(SpecVocabulary.Losses, spec.Loss)}\" 下样本没有各自的损失。"
                )
            );
        if (network.Contrastive)
            network = network with { Sizes = [network.Sizes[0], graph.Output.Channels] };
        return network;
    }
}
