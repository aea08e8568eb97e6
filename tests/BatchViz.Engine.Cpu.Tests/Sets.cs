using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using BatchViz.Core.Specs;

namespace BatchViz.Engine.Cpu.Tests;

/// <summary>Small data sets and specs for tests.</summary>
internal static class Sets
{
    /// <summary>Optimisers that look at a batch once.</summary>
    public static IReadOnlyList<OptimizerKind> WithoutSearch { get; } = [.. Enum.GetValues<OptimizerKind>().Where(kind => !new OptimizerSpec { Kind = kind }.Searches)];

    /// <summary>Two classes in the plane, the sign of x·y.</summary>
    public static DataSet Plane(int count = 200)
    {
        var random = new Random(5);
        float[] features = [.. Enumerable.Range(0, 2 * count).Select(_ => (float)(2 * random.NextDouble() - 1))];
        int[] labels = [.. Enumerable.Range(0, count).Select(i => features[2 * i] * features[2 * i + 1] > 0 ? 1 : 0)];
        return new DataSet("plane", DataTask.Classification, 2, 2, new DataSplit { Count = count, Inputs = 2, Floats = features, Labels = labels }, null);
    }

    /// <summary>Bytes with many zeros and ten classes, like images.</summary>
    public static DataSet Images(int count = 300, int inputs = 49)
    {
        var random = new Random(6);
        int[] labels = [.. Enumerable.Range(0, count).Select(_ => random.Next(10))];
        byte[] bytes = [.. Enumerable.Range(0, count * inputs).Select(i =>
            (i % inputs * 7 + labels[i / inputs] * 31) % 5 == 0 ? (byte)(100 + random.Next(150)) : random.Next(20) == 0 ? (byte)random.Next(256) : (byte)0)];
        var split = new DataSplit { Count = count, Inputs = inputs, Bytes = bytes, Scale = 1f / 255, Labels = labels };
        return new DataSet("images", DataTask.Classification, inputs, 10, split, split);
    }

    public static NetworkSpec Net(DataSet data, LossKind loss, int[] hidden, Activation activation = Activation.Relu)
    {
        int outputs = data.Outputs == 2 && loss != LossKind.CrossEntropy ? 1 : data.Outputs;
        return new NetworkSpec(new ModelSpec { Hidden = hidden, Activation = activation }, loss, [data.Inputs, .. hidden, outputs]);
    }

    public static BundleSpec Spec(NetworkSpec network, int batch, OptimizerKind optimizer = OptimizerKind.Sgd, double rate = 0.05, params uint[] seeds)
        => new(network, new OptimizerSpec { Kind = optimizer }, new SamplerSpec(), batch, rate, seeds.Length == 0 ? [1] : seeds);
}
