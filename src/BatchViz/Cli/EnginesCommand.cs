using System.CommandLine;
using BatchViz.Api;
using BatchViz.Engines;

namespace BatchViz.Cli;

/// <summary><c>batchviz engines</c>: which engines can run here, and how to get the others.</summary>
internal static class EnginesCommand
{
    public static void AddTo(RootCommand root)
    {
        var json = new Option<bool>("--json") { Description = "End with one line of JSON on standard output." };
        var command = new Command("engines", "List the engines of this program on this machine.");
        command.Options.Add(json);
        command.SetAction(
            (parsed, _) =>
                CommandLine.Guard(() =>
                {
                    var entries = EngineList.All();
                    var chosen = EngineList.Choose(new EngineRequest());
                    string auto = $"{chosen.Engine.Name}: {chosen.Reason.TrimEnd('.')}";
                    chosen.Engine.Dispose();
                    if (parsed.GetValue(json))
                    {
                        Console.WriteLine(ApiJson.Line(new EnginesReport([.. entries.Select(Report)], auto)));
                        return Task.FromResult(CommandLine.Done);
                    }
                    foreach (var entry in entries)
                    {
                        Console.WriteLine($"{entry.Name, -14}{entry.Description ?? entry.WhyNot}");
                        foreach (var place in entry.LookedFor)
                            Console.WriteLine($"{"", -14}  {place.Place}: {place.Finding}");
                        if (entry.HowToGet is { } how)
                            Console.WriteLine($"{"", -14}{how}");
                    }
                    Console.WriteLine($"{"auto", -14}{auto}");
                    return Task.FromResult(CommandLine.Done);
                })
        );
        root.Subcommands.Add(command);
    }

    private static EngineReport Report(EngineEntry entry) =>
        new(
            entry.Name,
            entry.Description,
            entry.WhyNot,
            entry.HowToGet,
            [.. entry.LookedFor.Select(place => new EnginePlace(place.Place, place.Finding, place.Folder is not null))]
        );
}
