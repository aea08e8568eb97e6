using System.CommandLine;
using BatchViz.Cli;
using BatchViz.Recordings;

namespace BatchViz.Bench.Soak;

/// <summary>
/// <c>killed [--before POINT:N] -- COMMAND …</c>: a command of <c>batchviz</c> in this process, for a soak to kill; or ended, as by
/// kill -9, just before the n-th file operation of a kind (see <see cref="KillingFiles"/>).
/// </summary>
internal static class KilledCommand
{
    public const string Name = "killed",
        BeforeOption = "--before";

    public static void AddTo(RootCommand root)
    {
        var before = new Option<string?>(BeforeOption)
        {
            Description = "POINT:N, such as \"sync log:3\": the file operation before which the process ends.",
        };
        var arguments = new Argument<string[]>("command") { Description = "Of batchviz, after --.", Arity = ArgumentArity.OneOrMore };
        var command = new Command(Name, "Run a command of batchviz that is killed on the way.") { before, arguments };
        command.SetAction(
            (parsed, _) =>
                CommandLine.Guard(() =>
                {
                    if (parsed.GetValue(before) is { } wish)
                        RecordingFiles.Written = KillingFiles.Before(wish);
                    return CommandLine.Run(parsed.GetRequiredValue(arguments));
                })
        );
        root.Subcommands.Add(command);
    }
}
