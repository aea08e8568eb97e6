using System.CommandLine;
using BatchViz.Cli;
using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using BatchViz.Data;
using BatchViz.Engine.Cpu;
using BatchViz.Engines;

namespace BatchViz.Bench;

/// <summary><c>engine</c>: time of an update with recording on, for networks and batch sizes.</summary>
internal static class EngineBench
{
    private const double LearningRate = 0.01;
    private const int MostExamples = 1_000_000,
        MostSeeds = 1024,
        BundleSeeds = 16;

    private static readonly string[] Nets = ["2-8-8-1", "2-32-32-1", "64-64-64-64-10", "784-128-10"];

    public static void AddTo(Command bench)
    {
        var command = new Command("engine", "Time of one update, recording on.");
        var options = new BenchOptions(command, measure: 0.5);
        var batch = new Option<string>("--batch") { Description = "Batch sizes.", DefaultValueFactory = _ => "1,8,32,128,512" };
        var seeds = new Option<int>("--seeds")
        {
            Description = "Models that train together; times are for one of them.",
            DefaultValueFactory = _ => 1,
        };
        var optimizer = new Option<string?>("--optimizer") { Description = "sgd, momentum, adam, …; without it sgd." };
        var engine = new Option<string>("--engine")
        {
            Description = "cpu, torch, torch:cpu or torch:cuda:N.",
            DefaultValueFactory = _ => "cpu",
        };
        var precision = new Option<string?>("--precision") { Description = "Of TorchSharp's products: float32, tf32, bf16 or fp16." };
        var threads = new Option<int>("--threads")
        {
            Description = "Of one operation of TorchSharp on the processor.",
            DefaultValueFactory = _ => 1,
        };
        var without = new Option<bool>("--without-statistics")
        {
            Description = "Leave out what is measured of single examples: what is left is the training that the peers do.",
        };
        foreach (Option option in new Option[] { batch, seeds, optimizer, engine, precision, threads, without })
            command.Options.Add(option);
        command.SetAction(
            (parsed, stop) =>
                CommandLine.Guard(() =>
                {
                    var nets = options.Nets(parsed);
                    int together = BenchOptions.Whole(parsed, seeds, 1, MostSeeds);
                    var kind = OptionWord.Read(parsed, optimizer, SpecVocabulary.Optimizers) ?? OptimizerKind.Sgd;
                    bool own = nets.Length == 0;
                    if (own)
                        nets = [.. Nets.Select(text => BenchNet.Parse(text, null, null))];
                    int[] batches = Batches(parsed, batch, nets);
                    var cells = nets.SelectMany(net => batches.Select(b => (net, b, together))).ToList();
                    // The table's own bundles of seeds, where nothing else was asked for.
                    if (own && together == 1)
                        cells.AddRange(batches.Where(b => b is 1 or 32).Select(b => (nets[0], b, BundleSeeds)));
                    int each = BenchOptions.Whole(parsed, threads, 1, Environment.ProcessorCount);
                    using var measured = EngineList
                        .Choose(
                            new EngineRequest(
                                parsed.GetRequiredValue(engine),
                                OptionWord.Read(parsed, precision, SpecVocabulary.Precisions),
                                options.AskedPath(parsed),
                                each,
                                !parsed.GetValue(without)
                            )
                        )
                        .Engine;
                    using var peers = options.Peers(parsed) ? PeersOf(measured, each, stop) : Peers.None;
                    Run(cells, kind, measured, options.Path(parsed), options.Seconds(parsed), peers, options.Json(parsed), stop);
                    return Task.FromResult(CommandLine.Done);
                })
        );
        bench.Subcommands.Add(command);
    }

    /// <summary>Batch sizes that all the networks can have.</summary>
    public static int[] Batches(ParseResult parsed, Option<string> option, IReadOnlyList<BenchNet> nets)
    {
        int[] batches = BenchOptions.List(parsed, option, 1, MostExamples);
        foreach (var net in nets)
        {
            if (batches.Max() * net.Network.ActivationsPerExample > SpecResolver.MaxActivationFloats)
            {
                throw new RefusedException(
                    $"\"{option.Name}\" {batches.Max():#,0} is too large for {net.Name}: "
                        + $"its activations alone would take more than {SpecResolver.MaxActivationFloats * 4 / 1_000_000_000} GB."
                );
            }
        }
        return batches;
    }

    /// <summary>
    /// The embedded engine meets whatever is fastest on this machine; TorchSharp meets PyTorch on the same device, in the same precision,
    /// with as many threads.
    /// </summary>
    private static Peers PeersOf(IEngine engine, int threads, CancellationToken stop) =>
        engine is CpuEngine ? Peers.Start(loop: true, stop)
        : engine.Variant.Split(' ') is [var device, var word] ? Peers.Start(device, word.ToLowerInvariant(), [threads], loop: false, stop)
        : throw new ArgumentException($"\"{engine.Variant}\" is no device and precision", nameof(engine));

    private static void Run(
        IReadOnlyList<(BenchNet Net, int Batch, int Seeds)> asked,
        OptimizerKind optimizer,
        IEngine engine,
        KernelPath path,
        double seconds,
        Peers peers,
        bool json,
        CancellationToken stop
    )
    {
        var files = new DataFiles(null);
        double ceiling = Machine.Ceiling(path);
        var cells = new List<EngineCell>();
        foreach (var group in asked.GroupBy(cell => cell.Net))
        {
            var source = BenchData.For(group.Key, group.Max(cell => cell.Batch), files);
            using var data = engine.Load(source);
            foreach (var (net, batch, seeds) in group)
            {
                var cell = Measure(engine, data, net, batch, seeds, optimizer, peers, seconds, stop);
                BenchReport.Progress($"{cells.Count + 1} of {asked.Count}: {Title(cell)}: {BenchReport.Number(cell.Own.Minimum * 1e6)} µs");
                cells.Add(cell);
            }
            ceiling = Math.Max(ceiling, Machine.Ceiling(path));
        }
        if (json)
            Console.WriteLine(BenchJson.Line(Report(cells, engine, ceiling, path, optimizer, peers)));
        else
            Show(cells, engine, ceiling, path, peers);
    }

    private static EngineCell Measure(
        IEngine engine,
        IEngineData data,
        BenchNet net,
        int batch,
        int seeds,
        OptimizerKind optimizer,
        Peers peers,
        double seconds,
        CancellationToken stop
    )
    {
        using var own = new EngineUpdates(engine.CreateBundle(data, Spec(net, optimizer, batch, seeds)));
        IContestant[] others = [.. peers.Updates(net, optimizer, batch, seeds, data.Source.Train.Count)];
        var times = Contest.Run([own, .. others], seconds, stop);
        for (int i = 0; i < times.Length; i++)
            times[i] = times[i].DividedBy(seeds);
        return new EngineCell(
            net,
            batch,
            seeds,
            data.Source.Name,
            BenchData.Zeros(data.Source),
            times[0],
            own.ProcessorMinimum / seeds,
            own.RecordingShare,
            PeerTime.Of(others, times[1..], seeds)
        );
    }

    /// <summary>The runs that are measured: whole batches only, so that every update does the same work.</summary>
    public static BundleSpec Spec(BenchNet net, OptimizerKind optimizer, int batch, int seeds) =>
        new(
            net.Network,
            new OptimizerSpec { Kind = optimizer },
            new SamplerSpec { Remainder = RemainderPolicy.Drop },
            batch,
            LearningRate,
            [.. Enumerable.Range(1, seeds).Select(s => (uint)s)]
        );

    private static string Title(EngineCell cell) => $"{cell.Net.Name}{(cell.Seeds > 1 ? $", {cell.Seeds} seeds" : "")}, B = {cell.Batch}";

    private static void Show(IReadOnlyList<EngineCell> cells, IEngine engine, double ceiling, KernelPath path, Peers peers)
    {
        Console.WriteLine(Machine.Describe(path, ceiling));
        if (engine is not CpuEngine)
            Console.WriteLine(
                $"Measured: the {engine.Name} engine ({engine.Description}). The ceiling is that of the embedded engine's kernels."
            );
        bool others = cells.Any(cell => cell.Peers.Length > 0);
        var table = BenchReport.Table([
            "net",
            "seeds",
            "B",
            "µs",
            "median",
            "CPU µs",
            "recording",
            "GFLOP/s",
            "of ceiling",
            "without 0s",
            .. BenchReport.PeerColumns(others),
            .. others ? ["to PyTorch"] : Array.Empty<string>(),
        ]);
        foreach (var cell in cells)
        {
            BenchReport.Row(
                table,
                [
                    cell.Net.Name,
                    $"{cell.Seeds}",
                    $"{cell.Batch}",
                    BenchReport.Number(cell.Own.Minimum * 1e6),
                    BenchReport.Number(cell.Own.Median * 1e6),
                    BenchReport.Number(cell.Processor * 1e6),
                    BenchReport.Percent(cell.Recording),
                    BenchReport.Number(cell.Gflops),
                    BenchReport.Percent(cell.Gflops / ceiling),
                    BenchReport.Percent(cell.GflopsWithoutZeros / ceiling),
                    .. BenchReport.PeerCells(others, cell.Fastest, 1e6, cell.Ratio),
                    .. others ? [BenchReport.Times(cell.TorchRatio)] : Array.Empty<string>(),
                ]
            );
        }
        BenchReport.Write(table);
        Console.WriteLine("Microseconds for one update of one model with recording on: the shortest of ten rounds, and their median.");
        Console.WriteLine(
            "GFLOP/s count every multiply-add, also those with inputs of 0, which the engine may leave out; \"without 0s\" is the share of the ceiling that does not count these."
        );
        if (BenchReport.GeometricMean(Single(cells).Select(cell => cell.Ratio)) is { } mean)
            Console.WriteLine(
                $"Against the fastest peer of each cell of one seed: geometric mean {BenchReport.Times(mean)}, least {BenchReport.Times(Single(cells).Min(cell => cell.Ratio))}."
            );
        if (BenchReport.GeometricMean(Single(cells).Select(cell => cell.ProcessorRatio)) is { } processor)
            Console.WriteLine(
                $"In processor time, on which the machine's other work tells less: {BenchReport.Times(processor)}, least {BenchReport.Times(Single(cells).Min(cell => cell.ProcessorRatio))}."
            );
        BenchReport.Notes(peers);
    }

    private static IEnumerable<EngineCell> Single(IEnumerable<EngineCell> cells) => cells.Where(cell => cell.Seeds == 1);

    private static EngineReportLine Report(
        IReadOnlyList<EngineCell> cells,
        IEngine engine,
        double ceiling,
        KernelPath path,
        OptimizerKind optimizer,
        Peers peers
    )
    {
        var mean = BenchReport.GeometricMean(Single(cells).Select(cell => cell.Ratio));
        return new()
        {
            Machine = Machine.Describe(path),
            Path = KernelOption.Word(path),
            Engine = $"{engine.Name}: {engine.Description}",
            FmaCeilingGflops = ceiling,
            Optimizer = SpecVocabulary.Of(SpecVocabulary.Optimizers, optimizer),
            Cells = [.. cells.Select(cell => cell.Report(ceiling))],
            GeometricMean = mean,
            LeastRatio = mean is null ? null : Single(cells).Min(cell => cell.Ratio),
            ProcessorGeometricMean = mean is null ? null : BenchReport.GeometricMean(Single(cells).Select(cell => cell.ProcessorRatio)),
            Peers = BenchReport.Names(peers),
            MissingPeers = BenchReport.Missing(peers),
        };
    }
}
