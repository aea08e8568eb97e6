using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using BatchViz.Engine.Cpu;
#if TORCH
using BatchViz.Engine.Torch;
#endif

namespace BatchViz.Engines;

/// <summary>An engine that this program knows of.</summary>
/// <param name="Name">As <c>--engine</c> takes it.</param>
/// <param name="Description">What it runs on, in a few words; null where it cannot run.</param>
/// <param name="WhyNot">Why it cannot run here, and how to get it, in a sentence; null where it can.</param>
public sealed record EngineEntry(string Name, string? Description, string? WhyNot);

/// <summary>The engine that trains, and why it is this one.</summary>
/// <param name="Reason">A sentence.</param>
public sealed record EngineChoice(IEngine Engine, string Reason);

/// <summary>The engines of this program on this machine, and the choice among them.</summary>
public static class EngineList
{
    public static readonly IReadOnlyList<string> Precisions = ["float32", "tf32", "bf16", "fp16"];

    private const string HowToGet = "TorchSharp is not built into this program; -p:Torch=cpu or -p:Torch=cuda at the build adds it.";

    public static IReadOnlyList<EngineEntry> All() => [new("cpu", Describe(new CpuEngine()), null), .. Torch()];

    /// <summary>An engine by the word of <c>--engine</c>.</summary>
    /// <param name="asked">auto, cpu, torch (its first CUDA device, else the processor), torch:cpu or torch:cuda:N.</param>
    /// <param name="precision">Of TorchSharp's products; null: float32.</param>
    /// <param name="path">Kernels of the embedded engine; null: the fastest.</param>
    /// <param name="threads">Of one operation of TorchSharp on the processor.</param>
    /// <param name="exampleStatistics">False only for a benchmark that asks what they cost.</param>
    /// <exception cref="SpecException">There is no such engine here, or the other options are not its.</exception>
    public static EngineChoice Choose(string asked, string? precision = null, KernelPath? path = null, int threads = 1, bool exampleStatistics = true)
    {
        if (precision is not null && !Precisions.Contains(precision)) throw new SpecException($"\"--precision\" is \"{precision}\"; it must be one of {string.Join(", ", Precisions)}.");
        string[] words = asked.Split(':', 2);
        if (words[0] is not ("auto" or "cpu" or "torch") || (words.Length > 1 && words[0] != "torch"))
            throw new SpecException($"\"--engine\" is \"{asked}\"; it must be auto, cpu, torch, torch:cpu or torch:cuda:N.");
        if (words[0] == "torch")
        {
            if (path is not null) throw new SpecException("\"--path\" chooses kernels of the embedded engine; it does not go with \"--engine torch\".");
            return new EngineChoice(NewTorch(words.Length > 1 ? words[1] : null, precision, threads, exampleStatistics), $"asked for with --engine {asked}");
        }
        if (words[0] == "auto" && path is null && Cuda() is var (device, why))
        {
            if (device is not null) return new EngineChoice(NewTorch(device, precision, threads, exampleStatistics), "a CUDA device is there");
            return new EngineChoice(Embedded(), why!);
        }
        return new EngineChoice(Embedded(), path is null ? "asked for with --engine cpu" : $"asked for with --path {path.ToString()!.ToLowerInvariant()}");

        CpuEngine Embedded() => precision is null or "float32" ? new CpuEngine(path ?? CpuEngine.Available[^1]) { ExampleStatistics = exampleStatistics }
            : throw new SpecException($"\"--precision\" is \"{precision}\", but the embedded engine computes in float32.");
    }

    private static string Describe(IEngine engine)
    {
        using (engine) return engine.Description;
    }

#if TORCH
    /// <summary>The engine that a recording was made with, by its variant.</summary>
    public static IEngine TorchOf(string variant)
        => variant.Split(' ') is [var device, var word] ? new TorchEngine(device, PrecisionOf(word.ToLowerInvariant())) : throw new SpecException($"\"{variant}\" is no variant of the engine \"torch\".");

    private static TorchEngine NewTorch(string? device, string? precision, int threads, bool exampleStatistics) => new(device switch
    {
        null => TorchEngine.WhyNot("cuda:0") is null ? "cuda:0" : "cpu",
        "cuda" => "cuda:0",
        _ => device,
    }, PrecisionOf(precision ?? "float32"), threads) { ExampleStatistics = exampleStatistics };

    private static TorchPrecision PrecisionOf(string word) => Precisions.ToList().IndexOf(word) is >= 0 and var place ? (TorchPrecision)place : throw new SpecException($"\"{word}\" is no precision of the engine \"torch\".");

    private static IEnumerable<EngineEntry> Torch()
    {
        foreach (string device in new[] { "cpu", "cuda:0" })
        {
            string? why = TorchEngine.WhyNot(device);
            yield return new($"torch:{device}", why is null ? Describe(new TorchEngine(device)) : null, why);
        }
    }

    private static (string? Device, string? Why) Cuda() => TorchEngine.WhyNot("cuda:0") is { } why ? (null, why) : ("cuda:0", null);
#else
    /// <summary>The engine that a recording was made with.</summary>
    public static IEngine TorchOf(string variant) => throw new SpecException($"The recording was made with TorchSharp ({variant}). {HowToGet}");

    private static IEngine NewTorch(string? device, string? precision, int threads, bool exampleStatistics) => throw new SpecException(HowToGet);

    private static IEnumerable<EngineEntry> Torch() => [new("torch", null, HowToGet)];

    private static (string? Device, string? Why) Cuda() => (null, HowToGet);
#endif
}
