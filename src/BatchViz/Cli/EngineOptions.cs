using System.CommandLine;
using BatchViz.Engine.Cpu;
using BatchViz.Engines;

namespace BatchViz.Cli;

/// <summary><c>--engine</c>, <c>--precision</c> and <c>--path</c>: what trains.</summary>
internal sealed class EngineOptions
{
    private readonly Option<string> engine = new("--engine")
    {
        Description = "auto, cpu, torch, torch:cpu or torch:cuda:N; auto takes a CUDA device where one is built in and present, else the embedded engine.", DefaultValueFactory = _ => "auto",
    };
    private readonly Option<string?> precision = new("--precision") { Description = "Of TorchSharp's products: float32, tf32, bf16 or fp16." };
    private readonly Option<string?> path = KernelOption.New();

    public void AddTo(Command command)
    {
        foreach (Option option in new Option[] { engine, precision, path }) command.Options.Add(option);
    }

    /// <exception cref="Core.Specs.SpecException">There is no such engine here.</exception>
    public EngineChoice Read(ParseResult parsed) => EngineList.Choose(parsed.GetRequiredValue(engine), parsed.GetValue(precision), Path(parsed));

    /// <summary>The kernels asked for; null where none were.</summary>
    private KernelPath? Path(ParseResult parsed) => parsed.GetValue(path) is null ? null : KernelOption.Read(parsed, path);
}
