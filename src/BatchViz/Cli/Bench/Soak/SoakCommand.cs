using System.CommandLine;
using System.Text.Json.Nodes;
using BatchViz.Engine.Cpu;

namespace BatchViz.Cli.Bench.Soak;

/// <summary><c>batchviz bench soak</c>: long trials, each a class of its own; exit code 1 when one finds a defect.</summary>
internal static class SoakCommand
{
    public static void AddTo(Command bench)
    {
        ISoak[] soaks = [new FuzzSoak(), new KillSoak(), new ViewersSoak()];
        string names = string.Join(", ", soaks.Select(soak => soak.Options[0].Name));
        var command = new Command("soak", $"Long trials: {names}.");
        var json = new Option<bool>("--json") { Description = "End with one line of JSON on standard output." };
        foreach (var option in soaks.SelectMany(soak => soak.Options).Append(json)) command.Options.Add(option);
        command.SetAction((parsed, stop) => CommandLine.Guard(() =>
        {
            ISoak[] asked = [.. soaks.Where(soak => parsed.GetResult(soak.Options[0]) is not null)];
            if (asked.Length == 0) return Task.FromResult(CommandLine.Refuse($"\"batchviz bench soak\" needs the name of a trial: {names}."));
            Func<CancellationToken, SoakOutcome>[] trials = [.. asked.Select(soak => soak.Read(parsed))];
            SoakOutcome[] outcomes = [.. trials.Select(run => run(stop))];
            if (parsed.GetValue(json)) Console.WriteLine(Json(outcomes).ToJsonString());
            else foreach (var outcome in outcomes) outcome.Show();
            return Task.FromResult(outcomes.All(outcome => outcome.Good) ? CommandLine.Done : CommandLine.Failed);
        }));
        bench.Subcommands.Add(command);
    }

    private static JsonObject Json(IEnumerable<SoakOutcome> outcomes)
    {
        var json = new JsonObject { ["machine"] = Machine.Describe(CpuEngine.Available[^1]) };
        foreach (var outcome in outcomes) json[outcome.Name] = outcome.Json;
        return json;
    }
}
