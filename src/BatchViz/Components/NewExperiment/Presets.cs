using System.Text.Json;
using BatchViz.Core.Specs;
using BatchViz.Live;
using static BatchViz.Core.Language;

namespace BatchViz.Components.NewExperiment;

/// <summary>A ready experiment file and what it teaches. An unreadable one says why and hides no other.</summary>
public sealed record Preset(string Key, string Name, string Lesson, ExperimentSpec? Spec, string? Problem)
{
    /// <summary>The landscape of a short run of it, drawn by this program (examples/pictures.sh); null where there is none.</summary>
    public RecordingPicture? Picture { get; init; }

    /// <summary>In the order in which one would learn from them; their names in English are those of the experiments.</summary>
    private static readonly (string Key, string Name, string Lesson, string Chinese)[] Lessons =
    [
        (
            "mnist",
            "MNIST",
            "Handwritten digits: compare the runs by examples, then by lane seconds, and see whether their order stays.",
            "手写数字：先按样本数、再按训练秒数比较各运行，看名次是否不变。"
        ),
        (
            "three-regimes",
            "三种状态",
            "B from 1 to 4,096 at one rate and equal updates: descent ruled by noise, in between, and nearly without noise, side by side.",
            "同一学习率、同样更新次数，B 从 1 到 4,096：噪声主导、过渡、几乎无噪声的下降并排比较。"
        ),
        (
            "rate-constant",
            "学习率不变",
            "The same rate for every batch size: large batches make fewer steps and fall behind at equal examples.",
            "所有批量大小用同一学习率：样本数相同时，大批量步数少，因而落后。"
        ),
        (
            "rate-linear",
            "学习率随 B 缩放",
            "The rate in proportion to the batch size: see how far the linear rule keeps the runs together.",
            "学习率与批量大小成正比：看线性规则能让各运行同步到多远。"
        ),
        (
            "diverging",
            "过大的学习率",
            "The linear rule with a squared loss, taken to 256 times the rate: up to B = 64 it holds, then one run is gone in four updates.",
            "平方损失下的线性规则，学习率放大到 256 倍：到 B = 64 仍成立，再往上一个运行四次更新就发散。"
        ),
        (
            "warmup",
            "预热",
            "Rates ∝ B up to a rate at which a cold start fails: take the warm-up out and see which run is lost.",
            "学习率 ∝ B，直到冷启动会失败的大小：去掉预热，看哪个运行会发散。"
        ),
        (
            "lenet",
            "MNIST 上的 LeNet",
            "A small convolutional net on the digits, rate ∝ √B: 99 % in three epochs, and the batch sizes end close together.",
            "手写数字上的小型卷积网络，学习率 ∝ √B：三轮达到 99 %，各批量大小结果相近。"
        ),
        (
            "moons",
            "双月",
            "Two interleaved half-moons: watch how the noise of small batches roughens the way down.",
            "两个交错的半月：看小批量的噪声如何让下降的路变得曲折。"
        ),
        (
            "spirals",
            "双螺旋",
            "Two spirals wound into each other: a long way through a bent valley, which tells rates and batch sizes apart.",
            "两条互相缠绕的螺旋：穿过弯曲山谷的长路，学习率与批量大小的差别一目了然。"
        ),
        (
            "circles",
            "同心圆",
            "One ring inside another: every batch size can do it, so look at how, not whether.",
            "一环套一环：每种批量大小都学得会，要看的是怎样学会。"
        ),
        (
            "xor",
            "异或",
            "Four clouds that no straight line divides: see who leaves the flat start first.",
            "任何直线都分不开的四团点：看谁先离开平坦的起点。"
        ),
        (
            "gaussians",
            "高斯",
            "Two clouds and a nearly straight border: batch size changes the way more than the end.",
            "两团点和近乎笔直的边界：批量大小改变的是路径，而不是终点。"
        ),
        (
            "lbfgs",
            "L-BFGS",
            "L-BFGS takes the batch at its word: full and 256 go down in few updates, 8 is led astray by its own noise.",
            "L-BFGS 相信批量所说：全批量与 256 几次更新就下降，8 被自身的噪声带偏。"
        ),
        (
            "ohem",
            "难例批量",
            "Of every 256 digits only the hardest are trained on: compare by FLOPs what 16, 64 or all of them teach.",
            "每 256 个数字只用最难的训练：按 FLOPs 比较 16、64 或全部各教会多少。"
        ),
        (
            "stale-workers",
            "滞后的工作者",
            "Sixteen workers out of step: their gradients are fifteen updates old, which large batches take worse than small ones.",
            "十六个不同步的工作者：梯度滞后十五次更新，大批量比小批量更受其害。"
        ),
        (
            "grow-the-batch",
            "增大批量",
            "The same clouds with batches that grow instead of a rate that falls: even B = 1 comes to rest, in fewer updates.",
            "同样的两团点，但批量增大而学习率不降：连 B = 1 也能安定下来，更新次数更少。"
        ),
        (
            "fashion-mnist",
            "Fashion-MNIST",
            "Clothes instead of digits: the same net, a harder set, and batch sizes that differ less than one would think.",
            "衣物代替数字：同样的网络、更难的数据，批量大小的差别比想象的小。"
        ),
        (
            "drift",
            "漂移",
            "A stream whose boundary turns as it goes by: whoever waits for a large batch answers the question of yesterday.",
            "边界随数据流旋转：等着凑大批量的，回答的是昨天的问题。"
        ),
        (
            "pairs",
            "成对视图",
            "Two distorted views of each digit and a net of two towers that must find which belong together: the batch is all it can compare with.",
            "每个数字的两个变形视图与一个双塔网络，要找出哪些成对：能与之比较的只有这一批。"
        ),
        (
            "line",
            "直线",
            "A line through points has two weights: the bowl you see is the whole landscape, nothing is hidden.",
            "过点的直线只有两个权重：看到的碗就是全部损失地形，毫无隐藏。"
        ),
        (
            "double-well",
            "双势阱",
            "Two valleys with a ridge between them: can the noise of small batches carry a run across?",
            "两个山谷隔着一道山脊：小批量的噪声能把运行带过去吗？"
        ),
        (
            "saddle",
            "鞍面",
            "A saddle: the full batch has no noise to fall off it with; small ones do.",
            "鞍点：全批量没有噪声，掉不下去；小批量可以。"
        ),
        (
            "beale",
            "Beale 函数",
            "A ravine with steep walls, long used to test optimisers: raise the rate and see which run is thrown out.",
            "陡壁峡谷，检验优化器的经典函数：提高学习率，看哪个运行被甩出去。"
        ),
    ];

    /// <summary>Whether each word is in its name, its key, its lesson or the kind of its data.</summary>
    public bool Matches(string words)
    {
        string all = string.Join(' ', Name, Key, Lesson, Spec is null ? "" : SpecVocabulary.Of(SpecVocabulary.Data, Spec.Data.Kind));
        return words
            .Split(' ', StringSplitOptions.RemoveEmptyEntries)
            .All(word => all.Contains(word, StringComparison.CurrentCultureIgnoreCase));
    }

    public static string Folder => Path.Combine(AppContext.BaseDirectory, "examples");

    /// <summary>The files of a folder: those with a lesson first, then the others by name.</summary>
    public static IReadOnlyList<Preset> ReadAll(string folder)
    {
        if (!Directory.Exists(folder))
            return [];
        var files = Directory.GetFiles(folder, "*.json").ToDictionary(file => Path.GetFileNameWithoutExtension(file));
        var others = files
            .Keys.Except(Lessons.Select(lesson => lesson.Key))
            .Where(key => !key.EndsWith(".schema", StringComparison.Ordinal))
            .Order(StringComparer.Ordinal);
        return
        [
            .. Lessons
                .Where(lesson => files.ContainsKey(lesson.Key))
                .Select(lesson => Read(lesson.Key, Tr(lesson.Lesson, lesson.Chinese), files[lesson.Key], lesson.Name)),
            .. others.Select(key => Read(key, "", files[key])),
        ];
    }

    private static Preset Read(string key, string lesson, string file, string? chinese = null)
    {
        try
        {
            var spec = SpecReader.Read(File.ReadAllBytes(file), Path.GetFileName(file));
            return new Preset(key, Tr(spec.Name, chinese ?? spec.Name), lesson, spec, null)
            {
                Picture = ReadPicture(Path.Combine(Path.GetDirectoryName(file)!, "pictures", $"{key}.json")),
            };
        }
        catch (Exception e) when (e is RefusedException or IOException or UnauthorizedAccessException)
        {
            return new Preset(key, key, lesson, null, e.Message);
        }
    }

    private static RecordingPicture? ReadPicture(string file)
    {
        try
        {
            return File.Exists(file) ? JsonSerializer.Deserialize(File.ReadAllBytes(file), PictureContext.Default.RecordingPicture) : null;
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
