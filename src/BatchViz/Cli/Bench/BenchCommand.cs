using System.CommandLine;
using BatchViz.Cli.Bench.Soak;

namespace BatchViz.Cli.Bench;

/// <summary><c>batchviz bench</c>: measures this machine; each benchmark lives in a file of its own.</summary>
internal static class BenchCommand
{
    public static void AddTo(RootCommand root)
    {
        var bench = new Command("bench", "Measure this machine.");
        EngineBench.AddTo(bench);
        LandscapeBench.AddTo(bench);
        ProbesBench.AddTo(bench);
        RecorderBench.AddTo(bench);
        LaterCommands.AddTo(bench, "stream", "What watching costs.", "recordings");
        SoakCommand.AddTo(bench);
        bench.SetAction(_ => CommandLine.Refuse("\"batchviz bench\" needs the name of a benchmark: engine, landscape, probes, recorder or soak."));
        root.Subcommands.Add(bench);
    }
}
