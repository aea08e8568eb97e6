using System.CommandLine;
using System.Net;
using System.Net.Sockets;
using BatchViz.Components.Share;
using BatchViz.Engine.Cpu;
using BatchViz.Engines;
using BatchViz.Live;
using BatchViz.Recordings;
using BatchViz.Training;
using BatchViz.Web;

namespace BatchViz.Cli;

/// <summary><c>batchviz serve</c>, which is also what <c>batchviz</c> alone does.</summary>
internal static class ServeCommand
{
    public static void AddTo(RootCommand root)
    {
        var urls = new Option<string>("--urls")
        {
            Description = "The addresses to listen on, separated by semicolons.",
            DefaultValueFactory = _ => "http://localhost:5000",
        };
        var data = new Option<string?>("--data") { Description = "The folder with CSV and IDX files that experiments may read." };
        var experiment = new Option<string?>("--experiment") { Description = "The experiment file to begin with." };
        var recordings = new Option<string?>("--recordings")
        {
            Description = "The folder in which experiments are recorded (BATCHVIZ_RECORDINGS, or one of this user's).",
        };
        var signIn = new Option<bool>("--sign-in")
        {
            Description = "Let in only people with the owner's or the viewers' link; needed for addresses that others can reach.",
        };
        var publicUrl = new Option<string?>("--public-url")
        {
            Description = "The address under which others reach this server, for the links: behind a proxy, in a container.",
        };
        var budget = RunCommand.BudgetOption();
        var engine = new EngineOptions("for experiments that name none");
        var serve = new Command("serve", "Serve the dashboard.");
        foreach (Command command in new[] { root, serve })
        {
            foreach (Option option in new Option[] { urls, data, experiment, recordings, budget, signIn, publicUrl })
                command.Options.Add(option);
            engine.AddTo(command);
            command.SetAction(
                (parsed, stop) =>
                    CommandLine.Guard(() =>
                        Serve(
                            new ServeOptions(
                                parsed.GetRequiredValue(urls),
                                parsed.GetValue(signIn),
                                ServeOptions.ParsePublic(parsed.GetValue(publicUrl))
                            ),
                            parsed.GetValue(data),
                            parsed.GetValue(experiment),
                            parsed.GetValue(recordings),
                            RunCommand.ReadBudget(parsed, budget),
                            engine.Read(parsed, overrides: false),
                            stop
                        )
                    )
            );
        }
        root.Subcommands.Add(serve);
    }

    private static async Task<int> Serve(
        ServeOptions options,
        string? dataFolder,
        string? experiment,
        string? recordings,
        long recordingBytes,
        ExperimentEngines engines,
        CancellationToken stop
    )
    {
        var data = Files.Data(dataFolder);
        // Data are read while the server is put together.
        string file = experiment ?? Files.DefaultExperiment;
        var reading = Task.Run(() => Files.Plan(file, data), stop);
        using var experiments = new ExperimentHost(
            engines,
            data,
            new ExperimentOptions { Processor = Cli.Processor.Name(), RecordingBytes = recordingBytes },
            Files.Recordings(recordings),
            RecordingFiles.Engine
        );
        await using var app = WebHost.Create(options, experiments);
        var plan = await reading;
        try
        {
            await app.StartAsync(stop);
        }
        catch (Exception e) when (e is IOException or SocketException or InvalidOperationException)
        {
            Console.Error.WriteLine(
                $"{options.Urls} cannot be listened on: {(e.InnerException?.Message ?? e.Message).TrimEnd('.')}. Choose another address with --urls."
            );
            return CommandLine.Failed;
        }
        // What is really bound: settings in the environment can add addresses that nobody asked for here.
        _ = new ServeOptions(string.Join(';', app.Urls), options.SignIn, options.PublicUrl);
        // Only now: a server that nobody can reach must leave no recording.
        experiments.Prepare(plan, data.FolderFor(plan.Spec.Data, Path.GetDirectoryName(Path.GetFullPath(file))));
        experiments.Begin();
        Welcome(app, options, experiments.Current!);
        MachineCeilings.Measure(experiments, (experiments.Current!.Experiment.Engine as CpuEngine)?.Path ?? CpuEngine.Available[^1], stop);
        await app.WaitForShutdownAsync(stop);
        return CommandLine.Done;
    }

    private static void Welcome(WebApplication app, ServeOptions options, LiveExperiment live)
    {
        var links = app.Services.GetRequiredService<Links>();
        Console.WriteLine($"BatchViz is training: {live.Experiment.Plan.Title}.");
        if (live.Recording.Problem is { } problem)
            Console.Error.WriteLine(problem);
        string[] addresses = options.PublicUrl is { } named
            ? [named.ToString().TrimEnd('/')]
            : [.. app.Urls.SelectMany(Reachable).Distinct()];
        foreach (string address in addresses)
            Console.WriteLine($"  Open         {address}/");
        Console.WriteLine($"  Owner link   {addresses[0]}/join/{links.Owner}");
        Console.WriteLine($"  Viewer link  {addresses[0]}/join/{links.Viewer}");
        if (!options.SignIn)
            Console.WriteLine("Only this computer can open it; to share it, start with --urls http://0.0.0.0:5000 --sign-in.");
        Console.WriteLine("Ctrl+C stops.");
    }

    /// <summary>Addresses that a browser can open: this machine's own ones for a server that listens on all of them.</summary>
    private static IEnumerable<string> Reachable(string url)
    {
        var address = BindingAddress.Parse(url);
        if (address.Host is not ("0.0.0.0" or "[::]" or "*" or "+"))
            return [url.TrimEnd('/')];
        return ShareAddress.OwnAddresses().Append(IPAddress.Loopback).Select(ip => $"{address.Scheme}://{ip}:{address.Port}");
    }
}
