using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using BatchViz.Engine.Cpu;
using BatchViz.Engine.Torch;
using static BatchViz.Core.Language;

namespace BatchViz.Engines;

/// <summary>An engine that this program knows of.</summary>
/// <param name="Name">As <c>--engine</c> and experiments take it.</param>
/// <param name="Description">What it runs on, in a few words; null where it cannot run.</param>
/// <param name="WhyNot">Why it cannot run here, in a sentence; null where it can.</param>
/// <param name="HowToGet">What it lacks, and how to get that, in a sentence; null where nothing is to be got.</param>
/// <param name="LookedFor">Where its libraries were looked for; empty for an engine that has none.</param>
public sealed record EngineEntry(
    string Name,
    string? Description,
    string? WhyNot,
    string? HowToGet,
    IReadOnlyList<LibTorchPlace> LookedFor
);

/// <summary>The engine that trains, and why it is this one.</summary>
/// <param name="Reason">A sentence in English; Stage translates it.</param>
public sealed record EngineChoice(IEngine Engine, string Reason);

/// <summary>What is asked of an engine.</summary>
/// <param name="Engine">auto, cpu, torch (its first CUDA device, else the processor), torch:cpu or torch:cuda:N.</param>
/// <param name="Precision">Of products; null: float32.</param>
/// <param name="Path">Kernels of the embedded engine; null: the fastest.</param>
/// <param name="Threads">Of one operation of TorchSharp on the processor.</param>
/// <param name="ExampleStatistics">False only for a benchmark that asks what they cost.</param>
public sealed record EngineRequest(
    string Engine = SpecReader.AnyEngine,
    Precision? Precision = null,
    KernelPath? Path = null,
    int Threads = 1,
    bool ExampleStatistics = true
)
{
    /// <summary>The key of an experiment file.</summary>
    public const string OfExperiment = "engine";

    /// <summary>How a refusal names the engine, and its precision.</summary>
    public string EngineKey { get; init; } = "--engine";

    public string PrecisionKey { get; init; } = "--precision";

    public bool IsTorch => Engine == "torch" || Engine.StartsWith("torch:", StringComparison.Ordinal);

    /// <summary>Refuses what cannot be anywhere; nothing is loaded.</summary>
    /// <exception cref="RefusedException">There is no such engine, or the other wishes are not its.</exception>
    public void Check()
    {
        if (!IsTorch && Engine is not (SpecReader.AnyEngine or "cpu"))
            throw new RefusedException(
                Tr(
                    $"\"{EngineKey}\" is \"{Engine}\"; it must be auto, cpu, torch, torch:cpu or torch:cuda:N.",
                    $"\"{EngineKey}\" 是 \"{Engine}\"；必须是 auto、cpu、torch、torch:cpu 或 torch:cuda:N。"
                )
            );
        if (IsTorch && Path is not null)
            throw new RefusedException(
                Tr(
                    $"\"--path\" chooses kernels of the embedded engine; it does not go with \"{EngineKey} {Engine}\".",
                    $"\"--path\" 选择内置引擎的指令集；不能与 \"{EngineKey} {Engine}\" 同用。"
                )
            );
        if (Engine == "cpu")
            CheckEmbedded();
    }

    /// <exception cref="RefusedException">The embedded engine has only float32.</exception>
    public void CheckEmbedded()
    {
        if (Precision is { } other and not Core.Engines.Precision.Float32)
            throw new RefusedException(
                Tr(
                    $"\"{PrecisionKey}\" is \"{SpecVocabulary.Of(SpecVocabulary.Precisions, other)}\", but the embedded engine computes in float32.",
                    $"\"{PrecisionKey}\" 是 \"{SpecVocabulary.Of(SpecVocabulary.Precisions, other)}\"，但内置引擎以 float32 计算。"
                )
            );
    }
}

/// <summary>The engines of this program on this machine, and the choice among them.</summary>
public static class EngineList
{
    /// <summary>All engines, with what they lack; loads libtorch where it is.</summary>
    public static IReadOnlyList<EngineEntry> All() =>
        [
            new("cpu", Describe(new CpuEngine()), null, null, []),
            Torch("cpu"),
            .. Enumerable.Range(0, Math.Max(1, TorchEngine.CudaDevices)).Select(number => Torch($"cuda:{number}")),
        ];

    /// <summary>An engine's name, as <c>--engine</c> and experiments take it.</summary>
    public static string NameOf(IEngine engine) => engine is TorchEngine torch ? $"torch:{torch.DeviceName}" : engine.Name;

    /// <exception cref="RefusedException">There is no such engine here, or the other wishes are not its.</exception>
    public static EngineChoice Choose(EngineRequest request)
    {
        request.Check();
        if (request.IsTorch)
            return new(NewTorch(request, request.Engine.Split(':', 2) is [_, var device] ? device : null), ReasonOf(request));
        if (request is { Engine: SpecReader.AnyEngine, Path: null })
        {
            if (WhyNoCuda() is not { } why)
                return new(NewTorch(request, "cuda:0"), "a CUDA device is there");
            return new(Embedded(request), why);
        }
        return new(
            Embedded(request),
            request.Path is { } path ? $"asked for with --path {path.ToString().ToLowerInvariant()}" : ReasonOf(request)
        );
    }

    private static string ReasonOf(EngineRequest request) =>
        request.EngineKey == EngineRequest.OfExperiment
            ? "the experiment names it"
            : $"asked for with {request.EngineKey} {request.Engine}";

    /// <summary>The engine that a recording was made with, by its variant: a device and a precision.</summary>
    /// <exception cref="RefusedException">It is not here.</exception>
    public static IEngine TorchOf(string variant) =>
        variant.Split(' ') is [var device, var word]
        && SpecVocabulary.Precisions.FirstOrDefault(known => known.Word == word.ToLowerInvariant()) is { Word: not null } precision
            ? new TorchEngine(device, precision.Value)
            : throw new RefusedException($"\"{variant}\" is no variant of the engine \"torch\".");

    /// <summary>Why "auto" takes no card, in half a sentence; null where there is one. libtorch is loaded only where it is one for CUDA
    /// and a driver is there.</summary>
    private static string? WhyNoCuda() =>
        LibTorch.Folder is null ? "there is no libtorch, which CUDA needs"
        : !LibTorch.ForCuda ? "the libtorch that is here has no CUDA"
        : !LibTorch.HasDriver ? "there is no NVIDIA driver"
        : TorchEngine.WhyNot("cuda:0") is null ? null
        : "libtorch finds no CUDA device";

    private static CpuEngine Embedded(EngineRequest request)
    {
        request.CheckEmbedded();
        return new CpuEngine(request.Path ?? CpuEngine.Available[^1]) { ExampleStatistics = request.ExampleStatistics };
    }

    private static TorchEngine NewTorch(EngineRequest request, string? device)
    {
        device = device switch
        {
            null => LibTorch.MayHaveCuda && TorchEngine.WhyNot("cuda:0") is null ? "cuda:0" : "cpu",
            "cuda" => "cuda:0",
            _ => device,
        };
        if (request.EngineKey == EngineRequest.OfExperiment && TorchEngine.WhyNot(device) is { } why)
        {
            string refusal = Tr(
                $"\"{request.EngineKey}\" is \"{request.Engine}\": {why}",
                $"\"{request.EngineKey}\" 是 \"{request.Engine}\"：{why}"
            );
            throw new RefusedException(TorchEngine.HowToGet(device) is { } how ? $"{refusal} {how}" : refusal);
        }
        return new TorchEngine(device, request.Precision ?? Precision.Float32, request.Threads)
        {
            ExampleStatistics = request.ExampleStatistics,
        };
    }

    private static EngineEntry Torch(string device)
    {
        string? why = TorchEngine.WhyNot(device);
        return new(
            $"torch:{device}",
            why is null ? Describe(new TorchEngine(device)) : null,
            why,
            TorchEngine.HowToGet(device),
            LibTorch.Places
        );
    }

    private static string Describe(IEngine engine)
    {
        using (engine)
            return engine.Description;
    }
}
