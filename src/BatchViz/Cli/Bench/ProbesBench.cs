using System.CommandLine;
using System.Text.Json.Nodes;
using BatchViz.Core.Specs;
using BatchViz.Data;
using BatchViz.Engine.Cpu;

namespace BatchViz.Cli.Bench;

/// <summary><c>batchviz bench probes</c>: what is measured beside the training, and what that costs.</summary>
internal static class ProbesBench
{
    private static readonly string[] Nets = ["2-32-32-1", "64-64-64-64-10", "784-128-10"];

    public static void AddTo(Command bench)
    {
        var command = new Command("probes", "Cost of the statistics of every update.");
        var options = new BenchOptions(command, measure: 0.5);
        var batch = new Option<string>("--batch") { Description = "Batch sizes of the updates.", DefaultValueFactory = _ => "8,32,128,512" };
        command.Options.Add(batch);
        command.SetAction((parsed, stop) => CommandLine.Guard(() =>
        {
            var nets = options.Nets(parsed);
            if (nets.Length == 0) nets = [.. Nets.Select(text => BenchNet.Parse(text, null, null))];
            int[] batches = EngineBench.Batches(parsed, batch, nets);
            Run(nets, batches, options.Path(parsed), options.Seconds(parsed), options.Json(parsed), stop);
            return Task.FromResult(CommandLine.Done);
        }));
        bench.Subcommands.Add(command);
    }

    private static void Run(IReadOnlyList<BenchNet> nets, int[] batches, KernelPath path, double seconds, bool json, CancellationToken stop)
    {
        using var engine = new CpuEngine(path);
        var files = new DataFiles(null);
        var statistics = new List<StatisticsCell>();
        foreach (var net in nets)
        {
            using var data = engine.Load(BenchData.For(net, batches.Max(), files));
            foreach (int batch in batches)
            {
                if (StatisticsBench.Measure(path, data, net, batch, seconds, stop) is not { } cell) continue;
                BenchReport.Progress($"{net.Name}, B = {batch}: statistics add {BenchReport.Percent(cell.Share)}");
                statistics.Add(cell);
            }
        }
        if (json) Console.WriteLine(Json(statistics, path).ToJsonString());
        else Show(statistics, path);
    }

    private static void Show(IReadOnlyList<StatisticsCell> statistics, KernelPath path)
    {
        Console.WriteLine(Machine.Describe(path));
        var table = BenchReport.Table("net", "B", "µs", "without", "statistics add");
        foreach (var cell in statistics)
            BenchReport.Row(table, cell.Net.Name, $"{cell.Batch}", BenchReport.Number(cell.With.Minimum * 1e6), BenchReport.Number(cell.Without.Minimum * 1e6), BenchReport.Percent(cell.Share));
        BenchReport.Write(table);
        Console.WriteLine("One update with and without per-example gradient norms, gradient variance and noise scale: the shortest of ten rounds each, in turns.");
    }

    private static JsonObject Json(IReadOnlyList<StatisticsCell> statistics, KernelPath path) => new()
    {
        ["machine"] = Machine.Describe(path), ["path"] = BenchOptions.PathWord(path),
        ["statistics"] = new JsonArray([.. statistics.Select(cell => (JsonNode)cell.ToJson())]),
    };
}
