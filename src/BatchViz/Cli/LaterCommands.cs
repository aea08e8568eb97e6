using System.CommandLine;

namespace BatchViz.Cli;

/// <summary>Commands whose names are settled and whose work is still to come. They say so, and do nothing.</summary>
internal static class LaterCommands
{
    private static readonly (string Name, string Does, string With)[] Commands =
    [
        ("claims", "Test what people say about batch size.", "claims"),
        ("advise", "Advise on a batch size.", "the advisor"),
    ];

    public static void AddTo(RootCommand root)
    {
        foreach (var (name, does, with) in Commands) AddTo(root, name, does, with);
    }

    /// <param name="parent">The command whose subcommand it is.</param>
    /// <param name="with">What it comes with.</param>
    public static void AddTo(Command parent, string name, string does, string with)
    {
        string full = parent is RootCommand ? name : $"{parent.Name} {name}";
        var command = new Command(name, $"{does} Not there yet: it comes with {with}.") { TreatUnmatchedTokensAsErrors = false };
        command.SetAction(_ => CommandLine.Refuse($"\"batchviz {full}\" is not there yet: it comes with {with} in a later version."));
        parent.Subcommands.Add(command);
    }
}
