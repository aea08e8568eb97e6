using System.CommandLine;
using BatchViz.Cli;
using BatchViz.Core.Specs;
using BatchViz.Data;
using BatchViz.Engine.Cpu;

namespace BatchViz.Bench;

/// <summary><c>landscape</c>: time of a whole grid of losses.</summary>
internal static class LandscapeBench
{
    private const int MostExamples = 1_000_000,
        FinestGrid = 1025,
        MostThreads = 1024;

    public static void AddTo(Command bench)
    {
        var command = new Command("landscape", "Time of a grid of losses over a plane.");
        var options = new BenchOptions(command, measure: 1);
        var examples = new Option<int>("--examples")
        {
            Description = "Examples whose mean loss each point is; without it 500 for two inputs, else 1024.",
        };
        var grid = new Option<int>("--grid") { Description = "Points a side; without it 65, and the first 17 of a tiny network." };
        var threads = new Option<int>("--threads")
        {
            Description = "Threads that work on a grid; without it one for each core.",
            DefaultValueFactory = _ => Environment.ProcessorCount,
        };
        foreach (Option option in new Option[] { examples, grid, threads })
            command.Options.Add(option);
        command.SetAction(
            (parsed, stop) =>
                CommandLine.Guard(() =>
                {
                    var nets = options.Nets(parsed);
                    int? count = parsed.GetResult(examples) is null ? null : BenchOptions.Whole(parsed, examples, 1, MostExamples);
                    int? side = parsed.GetResult(grid) is null ? null : BenchOptions.Whole(parsed, grid, 2, FinestGrid);
                    bool own = nets.Length == 0;
                    if (own)
                        nets = [BenchNet.Parse("2-8-8-1", null, null), BenchNet.Parse("784-128-10", null, null)];
                    var cells = nets.Select(net => (net, count ?? (net.Inputs == 2 ? 500 : 1024), side ?? 65)).ToList();
                    if (own && side is null)
                        cells.Insert(0, (nets[0], count ?? 500, 17));
                    Run(
                        cells,
                        BenchOptions.Whole(parsed, threads, 1, MostThreads),
                        options.Path(parsed),
                        options.Seconds(parsed),
                        options.Peers(parsed),
                        options.Json(parsed),
                        stop
                    );
                    return Task.FromResult(CommandLine.Done);
                })
        );
        bench.Subcommands.Add(command);
    }

    private static void Run(
        IReadOnlyList<(BenchNet Net, int Examples, int Grid)> asked,
        int threads,
        KernelPath path,
        double seconds,
        bool withPeers,
        bool json,
        CancellationToken stop
    )
    {
        using var engine = new CpuEngine(path);
        using var peers = withPeers ? Peers.Start(loop: false, stop) : Peers.None;
        var files = new DataFiles(null);
        double ceiling = Machine.Ceiling(path);
        var cells = new List<LandscapeCell>();
        foreach (var (net, examples, grid) in asked)
        {
            using var data = engine.Load(BenchData.For(net, examples, files));
            using var own = new EngineGrid(
                engine,
                data,
                EngineBench.Spec(net, OptimizerKind.Sgd, batch: 1, seeds: 1),
                examples,
                grid,
                threads
            );
            double first = own.Once();
            IContestant[] others = [.. peers.Landscapes(net, examples, grid)];
            var times = Contest.Run([own, .. others], seconds, stop);
            var cell = new LandscapeCell(net, examples, grid, threads, data.Source.Name, first, times[0], PeerTime.Of(others, times[1..]));
            BenchReport.Progress(
                $"{cells.Count + 1} of {asked.Count}: {net.Name}, {examples} examples, {grid}×{grid}: {BenchReport.Number(cell.Own.Minimum * 1e3)} ms"
            );
            cells.Add(cell);
            ceiling = Math.Max(ceiling, Machine.Ceiling(path));
        }
        if (json)
            Console.WriteLine(BenchJson.Line(Report(cells, ceiling, path, peers)));
        else
            Show(cells, ceiling, path, peers);
    }

    private static void Show(IReadOnlyList<LandscapeCell> cells, double ceiling, KernelPath path, Peers peers)
    {
        Console.WriteLine(Machine.Describe(path, ceiling));
        bool others = cells.Any(cell => cell.Peers.Length > 0);
        var table = BenchReport.Table([
            "net",
            "examples",
            "grid",
            "threads",
            "ms",
            "median",
            "very first",
            .. BenchReport.PeerColumns(others),
        ]);
        foreach (var cell in cells)
        {
            BenchReport.Row(
                table,
                [
                    cell.Net.Name,
                    $"{cell.Examples}",
                    $"{cell.Grid}×{cell.Grid}",
                    $"{cell.Threads}",
                    BenchReport.Number(cell.Own.Minimum * 1e3),
                    BenchReport.Number(cell.Own.Median * 1e3),
                    BenchReport.Number(cell.First * 1e3),
                    .. BenchReport.PeerCells(others, cell.Fastest, 1e3, cell.Ratio),
                ]
            );
        }
        BenchReport.Write(table);
        Console.WriteLine(
            "Milliseconds for one grid: the shortest round and their median; and the very first, before its code was compiled."
        );
        if (others)
            Console.WriteLine("PyTorch's are for as many rows as fit its time, at least one, counted up to the whole grid.");
        BenchReport.Notes(peers);
    }

    private static LandscapeReportLine Report(IReadOnlyList<LandscapeCell> cells, double ceiling, KernelPath path, Peers peers) =>
        new(
            Machine.Describe(path),
            KernelOption.Word(path),
            ceiling,
            [.. cells.Select(cell => cell.Report())],
            BenchReport.Names(peers),
            BenchReport.Missing(peers)
        );
}

/// <summary>What was measured of one landscape; times are seconds of one whole grid.</summary>
/// <param name="First">The very first one in this process for this network.</param>
internal sealed record LandscapeCell(
    BenchNet Net,
    int Examples,
    int Grid,
    int Threads,
    string Data,
    double First,
    Timing Own,
    PeerTime[] Peers
)
{
    /// <summary>How many times faster than the fastest peer; null without peers.</summary>
    public double? Ratio => Fastest?.Time.Minimum / Own.Minimum;

    public PeerTime? Fastest => PeerTime.Fastest(Peers);

    public LandscapeReportCell Report() =>
        new(
            Net.Name,
            Examples,
            Grid,
            Threads,
            Own.Minimum,
            Own.Median,
            First,
            Data,
            Peers.Length == 0 ? null : [.. Peers.Select(p => new PeerGridTime(p.Name, p.Time.Minimum, p.Time.Median))],
            Ratio
        );
}
