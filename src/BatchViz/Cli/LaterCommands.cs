using System.CommandLine;

namespace BatchViz.Cli;

/// <summary>Commands whose names are settled and whose work is still to come. They say so, and do nothing.</summary>
internal static class LaterCommands
{
    /// <summary>Name, what it does, and what it comes with.</summary>
    private static readonly (string Name, string Does, string With)[] Commands =
    [
        ("claims", "Test what people say about batch size.", "claims"),
        ("advise", "Advise on a batch size.", "the advisor"),
    ];

    public static void AddTo(RootCommand root)
    {
        foreach (var (name, does, with) in Commands)
        {
            var command = new Command(name, $"{does} Not there yet: it comes with {with}.") { TreatUnmatchedTokensAsErrors = false };
            command.SetAction(_ => CommandLine.Refuse($"\"batchviz {name}\" is not there yet: it comes with {with} in a later version."));
            root.Subcommands.Add(command);
        }
    }
}
