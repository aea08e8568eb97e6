using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using BatchViz.Engine.Cpu.Dense;
using BatchViz.Engine.Cpu.Kernels;
using BatchViz.Engine.Cpu.Layered;
using BatchViz.Engine.Cpu.Planes;
using BatchViz.Engine.Cpu.Probes;
using BatchViz.Engine.Cpu.Surface;

namespace BatchViz.Engine.Cpu;

/// <summary>
/// The embedded engine: managed SIMD, no native dependency, and no threads but a grid's helpers. The same spec gives the same bits on
/// every machine with the same kernel path.
/// </summary>
public sealed class CpuEngine : IEngine
{
    private readonly KernelTable kernels;

    /// <summary>The fastest kernel path of this processor.</summary>
    public CpuEngine()
        : this(Available[^1]) { }

    /// <exception cref="PlatformNotSupportedException">This processor cannot run that path.</exception>
    public CpuEngine(KernelPath path)
    {
        kernels = KernelTable.Of(path);
        Path = path;
    }

    /// <summary>The kernel paths this processor can run, slowest first.</summary>
    public static IReadOnlyList<KernelPath> Available => KernelTable.Available;

    public KernelPath Path { get; }

    /// <summary>
    /// Whether bundles of networks wider than 16 measure per-example norms, gradient variance and noise scale; narrower ones always do.
    /// False is for the benchmark that asks what they cost: the training is the same (but for the weights that a diverging run is left
    /// with), their columns are NaN.
    /// </summary>
    public bool ExampleStatistics { get; init; } = true;

    /// <summary>Bytes that one bundle may take; by default all the memory of this machine.</summary>
    public long MostBundleBytes { get; init; } = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;

    public string Name => "cpu";

    public string Description =>
        "embedded, "
        + Path switch
        {
            KernelPath.Avx512 => "AVX-512",
            KernelPath.Avx2 => "AVX2",
            _ => "portable",
        };

    public string Variant => Path.ToString().ToLowerInvariant();

    public int Revision => 3;

    public bool BitExact => true;

    public IEngineData Load(DataSet data) => new CpuData(data);

    public IBundle CreateBundle(IEngineData data, BundleSpec spec)
    {
        var source = Fitting(data, spec.Network);
        long wanted = CpuBundle.Predict(kernels, source, spec, ExampleStatistics).Total;
        if (wanted > MostBundleBytes)
            throw new RefusedException(
                $"Batch size {spec.BatchSize:#,0} would take {wanted / 1e6:#,0.0} MB of memory for {(spec.Seeds.Count == 1 ? "its run" : $"its {spec.Seeds.Count:#,0} runs")}; at most {MostBundleBytes / 1e6:#,0.0} MB are allowed."
            );
        return new CpuBundle(kernels, source, spec, ExampleStatistics);
    }

    public MemoryAccount Predict(BundleSpec spec, DataSet data)
    {
        spec.Network.CheckFits(data);
        return CpuBundle.Predict(kernels, data, spec, ExampleStatistics);
    }

    public long PredictEvaluator(NetworkSpec network, DataSet data, EvaluationSet? grid = null, int threads = 1)
    {
        network.CheckFits(data);
        long evaluator =
            network.Model.Kind == ModelKind.Surface ? 0
            : network.Layered ? LayeredEvaluator.Predict(kernels, network, grid is null ? 1 : threads)
            : DenseEvaluator.Predict(kernels, data, network, grid, threads);
        return evaluator + (grid is null ? 0 : CpuPlane.Bytes(network));
    }

    public IEvaluator CreateEvaluator(IEngineData data, NetworkSpec network)
    {
        var source = Fitting(data, network);
        return network.Model.Kind switch
        {
            ModelKind.Surface => new SurfaceEvaluator(source, network),
            ModelKind.Layers => new LayeredEvaluator(kernels, source, network),
            _ => new DenseEvaluator(kernels, source, network),
        };
    }

    public IProbe CreateProbe(IEngineData data, NetworkSpec network)
    {
        var source = Fitting(data, network);
        return new CpuProbe(
            source,
            network,
            network.Model.Kind switch
            {
                ModelKind.Surface => new SurfaceObjective(source.Surface!.Value),
                ModelKind.Layers => new LayeredObjective(kernels, network, WeightLayout.Of(network)),
                _ => new DenseObjective(kernels, network, WeightLayout.Of(network)),
            }
        );
    }

    /// <summary>Nothing to release: memory belongs to bundles, evaluators, probes, weights, directions and planes.</summary>
    public void Dispose() { }

    private static DataSet Fitting(IEngineData data, NetworkSpec network)
    {
        if (data is not CpuData { Source: var set })
            throw new ArgumentException("data of another engine", nameof(data));
        network.CheckFits(set);
        return set;
    }
}
