using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using BatchViz.Engine.Cpu.Tests.Reference;

namespace BatchViz.Engine.Cpu.Tests.Layered;

/// <summary>A small training problem for a model of layers, a function of its name and seed.</summary>
internal sealed record LayerCase(string Name, DataSet Data, NetworkSpec Network, int BatchSize, float[] Start)
{
    private static readonly LayerSpec Relu = LayerSpec.Activated(Activation.Relu),
        Tanh = LayerSpec.Activated(Activation.Tanh),
        Flatten = new(LayerKind.Flatten),
        Dense = LayerSpec.Dense();
    private static readonly LayerSpec BatchNorm = new(LayerKind.BatchNorm),
        LayerNorm = new(LayerKind.LayerNorm);

    public static readonly IReadOnlyDictionary<string, (TensorShape Shape, LayerSpec[] Layers)> Small = new Dictionary<
        string,
        (TensorShape, LayerSpec[])
    >
    {
        ["convolution"] = (new(1, 6, 7), [LayerSpec.Conv(3, 3), Tanh, Flatten, Dense]),
        ["padding"] = (new(2, 5, 4), [LayerSpec.Conv(3, 3, padding: 2), Tanh, LayerSpec.Conv(17, 3, padding: 1), Tanh, Flatten, Dense]),
        ["stride"] = (
            new(3, 7, 8),
            [LayerSpec.Conv(4, 3, stride: 2, padding: 1), Tanh, LayerSpec.Conv(5, 2, stride: 3, padding: 1), Tanh, Flatten, Dense]
        ),
        ["stride beyond kernel"] = (
            new(2, 8, 8),
            [LayerSpec.Conv(4, 3), Tanh, LayerSpec.Conv(5, 1, stride: 2, bias: false), Tanh, Flatten, Dense]
        ),
        ["even kernel"] = (
            new(2, 6, 6),
            [LayerSpec.Conv(33, 4, padding: 3, bias: false), Tanh, LayerSpec.Conv(4, 4, stride: 2, padding: 2), Tanh, Flatten, Dense]
        ),
        ["groups"] = (
            new(4, 5, 5),
            [
                LayerSpec.Conv(6, 3, padding: 1, groups: 2),
                Tanh,
                LayerSpec.Conv(9, 3, stride: 2, padding: 1, groups: 3),
                Tanh,
                LayerSpec.Conv(18, 2, groups: 9, bias: false),
                Tanh,
                Flatten,
                Dense,
            ]
        ),
        ["groups of many"] = (
            new(4, 5, 6),
            [
                LayerSpec.Conv(36, 2, padding: 1, groups: 2),
                Tanh,
                LayerSpec.Conv(4, 3, stride: 2, groups: 2),
                Tanh,
                LayerSpec.Conv(34, 1, groups: 2),
                Tanh,
                Flatten,
                Dense,
            ]
        ),
        ["depthwise"] = (
            new(3, 6, 6),
            [
                LayerSpec.Conv(5, 1),
                Tanh,
                LayerSpec.Conv(5, 3, padding: 1, groups: 5),
                Tanh,
                LayerSpec.Conv(5, 3, stride: 2, padding: 1, groups: 5, bias: false),
                Tanh,
                Flatten,
                Dense,
            ]
        ),
        ["depthwise on data"] = (new(3, 5, 5), [LayerSpec.Conv(3, 3, padding: 1, groups: 3), Tanh, Flatten, Dense]),
        ["pointwise"] = (new(2, 4, 5), [LayerSpec.Conv(7, 1), Tanh, LayerSpec.Conv(18, 1, bias: false), Tanh, LayerSpec.Average(), Dense]),
        ["few pixels, many channels"] = (
            new(2, 6, 6),
            [LayerSpec.Conv(24, 3, stride: 2), Tanh, LayerSpec.Conv(40, 3, padding: 1), Tanh, LayerSpec.Conv(37, 2), Tanh, Flatten, Dense]
        ),
        ["max pool"] = (
            new(2, 7, 7),
            [LayerSpec.Conv(3, 3), Tanh, LayerSpec.Max(2), LayerSpec.Conv(4, 1), LayerSpec.Max(2, 1), Flatten, Dense]
        ),
        ["pools on data"] = (new(2, 7, 7), [LayerSpec.Max(3, 2), LayerSpec.Conv(3, 2), Tanh, Flatten, Dense]),
        ["average pool"] = (
            new(2, 7, 7),
            [LayerSpec.Conv(3, 3), Tanh, LayerSpec.Average(3, 2), LayerSpec.Conv(4, 2), LayerSpec.Average(), Dense]
        ),
        ["flatten on data"] = (new(2, 3, 3), [Flatten, LayerSpec.Dense(5), Relu, Dense]),
        ["activations"] = (
            new(9),
            [
                LayerSpec.Dense(7),
                LayerSpec.Activated(Activation.Gelu),
                LayerSpec.Dense(18),
                LayerSpec.Activated(Activation.Sigmoid),
                Tanh,
                LayerSpec.Dense(5),
                LayerSpec.Activated(Activation.Linear),
                Relu,
                Dense,
            ]
        ),
        ["group norm"] = (
            new(2, 5, 5),
            [
                LayerSpec.Conv(6, 3),
                new(LayerKind.GroupNorm) { Groups = 3 },
                Tanh,
                LayerSpec.Conv(4, 2),
                new(LayerKind.GroupNorm) { Groups = 4 },
                Tanh,
                Flatten,
                Dense,
            ]
        ),
        ["norms on data"] = (
            new(4, 3, 3),
            [new(LayerKind.GroupNorm) { Groups = 2 }, LayerSpec.Conv(3, 2), Tanh, Flatten, LayerNorm, Dense]
        ),
        ["layer norm"] = (
            new(9),
            [LayerSpec.Dense(19), LayerNorm, LayerSpec.Activated(Activation.Gelu), LayerSpec.Dense(6), LayerNorm, Tanh, Dense]
        ),
        ["dropout"] = (
            new(2, 5, 5),
            [
                LayerSpec.Conv(4, 2),
                Tanh,
                new(LayerKind.Dropout) { Rate = 0.3 },
                Flatten,
                LayerSpec.Dense(11),
                Relu,
                new(LayerKind.Dropout),
                Tanh,
                Dense,
            ]
        ),
        ["residual"] = (
            new(3, 5, 5),
            [
                LayerSpec.Around([LayerSpec.Conv(3, 3, padding: 1), Tanh], []),
                LayerSpec.Around([Tanh, LayerSpec.Conv(5, 3, stride: 2, padding: 1), Tanh], [LayerSpec.Conv(5, 1, stride: 2)]),
                Relu,
                LayerSpec.Around([LayerSpec.Around([LayerSpec.Conv(5, 1)], []), Relu, Relu], []),
                Flatten,
                Dense,
            ]
        ),
        ["residual of nothing"] = (new(5), [LayerSpec.Dense(4), LayerSpec.Around([], []), Dense]),
        ["batch norm"] = (
            new(2, 5, 5),
            [
                LayerSpec.Conv(4, 3),
                BatchNorm,
                Tanh,
                LayerSpec.Conv(3, 2, bias: false),
                BatchNorm,
                Tanh,
                Flatten,
                LayerSpec.Dense(6),
                BatchNorm with
                {
                    Momentum = 0.3,
                    Epsilon = 1e-2,
                },
                Relu,
                Dense,
            ]
        ),
        ["batch norm on data"] = (
            new(2, 4, 4),
            [
                BatchNorm,
                LayerSpec.Conv(4, 2, groups: 2),
                LayerSpec.Around([BatchNorm, Relu, LayerSpec.Conv(4, 3, padding: 1)], []),
                Flatten,
                Dense,
            ]
        ),
        ["sparse"] = (
            new(1, 9, 8),
            [
                LayerSpec.Conv(4, 3, padding: 1),
                LayerSpec.Max(2),
                Relu,
                LayerSpec.Conv(17, 3, padding: 2),
                Relu,
                LayerSpec.Max(2),
                Flatten,
                Dense,
            ]
        ),
        ["sparse and wide"] = (
            new(1, 8, 8),
            [LayerSpec.Conv(33, 4, padding: 3), Tanh, LayerSpec.Max(3), LayerSpec.Conv(9, 2, bias: false), Tanh, Flatten, Dense]
        ),
        ["pooled"] = (
            new(1, 10, 13),
            [LayerSpec.Conv(6, 5, padding: 2), Relu, LayerSpec.Max(2), LayerSpec.Conv(17, 3), LayerSpec.Max(2), Relu, Flatten, Dense]
        ),
        ["sparse and pooled"] = (
            new(1, 12, 11),
            [LayerSpec.Conv(9, 3), LayerSpec.Max(2), Tanh, LayerSpec.Conv(5, 2, bias: false), Relu, LayerSpec.Max(2), Flatten, Dense]
        ),
        ["pooled, few columns"] = (
            new(1, 7, 6),
            [
                LayerSpec.Conv(3, 2, padding: 1, bias: false),
                LayerSpec.Max(2),
                Tanh,
                LayerSpec.Conv(33, 2),
                LayerSpec.Max(2),
                Tanh,
                Flatten,
                Dense,
            ]
        ),
        ["pooled, strides"] = (
            new(2, 11, 9),
            [
                LayerSpec.Conv(5, 3, stride: 2, padding: 1),
                LayerSpec.Max(3, 2),
                Tanh,
                LayerSpec.Conv(4, 3, padding: 2),
                LayerSpec.Max(2, 3),
                Tanh,
                Flatten,
                Dense,
            ]
        ),
        ["pooled, many channels"] = (
            new(3, 8, 8),
            [LayerSpec.Conv(20, 3), Relu, LayerSpec.Max(2), LayerSpec.Conv(16, 3, padding: 1), LayerSpec.Max(3), Tanh, Flatten, Dense]
        ),
        ["pooled, pixel by pixel"] = (
            new(3, 6, 5),
            [LayerSpec.Conv(16, 1), LayerSpec.Max(2), Tanh, LayerSpec.Conv(7, 1), LayerSpec.Max(2), Tanh, Flatten, Dense]
        ),
        ["pooled in a residual"] = (
            new(2, 6, 6),
            [
                LayerSpec.Conv(3, 1),
                Tanh,
                LayerSpec.Around(
                    [LayerSpec.Conv(4, 3, padding: 1), LayerSpec.Max(2), Tanh],
                    [LayerSpec.Conv(4, 2, padding: 1), LayerSpec.Max(2, 2)]
                ),
                Relu,
                Flatten,
                Dense,
            ]
        ),
        ["last bias"] = (new(3, 4, 4), [LayerSpec.Conv(6, 1), LayerSpec.Average()]),
    };

    public bool HasBatchNorm => Network.Graph.HasBatchNorm;

    public List<Example> Examples { get; } = RandomCase.ExamplesOf(Data.Train);

    public static LayerCase Make(string name, int seed, LossKind loss = LossKind.CrossEntropy, int? batch = null)
    {
        var (shape, layers) = Small[name];
        return Make(name, new ModelSpec { Kind = ModelKind.Layers, Layers = layers }, shape, seed, loss, batch);
    }

    public static LayerCase OfPreset(string preset, TensorShape shape, int seed, int count = 6, LossKind loss = LossKind.CrossEntropy) =>
        Make(preset, ModelPresets.Find(preset)!, shape, seed, loss, count, count);

    public static LayerCase Make(
        string name,
        ModelSpec model,
        TensorShape shape,
        int seed,
        LossKind loss,
        int? batch = null,
        int count = 11
    )
    {
        // It has six outputs of its own.
        if (name == "last bias" && loss == LossKind.Logistic)
            loss = LossKind.CrossEntropy;
        var random = new Random(seed * 7919 + name.Length);
        bool contrastive = loss is LossKind.InfoNce or LossKind.SigmoidContrastive;
        int size = (int)shape.Size * model.Towers,
            classes = loss == LossKind.Logistic ? 2 : 3;
        if (name == "last bias")
            classes = 6;
        var task = loss == LossKind.Squared ? DataTask.Regression : DataTask.Classification;
        var split = new DataSplit
        {
            Count = count,
            Inputs = size,
            Floats = Many(count * size, () => name.StartsWith("sparse", StringComparison.Ordinal) && random.Next(5) > 0 ? 0 : Normal()),
            Labels = task == DataTask.Classification ? [.. Enumerable.Range(0, count).Select(_ => random.Next(classes))] : null,
            Targets = task == DataTask.Regression ? Many(count * classes, Normal) : null,
        };
        var data = new DataSet(name, task, size, classes, split, null)
        {
            Image = shape.Pixels > 1 ? (shape.Rows, shape.Columns) : null,
            Views = model.Towers,
        };
        var network = new NetworkSpec(model, loss, [(int)shape.Size, loss == LossKind.Logistic ? 1 : classes]) { Image = shape };
        if (contrastive)
            network = network with { Sizes = [(int)shape.Size, network.Graph.Output.Channels] };
        var start = new List<float>();
        foreach (var group in network.Graph.Weights)
        {
            bool norm = group.Role == WeightRole.Norm;
            start.AddRange(
                group.Role == WeightRole.Loss
                    ? [1.5f]
                    : Many(group.Inputs * group.Outputs, () => norm ? 1 + 0.3f * Normal() : Normal() / MathF.Sqrt(group.Inputs))
            );
            if (group.Bias)
                start.AddRange(group.Role == WeightRole.Loss ? [-2f] : Many(group.Outputs, () => 0.3f * Normal()));
        }
        return new LayerCase(name, data, network, batch ?? 5, [.. start]);

        float Normal() => (float)(Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()));
        static float[] Many(int n, Func<float> make) => [.. Enumerable.Range(0, n).Select(_ => make())];
    }

    public BundleSpec Spec(OptimizerKind optimizer = OptimizerKind.Sgd, double rate = 0.02, params uint[] seeds) =>
        new(
            Network,
            new OptimizerSpec { Kind = optimizer },
            new SamplerSpec { Order = SampleOrder.Sequential },
            BatchSize,
            rate,
            seeds.Length == 0 ? [1] : seeds
        );

    public override string ToString() => $"{Name}, {Network.Loss}, B = {BatchSize}";
}
