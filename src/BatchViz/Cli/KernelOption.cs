using System.CommandLine;
using BatchViz.Core.Specs;
using BatchViz.Engine.Cpu;

namespace BatchViz.Cli;

/// <summary><c>--path</c>: which kernels the embedded engine uses, for repeating on this machine what another one did.</summary>
internal static class KernelOption
{
    private static readonly IReadOnlyList<(string Word, KernelPath Value)> Paths =
    [
        ("avx512", KernelPath.Avx512),
        ("avx2", KernelPath.Avx2),
        ("portable", KernelPath.Portable),
    ];

    public static Option<string?> New() =>
        new("--path") { Description = "Kernels: avx512, avx2 or portable; without it the fastest of this machine." };

    /// <summary>The path asked for, else the fastest.</summary>
    /// <exception cref="RefusedException">There is no such path, or this processor does not have it.</exception>
    public static KernelPath Read(ParseResult parsed, Option<string?> option)
    {
        var asked = OptionWord.Read(parsed, option, Paths) ?? CpuEngine.Available[^1];
        if (CpuEngine.Available.Contains(asked))
            return asked;
        string here = string.Join(" and ", CpuEngine.Available.Select(Word));
        throw new RefusedException($"\"--path\" is \"{Word(asked)}\", which this processor does not have; it can run {here}.");
    }

    public static string Word(KernelPath path) => SpecVocabulary.Of(Paths, path);
}
