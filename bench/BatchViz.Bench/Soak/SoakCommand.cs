using System.CommandLine;
using BatchViz.Cli;
using BatchViz.Engine.Cpu;

namespace BatchViz.Bench.Soak;

/// <summary><c>soak</c>: long trials, each a class of its own; exit code 1 when one finds a defect.</summary>
internal static class SoakCommand
{
    public static void AddTo(Command bench)
    {
        ISoak[] soaks = [new FuzzSoak(), new KillSoak(), new ViewersSoak()];
        string names = string.Join(", ", soaks.Select(soak => soak.Options[0].Name));
        var command = new Command("soak", $"Long trials: {names}.");
        var json = new Option<bool>("--json") { Description = "End with one line of JSON on standard output." };
        foreach (var option in soaks.SelectMany(soak => soak.Options).Append(json))
            command.Options.Add(option);
        command.SetAction(
            (parsed, stop) =>
                CommandLine.Guard(() =>
                {
                    ISoak[] asked = [.. soaks.Where(soak => parsed.GetResult(soak.Options[0]) is not null)];
                    if (asked.Length == 0)
                        return Task.FromResult(CommandLine.Refuse($"\"soak\" needs the name of a trial: {names}."));
                    Func<CancellationToken, SoakOutcome>[] trials = [.. asked.Select(soak => soak.Read(parsed))];
                    SoakOutcome[] outcomes = [.. trials.Select(run => run(stop))];
                    if (parsed.GetValue(json))
                        Console.WriteLine(BenchJson.Line(Report(outcomes)));
                    else
                        foreach (var outcome in outcomes)
                            outcome.Show();
                    return Task.FromResult(outcomes.All(outcome => outcome.Good) ? CommandLine.Done : CommandLine.Failed);
                })
        );
        bench.Subcommands.Add(command);
    }

    private static SoakReportLine Report(IEnumerable<SoakOutcome> outcomes) =>
        outcomes.Aggregate(new SoakReportLine(Machine.Describe(CpuEngine.Available[^1])), (line, outcome) => outcome.Tell(line));
}
