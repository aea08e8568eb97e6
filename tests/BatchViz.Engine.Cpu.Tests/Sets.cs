using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using BatchViz.Core.Specs;

namespace BatchViz.Engine.Cpu.Tests;

/// <summary>Small data sets and specs for tests.</summary>
internal static class Sets
{
    /// <summary>Optimisers that look at a batch once.</summary>
    public static IReadOnlyList<OptimizerKind> WithoutSearch { get; } =
    [.. Enum.GetValues<OptimizerKind>().Where(kind => !new OptimizerSpec { Kind = kind }.UsesLineSearch)];

    /// <summary>Two classes in the plane, the sign of x·y.</summary>
    public static DataSet Plane(int count = 200)
    {
        var random = new Random(5);
        float[] features = [.. Enumerable.Range(0, 2 * count).Select(_ => (float)(2 * random.NextDouble() - 1))];
        int[] labels = [.. Enumerable.Range(0, count).Select(i => features[2 * i] * features[2 * i + 1] > 0 ? 1 : 0)];
        return new DataSet(
            "plane",
            DataTask.Classification,
            2,
            2,
            new DataSplit
            {
                Count = count,
                Inputs = 2,
                Floats = features,
                Labels = labels,
            },
            null
        );
    }

    /// <summary>Bytes with many zeros and ten classes, like images.</summary>
    public static DataSet Images(int count = 300, int inputs = 49)
    {
        var random = new Random(6);
        int[] labels = [.. Enumerable.Range(0, count).Select(_ => random.Next(10))];
        byte[] bytes =
        [
            .. Enumerable
                .Range(0, count * inputs)
                .Select(i =>
                    (i % inputs * 7 + labels[i / inputs] * 31) % 5 == 0 ? (byte)(100 + random.Next(150))
                    : random.Next(20) == 0 ? (byte)random.Next(256)
                    : (byte)0
                ),
        ];
        var split = new DataSplit
        {
            Count = count,
            Inputs = inputs,
            Bytes = bytes,
            Scale = 1f / 255,
            Labels = labels,
        };
        return new DataSet("images", DataTask.Classification, inputs, 10, split, split);
    }

    public static NetworkSpec Net(DataSet data, LossKind loss, int[] hidden, Activation activation = Activation.Relu)
    {
        int outputs = data.Outputs == 2 && loss != LossKind.CrossEntropy ? 1 : data.Outputs;
        return new NetworkSpec(new ModelSpec { Hidden = hidden, Activation = activation }, loss, [data.Inputs, .. hidden, outputs]);
    }

    public static BundleSpec Spec(
        NetworkSpec network,
        int batch,
        OptimizerKind optimizer = OptimizerKind.Sgd,
        double rate = 0.05,
        params uint[] seeds
    ) => new(network, new OptimizerSpec { Kind = optimizer }, new SamplerSpec(), batch, rate, seeds.Length == 0 ? [1] : seeds);

    /// <summary>As <see cref="Net"/> with 24 units of tanh and cross-entropy, as a model of layers.</summary>
    public static NetworkSpec Layers(DataSet set)
    {
        LayerSpec[] layers = [LayerSpec.Dense(24), LayerSpec.Activated(Activation.Tanh), LayerSpec.Dense()];
        return new NetworkSpec(new ModelSpec { Kind = ModelKind.Layers, Layers = layers }, LossKind.CrossEntropy, [set.Inputs, set.Outputs])
        {
            Image = new(set.Inputs),
        };
    }

    /// <summary>
    /// The set with labels that the net gives it, and weights whose surest answer has a gap of 12 between its logits: 1 − p is then some
    /// 1e-5, of which float32 knows two digits beside 1.
    /// </summary>
    public static (DataSet Set, float[] Start) Sure(DataSet set, NetworkSpec network)
    {
        using var engine = new CpuEngine(KernelPath.Portable);
        using var data = engine.Load(set);
        using var bundle = engine.CreateBundle(data, Spec(network, 1));
        float[] start = bundle.Weights();
        using var evaluator = engine.CreateEvaluator(data, network);
        int count = set.Train.Count,
            inputs = set.Inputs,
            classes = set.Outputs;
        float[] features = new float[count * inputs],
            outputs = new float[count * classes];
        for (int i = 0; i < count; i++)
            set.Train.CopyFeatures(i, features.AsSpan(i * inputs, inputs));
        using (var weights = bundle.Snapshot(0))
            evaluator.Outputs(weights, features, outputs);
        var labels = new int[count];
        double widest = 0;
        for (int i = 0; i < count; i++)
        {
            var row = outputs.AsSpan(i * classes, classes).ToArray();
            float[] sorted = [.. row.OrderDescending()];
            labels[i] = Array.IndexOf(row, sorted[0]);
            widest = Math.Max(widest, sorted[0] - sorted[1]);
        }
        int below = network.Layered ? 24 : network.Sizes[^2],
            last = (below + 1) * classes;
        for (int p = start.Length - last; p < start.Length; p++)
            start[p] *= (float)(12 / widest);
        return (set with { Train = set.Train with { Labels = labels }, Test = null }, start);
    }
}
