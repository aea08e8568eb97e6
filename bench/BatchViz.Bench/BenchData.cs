using BatchViz.Core.Data;
using BatchViz.Core.Numerics;
using BatchViz.Core.Specs;
using BatchViz.Data;

namespace BatchViz.Bench;

/// <summary>
/// Data that fit a network: MNIST for 784 inputs and 10 classes, circles for 2 inputs and one output or two, else random examples.
/// </summary>
internal static class BenchData
{
    /// <summary>From this many inputs on, random examples are bytes like the pixels of an image.</summary>
    private const int ImageInputs = 49;

    /// <summary>Share of MNIST's pixels that are not 0.</summary>
    private const double Ink = 0.19;

    /// <param name="atLeast">Examples that there must be.</param>
    /// <param name="files">Where MNIST is; when it cannot be read, its place is taken by random images.</param>
    /// <exception cref="RefusedException">One sentence.</exception>
    public static DataSet For(BenchNet net, int atLeast, DataFiles files)
    {
        if (net is { Inputs: 784, Outputs: 10 } && Mnist(files) is { } mnist && mnist.Train.Count >= atLeast)
            return mnist;
        int count = Math.Max(atLeast, Math.Clamp(32_000_000 / net.Inputs, 1, 4096));
        if ((long)count * net.Inputs > Array.MaxLength / 4)
            throw new RefusedException(
                $"{count:#,0} examples of {net.Inputs:#,0} inputs take more memory than a benchmark should; ask for a smaller batch or network."
            );
        if (net.Inputs == 2 && net.Outputs <= 2)
            return Generators.Make(
                new DataSpec
                {
                    Kind = DataKind.Circles,
                    TrainExamples = count,
                    TestExamples = 1,
                }
            );
        return net.Inputs < ImageInputs ? Gaussian(net, count) : Images(net, count);
    }

    /// <summary>Share of the training features that are 0, in the first ten thousand examples.</summary>
    public static double Zeros(DataSet data)
    {
        const int Most = 10_000;
        int examples = Math.Min(Most, data.Train.Count);
        var features = new float[data.Inputs];
        long zeros = 0;
        for (int i = 0; i < examples; i++)
        {
            data.Train.CopyFeatures(i, features);
            zeros += features.AsSpan().Count(0f);
        }
        return zeros / ((double)examples * data.Inputs);
    }

    private static DataSet? Mnist(DataFiles files)
    {
        try
        {
            return files.Load(new DataSpec { Kind = DataKind.Mnist }, trusted: true);
        }
        catch (RefusedException)
        {
            return null;
        }
    }

    private static DataSet Gaussian(BenchNet net, int count)
    {
        var features = new float[count * net.Inputs];
        var random = new Philox(1, Purpose.Data);
        for (int i = 0; i < features.Length; i++)
            features[i] = (float)random.Gaussian((ulong)i);
        return Classes(
            net,
            "random examples",
            new DataSplit
            {
                Count = count,
                Inputs = net.Inputs,
                Floats = features,
                Labels = Labels(net, count),
            }
        );
    }

    private static DataSet Images(BenchNet net, int count)
    {
        var pixels = new byte[count * net.Inputs];
        var random = new Philox(1, Purpose.Data);
        const uint share = (uint)(Ink * uint.MaxValue);
        for (int i = 0; i < pixels.Length; i++)
        {
            uint word = random.Word((ulong)i);
            if (word < share)
                pixels[i] = (byte)(1 + word % 255);
        }
        return Classes(
            net,
            "random images, 19 % ink",
            new DataSplit
            {
                Count = count,
                Inputs = net.Inputs,
                Bytes = pixels,
                Scale = 1f / 255,
                Labels = Labels(net, count),
            }
        );
    }

    private static int[] Labels(BenchNet net, int count)
    {
        var random = new Philox(1, Purpose.Data, step: 1);
        var labels = new int[count];
        for (int i = 0; i < count; i++)
            labels[i] = random.Below((ulong)i, ClassesOf(net));
        return labels;
    }

    /// <summary>One output tells two classes apart.</summary>
    private static int ClassesOf(BenchNet net) => Math.Max(2, net.Outputs);

    private static DataSet Classes(BenchNet net, string name, DataSplit train) =>
        new(name, DataTask.Classification, net.Inputs, ClassesOf(net), train, null);
}
