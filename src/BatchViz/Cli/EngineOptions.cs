using System.CommandLine;
using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using BatchViz.Engine.Cpu;
using BatchViz.Engines;

namespace BatchViz.Cli;

/// <summary><c>--engine</c>, <c>--precision</c> and <c>--path</c>: what trains.</summary>
internal sealed class EngineOptions
{
    private readonly Option<string?> engine;
    private readonly Option<string?> precision = new("--precision")
    {
        Description = "Of TorchSharp's products: float32, tf32, bf16 or fp16.",
    };
    private readonly Option<string?> path = KernelOption.New();

    /// <param name="applies">When <c>--engine</c> applies, as the end of its description.</param>
    public EngineOptions(string applies) =>
        engine = new("--engine")
        {
            Description =
                $"auto, cpu, torch, torch:cpu or torch:cuda:N, {applies}; "
                + "auto takes a CUDA device where one is present with its libtorch, else the embedded engine.",
        };

    public void AddTo(Command command)
    {
        foreach (Option option in new Option[] { engine, precision, path })
            command.Options.Add(option);
    }

    /// <param name="overrides">See <see cref="ExperimentEngines"/>.</param>
    /// <exception cref="RefusedException">There is no such engine anywhere.</exception>
    public ExperimentEngines Read(ParseResult parsed, bool overrides)
    {
        string? asked = parsed.GetValue(engine);
        var wanted = OptionWord.Read(parsed, precision, SpecVocabulary.Precisions);
        KernelPath? kernels = parsed.GetValue(path) is null ? null : KernelOption.Read(parsed, path);
        new EngineRequest(asked ?? SpecReader.AnyEngine, wanted, kernels).Check();
        return new ExperimentEngines(asked, wanted, kernels, overrides);
    }
}
