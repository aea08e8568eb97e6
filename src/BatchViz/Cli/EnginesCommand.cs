using System.CommandLine;
using System.Text.Json.Nodes;
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
        command.SetAction((parsed, _) => CommandLine.Guard(() =>
        {
            var entries = EngineList.All();
            var chosen = EngineList.Choose(new EngineRequest());
            string auto = $"{chosen.Engine.Name}: {chosen.Reason.TrimEnd('.')}";
            chosen.Engine.Dispose();
            if (parsed.GetValue(json))
            {
                Console.WriteLine(new JsonObject
                {
                    ["engines"] = new JsonArray([.. entries.Select(Json)]),
                    ["auto"] = auto,
                }.ToJsonString());
                return Task.FromResult(CommandLine.Done);
            }
            foreach (var entry in entries)
            {
                Console.WriteLine($"{entry.Name,-14}{entry.Description ?? entry.WhyNot}");
                foreach (var place in entry.LookedFor) Console.WriteLine($"{"",-14}  {place.Place}: {place.Finding}");
                if (entry.HowToGet is { } how) Console.WriteLine($"{"",-14}{how}");
            }
            Console.WriteLine($"{"auto",-14}{auto}");
            return Task.FromResult(CommandLine.Done);
        }));
        root.Subcommands.Add(command);
    }

    private static JsonNode Json(EngineEntry entry) => new JsonObject
    {
        ["name"] = entry.Name, ["description"] = entry.Description, ["whyNot"] = entry.WhyNot, ["howToGet"] = entry.HowToGet,
        ["lookedFor"] = new JsonArray([.. entry.LookedFor.Select(place => (JsonNode)new JsonObject
        {
            ["place"] = place.Place, ["finding"] = place.Finding, ["taken"] = place.Folder is not null,
        })]),
    };
}
