using System.CommandLine;
using BatchViz.Cli;
using BatchViz.Core.Specs;
using BatchViz.Data;
using BatchViz.Engine.Cpu;

namespace BatchViz.Bench;

/// <summary>
/// <c>probes</c>: what is measured beside the training, and what that costs: probes in gradients over the same examples,
/// statistics of every update as a share of the update. With <c>--noise-scale</c> it asks instead whether they are right:
/// <see cref="NoiseScaleBench"/>.
/// </summary>
internal static class ProbesBench
{
    private const int MostExamples = 1_000_000,
        MostEpochs = 1000;

    private static readonly string[] Nets = ["2-32-32-1", "64-64-64-64-10", "784-128-10"];

    public static void AddTo(Command bench)
    {
        var command = new Command("probes", "Cost of probes, and of the statistics of every update.");
        var options = new BenchOptions(command, measure: 0.5);
        var batch = new Option<string>("--batch")
        {
            Description = "Batch sizes of the updates that are measured with and without per-example statistics.",
            DefaultValueFactory = _ => "8,32,128,512",
        };
        var examples = new Option<int>("--examples") { Description = "Examples that probes look at.", DefaultValueFactory = _ => 1024 };
        var noiseScale = new Option<bool>("--noise-scale")
        {
            Description =
                $"Instead: the noise scale along training runs beside the exact one; without --net and --batch of {NoiseScaleBench.Net.Name} at B = {string.Join(", ", NoiseScaleBench.BatchSizes)}. Takes minutes.",
        };
        var epochs = new Option<int>("--epochs") { Description = "Length of the runs of --noise-scale.", DefaultValueFactory = _ => 5 };
        foreach (Option option in new Option[] { batch, examples, noiseScale, epochs })
            command.Options.Add(option);
        command.SetAction(
            (parsed, stop) =>
                CommandLine.Guard(() =>
                {
                    var nets = options.Nets(parsed);
                    if (parsed.GetValue(noiseScale))
                    {
                        if (options.Peers(parsed))
                            throw new RefusedException("\"--peers\" does not apply to --noise-scale, which measures no time.");
                        if (nets.Length == 0)
                            nets = [NoiseScaleBench.Net];
                        int[] sizes = parsed.GetResult(batch) is { Implicit: false }
                            ? EngineBench.Batches(parsed, batch, nets)
                            : NoiseScaleBench.BatchSizes;
                        if (sizes.Contains(1))
                            throw new RefusedException(
                                "\"--batch\" holds 1; the gradients of one example have no variance, so that --noise-scale needs batches of at least 2."
                            );
                        NoiseScaleBench.Run(
                            nets,
                            sizes,
                            BenchOptions.Whole(parsed, epochs, 1, MostEpochs),
                            options.Path(parsed),
                            options.Json(parsed),
                            stop
                        );
                        return Task.FromResult(CommandLine.Done);
                    }
                    if (nets.Length == 0)
                        nets = [.. Nets.Select(text => BenchNet.Parse(text, null, null))];
                    int[] batches = EngineBench.Batches(parsed, batch, nets);
                    int count = BenchOptions.Whole(parsed, examples, 1, MostExamples);
                    Run(
                        nets,
                        batches,
                        count,
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
        IReadOnlyList<BenchNet> nets,
        int[] batches,
        int examples,
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
        var probes = new List<ProbeCell>();
        var statistics = new List<StatisticsCell>();
        foreach (var net in nets)
        {
            using var data = engine.Load(BenchData.For(net, Math.Max(examples, batches.Max()), files));
            foreach (var cell in ProbeSet.Measure(engine, data, net, examples, peers, seconds, stop))
            {
                BenchReport.Progress($"{net.Name}, {examples} examples, {cell.Probe}: {BenchReport.Number(cell.Gradients)} gradients");
                probes.Add(cell);
            }
            foreach (int batch in batches)
            {
                if (StatisticsBench.Measure(path, data, net, batch, seconds, stop) is not { } cell)
                    continue;
                BenchReport.Progress($"{net.Name}, B = {batch}: statistics add {BenchReport.Percent(cell.Share)}");
                statistics.Add(cell);
            }
            ceiling = Math.Max(ceiling, Machine.Ceiling(path));
        }
        if (json)
            Console.WriteLine(BenchJson.Line(Report(probes, statistics, ceiling, path, peers)));
        else
            Show(probes, statistics, ceiling, path, peers);
    }

    private static void Show(
        IReadOnlyList<ProbeCell> probes,
        IReadOnlyList<StatisticsCell> statistics,
        double ceiling,
        KernelPath path,
        Peers peers
    )
    {
        Console.WriteLine(Machine.Describe(path, ceiling));
        bool others = probes.Any(cell => cell.Peers.Length > 0);
        var table = BenchReport.Table(["net", "examples", "probe", "µs", "gradients", "counted", .. BenchReport.PeerColumns(others)]);
        foreach (var cell in probes)
        {
            BenchReport.Row(
                table,
                [
                    cell.Net.Name,
                    $"{cell.Examples}",
                    cell.Probe,
                    BenchReport.Number(cell.Own.Minimum * 1e6),
                    BenchReport.Number(cell.Gradients),
                    BenchReport.Number(cell.Counted),
                    .. BenchReport.PeerCells(others, cell.Fastest, 1e6, cell.Ratio),
                ]
            );
        }
        BenchReport.Write(table);
        Console.WriteLine(
            "Cost in gradients over the same examples: by processor time (shortest rounds, in turns), and counted in matrix products."
        );
        var updates = BenchReport.Table("net", "B", "CPU µs", "without", "statistics add");
        foreach (var cell in statistics)
            BenchReport.Row(
                updates,
                cell.Net.Name,
                $"{cell.Batch}",
                BenchReport.Number(cell.With * 1e6),
                BenchReport.Number(cell.Without * 1e6),
                BenchReport.Percent(cell.Share)
            );
        BenchReport.Write(updates);
        Console.WriteLine(
            "One update with and without per-example gradient norms, gradient variance and noise scale: processor time of the shortest of ten rounds each, in turns."
        );
        BenchReport.Notes(peers);
    }

    private static ProbesReportLine Report(
        IReadOnlyList<ProbeCell> probes,
        IReadOnlyList<StatisticsCell> statistics,
        double ceiling,
        KernelPath path,
        Peers peers
    ) =>
        new(
            Machine.Describe(path),
            KernelOption.Word(path),
            ceiling,
            [.. probes.Select(cell => cell.Report())],
            [.. statistics.Select(cell => cell.Report())],
            BenchReport.Names(peers),
            BenchReport.Missing(peers)
        );
}
