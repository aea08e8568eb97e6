using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using BatchViz.Core.Specs;

namespace BatchViz.Engine.Cpu.Tests.Reference;

/// <summary>
/// A small training problem, a function of its seed: depths 0 to 4, widths among them 1, odd, 16, 17 and 33, everything the spec allows.
/// </summary>
internal sealed record RandomCase(
    int Seed,
    DataSet Data,
    NetworkSpec Network,
    OptimizerSpec Optimizer,
    SamplerSpec Sampler,
    int BatchSize,
    double Rate,
    float[] Start
)
{
    public List<Example> Examples { get; } = ExamplesOf(Data.Train);

    public BundleSpec Spec(params uint[] seeds) => new(Network, Optimizer, Sampler, BatchSize, Rate, seeds.Length == 0 ? [1] : seeds);

    public static RandomCase Make(int seed, int widest = 40, int mostExamples = 70)
    {
        var random = new Random(seed);
        int[] widths = [.. new[] { 1, 2, 3, 5, 7, 8, 15, 16, 17, 31, 32, 33, 40 }.Where(w => w <= widest)];
        int Width() => widths[random.Next(widths.Length)];

        int depth = seed % 5,
            inputs = Width();
        var loss = (LossKind)(seed / 5 % 3);
        var task = loss == LossKind.Squared && random.Next(2) == 0 ? DataTask.Regression : DataTask.Classification;
        int classes =
            loss == LossKind.Logistic ? 2
            : task == DataTask.Regression ? Width()
            : 2 + random.Next(Math.Min(widest, 19));
        int outputs =
            loss == LossKind.Logistic || (loss == LossKind.Squared && task == DataTask.Classification && classes == 2) ? 1 : classes;
        var activation = (Activation)(seed / 15 % 5);
        var model = new ModelSpec
        {
            Hidden = [.. Enumerable.Range(0, depth).Select(_ => Width())],
            Activation = activation,
            OutputActivation = loss == LossKind.Squared ? (Activation)random.Next(5) : Activation.Linear,
            Bias = random.Next(5) > 0,
        };
        var network = new NetworkSpec(model, loss, [inputs, .. model.Hidden, outputs]);

        int count = 1 + random.Next(mostExamples);
        int batch = random.Next(4) == 0 ? 1 : 1 + random.Next(count);
        bool bytes = random.Next(3) == 0;
        var split = new DataSplit
        {
            Count = count,
            Inputs = inputs,
            Floats = bytes ? null : Many(count * inputs, () => random.Next(4) == 0 ? 0 : Normal()),
            Bytes = bytes
                ? [.. Enumerable.Range(0, count * inputs).Select(_ => random.Next(2) == 0 ? (byte)0 : (byte)random.Next(256))]
                : null,
            Scale = bytes ? 1f / 200 : 1,
            Offset = bytes && random.Next(2) == 0 ? -0.6f : 0,
            Labels = task == DataTask.Classification ? [.. Enumerable.Range(0, count).Select(_ => random.Next(classes))] : null,
            Targets = task == DataTask.Regression ? Many(count * outputs, Normal) : null,
        };
        var data = new DataSet($"case {seed}", task, inputs, classes, split, null);
        var optimizer = new OptimizerSpec
        {
            Kind = (OptimizerKind)random.Next(8),
            WeightDecay = random.Next(2) == 0 ? 0 : 0.03,
            // Where a gradient is rounding noise, an optimiser that divides by its size, with a tiny ε, steps in the noise's direction, and
            // no comparison is possible.
            Epsilon = 1e-2,
        };
        var sampler = new SamplerSpec
        {
            Order = SampleOrder.Sequential,
            Remainder = random.Next(2) == 0 ? RemainderPolicy.Keep : RemainderPolicy.Reweight,
        };

        var start = new List<float>();
        for (int l = 0; l < network.Layers; l++)
        {
            int fanIn = network.Sizes[l],
                fanOut = network.Sizes[l + 1];
            start.AddRange(Many(fanIn * fanOut, () => Normal() / MathF.Sqrt(fanIn)));
            if (model.Bias)
                start.AddRange(Many(fanOut, () => 0.3f * Normal()));
        }
        return new RandomCase(seed, data, network, optimizer, sampler, batch, 0.02, [.. start]);

        float Normal() => (float)(Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()));
        static float[] Many(int n, Func<float> make) => [.. Enumerable.Range(0, n).Select(_ => make())];
    }

    public static List<Example> ExamplesOf(DataSplit split)
    {
        var examples = new List<Example>();
        var features = new float[split.Inputs];
        for (int i = 0; i < split.Count; i++)
        {
            split.CopyFeatures(i, features);
            int outputs = split.Targets?.Length / split.Count ?? 0;
            examples.Add(
                new Example(
                    [.. features.Select(v => (double)v)],
                    split.Labels?[i] ?? -1,
                    split.Targets?.Skip(i * outputs).Take(outputs).Select(v => (double)v).ToArray()
                )
            );
        }
        return examples;
    }

    public override string ToString() =>
        $"case {Seed}: {string.Join('-', Network.Sizes)} {Network.Model.Activation}/{Network.Model.OutputActivation} {Network.Loss} {Optimizer.Kind} "
        + $"λ={Optimizer.WeightDecay} B={BatchSize} of {Data.Train.Count} {(Network.Model.Bias ? "" : "without bias")}";
}
