using System.CommandLine;

namespace BatchViz.Cli;

/// <summary>The commands of <c>batchviz</c>; each lives in a file of its own.</summary>
public static class CommandLine
{
    public static RootCommand Root()
    {
        var root = new RootCommand("BatchViz shows what batch size does to training.");
        ServeCommand.AddTo(root);
        return root;
    }
}
