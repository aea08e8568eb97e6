using System.CommandLine;
using BatchViz.Web;

namespace BatchViz.Cli;

/// <summary><c>batchviz serve</c>, which is also what <c>batchviz</c> alone does.</summary>
public static class ServeCommand
{
    public static void AddTo(RootCommand root)
    {
        var urls = new Option<string>("--urls") { Description = "The addresses to listen on, separated by semicolons.", DefaultValueFactory = _ => "http://localhost:5000" };
        var serve = new Command("serve", "Serve the dashboard.");
        foreach (Command command in new[] { root, serve })
        {
            command.Options.Add(urls);
            command.SetAction((parsed, stop) => Serve(parsed.GetRequiredValue(urls), stop));
        }
        root.Subcommands.Add(serve);
    }

    private static async Task<int> Serve(string urls, CancellationToken stop)
    {
        await using var app = WebHost.Create(urls);
        await app.StartAsync(stop);
        await app.WaitForShutdownAsync(stop);
        return 0;
    }
}
