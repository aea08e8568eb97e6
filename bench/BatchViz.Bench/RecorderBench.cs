using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using BatchViz.Cli;
using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using BatchViz.Engine.Cpu;
using BatchViz.Recording;
using BatchViz.Recording.Storage;
using BatchViz.Telemetry;

namespace BatchViz.Bench;

/// <summary>
/// <c>recorder</c>: what recording costs, in processor time of the lane and the recorder together, and on the disk. The same
/// updates with and without it take turns in one process; and one run of ten million updates has to stay within its budget.
/// </summary>
internal static class RecorderBench
{
    private const int Rounds = 12,
        BlockRows = 2048;
    private const double Stretch = 0.02;

    private static readonly (string Net, string Data, int Batch)[] Cells =
    [
        ("2-8-8-1", "circles", 1),
        ("2-8-8-1", "circles", 32),
        ("784-128-64-10", "mnist", 1),
        ("784-128-64-10", "mnist", 32),
    ];

    public static void AddTo(Command bench)
    {
        var seconds = new Option<double>("--seconds")
        {
            Description = "Measuring time for each cell, with and without recording each.",
            DefaultValueFactory = _ => 6,
        };
        var updates = new Option<long>("--updates")
        {
            Description = "Updates of the run that has to stay within its budget; 0 leaves it out.",
            DefaultValueFactory = _ => 10_000_000,
        };
        var folder = new Option<string?>("--folder") { Description = "Where to record; without it in the system's temporary folder." };
        var json = new Option<bool>("--json") { Description = "End with one line of JSON on standard output." };
        var command = new Command("recorder", "What recording costs.");
        foreach (Option option in new Option[] { seconds, updates, folder, json })
            command.Options.Add(option);
        command.SetAction(
            (parsed, stop) =>
                CommandLine.Guard(() =>
                {
                    double measure = parsed.GetValue(seconds);
                    if (measure is not (>= 0.01 and <= 600))
                        throw new RefusedException(
                            $"\"--seconds\" is {measure.ToString(CultureInfo.InvariantCulture)}; it must be a number from 0.01 to 600."
                        );
                    if (parsed.GetValue(updates) is < 0 or > SpecReader.MaxUpdates)
                        throw new RefusedException(
                            $"\"--updates\" is {parsed.GetValue(updates)}; it must be a whole number from 0 to {SpecReader.MaxUpdates:#,0}."
                        );
                    return Task.FromResult(
                        Run(measure, parsed.GetValue(updates), parsed.GetValue(folder) ?? Path.GetTempPath(), parsed.GetValue(json), stop)
                    );
                })
        );
        bench.Subcommands.Add(command);
    }

    private static int Run(double seconds, long updates, string where, bool json, CancellationToken stop)
    {
        string machine = Machine.Describe(CpuEngine.Available[^1]);
        var cells = new List<RecorderReportCell>();
        if (!json)
            Console.WriteLine(
                $"{machine}; processor time of one update, of lane and recorder together\n{"net", -16}{"B", 6}{"alone", 12}{"recorded", 12}{"cost", 9}{"keeps", 12}{"disk", 14}"
            );
        foreach (var (net, data, batch) in Cells)
        {
            var cell = Cell(net, data, batch, seconds, where, stop);
            cells.Add(cell);
            if (!json)
                Console.WriteLine(
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"{net, -16}{batch, 6}{cell.Alone * 1e6, 9:0.000} µs{cell.Recorded * 1e6, 9:0.000} µs{cell.Share, 9:0.0 %}{cell.Keeps, 12}{cell.BytesPerSecond / 1e6, 9:0.00} MB/s"
                    )
                );
        }
        RecorderBudgetReport? budget = null;
        if (updates > 0)
        {
            budget = Budget(updates, where, stop);
            if (!json)
                Console.WriteLine(
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"{updates:#,0} updates of 2-8-8-1 at B = 1: {budget.Bytes / 1e6:0.0} MB on the disk, of a budget of {budget.BudgetBytes / 1e6:0} MB; {budget.MemoryBytes / 1e6:0.0} MB of memory"
                    )
                );
        }
        if (json)
            Console.WriteLine(BenchJson.Line(new RecorderReportLine(machine, cells, budget)));
        return CommandLine.Done;
    }

    private static RecorderReportCell Cell(string net, string data, int batch, double seconds, string where, CancellationToken stop)
    {
        using var alone = new Trained(net, data, batch, null, budgetBytes: 0);
        string folder = Path.Combine(where, $"batchviz-bench-{Guid.NewGuid():N}");
        try
        {
            using var recorded = new Trained(net, data, batch, DiskFiles.ToWrite(folder), budgetBytes: 2L << 30);
            double least = double.MaxValue,
                leastRecorded = double.MaxValue;
            // One round in advance: everything is compiled, and files and buffers are there.
            for (int round = -1; round < Rounds; round++)
            {
                double a = alone.Round(seconds / Rounds, stop),
                    b = recorded.Round(seconds / Rounds, stop);
                if (round >= 0)
                    (least, leastRecorded) = (Math.Min(least, a), Math.Min(leastRecorded, b));
            }
            double trained = recorded.Seconds;
            recorded.Finish();
            long bytes = Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Sum(file => new FileInfo(file).Length);
            int level = recorded.Log.Plan.LevelAt(0);
            return new(
                net,
                batch,
                least,
                leastRecorded,
                leastRecorded / least - 1,
                level == 0 ? "records" : $"1 in {1L << (2 * level)}",
                recorded.Log.Count,
                bytes,
                bytes / trained,
                recorded.Log.Plan.KeyframeStride
            );
        }
        finally
        {
            if (Directory.Exists(folder))
                Directory.Delete(folder, recursive: true);
        }
    }

    private static RecorderBudgetReport Budget(long updates, string where, CancellationToken stop)
    {
        const long Bytes = 32 << 20;
        string folder = Path.Combine(where, $"batchviz-bench-{Guid.NewGuid():N}");
        try
        {
            using var recorded = new Trained("2-8-8-1", "circles", 1, DiskFiles.ToWrite(folder), Bytes);
            while (recorded.Log.Count < updates)
                recorded.Round(0.05, stop);
            recorded.Finish();
            long bytes = Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Sum(file => new FileInfo(file).Length);
            return new(recorded.Log.Count, bytes, Bytes, recorded.Log.Bytes);
        }
        finally
        {
            if (Directory.Exists(folder))
                Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>A run that trains in stretches as a lane does, recorded to the disk or not at all.</summary>
    private sealed class Trained : IDisposable
    {
        private readonly CpuEngine engine = new();
        private readonly IEngineData data;
        private readonly IBundle bundle;
        private readonly RecordBlock block;
        private readonly IFiles? files;
        private readonly RecordedRun? run;
        private Recorder? recorder;
        private double perUpdate = Stretch;

        public Trained(string net, string kind, int batch, IFiles? files, long budgetBytes)
        {
            int[] sizes = [.. net.Split('-').Select(size => int.Parse(size, CultureInfo.InvariantCulture))];
            var spec = SpecReader.Read(
                Encoding.UTF8.GetBytes(
                    $$"""
                    { "data": { "kind": "{{kind}}" }, "model": { "hidden": [{{string.Join(", ", sizes[1..^1])}}]{{(
                        sizes[^1] == 1 ? ", \"activation\": \"tanh\"" : ""
                    )}} },
                      {{(
                        sizes[^1] == 1 ? "\"loss\": \"squared\"," : ""
                    )}} "learningRate": 0.001, "batchSizes": [{{batch}}], "budget": { "seconds": 86400 } }
                    """
                )
            );
            var plan = Files.Data(null).Plan(spec, trusted: true);
            data = engine.Load(plan.Data);
            bundle = engine.CreateBundle(data, plan.BundleOf(plan.Runs));
            block = new RecordBlock(1, BlockRows, bundle.Layout.Width);
            this.files = files;
            if (files is null)
                return;
            var manifest = RecordingManifest.Of(plan, engine, Processor.Name(), DateTimeOffset.UnixEpoch, budgetBytes, null);
            run = RecordingFolder.NewRuns(files, manifest, plan).Single();
            recorder = Recorder.Begin(files, manifest, [run]);
        }

        public RunLog Log => run!.Log;

        /// <summary>Lane seconds so far.</summary>
        public double Seconds { get; private set; }

        /// <summary>Processor seconds of the whole process for one update.</summary>
        public double Round(double seconds, CancellationToken stop)
        {
            var before = Environment.CpuUsage.TotalTime;
            long start = Stopwatch.GetTimestamp(),
                updates = 0,
                first = bundle.Updates(0);
            do
            {
                stop.ThrowIfCancellationRequested();
                long stride = run?.Log.Plan.KeyframeStride ?? long.MaxValue,
                    made = bundle.Updates(0);
                int granted = (int)Math.Min(Math.Clamp((long)(Stretch / perUpdate), 1, BlockRows), stride - made % stride);
                long begin = Stopwatch.GetTimestamp();
                bundle.Advance(granted, block);
                double spent = Stopwatch.GetElapsedTime(begin).TotalSeconds;
                perUpdate = Math.Max(1e-9, spent / granted);
                run?.Log.Append(block.Of(0), granted, Seconds, Seconds + spent);
                Seconds += spent;
                if (run is not null && bundle.Updates(0) % stride == 0)
                    recorder!.Add(run, bundle.Export(0));
                updates += granted;
            } while (Stopwatch.GetElapsedTime(start).TotalSeconds < seconds);
            if (recorder is not null && !recorder.Flush(TimeSpan.FromMinutes(1)))
                throw new IOException(recorder.Problem);
            return (Environment.CpuUsage.TotalTime - before).TotalSeconds / (bundle.Updates(0) - first);
        }

        public void Finish()
        {
            recorder?.Dispose();
            recorder = null;
        }

        public void Dispose()
        {
            Finish();
            bundle.Dispose();
            data.Dispose();
            engine.Dispose();
            files?.Dispose();
        }
    }
}
