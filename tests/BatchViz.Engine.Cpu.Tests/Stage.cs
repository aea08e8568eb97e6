using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using BatchViz.Core.Specs;

namespace BatchViz.Engine.Cpu.Tests;

/// <summary>An evaluator and snapshots along a short run.</summary>
internal sealed class Stage : IDisposable
{
    private readonly CpuEngine engine;
    private readonly IEngineData data;

    public Stage(
        DataSet set,
        int[] hidden,
        int snapshots,
        KernelPath? path = null,
        LossKind loss = LossKind.CrossEntropy,
        Activation activation = Activation.Relu
    )
    {
        engine = path is { } wanted ? new CpuEngine(wanted) : new CpuEngine();
        data = engine.Load(set);
        Network = Sets.Net(set, loss, hidden, activation);
        using var bundle = engine.CreateBundle(data, Sets.Spec(Network, 7));
        var list = new List<IWeights>();
        for (int i = 0; i < snapshots; i++)
        {
            bundle.AdvanceBits(20);
            list.Add(bundle.Snapshot(0));
        }
        Weights = list;
        Evaluator = engine.CreateEvaluator(data, Network);
    }

    public NetworkSpec Network { get; }

    public IReadOnlyList<IWeights> Weights { get; }

    public IEvaluator Evaluator { get; }

    /// <summary>A grid of which every point is missing.</summary>
    public static float[] Gaps(int resolution)
    {
        var losses = new float[resolution * resolution];
        Array.Fill(losses, float.NaN);
        return losses;
    }

    /// <summary>A plane's origin and directions in canonical order.</summary>
    public static unsafe float[][] VectorsOf(IPlane plane)
    {
        var ours = (Planes.CpuPlane)plane;
        using var hold = ours.Hold();
        var vectors = new float[3][];
        for (int k = 0; k < 3; k++)
        {
            vectors[k] = new float[ours.Layout.Parameters];
            ours.Layout.Unpack(hold.Pointer + k * ours.Layout.Floats, vectors[k]);
        }
        return vectors;
    }

    public void Dispose()
    {
        Evaluator.Dispose();
        foreach (var w in Weights)
            w.Dispose();
        data.Dispose();
        engine.Dispose();
    }
}
