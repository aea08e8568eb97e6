using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using BatchViz.Engine.Cpu.Tests.Reference;

namespace BatchViz.Engine.Cpu.Tests.Probes;

/// <summary>A probe of the engine at given weights, over the whole training split unless said otherwise.</summary>
internal sealed class Probed : IDisposable
{
    private readonly CpuEngine engine;
    private readonly IEngineData data;
    private readonly IBundle bundle;

    public Probed(KernelPath path, DataSet set, NetworkSpec network, float[]? start = null)
    {
        engine = new CpuEngine(path);
        data = engine.Load(set);
        bundle = engine.CreateBundle(data, Sets.Spec(network, 1));
        if (start is not null)
            bundle.StartAt(start);
        Weights = bundle.Snapshot(0);
        Probe = engine.CreateProbe(data, network);
        Evaluator = engine.CreateEvaluator(data, network);
    }

    public Probed(KernelPath path, RandomCase random)
        : this(path, random.Data, random.Network, random.Start) { }

    public static EvaluationSet Train { get; } = EvaluationSet.All(Split.Train);

    public IProbe Probe { get; }

    public IEvaluator Evaluator { get; }

    public IWeights Weights { get; private set; }

    public void MoveTo(float[] weights)
    {
        bundle.StartAt(weights);
        Weights.Dispose();
        Weights = bundle.Snapshot(0);
    }

    public float[] Gradient(EvaluationSet? set = null)
    {
        using var probe = Probe.Gradient(Weights, set ?? Train);
        return probe.Gradient.Canonical();
    }

    public float[] HessianProduct(float[] v, EvaluationSet? set = null)
    {
        using var direction = Probe.Direction(v);
        using var probe = Probe.HessianProduct(Weights, set ?? Train, direction);
        return probe.Product.Canonical();
    }

    /// <summary>Components uniform in −1 … 1.</summary>
    public static float[] Vector(Random random, int count) =>
        [.. Enumerable.Range(0, count).Select(_ => (float)(2 * random.NextDouble() - 1))];

    public void Dispose()
    {
        Evaluator.Dispose();
        Probe.Dispose();
        Weights.Dispose();
        bundle.Dispose();
        data.Dispose();
        engine.Dispose();
    }
}

internal static class Directions
{
    public static float[] Canonical(this IDirection direction)
    {
        var copy = new float[direction.Count];
        direction.CopyTo(copy);
        return copy;
    }
}
