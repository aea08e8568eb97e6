using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using BatchViz.Core.Data;
using static BatchViz.Core.Language;

namespace BatchViz.Core.Specs;

/// <summary>
/// Reads an experiment file (docs/experiment.schema.json) strictly. What can be known without the data is checked here; what
/// depends on it (a batch larger than the training split, a loss that does not fit the labels) in <see cref="SpecResolver"/>.
/// </summary>
public static partial class SpecReader
{
    /// <summary>The word for whichever engine the host takes by itself.</summary>
    public const string AnyEngine = "auto";

    public const int MaxBytes = StrictJsonReader.MaxBytes;
    public const int MaxBatchSizes = 16,
        MaxSeeds = 64,
        MaxRuns = 64,
        MaxLayers = 64,
        MaxWidth = 16_384,
        MaxGenerated = 1_000_000,
        MaxEpochs = 1_000_000,
        MaxMemory = 100,
        MaxWorkers = 64;
    public const long MaxUpdates = 100_000_000,
        MaxExamples = 10_000_000_000;

    /// <exception cref="RefusedException">One sentence that names the key.</exception>
    public static ExperimentSpec Read(ReadOnlyMemory<byte> utf8, string? what = null)
    {
        var root = StrictJsonReader.Parse(utf8, what ?? Tr("The experiment", "实验"));
        root.Text("$schema");
        var data = ReadData(
            root.Object("data")
                ?? throw root.Missing("data", Tr("an object such as { \"kind\": \"mnist\" }", "对象，例如 { \"kind\": \"mnist\" }"))
        );
        bool surface = SurfaceOf(data.Kind) is not null;
        var model = ReadModel(root.Object("model"), surface);
        var spec = new ExperimentSpec
        {
            Name = root.Text("name") is { Length: > 0 } name ? name : Titles.DataName(data.Kind),
            Data = data,
            Model = model,
            Loss = root.Choice("loss", SpecVocabulary.Losses) ?? DefaultLoss(data),
            Optimizer = ReadOptimizer(root.Object("optimizer"), new OptimizerSpec()),
            BatchSizes = ReadBatchSizes(root),
            BatchSchedule = ReadBatchSchedule(root.Object("batchSchedule")),
            MicroBatch = (int?)root.Whole("microBatch", 1, 1_000_000_000),
            LearningRate = ReadLearningRate(root),
            Schedule = ReadSchedule(root.Object("schedule")),
            Seeds = ReadSeeds(root),
            Sampler = ReadSampler(root.Object("sampler"), data.Kind == DataKind.Drift),
            Workers = ReadWorkers(root.Object("workers")),
            Budget = ReadBudget(
                root.Object("budget")
                    ?? throw root.Missing("budget", Tr("an object such as { \"epochs\": 5 }", "对象，例如 { \"epochs\": 5 }"))
            ),
            Pace = root.Choice("pace", SpecVocabulary.Paces) ?? Pace.Examples,
            Landscape = ReadLandscape(root.Object("landscape")),
            Probes = ReadProbes(root),
            Engine = ReadEngine(root),
            Precision = root.Choice("precision", SpecVocabulary.Precisions),
        };
        root.Done();
        Check(spec, surface);
        return spec;
    }

    public static SurfaceKind? SurfaceOf(DataKind kind) =>
        kind switch
        {
            DataKind.DoubleWell => SurfaceKind.DoubleWell,
            DataKind.Saddle => SurfaceKind.Saddle,
            DataKind.Beale => SurfaceKind.Beale,
            _ => null,
        };

    /// <summary>A word, whichever: what engines there are is the host's to know.</summary>
    private static string? ReadEngine(StrictJsonReader root)
    {
        if (root.Text("engine") is not { } engine)
            return null;
        if (!EngineWord().IsMatch(engine))
            throw new RefusedException(
                Tr(
                    $"\"engine\" is \"{UntrustedText.Shorten(engine)}\"; it must be \"auto\" or the name of an engine, such as \"cpu\".",
                    $"\"engine\" 是 \"{UntrustedText.Shorten(engine)}\"；必须是 \"auto\" 或计算引擎的名称，例如 \"cpu\"。"
                )
            );
        return engine == AnyEngine ? null : engine;
    }

    [GeneratedRegex("^[a-z][a-z0-9:]{0,39}$")]
    private static partial Regex EngineWord();

    private static void Check(ExperimentSpec spec, bool surface)
    {
        if (spec.BatchSizes.Count * spec.Seeds.Count > MaxRuns)
            throw new RefusedException(
                Tr(
                    $"\"batchSizes\" times \"seeds\" make {spec.BatchSizes.Count * spec.Seeds.Count} runs; at most {MaxRuns} can train at once.",
                    $"\"batchSizes\" 乘 \"seeds\" 得到 {spec.BatchSizes.Count * spec.Seeds.Count} 个运行；最多同时训练 {MaxRuns} 个。"
                )
            );
        if (surface != (spec.Loss == LossKind.Surface))
            throw new RefusedException(
                surface
                    ? Tr(
                        $"\"loss\" must be \"surface\" (or left out) for the data \"{SpecVocabulary.Of(SpecVocabulary.Data, spec.Data.Kind)}\", whose loss is its own function.",
                        $"\"loss\" 对数据 \"{SpecVocabulary.Of(SpecVocabulary.Data, spec.Data.Kind)}\" 必须是 \"surface\"（或省略）：其损失就是它自己的函数。"
                    )
                    : Tr(
                        "\"loss\" can be \"surface\" only for the data double-well, saddle and beale.",
                        "\"loss\" 只有对数据 double-well、saddle 和 beale 才可以是 \"surface\"。"
                    )
            );
        if (surface != (spec.Model.Kind == ModelKind.Surface))
            throw new RefusedException(
                surface
                    ? Tr(
                        $"\"model.kind\" must be \"surface\" (or left out) for the data \"{SpecVocabulary.Of(SpecVocabulary.Data, spec.Data.Kind)}\".",
                        $"\"model.kind\" 对数据 \"{SpecVocabulary.Of(SpecVocabulary.Data, spec.Data.Kind)}\" 必须是 \"surface\"（或省略）。"
                    )
                    : Tr(
                        "\"model.kind\" can be \"surface\" only for the data double-well, saddle and beale.",
                        "\"model.kind\" 只有对数据 double-well、saddle 和 beale 才可以是 \"surface\"。"
                    )
            );
        if (spec.Loss is LossKind.CrossEntropy or LossKind.Logistic && spec.Model.OutputActivation != Activation.Linear)
            throw new RefusedException(
                Tr(
                    $"\"model.outputActivation\" must be \"linear\" with the loss \"{SpecVocabulary.Of(SpecVocabulary.Losses, spec.Loss)}\", which has its own.",
                    $"\"model.outputActivation\" 在损失 \"{SpecVocabulary.Of(SpecVocabulary.Losses, spec.Loss)}\" 下必须是 \"linear\"：该损失自带激活。"
                )
            );
        bool contrastive = spec.Loss is LossKind.InfoNce or LossKind.SigmoidContrastive;
        if (contrastive != (spec.Model is { Kind: ModelKind.Layers, Towers: 2 }))
            throw new RefusedException(
                contrastive
                    ? Tr(
                        $"\"loss\" is \"{SpecVocabulary.Of(SpecVocabulary.Losses, spec.Loss)}\", which needs a model of two towers: \"model.preset\" \"two-tower\", or \"model.towers\" 2.",
                        $"\"loss\" 是 \"{SpecVocabulary.Of(SpecVocabulary.Losses, spec.Loss)}\"，需要双塔模型：\"model.preset\" 为 \"two-tower\"，或 \"model.towers\" 为 2。"
                    )
                    : Tr(
                        "\"loss\" must be \"info-nce\" or \"sigmoid-contrastive\" for a model of two towers.",
                        "\"loss\" 对双塔模型必须是 \"info-nce\" 或 \"sigmoid-contrastive\"。"
                    )
            );
        if (
            contrastive
            && spec.Probes.Select(probe => probe.WhyNotContrastive()).FirstOrDefault(sentence => sentence is not null) is { } whyNot
        )
            throw new RefusedException(whyNot);
        if (spec.Schedule is { Kind: ScheduleKind.Cosine, Epochs: null } && spec.Budget.Seconds is not null)
            throw new RefusedException(
                Tr(
                    "\"schedule.epochs\" must be given, since a budget in seconds does not say how long the cosine is.",
                    "\"schedule.epochs\" 必须给出：以秒计的预算不能决定余弦的长度。"
                )
            );
        if (spec.BatchSchedule is { } growth)
            CheckGrowth(spec, growth);
        if (spec.Workers is { Delay: > 0 } && spec.Optimizer.UsesLineSearch)
            throw new RefusedException(
                Tr(
                    $"\"workers\" with gradients of older weights cannot go with the optimizer \"{SpecVocabulary.Of(SpecVocabulary.Optimizers, spec.Optimizer.Kind)}\", which compares losses at the weights it steps from.",
                    $"使用旧权重梯度的 \"workers\" 不能与优化器 \"{SpecVocabulary.Of(SpecVocabulary.Optimizers, spec.Optimizer.Kind)}\" 同用：后者在出发的权重处比较损失。"
                )
            );
        if (spec.Probes.Contains(ProbeKind.FisherRao) && spec.Model.WhyNoFisherRao() is { } why)
            throw new RefusedException(why);
        if (spec.LearningRate.Rule == LearningRateRule.Tuned)
            foreach (var batch in spec.BatchSizes)
                if (!spec.LearningRate.Tuned!.ContainsKey(batch.ToString()))
                    throw new RefusedException(
                        Tr(
                            $"\"learningRate\" has no rate for the batch size {batch}.",
                            $"\"learningRate\" 没有给出批量大小 {batch} 的学习率。"
                        )
                    );
    }

    private static void CheckGrowth(ExperimentSpec spec, BatchScheduleSpec growth)
    {
        if (spec.Sampler.Remainder == RemainderPolicy.Carry)
            throw new RefusedException(
                Tr(
                    "\"batchSchedule\" cannot go with \"sampler.remainder\" \"carry\", whose batches cross from one epoch into the next.",
                    "\"batchSchedule\" 不能与 \"sampler.remainder\" \"carry\" 同用：后者的批次会跨轮。"
                )
            );
        foreach (var batch in spec.BatchSizes)
        {
            if (batch.IsFull)
                throw new RefusedException(
                    Tr(
                        "\"batchSchedule\" cannot go with the batch size \"full\", which is as large as can be.",
                        "\"batchSchedule\" 不能与批量大小 \"full\" 同用：它已是最大。"
                    )
                );
            if (batch.Examples > growth.Maximum)
                throw new RefusedException(
                    Tr(
                        $"\"batchSchedule.maximum\" is {growth.Maximum}, less than the batch size {batch} that is to grow.",
                        $"\"batchSchedule.maximum\" 是 {growth.Maximum}，小于要增长的批量大小 {batch}。"
                    )
                );
        }
        if (spec.Sampler.Pool is not null)
            throw new RefusedException(
                Tr(
                    "\"batchSchedule\" cannot go with \"sampler.hard\", whose pools stay as they are.",
                    "\"batchSchedule\" 不能与 \"sampler.hard\" 同用：候选池大小不变。"
                )
            );
        if (spec.Workers is { Together: > 1 })
            throw new RefusedException(
                Tr(
                    "\"batchSchedule\" cannot go with synchronous \"workers\", whose batches are one.",
                    "\"batchSchedule\" 不能与同步的 \"workers\" 同用：各批合为一批。"
                )
            );
    }

    private static LossKind DefaultLoss(DataSpec data) =>
        data.From switch
        {
            DataKind.DoubleWell or DataKind.Saddle or DataKind.Beale => LossKind.Surface,
            DataKind.Line => LossKind.Squared,
            DataKind.Csv when data.Regression => LossKind.Squared,
            DataKind.Mnist or DataKind.FashionMnist or DataKind.Cifar10 or DataKind.Idx or DataKind.Csv => LossKind.CrossEntropy,
            _ => LossKind.Logistic,
        };

    /// <summary>Whether examples are made, not read.</summary>
    public static bool IsGenerated(DataKind kind) =>
        kind is not (DataKind.Mnist or DataKind.FashionMnist or DataKind.Cifar10 or DataKind.Csv or DataKind.Idx);

    private static DataSpec ReadData(StrictJsonReader data)
    {
        var kind =
            data.Choice("kind", SpecVocabulary.Data)
            ?? throw data.Missing(
                "kind",
                Tr("one of ", "下列之一：") + string.Join(", ", SpecVocabulary.Data.Select(w => $"\"{w.Word}\""))
            );
        DataKind? of = kind == DataKind.Pairs ? data.Choice("base", Pairs.Bases) ?? DataKind.Mnist : null;
        bool generated = IsGenerated(of ?? kind);
        var spec = new DataSpec
        {
            Kind = kind,
            TrainExamples = (int?)data.Whole("trainExamples", 1, generated ? MaxGenerated : 100_000_000),
            TestExamples = (int?)data.Whole("testExamples", 1, generated ? MaxGenerated : 100_000_000),
            Noise = generated ? data.Number("noise", 0, 100) : null,
            Seed = (uint)(data.Whole("seed", 0, uint.MaxValue) ?? 1),
            Base = of,
            Augmentation = kind == DataKind.Pairs ? data.Number("augmentation", 0, 1) : null,
            Turns = kind == DataKind.Drift ? data.Number("turns", 0, 1000) : null,
            Folder = (of ?? kind) is DataKind.Csv or DataKind.Idx or DataKind.Cifar10 ? data.Text("folder") : null,
            File =
                kind == DataKind.Csv
                    ? FileName(data, "file") ?? throw data.Missing("file", Tr("the name of a CSV file", "CSV 文件名"))
                    : null,
            Label = kind == DataKind.Csv ? data.Text("label") : null,
            Regression = kind == DataKind.Csv && (data.Flag("regression") ?? false),
            TestFraction = kind == DataKind.Csv ? data.Number("testFraction", 0, 0.9) : null,
            TrainImages =
                kind == DataKind.Idx
                    ? FileName(data, "trainImages") ?? throw data.Missing("trainImages", Tr("the name of an IDX file", "IDX 文件名"))
                    : null,
            TrainLabels =
                kind == DataKind.Idx
                    ? FileName(data, "trainLabels") ?? throw data.Missing("trainLabels", Tr("the name of an IDX file", "IDX 文件名"))
                    : null,
            TestImages = kind == DataKind.Idx ? FileName(data, "testImages") : null,
            TestLabels = kind == DataKind.Idx ? FileName(data, "testLabels") : null,
        };
        data.Done();
        if ((spec.TestImages is null) != (spec.TestLabels is null))
            throw new RefusedException(
                Tr(
                    "\"data.testImages\" and \"data.testLabels\" must be given together.",
                    "\"data.testImages\" 与 \"data.testLabels\" 必须同时给出。"
                )
            );
        if (SurfaceOf(kind) is not null && spec.TestExamples is not null)
            throw new RefusedException(
                Tr(
                    "\"data.testExamples\" does not apply to a surface, which has nothing to test.",
                    "\"data.testExamples\" 不适用于曲面：它没有可测试的内容。"
                )
            );
        return spec;
    }

    /// <summary>A plain file name or a path below the folder: never absolute, never upwards.</summary>
    private static string? FileName(StrictJsonReader data, string key)
    {
        if (data.Text(key) is not { } name)
            return null;
        if (
            name.Length == 0
            || Path.IsPathRooted(name)
            || name.Contains('\\')
            || name.Contains(':')
            || name.Split('/').Any(p => p is "" or "." or "..")
        )
            throw new RefusedException(
                Tr(
                    $"\"{data.At(key)}\" must be the name of a file inside the data folder.",
                    $"\"{data.At(key)}\" 必须是数据文件夹内的文件名。"
                )
            );
        return name;
    }

    private static ModelSpec ReadModel(StrictJsonReader? model, bool surface)
    {
        var kind = surface ? ModelKind.Surface : ModelKind.Dense;
        if (model is null)
            return new ModelSpec { Kind = kind };
        bool preset = model.Get("preset") is not null;
        kind = (preset ? null : model.Choice("kind", SpecVocabulary.Models)) ?? kind;
        var spec =
            preset || kind == ModelKind.Layers ? LayerFile.ReadModel(model)
            : kind == ModelKind.Surface ? new ModelSpec { Kind = kind, Start = ReadStart(model) }
            : new ModelSpec
            {
                Kind = kind,
                Hidden = ReadHidden(model),
                Activation = model.Choice("activation", SpecVocabulary.Activations) ?? Activation.Relu,
                OutputActivation = model.Choice("outputActivation", SpecVocabulary.Activations) ?? Activation.Linear,
                Bias = model.Flag("bias") ?? true,
                Initializer = model.Choice("initializer", SpecVocabulary.Initializers) ?? Initializer.Auto,
                Start = ReadStart(model),
            };
        model.Done();
        return spec;
    }

    private static List<int> ReadHidden(StrictJsonReader model)
    {
        var widths = model.Array("hidden", 0, MaxLayers) ?? [];
        return [.. widths.Select((w, i) => (int)StrictJsonReader.Whole($"{model.At("hidden")}[{i}]", w, 1, MaxWidth))];
    }

    private static List<double>? ReadStart(StrictJsonReader model) =>
        model.Array("start", 2, 2)?.Select((w, i) => StrictJsonReader.Number($"{model.At("start")}[{i}]", w, -1e6, 1e6)).ToList();

    /// <summary>What is not given is as <paramref name="before"/>, as far as the kinds have it in common.</summary>
    internal static OptimizerSpec ReadOptimizer(StrictJsonReader? optimizer, OptimizerSpec before)
    {
        if (optimizer is null)
            return before;
        var spec = before.Become(optimizer.Choice("kind", SpecVocabulary.Optimizers) ?? before.Kind);
        spec = spec with { WeightDecay = optimizer.Number("weightDecay", 0, 10) ?? spec.WeightDecay };
        if (spec.HasMomentum)
            spec = spec with { Momentum = optimizer.Number("momentum", 0, 0.9999) ?? spec.Momentum };
        if (spec.HasTrust)
            spec = spec with { Trust = optimizer.Number("trust", 0, 10, openMin: true) ?? spec.Trust };
        if (spec.HasBetas)
            spec = spec with
            {
                Beta1 = optimizer.Number("beta1", 0, 0.9999) ?? spec.Beta1,
                Beta2 = optimizer.Number("beta2", 0, 0.999999) ?? spec.Beta2,
            };
        if (spec.HasRho)
            spec = spec with { Rho = optimizer.Number("rho", 0, 0.999999) ?? spec.Rho };
        if (spec.HasMemory)
            spec = spec with { Memory = (int?)optimizer.Whole("memory", 1, MaxMemory) ?? spec.Memory };
        if (spec.UsesLineSearch)
            spec = spec with
            {
                LineSearch =
                    optimizer.Choice(
                        "lineSearch",
                        spec.HasMemory ? SpecVocabulary.LineSearches : SpecVocabulary.LineSearches.Skip(1).ToArray()
                    ) ?? spec.LineSearch,
            };
        if (spec.HasTrials)
            spec = spec with { Trials = (int?)optimizer.Whole("trials", 1, 100) ?? spec.Trials };
        if (spec.HasEpsilon)
            spec = spec with { Epsilon = optimizer.Number("epsilon", 1e-16, 1) ?? spec.Epsilon };
        optimizer.Done();
        return spec;
    }

    private static ScheduleSpec ReadSchedule(StrictJsonReader? schedule)
    {
        if (schedule is null)
            return new ScheduleSpec();
        var spec = new ScheduleSpec
        {
            Kind = schedule.Choice("kind", SpecVocabulary.Schedules) ?? ScheduleKind.Constant,
            Warmup = ReadWarmup(schedule.Object("warmup")),
        };
        if (spec.Kind == ScheduleKind.Step)
            spec = spec with
            {
                Factor = schedule.Number("factor", 0, 1, openMin: true) ?? spec.Factor,
                EveryEpochs = (int)(
                    schedule.Whole("everyEpochs", 1, MaxEpochs)
                    ?? throw schedule.Missing("everyEpochs", Tr("a whole number of epochs", "整数轮数"))
                ),
            };
        if (spec.Kind == ScheduleKind.Cosine)
            spec = spec with
            {
                Epochs = schedule.Number("epochs", 0, MaxEpochs, openMin: true),
                Floor = schedule.Number("floor", 0, 1) ?? spec.Floor,
            };
        schedule.Done();
        return spec;
    }

    private static WarmupSpec? ReadWarmup(StrictJsonReader? warmup)
    {
        if (warmup is null)
            return null;
        var spec = new WarmupSpec(
            warmup.Choice("kind", SpecVocabulary.Warmups) ?? WarmupKind.Gradual,
            warmup.Number("epochs", 0, MaxEpochs, openMin: true) ?? throw warmup.Missing("epochs", Tr("a number of epochs", "轮数"))
        );
        spec = spec with { Factor = warmup.Number("factor", 0, 1) ?? spec.Factor };
        warmup.Done();
        return spec;
    }

    private static BatchScheduleSpec? ReadBatchSchedule(StrictJsonReader? schedule)
    {
        if (schedule is null)
            return null;
        var spec = new BatchScheduleSpec(
            schedule.Number("factor", 1.1, 1000) ?? 2,
            (int)(
                schedule.Whole("everyEpochs", 1, MaxEpochs)
                ?? throw schedule.Missing("everyEpochs", Tr("a whole number of epochs", "整数轮数"))
            ),
            (int?)schedule.Whole("maximum", 1, int.MaxValue)
        );
        schedule.Done();
        return spec;
    }

    private static List<BatchSize> ReadBatchSizes(StrictJsonReader root)
    {
        var values = root.Array("batchSizes", 1, MaxBatchSizes) ?? throw root.Missing("batchSizes", "a list such as [1, 32, \"full\"]");
        var sizes = new List<BatchSize>();
        for (int i = 0; i < values.Count; i++)
        {
            string at = $"batchSizes[{i}]";
            var size = ReadBatchSize(at, values[i]);
            if (sizes.Contains(size))
                throw new RefusedException(
                    Tr(
                        $"\"{at}\" repeats the batch size {size}; give each once, and use \"seeds\" for repetitions.",
                        $"\"{at}\" 重复了批量大小 {size}；每个只写一次，重复请用 \"seeds\"。"
                    )
                );
            sizes.Add(size);
        }
        return sizes;
    }

    internal static BatchSize ReadBatchSize(string at, JsonElement value) =>
        value.ValueKind == JsonValueKind.String && value.ValueEquals("full") ? BatchSize.Full
        : StrictJsonReader.TryWhole(value, out long b) && b is >= 1 and <= int.MaxValue ? new BatchSize((int)b)
        : throw new RefusedException(
            Tr(
                $"\"{at}\" is {StrictJsonReader.Quote(value)}; a batch size is a whole number from 1 up, or \"full\".",
                $"\"{at}\" 是 {StrictJsonReader.Quote(value)}；批量大小须为不小于 1 的整数，或 \"full\"。"
            )
        );

    private static List<uint> ReadSeeds(StrictJsonReader root)
    {
        if (root.Array("seeds", 1, MaxSeeds) is not { } values)
            return [1];
        List<uint> seeds = [.. values.Select((v, i) => (uint)StrictJsonReader.Whole($"seeds[{i}]", v, 0, uint.MaxValue))];
        if (seeds.Distinct().Count() != seeds.Count)
            throw new RefusedException(Tr("\"seeds\" has the same seed twice.", "\"seeds\" 中有重复的随机种子。"));
        return seeds;
    }

    private static LearningRateSpec ReadLearningRate(StrictJsonReader root)
    {
        var value =
            root.Get("learningRate")
            ?? throw root.Missing(
                "learningRate",
                Tr(
                    "a number such as 0.1, or rates by batch size such as { \"1\": 0.01, \"32\": 0.1 }",
                    "数，例如 0.1；或按批量大小的学习率，例如 { \"1\": 0.01, \"32\": 0.1 }"
                )
            );
        var rule = root.Choice("learningRateRule", SpecVocabulary.Rules);
        var reference = (int?)root.Whole("referenceBatchSize", 1, 1_000_000_000);
        if (value.ValueKind != JsonValueKind.Object)
        {
            double rate = ReadRate("learningRate", value);
            return new LearningRateSpec
            {
                Rate = rate,
                Rule = rule ?? LearningRateRule.Constant,
                ReferenceBatchSize = reference ?? 32,
            };
        }
        if (rule is not null || reference is not null)
            throw new RefusedException(
                Tr(
                    "\"learningRateRule\" and \"referenceBatchSize\" do not apply when \"learningRate\" gives a rate for each batch size.",
                    "\"learningRateRule\" 与 \"referenceBatchSize\" 不适用：\"learningRate\" 已为每种批量大小给出学习率。"
                )
            );
        var tuned = new Dictionary<string, double>();
        foreach (var (batch, rate) in root.Object("learningRate")!.All)
        {
            // Parsing alone takes "032", and "32" with NULs behind it.
            if (
                batch != "full"
                && !(
                    int.TryParse(batch, NumberStyles.None, CultureInfo.InvariantCulture, out int b)
                    && b >= 1
                    && batch == b.ToString(CultureInfo.InvariantCulture)
                )
            )
                throw new RefusedException(
                    Tr(
                        $"\"learningRate\" has the key {StrictJsonReader.Quote(JsonSerializer.SerializeToElement(batch))}, which is not a batch size.",
                        $"\"learningRate\" 的键 {StrictJsonReader.Quote(JsonSerializer.SerializeToElement(batch))} 不是批量大小。"
                    )
                );
            tuned[batch] = ReadRate($"learningRate.{batch}", rate);
        }
        return new LearningRateSpec { Rule = LearningRateRule.Tuned, Tuned = tuned };
    }

    internal static double ReadRate(string at, JsonElement value) => StrictJsonReader.Number(at, value, 0, 1000, openMin: true);

    /// <param name="stream">The order is the data's own.</param>
    private static SamplerSpec ReadSampler(StrictJsonReader? sampler, bool stream)
    {
        var order = stream ? SampleOrder.Sequential : SampleOrder.Shuffle;
        if (sampler is null)
            return new SamplerSpec { Order = order };
        if (sampler.Choice("order", SpecVocabulary.Orders) is { } given && stream && given != order)
            throw new RefusedException(
                Tr(
                    $"\"sampler.order\" is \"{SpecVocabulary.Of(SpecVocabulary.Orders, given)}\", but the data \"drift\" is a stream; it must be \"sequential\" (or left out).",
                    $"\"sampler.order\" 是 \"{SpecVocabulary.Of(SpecVocabulary.Orders, given)}\"，但数据 \"drift\" 是数据流；必须是 \"sequential\"（或省略）。"
                )
            );
        var spec = new SamplerSpec
        {
            Order = sampler.Choice("order", SpecVocabulary.Orders) ?? order,
            Remainder = sampler.Choice("remainder", SpecVocabulary.Remainders) ?? RemainderPolicy.Keep,
        };
        if (sampler.Object("hard") is { } hard)
        {
            spec = spec with
            {
                Pool = (int)(
                    hard.Whole("pool", 1, 1_000_000) ?? throw hard.Missing("pool", Tr("a whole number of examples", "整数样本数"))
                ),
            };
            hard.Done();
        }
        sampler.Done();
        return spec;
    }

    private static WorkersSpec? ReadWorkers(StrictJsonReader? workers)
    {
        if (workers is null)
            return null;
        var spec = new WorkersSpec(
            (int)(workers.Whole("count", 1, MaxWorkers) ?? throw workers.Missing("count", Tr("a whole number of workers", "整数个工作者"))),
            workers.Choice("mode", SpecVocabulary.WorkerModes) ?? WorkerMode.Synchronous
        );
        if (spec.Mode == WorkerMode.Asynchronous)
            spec = spec with { Staleness = (int?)workers.Whole("staleness", 0, MaxWorkers) };
        workers.Done();
        return spec;
    }

    internal static BudgetSpec ReadBudget(StrictJsonReader budget)
    {
        var spec = new BudgetSpec
        {
            Epochs = budget.Number("epochs", 0, MaxEpochs, openMin: true),
            Updates = budget.Whole("updates", 1, MaxUpdates),
            Examples = budget.Whole("examples", 1, MaxExamples),
            Seconds = budget.Number("seconds", 0, 86_400, openMin: true),
        };
        budget.Done();
        int given =
            (spec.Epochs is null ? 0 : 1)
            + (spec.Updates is null ? 0 : 1)
            + (spec.Examples is null ? 0 : 1)
            + (spec.Seconds is null ? 0 : 1);
        return given == 1
            ? spec
            : throw new RefusedException(
                Tr(
                    "\"budget\" must have exactly one of epochs, updates, examples and seconds.",
                    "\"budget\" 必须恰好给出 epochs、updates、examples、seconds 之一。"
                )
            );
    }

    private static List<ProbeKind> ReadProbes(StrictJsonReader root)
    {
        var values = root.Array("probes", 0, SpecVocabulary.Probes.Count) ?? [];
        List<ProbeKind> probes = [.. values.Select((v, i) => StrictJsonReader.Choice($"probes[{i}]", v, SpecVocabulary.Probes))];
        return probes.Distinct().Count() == probes.Count
            ? probes
            : throw new RefusedException(Tr("\"probes\" has the same probe twice.", "\"probes\" 中有重复的探测。"));
    }

    private static LandscapeSpec ReadLandscape(StrictJsonReader? landscape)
    {
        if (landscape is null)
            return new LandscapeSpec();
        var spec = new LandscapeSpec
        {
            Plane = landscape.Choice("plane", SpecVocabulary.Planes) ?? PlaneKind.Auto,
            EvaluationExamples = (int)(landscape.Whole("evaluationExamples", 1, 100_000) ?? 1024),
            Resolution = (int)(landscape.Whole("resolution", 9, 129) ?? 65),
        };
        landscape.Done();
        if (!System.Numerics.BitOperations.IsPow2(spec.Resolution - 1))
            throw new RefusedException(
                Tr(
                    $"\"landscape.resolution\" is {spec.Resolution}; it must be 9, 17, 33, 65 or 129.",
                    $"\"landscape.resolution\" 是 {spec.Resolution}；必须是 9、17、33、65 或 129。"
                )
            );
        return spec;
    }
}
