using BatchViz.Core.Engines;
using static BatchViz.Core.Language;

namespace BatchViz.Core.Specs;

/// <summary>What is held equal, and the batch sizes and seeds that differ. One run per pair of the two.</summary>
public sealed record ExperimentSpec
{
    public required string Name { get; init; }
    public required DataSpec Data { get; init; }
    public required ModelSpec Model { get; init; }
    public required LossKind Loss { get; init; }
    public required OptimizerSpec Optimizer { get; init; }
    public required LearningRateSpec LearningRate { get; init; }
    public ScheduleSpec Schedule { get; init; } = new();
    public required IReadOnlyList<BatchSize> BatchSizes { get; init; }

    /// <summary>How batches grow along a run; null: they do not.</summary>
    public BatchScheduleSpec? BatchSchedule { get; init; }

    /// <summary>
    /// Most examples that go through the network at once; a batch's gradient is accumulated over as many passes as it takes. Null: the
    /// engine's choice.
    /// </summary>
    public int? MicroBatch { get; init; }
    public IReadOnlyList<uint> Seeds { get; init; } = [1];
    public SamplerSpec Sampler { get; init; } = new();

    /// <summary>Null: one.</summary>
    public WorkersSpec? Workers { get; init; }
    public required BudgetSpec Budget { get; init; }
    public Pace Pace { get; init; } = Pace.Examples;
    public LandscapeSpec Landscape { get; init; } = new();

    /// <summary>What is measured of every run now and then, on the landscape's evaluation set and outside the training clock.</summary>
    public IReadOnlyList<ProbeKind> Probes { get; init; } = [];

    /// <summary>What trains it, in the words of <c>--engine</c>, which the host knows; null ("auto"): its own choice.</summary>
    public string? Engine { get; init; }

    /// <summary>What the engine's products are computed in; null: float32, or what the host takes by itself.</summary>
    public Precision? Precision { get; init; }
}

/// <summary>Measurements that do not alter a run; <see cref="Engines.IProbe"/> says what each is.</summary>
public enum ProbeKind
{
    /// <summary>‖∇L‖ over the set, and its cosine to the gradient of the next update's batch.</summary>
    Gradient,
    Sharpness,
    AdaptiveSharpness,

    /// <summary>The two largest of the Hessian.</summary>
    Eigenvalues,

    /// <summary>Of the Hessian.</summary>
    Trace,

    /// <summary>Of the loss along the gradient g: ⟨g, ∇²L g⟩ / ‖g‖², from one Hessian product.</summary>
    GradientCurvature,
    FisherRao,

    /// <summary>Exact, from the gradients of all the set's examples.</summary>
    NoiseScale,
}

public static class ProbeKinds
{
    /// <summary>Why a probe does not apply to a contrastive loss, in a sentence, or null when it does.</summary>
    public static string? WhyNotContrastive(this ProbeKind probe)
    {
        string word = SpecVocabulary.Of(SpecVocabulary.Probes, probe);
        return probe switch
        {
            ProbeKind.NoiseScale => Tr(
                $"\"probes\" has \"{word}\", which asks about single examples, but a contrastive loss compares them with one another.",
                $"\"probes\" 中的 \"{word}\" 针对单个样本，而对比损失比较样本之间的关系。"
            ),
            _ => null,
        };
    }
}

/// <summary>A number of examples, or all of them ("full").</summary>
public readonly record struct BatchSize(int Examples, bool IsFull = false)
{
    public static readonly BatchSize Full = new(0, true);

    /// <summary>The number of examples in a whole batch when the training split has <paramref name="trainExamples"/>.</summary>
    public int Resolve(int trainExamples) => IsFull ? trainExamples : Examples;

    public override string ToString() => IsFull ? "full" : Examples.ToString(System.Globalization.CultureInfo.InvariantCulture);
}

public enum DataKind
{
    Circles,
    Xor,
    Gaussians,
    Spirals,
    Moons,
    Line,
    DoubleWell,
    Saddle,
    Beale,
    Mnist,
    Csv,
    Idx,
    FashionMnist,
    Cifar10,

    /// <summary>Two views of each example of another set.</summary>
    Pairs,

    /// <summary>A stream whose boundary turns as it goes by.</summary>
    Drift,
}

/// <summary>Where the examples come from. Which keys apply depends on <see cref="Kind"/>; the reader refuses the others.</summary>
public sealed record DataSpec
{
    public required DataKind Kind { get; init; }

    /// <summary>
    /// Training examples to make (generated sets) or to take from the front of the training split (the others); null: all, or the set's own
    /// default.
    /// </summary>
    public int? TrainExamples { get; init; }

    /// <summary>Test examples to make or take; null: all, or as many as training examples for generated sets.</summary>
    public int? TestExamples { get; init; }

    /// <summary>Standard deviation of the noise of a generated set, in the set's own units.</summary>
    public double? Noise { get; init; }

    /// <summary>Seed of the generator or of the split; independent of the runs' seeds.</summary>
    public uint Seed { get; init; } = 1;

    /// <summary>Pairs: the set that views are made of.</summary>
    public DataKind? Base { get; init; }

    /// <summary>
    /// Pairs: how different the views are, from 0 to 1; null: <see cref="BatchViz.Core.Data.Pairs.DefaultAugmentation"/>.
    /// </summary>
    public double? Augmentation { get; init; }

    /// <summary>Drift: how often the boundary turns round while the training examples go by; null: once.</summary>
    public double? Turns { get; init; }

    /// <summary>Whose examples they are: <see cref="Base"/> or <see cref="Kind"/>.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public DataKind From => Base ?? Kind;

    /// <summary>Folder of the files; null: the folder given by <c>--data</c>.</summary>
    public string? Folder { get; init; }

    /// <summary>CSV: the file's name within the folder.</summary>
    public string? File { get; init; }

    /// <summary>CSV: name of the label's column; null: the last one.</summary>
    public string? Label { get; init; }

    /// <summary>CSV: the label is a number to predict, not a class.</summary>
    public bool Regression { get; init; }

    /// <summary>CSV: share of the rows held out for testing.</summary>
    public double? TestFraction { get; init; }

    /// <summary>IDX: the four files' names within the folder (the test pair may be absent).</summary>
    public string? TrainImages { get; init; }
    public string? TrainLabels { get; init; }
    public string? TestImages { get; init; }
    public string? TestLabels { get; init; }
}

public enum ModelKind
{
    /// <summary>Fully connected layers.</summary>
    Dense,

    /// <summary>Two weights whose loss is an explicit function: the data kinds double-well, saddle and beale.</summary>
    Surface,

    /// <summary>Layers of all kinds, one after another: <see cref="ModelSpec.Layers"/>.</summary>
    Layers,
}

public enum Activation
{
    Linear,
    Relu,
    Tanh,
    Sigmoid,
    Gelu,
}

public enum Initializer
{
    /// <summary>
    /// He et al. 2015: uniform with variance 2 / fan-in for ReLU and GELU; Glorot and Bengio 2010: variance 2 / (fan-in + fan-out)
    /// otherwise. Biases 0.
    /// </summary>
    Auto,
    HeUniform,
    GlorotUniform,

    /// <summary>LeCun 1998: uniform with variance 1 / fan-in. Biases 0.</summary>
    LeCunUniform,
    Zero,
}

/// <summary>The network between the data's inputs and the loss's outputs; both ends are inferred.</summary>
public sealed record ModelSpec
{
    public ModelKind Kind { get; init; } = ModelKind.Dense;

    /// <summary>Widths of the hidden layers; empty is a linear model.</summary>
    public IReadOnlyList<int> Hidden { get; init; } = [];
    public Activation Activation { get; init; } = Activation.Relu;

    /// <summary>Activation of the outputs, before the loss. Linear with cross-entropy and logistic loss.</summary>
    public Activation OutputActivation { get; init; } = Activation.Linear;
    public bool Bias { get; init; } = true;
    public Initializer Initializer { get; init; } = Initializer.Auto;

    /// <summary>
    /// Surfaces and other two-weight models: the starting point, instead of an initialiser; null: the surface's own, or the initialiser.
    /// </summary>
    public IReadOnlyList<double>? Start { get; init; }

    /// <summary>Kind layers: from the inputs to the outputs, or to the embedding of a tower.</summary>
    public IReadOnlyList<LayerSpec> Layers { get; init; } = [];

    /// <summary>The name in <see cref="ModelPresets"/> that the layers were given by.</summary>
    public string? Preset { get; init; }

    /// <summary>Kind layers: 2 for one network each for the views of paired data, with the same layers and weights of their own.</summary>
    public int Towers { get; init; } = 1;

    /// <summary>Contrastive losses: what similarities are divided by, at the beginning where it is learned.</summary>
    public double Temperature { get; init; } = 0.1;

    /// <summary>
    /// Loss sigmoid-contrastive: whether ln(1 / temperature) and the similarities' bias are weights; else they stay as they begin.
    /// </summary>
    public bool LearnTemperature { get; init; } = true;

    /// <summary>Why the Fisher-Rao norm does not apply to this model, in a sentence that names the key, or null when it does.</summary>
    public string? WhyNoFisherRao()
    {
        string norm = Tr("the Fisher-Rao norm (\"fisher-rao\") is defined", "Fisher-Rao 范数 (\"fisher-rao\") ");
        if (Kind == ModelKind.Surface)
            return Tr(
                $"\"model.kind\" is \"surface\"; {norm} for networks only.",
                $"\"model.kind\" 是 \"surface\"；{norm}只对网络有定义。"
            );
        if (Kind == ModelKind.Layers)
            return WhyNoFisherRao(Layers, "model.layers", norm);
        if (Bias)
            return Tr(
                $"\"model.bias\" is true; {norm} for networks without biases.",
                $"\"model.bias\" 是 true；{norm}只对无偏置的网络有定义。"
            );
        foreach (var (key, activation) in new[] { ("activation", Activation), ("outputActivation", OutputActivation) })
        {
            if ((key != "activation" || Hidden.Count > 0) && activation is not (Activation.Relu or Activation.Linear))
                return Tr(
                    $"\"model.{key}\" is \"{SpecVocabulary.Of(SpecVocabulary.Activations, activation)}\"; {norm} for activations that are positively homogeneous, \"relu\" and \"linear\".",
                    $"\"model.{key}\" 是 \"{SpecVocabulary.Of(SpecVocabulary.Activations, activation)}\"；{norm}只对正齐次的激活函数 \"relu\" 与 \"linear\" 有定义。"
                );
        }
        return null;
    }

    /// <summary>
    /// Layers must be positively homogeneous and stand one after another, so that scaling all weights by s scales the outputs by sᴸ.
    /// </summary>
    private string? WhyNoFisherRao(IReadOnlyList<LayerSpec> layers, string at, string norm)
    {
        if (Towers > 1)
            return Tr(
                $"\"model.towers\" is {Towers}; {norm} for one network.",
                $"\"model.towers\" 是 {Towers}；{norm}只对单个网络有定义。"
            );
        for (int l = 0; l < layers.Count; l++)
        {
            var layer = layers[l];
            if (layer.Kind is LayerKind.Conv2d or LayerKind.Dense && layer.Bias)
                return Tr(
                    $"\"{at}[{l}].bias\" is true; {norm} for networks without biases.",
                    $"\"{at}[{l}].bias\" 是 true；{norm}只对无偏置的网络有定义。"
                );
            if (
                layer.Kind is LayerKind.BatchNorm or LayerKind.GroupNorm or LayerKind.LayerNorm or LayerKind.Residual
                || (layer.Kind == LayerKind.Activation && layer.Function is not (Activation.Relu or Activation.Linear))
            )
                return Tr(
                    $"\"{at}[{l}]\" is \"{SpecVocabulary.Of(SpecVocabulary.Layers, layer.Kind)}\"; {norm} for chains of conv2d, dense, pools and the activations relu and linear.",
                    $"\"{at}[{l}]\" 是 \"{SpecVocabulary.Of(SpecVocabulary.Layers, layer.Kind)}\"；{norm}只对 conv2d、dense、池化以及激活函数 relu 与 linear 组成的链有定义。"
                );
        }
        return null;
    }
}

public enum LossKind
{
    /// <summary>Softmax cross-entropy over the classes, in nats, mean over the batch.</summary>
    CrossEntropy,

    /// <summary>Two classes, one output z: ln(1 + e^(−t z)), t = ±1, in nats, mean over the batch.</summary>
    Logistic,

    /// <summary>½ Σ (output − target)², mean over the batch. Classes are targets ±1 for one output, one-hot otherwise.</summary>
    Squared,

    /// <summary>The data's own function of the two weights (model kind surface).</summary>
    Surface,

    /// <summary>
    /// Two towers: the mean of both directions' softmax cross-entropies of the similarities of all pairs of a batch (InfoNCE; van den Oord
    /// et al. 2018, arXiv:1807.03748; symmetric as in Radford et al. 2021, arXiv:2103.00020). 0 for a batch of one.
    /// </summary>
    InfoNce,

    /// <summary>
    /// Two towers: a logistic loss for each pair of a batch, sum over the pairs / batch (Zhai et al. 2023, arXiv:2303.15343).
    /// </summary>
    SigmoidContrastive,
}

public enum LearningRateRule
{
    Constant,
    Linear,
    SquareRoot,
    Tuned,
}

/// <summary>
/// The learning rate of each batch size: the rate at the reference batch size, scaled by a rule, or one for each (tuned).
/// </summary>
public sealed record LearningRateSpec
{
    public double Rate { get; init; }
    public LearningRateRule Rule { get; init; } = LearningRateRule.Constant;
    public int ReferenceBatchSize { get; init; } = 32;

    /// <summary>Rule tuned: rate by batch size, in the words of the file ("32", "full").</summary>
    public IReadOnlyDictionary<string, double>? Tuned { get; init; }

    /// <summary>η(B): constant η; linear η·B/B₀ (Goyal et al. 2017); square root η·√(B/B₀) (Krizhevsky 2014); or the tuned one.</summary>
    public double For(BatchSize batch, int trainExamples) =>
        Rule switch
        {
            LearningRateRule.Constant => Rate,
            LearningRateRule.Linear => Rate * batch.Resolve(trainExamples) / ReferenceBatchSize,
            LearningRateRule.SquareRoot => Rate * Math.Sqrt((double)batch.Resolve(trainExamples) / ReferenceBatchSize),
            LearningRateRule.Tuned => Tuned![batch.ToString()],
            _ => throw new ArgumentOutOfRangeException(nameof(batch), Rule, "unknown learning-rate rule"),
        };
}

public enum SampleOrder
{
    /// <summary>A new permutation every epoch, the same for all batch sizes of a seed.</summary>
    Shuffle,

    /// <summary>The order of the file.</summary>
    Sequential,

    /// <summary>Every example drawn independently, uniformly, with replacement.</summary>
    Replacement,
}

/// <summary>What becomes of an epoch's last N mod B examples.</summary>
public enum RemainderPolicy
{
    /// <summary>A short batch; its loss and gradient are means over the examples it has.</summary>
    Keep,

    /// <summary>They are left out of this epoch.</summary>
    Drop,

    /// <summary>They open the first batch of the next epoch.</summary>
    Carry,

    /// <summary>The batch is filled up with examples from the front of the same epoch's order.</summary>
    Wrap,

    /// <summary>A short batch whose gradient counts b/B, so that every example has the same influence.</summary>
    Reweight,
}

public sealed record SamplerSpec
{
    public SampleOrder Order { get; init; } = SampleOrder.Shuffle;
    public RemainderPolicy Remainder { get; init; } = RemainderPolicy.Keep;

    /// <summary>
    /// P: hard examples only (OHEM, Shrivastava et al. 2016): so many are drawn and scored by their losses, the B hardest are trained on.
    /// Null: all that are drawn.
    /// </summary>
    public int? Pool { get; init; }

    /// <summary>Examples that are trained on of so many drawn: B of a whole pool, and the same share, rounded up, of a short one.</summary>
    public int TrainedOf(int drawn, int batchSize) => Pool is { } pool ? (int)(((long)drawn * batchSize + pool - 1) / pool) : drawn;
}

public enum WorkerMode
{
    /// <summary>Each update waits for all: k batches of b are one batch of k·b.</summary>
    Synchronous,

    /// <summary>Each update has one worker's gradient, taken at weights of some updates before.</summary>
    Asynchronous,
}

/// <summary>k workers that share a run's training, simulated: the same bits on one core as on many.</summary>
public sealed record WorkersSpec(int Count, WorkerMode Mode = WorkerMode.Synchronous, int? Staleness = null)
{
    /// <summary>Batches that make one update's.</summary>
    public int Together => Mode == WorkerMode.Synchronous ? Count : 1;

    /// <summary>
    /// Updates between the weights that a gradient is taken at and those it is applied to; by default k − 1, as of workers that take turns.
    /// </summary>
    public int Delay => Mode == WorkerMode.Asynchronous ? Staleness ?? Count - 1 : 0;
}

/// <summary>When a run ends. Exactly one of the four is set.</summary>
public sealed record BudgetSpec
{
    public double? Epochs { get; init; }
    public long? Updates { get; init; }
    public long? Examples { get; init; }

    /// <summary>Processor seconds of the run's lane.</summary>
    public double? Seconds { get; init; }
}

/// <summary>What the runs keep in step by while they train.</summary>
public enum Pace
{
    Examples,
    Updates,
}

public enum PlaneKind
{
    /// <summary>The two weights themselves (two-weight models only): the landscape is exact.</summary>
    Weights,

    /// <summary>The first two principal components of all runs' snapshots.</summary>
    Pca,

    /// <summary>Two Gaussian directions, filter-normalised (Li et al. 2018), through the mean of the runs' snapshots.</summary>
    Random,

    /// <summary>Through the newest weights of three runs: that of the smallest, of the middle and of the largest batch size.</summary>
    Runs,

    /// <summary>Along the top two eigenvectors of the Hessian, through the newest weights of the run of the largest batch size.</summary>
    Hessian,

    /// <summary><see cref="Weights"/> for two-weight models, else <see cref="Pca"/>.</summary>
    Auto,
}

public sealed record LandscapeSpec
{
    public PlaneKind Plane { get; init; } = PlaneKind.Auto;

    /// <summary>Training examples whose mean loss is the landscape's height and the paths'.</summary>
    public int EvaluationExamples { get; init; } = 1024;

    /// <summary>Finest grid: 9, 17, 33, 65 or 129 points a side.</summary>
    public int Resolution { get; init; } = 65;
}
