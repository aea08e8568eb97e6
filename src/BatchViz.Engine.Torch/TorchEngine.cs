using System.Globalization;
using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using TorchSharp;
using static TorchSharp.torch;

namespace BatchViz.Engine.Torch;

/// <summary>
/// TorchSharp on a CPU or a CUDA device. Products, autograd and convolutions are libtorch's; what is measured, and from which random
/// streams, is what every engine does. Bits depend on libtorch, device and how runs are bundled, so that records are kept instead of recomputed.
/// </summary>
public sealed class TorchEngine : IEngine
{
    private readonly Device device;
    private readonly TorchPrecision precision;

    /// <param name="device">"cpu" or "cuda:N".</param>
    /// <param name="threads">Of one operation on a CPU, for the whole process; 1 where several lanes train side by side.</param>
    /// <exception cref="SpecException">There is no such device, or libtorch cannot be loaded.</exception>
    public TorchEngine(string device = "cpu", TorchPrecision precision = TorchPrecision.Float32, int threads = 1)
    {
        if (WhyNot(device) is { } why) throw new SpecException(why);
        this.device = torch.device(device);
        this.precision = precision;
        DeviceName = device;
        set_num_threads(threads);
        if (this.device.type == DeviceType.CPU) HostAllocator.Keep();
        if (this.device.type != DeviceType.CUDA) return;
        backends.cuda.matmul.allow_tf32 = precision == TorchPrecision.Tf32;
        backends.cudnn.allow_tf32 = precision == TorchPrecision.Tf32;
    }

    /// <summary>Why there is no such engine here, in one sentence; null where there is.</summary>
    public static string? WhyNot(string device)
    {
        try
        {
            // The first of all calls, which loads libtorch.
            zeros(1).Dispose();
            if (device == "cpu") return null;
            int number = 0;
            bool known = device == "cuda" || (device.StartsWith("cuda:", StringComparison.Ordinal) && int.TryParse(device.AsSpan(5), NumberStyles.None, CultureInfo.InvariantCulture, out number));
            if (!known) return $"TorchSharp has the devices cpu and cuda:N here, not {device}.";
            if (!cuda.is_available()) return "This build of TorchSharp finds no CUDA device.";
            return number < cuda.device_count() ? null : $"There are {cuda.device_count()} CUDA devices, so there is no {device}.";
        }
        catch (Exception e) when (e is TypeInitializationException or DllNotFoundException or NotSupportedException or BadImageFormatException)
        {
            // TorchSharp's own sentence speaks of a missing package, whatever the reason.
            string why = e.InnerException is NotSupportedException
                ? $"its native libraries do not load on this system{(OperatingSystem.IsLinux() ? ", which must have GLIBCXX_3.4.32 (libstdc++ of GCC 13 or later)" : "")}" : (e.InnerException ?? e).Message.Split('\n')[0].TrimEnd('.');
            return $"TorchSharp is built in, but libtorch cannot be loaded: {why}.";
        }
    }

    public string DeviceName { get; }

    /// <summary>TorchSharp's and libtorch's versions.</summary>
    public static string Versions => $"TorchSharp {typeof(torch).Assembly.GetName().Version?.ToString(3)}, libtorch {torch.__version__}";

    /// <summary>Bytes that one bundle may take on a CPU; by default all the memory of this machine. A CUDA device says itself when it is full.</summary>
    public long MostBundleBytes { get; init; } = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;

    /// <summary>Whether bundles measure per-example norms, gradient variance and noise scale; false is for the benchmark that asks what they cost.</summary>
    public bool ExampleStatistics { get; init; } = true;

    /// <summary>Whether updates are queued on the device and looked at later; null: where the device works on its own.</summary>
    public bool? Queues { get; init; }

    private bool Queued => Queues ?? device.type != DeviceType.CPU;

    public string Name => "torch";

    public string Description => $"{Versions}, {DeviceName}, {Word}";

    public string Variant => $"{DeviceName} {Word}";

    public int Revision => 2;

    public bool BitExact => false;

    private string Word => precision switch
    {
        TorchPrecision.Tf32 => "TF32",
        TorchPrecision.BFloat16 => "BF16",
        TorchPrecision.Float16 => "FP16",
        _ => "float32",
    };

    public IEngineData Load(DataSet data) => new TorchData(data, device);

    public IBundle CreateBundle(IEngineData data, BundleSpec spec)
    {
        var ours = Fitting(data, spec.Network);
        if (device.type == DeviceType.CPU)
        {
            long wanted = TorchBundle.Predict(spec, ours.Source, Queued).Total;
            if (wanted > MostBundleBytes)
                throw new SpecException($"Batch size {spec.BatchSize:#,0} would take {wanted / 1e6:#,0.0} MB of memory for {(spec.Seeds.Count == 1 ? "its run" : $"its {spec.Seeds.Count:#,0} runs")}; at most {MostBundleBytes / 1e6:#,0.0} MB are allowed.");
        }
        IBundle? made = null;
        TorchMemory.Guard(spec.BatchSize, () => made = new TorchBundle(ours, spec, device, precision, Queued, ExampleStatistics));
        return made!;
    }

    public MemoryAccount Predict(BundleSpec spec, DataSet data)
    {
        spec.Network.CheckFits(data);
        return TorchBundle.Predict(spec, data, Queued);
    }

    public long PredictEvaluator(NetworkSpec network, DataSet data, EvaluationSet? grid = null, int threads = 1)
    {
        network.CheckFits(data);
        long nets = grid is null ? 1 : SetParts.NetsAtOnce(network, device);
        return sizeof(float) * (nets * network.ParameterCount + (grid is null ? 0 : 3 * network.ParameterCount));
    }

    public IEvaluator CreateEvaluator(IEngineData data, NetworkSpec network) => new TorchEvaluator(Fitting(data, network), network, device, precision);

    public IProbe CreateProbe(IEngineData data, NetworkSpec network) => new TorchProbe(Fitting(data, network), network, device, precision);

    /// <summary>Nothing to release: memory belongs to data, bundles, weights, directions and planes.</summary>
    public void Dispose()
    {
    }

    private static TorchData Fitting(IEngineData data, NetworkSpec network)
    {
        if (data is not TorchData ours) throw new ArgumentException("data of another engine", nameof(data));
        network.CheckFits(ours.Source);
        return ours;
    }
}
