using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using static BatchViz.Core.Language;

namespace BatchViz.Components.NewExperiment;

/// <summary>How the words of experiment files read on the screen, in the language of whoever asks.</summary>
internal static class Labels
{
    private static readonly Dictionary<string, (string English, string Chinese)> Readings = new()
    {
        ["circles"] = ("Circles", "同心圆"),
        ["xor"] = ("Xor", "异或"),
        ["gaussians"] = ("Gaussians", "高斯"),
        ["spirals"] = ("Spirals", "双螺旋"),
        ["moons"] = ("Moons", "双月"),
        ["line"] = ("Line (regression)", "直线（回归）"),
        ["double-well"] = ("Double well (two weights)", "双势阱（两个权重）"),
        ["saddle"] = ("Saddle (two weights)", "鞍面（两个权重）"),
        ["beale"] = ("Beale (two weights)", "Beale 函数（两个权重）"),
        ["mnist"] = ("MNIST", "MNIST"),
        ["csv"] = ("CSV file", "CSV 文件"),
        ["idx"] = ("IDX files", "IDX 文件"),
        ["fashion-mnist"] = ("Fashion-MNIST", "Fashion-MNIST"),
        ["cifar10"] = ("CIFAR-10 (from a folder)", "CIFAR-10（来自文件夹）"),
        ["pairs"] = ("Paired views", "成对视图"),
        ["drift"] = ("Drifting stream", "漂移的数据流"),
        ["linear"] = ("Linear", "线性"),
        ["relu"] = ("ReLU", "ReLU"),
        ["sigmoid"] = ("Sigmoid", "Sigmoid"),
        ["gelu"] = ("GELU", "GELU"),
        ["he-uniform"] = ("He, uniform", "He 均匀分布"),
        ["glorot-uniform"] = ("Glorot, uniform", "Glorot 均匀分布"),
        ["lecun-uniform"] = ("LeCun, uniform", "LeCun 均匀分布"),
        ["zero"] = ("All zero", "全零"),
        ["cross-entropy"] = ("Cross-entropy", "交叉熵"),
        ["logistic"] = ("Logistic", "逻辑损失"),
        ["squared"] = ("Squared", "平方损失"),
        ["surface"] = ("The surface itself", "曲面本身"),
        ["info-nce"] = ("InfoNCE", "InfoNCE"),
        ["sigmoid-contrastive"] = ("Sigmoid contrastive", "Sigmoid 对比损失"),
        ["mlp-batchnorm"] = ("MLP with BatchNorm", "带 BatchNorm 的 MLP"),
        ["lenet"] = ("LeNet-like CNN", "LeNet 式卷积网络"),
        ["resnet-small"] = ("Small residual CNN", "小型残差卷积网络"),
        ["mobilenet-small"] = ("Small MobileNet-like CNN", "小型 MobileNet 式卷积网络"),
        ["two-tower"] = ("Two towers, paired data", "双塔网络（成对数据）"),
        ["layers"] = ("Layers, as in the JSON", "自定义层（见 JSON）"),
        ["sgd"] = ("SGD", "SGD"),
        ["momentum"] = ("Momentum", "动量"),
        ["nesterov"] = ("Nesterov", "Nesterov"),
        ["adam"] = ("Adam", "Adam"),
        ["adagrad"] = ("AdaGrad", "AdaGrad"),
        ["adadelta"] = ("AdaDelta", "AdaDelta"),
        ["rmsprop"] = ("RMSprop", "RMSprop"),
        ["adamw"] = ("AdamW", "AdamW"),
        ["lars"] = ("LARS", "LARS"),
        ["lbfgs"] = ("L-BFGS", "L-BFGS"),
        ["conjugate-gradient"] = ("Conjugate gradients", "共轭梯度"),
        ["none"] = ("None: the rate itself", "无：直接用学习率"),
        ["backtracking"] = ("Backtracking", "回溯"),
        ["strong-wolfe"] = ("Strong Wolfe", "强 Wolfe"),
        ["epochs"] = ("Epochs", "轮 (epoch)"),
        ["updates"] = ("Updates", "更新次数"),
        ["examples"] = ("Examples", "样本数"),
        ["seconds"] = ("Lane seconds", "训练线程秒数"),
        ["keep"] = ("Keep: a short batch", "保留：较小的批次"),
        ["drop"] = ("Drop it", "丢弃"),
        ["carry"] = ("Carry into the next epoch", "并入下一轮"),
        ["wrap"] = ("Wrap: fill from the front", "从本轮开头补齐"),
        ["reweight"] = ("Keep, weighted by its size", "保留，按大小加权"),
        ["shuffle"] = ("Shuffled every epoch", "每轮打乱"),
        ["sequential"] = ("As in the file", "文件顺序"),
        ["replacement"] = ("Drawn with replacement", "有放回抽样"),
        ["synchronous"] = ("In step: k·b is one batch", "同步：k·b 为一批"),
        ["asynchronous"] = ("Apart: older gradients", "异步：较旧的梯度"),
        ["step"] = ("In steps", "阶梯下降"),
        ["cosine"] = ("Half a cosine", "余弦下降"),
        ["gradual"] = ("Rising gradually", "线性上升"),
        ["pca"] = ("PCA of all runs", "所有运行的 PCA"),
        ["random"] = ("Random directions", "随机方向"),
        ["runs"] = ("Through three runs' ends", "过三个运行的终点"),
        ["hessian"] = ("Hessian eigenvectors", "Hessian 特征向量"),
        ["weights"] = ("The two weights", "两个权重"),
        ["gradient"] = ("Gradient: norm and cosine", "梯度：范数与余弦"),
        ["sharpness"] = ("Sharpness", "锐度"),
        ["adaptive-sharpness"] = ("Adaptive sharpness", "自适应锐度"),
        ["eigenvalues"] = ("Top two Hessian eigenvalues", "Hessian 最大的两个特征值"),
        ["trace"] = ("Hessian trace", "Hessian 迹"),
        ["gradient-curvature"] = ("Curvature along the gradient", "沿梯度的曲率"),
        ["fisher-rao"] = ("Fisher-Rao norm", "Fisher-Rao 范数"),
        ["noise-scale"] = ("Noise scale, exact", "噪声尺度（精确）"),
        ["true"] = ("Yes", "是"),
        ["false"] = ("No", "否"),
    };

    /// <summary>"Linear" is an activation and a rule, and reads differently as a rule.</summary>
    public static IReadOnlyList<(string, string)> Rules =>
        [
            ("constant", Tr("The same for every B", "对每个 B 相同")),
            ("linear", "∝ B"),
            ("square-root", "∝ √B"),
            ("tuned", Tr("Tuned for each B", "为每个 B 单独设定")),
        ];

    /// <summary>Left out, it is the server's.</summary>
    public static IReadOnlyList<(string, string)> Precisions =>
        [("", Tr("By default", "默认")), .. SpecVocabulary.Precisions.Select(precision => (precision.Word, PrecisionOf(precision.Value)))];

    private static string PrecisionOf(Precision precision) =>
        precision switch
        {
            Precision.Tf32 => Tr("TF32 (CUDA only)", "TF32（仅 CUDA）"),
            Precision.BFloat16 => "BF16",
            Precision.Float16 => "FP16",
            _ => "float32",
        };

    /// <summary>An engine by its name in an experiment file; empty: none is named.</summary>
    public static string Engine(string name) =>
        name switch
        {
            "" => Tr("Automatic", "自动"),
            "cpu" => Tr("Embedded engine", "内置引擎"),
            "torch" => Tr("TorchSharp, CUDA or else processor", "TorchSharp，CUDA 或处理器"),
            "torch:cpu" => Tr("TorchSharp on the processor", "TorchSharp，处理器"),
            _ when name.StartsWith("torch:cuda", StringComparison.Ordinal) => Tr(
                $"TorchSharp on CUDA device {CudaNumber(name)}",
                $"TorchSharp，CUDA 设备 {CudaNumber(name)}"
            ),
            _ => name,
        };

    /// <summary>N of "torch:cuda:N", 0 of "torch:cuda".</summary>
    private static string CudaNumber(string name) => name.Split(':') is [_, _, var number] ? number : "0";

    public static IReadOnlyList<(string Word, string Reading)> Of<T>(IEnumerable<(string Word, T)> words) =>
        [.. words.Select(w => (w.Word, Of(w.Word)))];

    public static string Of(string word) => Readings.TryGetValue(word, out var reading) ? Tr(reading.English, reading.Chinese) : word;
}
