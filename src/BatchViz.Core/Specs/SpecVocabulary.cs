using BatchViz.Core.Engines;

namespace BatchViz.Core.Specs;

/// <summary>The words of experiment files, each beside what it means. The JSON schema and the dialogs list them from here.</summary>
public static class SpecVocabulary
{
    public static readonly IReadOnlyList<(string Word, DataKind Value)> Data =
    [
        ("circles", DataKind.Circles),
        ("xor", DataKind.Xor),
        ("gaussians", DataKind.Gaussians),
        ("spirals", DataKind.Spirals),
        ("moons", DataKind.Moons),
        ("line", DataKind.Line),
        ("double-well", DataKind.DoubleWell),
        ("saddle", DataKind.Saddle),
        ("beale", DataKind.Beale),
        ("mnist", DataKind.Mnist),
        ("csv", DataKind.Csv),
        ("idx", DataKind.Idx),
        ("fashion-mnist", DataKind.FashionMnist),
        ("cifar10", DataKind.Cifar10),
        ("pairs", DataKind.Pairs),
        ("drift", DataKind.Drift),
    ];

    public static readonly IReadOnlyList<(string Word, ModelKind Value)> Models =
    [
        ("dense", ModelKind.Dense),
        ("surface", ModelKind.Surface),
        ("layers", ModelKind.Layers),
    ];

    public static readonly IReadOnlyList<(string Word, LayerKind Value)> Layers =
    [
        ("conv2d", LayerKind.Conv2d),
        ("maxPool", LayerKind.MaxPool),
        ("avgPool", LayerKind.AvgPool),
        ("flatten", LayerKind.Flatten),
        ("dense", LayerKind.Dense),
        ("batchNorm", LayerKind.BatchNorm),
        ("groupNorm", LayerKind.GroupNorm),
        ("layerNorm", LayerKind.LayerNorm),
        ("dropout", LayerKind.Dropout),
        ("activation", LayerKind.Activation),
        ("residual", LayerKind.Residual),
    ];

    public static readonly IReadOnlyList<(string Word, Activation Value)> Activations =
    [
        ("linear", Activation.Linear),
        ("relu", Activation.Relu),
        ("tanh", Activation.Tanh),
        ("sigmoid", Activation.Sigmoid),
        ("gelu", Activation.Gelu),
    ];

    public static readonly IReadOnlyList<(string Word, Initializer Value)> Initializers =
    [
        ("auto", Initializer.Auto),
        ("he-uniform", Initializer.HeUniform),
        ("glorot-uniform", Initializer.GlorotUniform),
        ("lecun-uniform", Initializer.LeCunUniform),
        ("zero", Initializer.Zero),
    ];

    public static readonly IReadOnlyList<(string Word, LossKind Value)> Losses =
    [
        ("cross-entropy", LossKind.CrossEntropy),
        ("logistic", LossKind.Logistic),
        ("squared", LossKind.Squared),
        ("surface", LossKind.Surface),
        ("info-nce", LossKind.InfoNce),
        ("sigmoid-contrastive", LossKind.SigmoidContrastive),
    ];

    public static readonly IReadOnlyList<(string Word, OptimizerKind Value)> Optimizers =
    [
        ("sgd", OptimizerKind.Sgd),
        ("momentum", OptimizerKind.Momentum),
        ("nesterov", OptimizerKind.Nesterov),
        ("adam", OptimizerKind.Adam),
        ("adagrad", OptimizerKind.AdaGrad),
        ("adadelta", OptimizerKind.AdaDelta),
        ("rmsprop", OptimizerKind.RmsProp),
        ("adamw", OptimizerKind.AdamW),
        ("lars", OptimizerKind.Lars),
        ("lbfgs", OptimizerKind.Lbfgs),
        ("conjugate-gradient", OptimizerKind.ConjugateGradient),
    ];

    public static readonly IReadOnlyList<(string Word, LineSearch Value)> LineSearches =
    [
        ("none", LineSearch.None),
        ("backtracking", LineSearch.Backtracking),
        ("strong-wolfe", LineSearch.StrongWolfe),
    ];

    public static readonly IReadOnlyList<(string Word, LearningRateRule Value)> Rules =
    [
        ("constant", LearningRateRule.Constant),
        ("linear", LearningRateRule.Linear),
        ("square-root", LearningRateRule.SquareRoot),
    ];

    public static readonly IReadOnlyList<(string Word, ScheduleKind Value)> Schedules =
    [
        ("constant", ScheduleKind.Constant),
        ("step", ScheduleKind.Step),
        ("cosine", ScheduleKind.Cosine),
    ];

    public static readonly IReadOnlyList<(string Word, WarmupKind Value)> Warmups =
    [
        ("gradual", WarmupKind.Gradual),
        ("constant", WarmupKind.Constant),
    ];

    public static readonly IReadOnlyList<(string Word, SampleOrder Value)> Orders =
    [
        ("shuffle", SampleOrder.Shuffle),
        ("sequential", SampleOrder.Sequential),
        ("replacement", SampleOrder.Replacement),
    ];

    public static readonly IReadOnlyList<(string Word, RemainderPolicy Value)> Remainders =
    [
        ("keep", RemainderPolicy.Keep),
        ("drop", RemainderPolicy.Drop),
        ("carry", RemainderPolicy.Carry),
        ("wrap", RemainderPolicy.Wrap),
        ("reweight", RemainderPolicy.Reweight),
    ];

    public static readonly IReadOnlyList<(string Word, WorkerMode Value)> WorkerModes =
    [
        ("synchronous", WorkerMode.Synchronous),
        ("asynchronous", WorkerMode.Asynchronous),
    ];

    public static readonly IReadOnlyList<(string Word, Precision Value)> Precisions =
    [
        ("float32", Precision.Float32),
        ("tf32", Precision.Tf32),
        ("bf16", Precision.BFloat16),
        ("fp16", Precision.Float16),
    ];

    public static readonly IReadOnlyList<(string Word, Pace Value)> Paces = [("examples", Pace.Examples), ("updates", Pace.Updates)];

    public static readonly IReadOnlyList<(string Word, PlaneKind Value)> Planes =
    [
        ("auto", PlaneKind.Auto),
        ("pca", PlaneKind.Pca),
        ("random", PlaneKind.Random),
        ("runs", PlaneKind.Runs),
        ("hessian", PlaneKind.Hessian),
        ("weights", PlaneKind.Weights),
    ];

    public static readonly IReadOnlyList<(string Word, ProbeKind Value)> Probes =
    [
        ("gradient", ProbeKind.Gradient),
        ("sharpness", ProbeKind.Sharpness),
        ("adaptive-sharpness", ProbeKind.AdaptiveSharpness),
        ("eigenvalues", ProbeKind.Eigenvalues),
        ("trace", ProbeKind.Trace),
        ("gradient-curvature", ProbeKind.GradientCurvature),
        ("fisher-rao", ProbeKind.FisherRao),
        ("noise-scale", ProbeKind.NoiseScale),
    ];

    public static string Of<T>(IReadOnlyList<(string Word, T Value)> words, T value)
        where T : struct
    {
        foreach (var (word, candidate) in words)
            if (EqualityComparer<T>.Default.Equals(candidate, value))
                return word;
        throw new ArgumentOutOfRangeException(nameof(value), value, "has no word");
    }
}
