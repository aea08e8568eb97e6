using System.Globalization;
using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using TorchSharp;
using static BatchViz.Core.Language;
using static TorchSharp.torch;

namespace BatchViz.Engine.Torch;

/// <summary>
/// TorchSharp on a CPU or a CUDA device. Products, autograd and convolutions are libtorch's; what is measured, and from which random
/// streams, is what every engine does. Bits depend on libtorch, device and how runs are bundled, so that records are kept instead of
/// recomputed.
/// </summary>
public sealed class TorchEngine : IEngine
{
    private readonly Device device;

    /// <param name="device">"cpu" or "cuda:N".</param>
    /// <param name="threads">Of one operation on a CPU, for the whole process; 1 where several lanes train side by side.</param>
    /// <exception cref="RefusedException">There is no such device, or libtorch cannot be loaded.</exception>
    public TorchEngine(string device = "cpu", Precision precision = Precision.Float32, int threads = 1)
    {
        if (WhyNot(device) is { } why)
            throw new RefusedException(HowToGet(device) is { } how ? $"{why} {how}" : why);
        this.device = torch.device(device);
        Precision = precision;
        DeviceName = device;
        set_num_threads(threads);
        if (this.device.type == DeviceType.CPU)
            HostAllocator.Keep();
    }

    /// <summary>Why there is no such engine here, in one sentence; null where there is.</summary>
    public static string? WhyNot(string device)
    {
        if (LibTorch.WhyNot() is { } missing)
            return missing;
        if (device == "cpu")
            return null;
        if (CardOf(device) is not { } number)
            return Tr(
                $"TorchSharp has the devices cpu and cuda:N here, not {device}.",
                $"TorchSharp 的设备为 cpu 与 cuda:N，没有 {device}。"
            );
        if (!LibTorch.ForCuda)
            return Tr(
                $"The libtorch in {LibTorch.Folder} is one for processors, without CUDA.",
                $"{LibTorch.Folder} 中的 libtorch 用于处理器，不含 CUDA。"
            );
        if (!LibTorch.HasDriver)
            return Tr("This machine has no driver of NVIDIA's.", "此机器没有 NVIDIA 驱动。");
        if (!cuda.is_available())
            return Tr("libtorch finds no CUDA device.", "libtorch 找不到 CUDA 设备。");
        return number < cuda.device_count()
            ? null
            : Tr(
                $"There are {cuda.device_count()} CUDA devices, so there is no {device}.",
                $"共有 {cuda.device_count()} 个 CUDA 设备，没有 {device}。"
            );
    }

    /// <summary>How many CUDA devices there are; loads libtorch only where it is one for CUDA and a driver is there.</summary>
    public static int CudaDevices => LibTorch.MayHaveCuda && LibTorch.WhyNot() is null && cuda.is_available() ? cuda.device_count() : 0;

    /// <summary>How to get the libtorch that a device asks for, in a sentence; null: it is there.</summary>
    public static string? HowToGet(string device)
    {
        if (device == "cpu")
            return LibTorch.WhyNot() is null ? null : LibTorchSearch.HowToGet;
        return CardOf(device) is null || (LibTorch.WhyNot() is null && LibTorch.ForCuda)
            ? null
            : Tr(
                $"Where there is an NVIDIA driver, build with -p:Torch=cuda, "
                    + $"or name a folder with libtorch {LibTorchSearch.Version} for CUDA by --libtorch (or {LibTorchSearch.Variable}).",
                $"在有 NVIDIA 驱动的机器上用 -p:Torch=cuda 构建，"
                    + $"或用 --libtorch（或 {LibTorchSearch.Variable}）指出含 CUDA 版 libtorch {LibTorchSearch.Version} 的文件夹。"
            );
    }

    /// <summary>N of "cuda:N", 0 of "cuda"; null: it is no CUDA device.</summary>
    private static int? CardOf(string device) =>
        device == "cuda" ? 0
        : device.StartsWith("cuda:", StringComparison.Ordinal)
        && int.TryParse(device.AsSpan(5), NumberStyles.None, CultureInfo.InvariantCulture, out int number)
            ? number
        : null;

    public string DeviceName { get; }

    /// <summary>TorchSharp's and libtorch's versions.</summary>
    public static string Versions => $"TorchSharp {typeof(torch).Assembly.GetName().Version?.ToString(3)}, libtorch {LibTorch.Version}";

    /// <summary>
    /// Bytes that one bundle may take on a CPU; by default all the memory of this machine. A CUDA device says itself when it is full.
    /// </summary>
    public long MostBundleBytes { get; init; } = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;

    /// <summary>
    /// Whether bundles measure per-example norms, gradient variance and noise scale; false is for the benchmark that asks what they cost.
    /// </summary>
    public bool ExampleStatistics { get; init; } = true;

    /// <summary>Whether updates are queued on the device and looked at later; null: where the device works on its own.</summary>
    public bool? Queues { get; init; }

    private bool Queued => Queues ?? device.type != DeviceType.CPU;

    public string Name => "torch";

    public string Description => $"{Versions}{(OneDnn.IsOff ? " without oneDNN" : "")}, {DeviceName}, {Word}";

    public string Variant => $"{DeviceName} {Word}";

    public int Revision => 2;

    public bool BitExact => false;

    public Precision Precision { get; }

    private string Word =>
        Precision switch
        {
            Precision.Tf32 => "TF32",
            Precision.BFloat16 => "BF16",
            Precision.Float16 => "FP16",
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
                throw new RefusedException(
                    $"Batch size {spec.BatchSize:#,0} would take {wanted / 1e6:#,0.0} MB of memory for {(spec.Seeds.Count == 1 ? "its run" : $"its {spec.Seeds.Count:#,0} runs")}; at most {MostBundleBytes / 1e6:#,0.0} MB are allowed."
                );
        }
        IBundle? made = null;
        TorchMemory.Guard(spec.BatchSize, () => made = new TorchBundle(ours, spec, device, Precision, Queued, ExampleStatistics));
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

    public IEvaluator CreateEvaluator(IEngineData data, NetworkSpec network) =>
        new TorchEvaluator(Fitting(data, network), network, device, Precision);

    public IProbe CreateProbe(IEngineData data, NetworkSpec network) => new TorchProbe(Fitting(data, network), network, device, Precision);

    /// <summary>Nothing to release: memory belongs to data, bundles, weights, directions and planes.</summary>
    public void Dispose() { }

    private static TorchData Fitting(IEngineData data, NetworkSpec network)
    {
        if (data is not TorchData ours)
            throw new ArgumentException("data of another engine", nameof(data));
        network.CheckFits(ours.Source);
        return ours;
    }
}
