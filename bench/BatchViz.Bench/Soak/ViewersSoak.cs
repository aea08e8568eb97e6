using System.CommandLine;
using System.Diagnostics;
using System.Net;
using System.Text;
using BatchViz.Core.Specs;
using BatchViz.Data;
using BatchViz.Engines;
using BatchViz.Live;
using BatchViz.Training;
using BatchViz.Web;
using Microsoft.Extensions.DependencyInjection;

namespace BatchViz.Bench.Soak;

/// <summary>
/// <c>soak --viewers N</c>: how fast an experiment trains while viewers have things recomputed in tight loops, beside its speed alone; and
/// how long the owner waits for a batch meanwhile, beside how long when nobody else asks. Server and viewers share the process and the
/// machine. A machine's other work comes and goes, so that what is compared is measured one right after the other, in short turns, and of
/// all turns the median counts.
/// </summary>
internal sealed class ViewersSoak : ISoak
{
    private const int MostViewers = 1000,
        Rounds = 15,
        OwnersBatches = 5;
    private const double LeastShare = 0.95,
        LongestWait = 2;

    /// <summary>
    /// Of MNIST, so that a batch costs a gradient over 60,000 images; a lane for each core of a small machine, and it does not end.
    /// </summary>
    private const string Experiment = """
        { "data": { "kind": "mnist" }, "model": { "hidden": [128, 64] }, "learningRate": 0.01, "batchSizes": [32, 128],
          "budget": { "updates": 100000000 }, "landscape": { "resolution": 9 } }
        """;

    private readonly Option<int> viewers = new("--viewers")
    {
        Description = "Let so many viewers ask for recomputation in tight loops while an experiment trains.",
    };
    private readonly Option<double> seconds = new("--viewers-seconds")
    {
        Description = $"With --viewers: of each measurement, of which there are {3 * Rounds}.",
        DefaultValueFactory = _ => 2,
    };

    public IReadOnlyList<Option> Options => [viewers, seconds];

    public Func<CancellationToken, SoakOutcome> Read(ParseResult parsed)
    {
        int count = BenchOptions.Whole(parsed, viewers, 1, MostViewers);
        double measure = parsed.GetValue(seconds);
        if (measure is not (>= 0.1 and <= 600))
            throw new RefusedException("\"--viewers-seconds\" must be a number from 0.1 to 600.");
        return stop =>
        {
            var result = Measure(count, measure, stop).GetAwaiter().GetResult();
            return new SoakOutcome(result.Good, line => line with { Viewers = result.Report() }, () => result.Show());
        };
    }

    private static async Task<Result> Measure(int count, double seconds, CancellationToken stop)
    {
        var files = new DataFiles(null);
        using var experiments = new ExperimentHost(new ExperimentEngines(), files, new ExperimentOptions());
        await using var app = WebHost.Create(new ServeOptions("http://127.0.0.1:0", signIn: true), experiments);
        experiments.Prepare(files.Plan(SpecReader.Read(Encoding.UTF8.GetBytes(Experiment)), trusted: true));
        await app.StartAsync(stop);
        experiments.Begin();
        var links = app.Services.GetRequiredService<Links>();
        var server = new Uri(app.Urls.Single());
        var live = experiments.Current!;
        var owner = await Client.Join(server, links.Owner, live, seed: 0);
        var crowd = await Task.WhenAll(Enumerable.Range(1, count).Select(i => Client.Join(server, links.Viewer, live, i)));

        // Everything is compiled, and there is a past to ask for.
        var beginning = TimeSpan.FromSeconds(Math.Min(5, 5 * seconds));
        await Task.Delay(beginning, stop);
        await owner.Batch(stop);
        // Nobody has asked yet, so that the viewers' budget is full; then they spend it, and from here on they get what comes back.
        double click = await Time(() => crowd[0].Batch(stop));
        await With(crowd, beginning, () => Task.FromResult(0.0), stop);

        var lead = TimeSpan.FromSeconds(seconds / 2);
        Task<Measurement> Alone() => Measure(live, seconds, stop);
        Task<Measurement> Beside(int asking) => With(crowd[..asking], lead, Alone, stop);
        var turns = new List<Turn>();
        for (int round = 0; round < Rounds; round++)
            turns.Add(new Turn(await Alone(), await Beside(1), await Beside(count)));

        Task<double> OwnersBatch() => Time(() => owner.Batch(stop));
        var (quiet, busy) = (new List<double>(), new List<double>());
        for (int batch = 0; batch < OwnersBatches; batch++)
        {
            quiet.Add(await OwnersBatch());
            busy.Add(await With(crowd, lead, OwnersBatch, stop));
        }
        var result = new Result(
            count,
            seconds,
            turns,
            click,
            Median(quiet),
            Median(busy),
            crowd.Sum(viewer => viewer.Asked),
            crowd.Sum(viewer => viewer.Answered)
        );
        await app.StopAsync(stop);
        return result;
    }

    /// <summary>For so long, and until some training has been done: of nothing there are no shares.</summary>
    private static async Task<Measurement> Measure(LiveExperiment live, double seconds, CancellationToken stop)
    {
        var before = Reading.Now(live);
        Reading after;
        do
        {
            await Task.Delay(TimeSpan.FromSeconds(seconds), stop);
            after = Reading.Now(live);
        } while (after.Training <= before.Training && live.Experiment.State == ExperimentState.Running);
        return after.Since(before);
    }

    private static double Median(IEnumerable<double> values)
    {
        double[] ordered = [.. values.Order()];
        return ordered[ordered.Length / 2];
    }

    private static async Task<double> Time(Func<Task> work)
    {
        long start = Stopwatch.GetTimestamp();
        await work();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    /// <summary>Measures while viewers ask.</summary>
    /// <param name="lead">How long they ask before: what their budget saved up while nobody did is not to be seen.</param>
    private static async Task<T> With<T>(IReadOnlyList<Client> crowd, TimeSpan lead, Func<Task<T>> measure, CancellationToken stop)
    {
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var loops = crowd.Select(viewer => Task.Run(() => viewer.AskForEver(enough.Token), stop)).ToArray();
        try
        {
            await Task.Delay(lead, stop);
            return await measure();
        }
        finally
        {
            await enough.CancelAsync();
            await Task.WhenAll(loops);
        }
    }

    /// <summary>Somebody who asks.</summary>
    private sealed class Client(HttpClient http, LiveExperiment live, int seed)
    {
        private readonly Random random = new(seed);

        public long Asked { get; private set; }

        public long Answered { get; private set; }

        public static async Task<Client> Join(Uri server, string secret, LiveExperiment live, int seed)
        {
            var http = new HttpClient(new HttpClientHandler { AllowAutoRedirect = false }) { BaseAddress = server };
            using var joined = await http.GetAsync($"/join/{secret}");
            return new Client(http, live, seed);
        }

        /// <summary>A batch that nobody has asked for, to its answer, as a page asks.</summary>
        public async Task Batch(CancellationToken stop)
        {
            string path = Path("batches", "");
            while (await Ask(path, stop) == HttpStatusCode.Accepted)
                await Task.Delay(50, stop);
        }

        /// <summary>
        /// One wish after another, batches and moments in turn, without waiting for the answers; every other viewer waits.
        /// </summary>
        public async Task AskForEver(CancellationToken stop)
        {
            try
            {
                while (!stop.IsCancellationRequested)
                {
                    string path = Asked % 2 == 0 ? Path("batches", "") : Path("moments", $"/{live.Experiment.Landscape?.PlaneId ?? 0}");
                    while (await Ask(path, stop) == HttpStatusCode.Accepted && seed % 2 == 0) { }
                }
            }
            catch (OperationCanceledException)
            {
                // It has been measured.
            }
        }

        private async Task<HttpStatusCode> Ask(string path, CancellationToken stop)
        {
            using var answer = await http.GetAsync(path, stop);
            Asked++;
            if (answer.StatusCode == HttpStatusCode.OK)
                Answered++;
            return answer.StatusCode;
        }

        private string Path(string what, string rest)
        {
            int run = random.Next(live.Experiment.Runs.Count);
            return $"/api/experiments/{live.Generation}/{what}/{run}/{1 + random.NextInt64(Math.Max(1, live.Experiment.Runs[run].Log.Count))}{rest}";
        }
    }

    /// <summary>Counters that only rise.</summary>
    /// <param name="Stamp">Of the stopwatch.</param>
    /// <param name="Examples">That all runs have trained on.</param>
    /// <param name="Training">Processor seconds of training.</param>
    /// <param name="Process">Processor seconds of the whole process.</param>
    private readonly record struct Reading(long Stamp, double Examples, double Training, double Process)
    {
        public static Reading Now(LiveExperiment live)
        {
            double examples = 0,
                training = 0;
            foreach (var run in live.Experiment.Runs)
            {
                long made = run.Log.Count;
                examples += run.Plan.Progress.ExamplesAfter(made);
                if (made > 0)
                    training += run.Log.SecondsAt(made - 1);
            }
            return new(Stopwatch.GetTimestamp(), examples, training, Environment.CpuUsage.TotalTime.TotalSeconds);
        }

        public Measurement Since(Reading before)
        {
            double machine = Stopwatch.GetElapsedTime(before.Stamp, Stamp).TotalSeconds * Environment.ProcessorCount;
            double training = Training - before.Training;
            return new(
                (Examples - before.Examples) * Environment.ProcessorCount / machine,
                (Examples - before.Examples) / training,
                (Process - before.Process - training) / machine
            );
        }
    }

    /// <param name="Speed">Examples a second on the wall, of all runs together.</param>
    /// <param name="PerProcessorSecond">Examples in a processor second of training: what others do to its caches is to be seen
    /// here.</param>
    /// <param name="Other">The share of the machine's processor time that the process takes for anything but training.</param>
    private readonly record struct Measurement(double Speed, double PerProcessorSecond, double Other);

    /// <summary>One round: while nobody asks, one viewer, and all do.</summary>
    private sealed record Turn(Measurement Alone, Measurement WithOne, Measurement WithAll);

    private sealed record Result(
        int Viewers,
        double Seconds,
        IReadOnlyList<Turn> Turns,
        double Click,
        double OwnerQuiet,
        double OwnerBusy,
        long Asked,
        long Answered
    )
    {
        private readonly double shareWithOne = Median(Turns.Select(turn => turn.WithOne.Speed / turn.Alone.Speed));
        private readonly double shareWithAll = Median(Turns.Select(turn => turn.WithAll.Speed / turn.Alone.Speed));

        public bool Good => shareWithOne >= LeastShare && shareWithAll >= LeastShare && OwnerBusy <= LongestWait * OwnerQuiet;

        public ViewersReport Report() =>
            new(
                Viewers,
                Seconds,
                Turns.Count,
                Speed(turn => turn.Alone),
                Speed(turn => turn.WithOne),
                Speed(turn => turn.WithAll),
                shareWithOne,
                shareWithAll,
                Cost(turn => turn.WithOne),
                Cost(turn => turn.WithAll),
                PerProcessorSecond(turn => turn.WithOne),
                PerProcessorSecond(turn => turn.WithAll),
                Click,
                OwnerQuiet,
                OwnerBusy,
                Asked,
                Answered
            );

        public void Show()
        {
            var report = Report();
            var table = BenchReport.Table("", "nobody asks", "1 viewer", $"{Viewers} viewers");
            BenchReport.Row(
                table,
                "examples a second",
                BenchReport.Number(report.Alone),
                BenchReport.Number(report.WithOne),
                BenchReport.Number(report.WithAll)
            );
            BenchReport.Row(table, "share of the speed alone", "", BenchReport.Percent(shareWithOne), BenchReport.Percent(shareWithAll));
            BenchReport.Row(
                table,
                "machine's processor time that asking takes",
                "",
                BenchReport.Percent(report.CostWithOne),
                BenchReport.Percent(report.CostWithAll)
            );
            BenchReport.Row(
                table,
                "examples a processor second of training, of those alone",
                "",
                BenchReport.Percent(report.EfficiencyWithOne),
                BenchReport.Percent(report.EfficiencyWithAll)
            );
            BenchReport.Row(table, "owner's batch, s", BenchReport.Number(OwnerQuiet), "", BenchReport.Number(OwnerBusy));
            BenchReport.Row(table, "a viewer's first batch, s", "", BenchReport.Number(Click), "");
            BenchReport.Write(table);
            Console.WriteLine(
                $"Medians of {Turns.Count} rounds, and of the shares within each. Viewers asked {Asked:#,0} times and were answered {Answered:#,0} times. "
                    + $"Failed when a share is under {LeastShare:0 %}, or the owner waits more than {LongestWait} times as long."
            );
        }

        private double Speed(Func<Turn, Measurement> of) => Median(Turns.Select(turn => of(turn).Speed));

        private double Cost(Func<Turn, Measurement> of) => Median(Turns.Select(turn => of(turn).Other - turn.Alone.Other));

        private double PerProcessorSecond(Func<Turn, Measurement> of) =>
            Median(Turns.Select(turn => of(turn).PerProcessorSecond / turn.Alone.PerProcessorSecond));
    }
}
