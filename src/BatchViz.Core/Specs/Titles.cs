using System.Globalization;
using System.Text.RegularExpressions;
using BatchViz.Core.Engines;

namespace BatchViz.Core.Specs;

/// <summary>Words on the picture: what is held equal and what differs.</summary>
public static class Titles
{
    public static string DataName(DataKind kind) =>
        kind switch
        {
            DataKind.Circles => "Circles",
            DataKind.Xor => "Xor",
            DataKind.Gaussians => "Gaussians",
            DataKind.Spirals => "Spirals",
            DataKind.Moons => "Moons",
            DataKind.Line => "Linear regression",
            DataKind.DoubleWell => "Double well",
            DataKind.Saddle => "Saddle",
            DataKind.Beale => "Beale",
            DataKind.Mnist => "MNIST",
            DataKind.Csv => "CSV file",
            DataKind.Idx => "IDX files",
            DataKind.FashionMnist => "Fashion-MNIST",
            DataKind.Cifar10 => "CIFAR-10",
            DataKind.Pairs => "Paired views",
            DataKind.Drift => "Drift",
            _ => throw new ArgumentOutOfRangeException(nameof(kind)),
        };

    /// <summary>For example "MNIST, MLP 784-128-64-10, ReLU, SGD, rate ∝ √B, equal epochs"; schedules stand behind the rule.</summary>
    public static string Of(ExperimentSpec spec, NetworkSpec network) =>
        string.Join(
            ", ",
            new[]
            {
                spec.Name,
                Model(network),
                Optimizer(spec.Optimizer),
                Rule(spec.LearningRate),
                Schedule(spec.Schedule),
                Warmup(spec.Schedule.Warmup),
                BatchSchedule(spec.BatchSchedule),
                Hard(spec.Sampler),
                Workers(spec.Workers),
                Budget(spec.Budget),
            }.Where(p => p.Length > 0)
        );

    public static string Model(NetworkSpec network)
    {
        if (network.Model.Kind == ModelKind.Surface)
            return "two weights";
        string sizes = string.Join('-', network.Sizes);
        if (network.Layered)
            return Layered(network);
        if (network.Layers == 1)
            return $"linear model {sizes}";
        return $"MLP {sizes}, {Name(network.Model.Activation)}";
    }

    private static string Layered(NetworkSpec network)
    {
        string name = network.Model.Preset switch
        {
            "mlp-batchnorm" => "MLP with BatchNorm",
            "lenet" => "LeNet-like CNN",
            "resnet-small" => "small residual CNN",
            "mobilenet-small" => "small MobileNet-like CNN",
            "two-tower" => "two-tower net",
            _ => network.Model.Towers == 2 ? "two-tower net"
            : network.Graph.Weights.Any(weights => weights.Area > 1) ? "CNN"
            : "net",
        };
        string loss = network.Loss switch
        {
            LossKind.InfoNce => ", InfoNCE",
            LossKind.SigmoidContrastive => ", sigmoid loss of pairs",
            _ => "",
        };
        return $"{name} of {network.ParameterCount.ToString("#,0", CultureInfo.InvariantCulture)} weights{loss}";
    }

    public static string Name(Activation activation) =>
        activation switch
        {
            Activation.Relu => "ReLU",
            Activation.Gelu => "GELU",
            Activation.Tanh => "tanh",
            Activation.Sigmoid => "sigmoid",
            _ => "linear",
        };

    private static string Optimizer(OptimizerSpec optimizer) =>
        optimizer.Kind switch
        {
            OptimizerKind.Sgd => "SGD",
            OptimizerKind.Momentum => $"momentum {Number(optimizer.Momentum)}",
            OptimizerKind.Nesterov => $"Nesterov {Number(optimizer.Momentum)}",
            OptimizerKind.AdaGrad => "AdaGrad",
            OptimizerKind.AdaDelta => "AdaDelta",
            OptimizerKind.RmsProp => "RMSprop",
            OptimizerKind.AdamW => "AdamW",
            OptimizerKind.Lars => "LARS",
            OptimizerKind.Lbfgs => $"L-BFGS, {Search(optimizer.LineSearch)}",
            OptimizerKind.ConjugateGradient => $"conjugate gradients, {Search(optimizer.LineSearch)}",
            _ => "Adam",
        };

    private static string Search(LineSearch search) =>
        search switch
        {
            LineSearch.None => "no line search",
            LineSearch.Backtracking => "backtracking",
            _ => "strong Wolfe",
        };

    private static string Schedule(ScheduleSpec schedule) =>
        schedule.Kind switch
        {
            ScheduleKind.Step => $"×{Number(schedule.Factor)} {Every(schedule.EveryEpochs)}",
            ScheduleKind.Cosine => "cosine",
            _ => "",
        };

    private static string Warmup(WarmupSpec? warmup) =>
        warmup is null
            ? ""
            : $"{(warmup.Kind == WarmupKind.Constant ? "constant warm-up" : "warm-up")} of {Number(warmup.Epochs)} {(warmup.Epochs == 1 ? "epoch" : "epochs")}";

    private static string BatchSchedule(BatchScheduleSpec? growth) =>
        growth is null ? "" : $"B ×{Number(growth.Factor)} {Every(growth.EveryEpochs)}";

    private static string Hard(SamplerSpec sampler) => sampler.Pool is { } pool ? $"hardest of {pool}" : "";

    private static string Workers(WorkersSpec? workers) =>
        workers is null ? ""
        : workers.Mode == WorkerMode.Synchronous ? $"{workers.Count} workers in step"
        : $"{workers.Count} workers, gradients {workers.Delay} {(workers.Delay == 1 ? "update" : "updates")} old";

    private static string Every(int epochs) => epochs == 1 ? "every epoch" : $"every {epochs} epochs";

    private static string Rule(LearningRateSpec rate) =>
        rate.Rule switch
        {
            LearningRateRule.Constant => $"rate {Number(rate.Rate)} for every B",
            LearningRateRule.Linear => "rate ∝ B",
            LearningRateRule.SquareRoot => "rate ∝ √B",
            _ => "rate tuned for each B",
        };

    private static string Budget(BudgetSpec budget) =>
        budget switch
        {
            { Epochs: not null } => "equal epochs",
            { Updates: not null } => "equal updates",
            { Examples: not null } => "equal examples",
            _ => "equal lane seconds",
        };

    /// <summary>A title in Chinese, as src/BatchViz.Stage/titles.ts has it; the experiment's name stays as it is.</summary>
    public static string InChinese(string title) => string.Join('，', title.Split(", ").Select(PartInChinese));

    private static string PartInChinese(string part)
    {
        foreach (var (english, chinese) in Chinese)
            if (Regex.IsMatch(part, english))
                return Regex.Replace(part, english, chinese);
        return part;
    }

    private static readonly (string English, string Chinese)[] Chinese =
    [
        ("^MLP with BatchNorm of .+ weights$", "带 BatchNorm 的 MLP"),
        ("^LeNet-like CNN of .+ weights$", "LeNet 式卷积网络"),
        ("^small residual CNN of .+ weights$", "小型残差卷积网络"),
        ("^small MobileNet-like CNN of .+ weights$", "小型 MobileNet 式卷积网络"),
        ("^two-tower net of .+ weights$", "双塔网络"),
        ("^CNN of .+ weights$", "卷积网络"),
        ("^net of .+ weights$", "多层网络"),
        ("^two weights$", "两个权重"),
        ("^linear model ", "线性模型 "),
        ("^linear$", "线性激活"),
        ("^momentum ", "动量 "),
        ("^cosine$", "余弦调度"),
        ("^(B )?×(.+) every epoch$", "$1每轮 ×$2"),
        (@"^(B )?×(.+) every (\d+) epochs$", "$1每 $3 轮 ×$2"),
        ("^constant warm-up of (.+) epochs?$", "恒定预热 $1 轮"),
        ("^warm-up of (.+) epochs?$", "预热 $1 轮"),
        ("^conjugate gradients$", "共轭梯度"),
        ("^no line search$", "无线搜索"),
        ("^backtracking$", "回溯"),
        ("^strong Wolfe$", "强 Wolfe"),
        ("^hardest of (.+)$", "每 $1 个取最难的"),
        (@"^(\d+) workers in step$", "$1 个同步工作者"),
        (@"^(\d+) workers$", "$1 个工作者"),
        (@"^gradients (\d+) updates? old$", "梯度滞后 $1 次更新"),
        ("^rate tuned for each B$", "学习率按 B 分别调节"),
        ("^rate (.+) for every B$", "各 B 的学习率均为 $1"),
        ("^rate ∝", "学习率 ∝"),
        ("^equal epochs$", "轮数相同"),
        ("^equal updates$", "更新次数相同"),
        ("^equal examples$", "样本数相同"),
        ("^equal lane seconds$", "通道秒数相同"),
    ];

    private static string Number(double value) => value.ToString("0.######", CultureInfo.InvariantCulture);
}
