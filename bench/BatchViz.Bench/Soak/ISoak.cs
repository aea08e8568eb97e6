using System.CommandLine;

namespace BatchViz.Bench.Soak;

/// <summary>One soak of <c>soak</c>: asked for with an option of its own, beside others or alone.</summary>
internal interface ISoak
{
    /// <summary>Its options; the first is the one that asks for it.</summary>
    IReadOnlyList<Option> Options { get; }

    /// <summary>Reads its options; what is returned does the work, with progress and failures on standard error.</summary>
    /// <exception cref="Core.Specs.RefusedException">An option is refused; nothing is started.</exception>
    Func<CancellationToken, SoakOutcome> Read(ParseResult parsed);
}

/// <param name="Good">Nothing failed.</param>
/// <param name="Tell">Adds its result to the line of JSON.</param>
/// <param name="Show">Writes the result as a table on standard output.</param>
internal sealed record SoakOutcome(bool Good, Func<SoakReportLine, SoakReportLine> Tell, Action Show);
