using System.CommandLine;
using System.Globalization;

namespace BatchViz.Bench.Soak;

/// <summary><c>soak --kills N</c>: kill -9 of recording processes at random moments, N times in all.</summary>
internal sealed class KillSoak : ISoak
{
    private const int MostKills = 1_000_000;

    private readonly Option<int> kills = new("--kills") { Description = "Kill recording processes: how many times." };
    private readonly Option<uint> seed = new("--kill-seed")
    {
        Description = "With --kills: what the moments are a function of.",
        DefaultValueFactory = _ => 1,
    };

    public IReadOnlyList<Option> Options => [kills, seed];

    public Func<CancellationToken, SoakOutcome> Read(ParseResult parsed)
    {
        int wanted = BenchOptions.Whole(parsed, kills, 1, MostKills);
        uint key = parsed.GetValue(seed);
        return stop =>
        {
            // Beside one another: a machine with other work to do makes for other moments.
            string folder = Directory.CreateTempSubdirectory("batchviz-kills").FullName;
            try
            {
                int chains = KillChain.Experiments.Count;
                var outcomes = KillChain
                    .Experiments.AsParallel()
                    .AsOrdered()
                    .WithDegreeOfParallelism(chains)
                    .Select(
                        (chain, i) =>
                        {
                            int share = wanted / chains + (i < wanted % chains ? 1 : 0);
                            var outcome = new KillChain(chain.Key, chain.Value, folder).Run(share, new FuzzRandom(key, i).Below, stop);
                            BenchReport.Progress($"{outcome.Name}: {outcome.Kills} kills, {outcome.Failure ?? "the same bits"}");
                            return outcome;
                        }
                    )
                    .ToArray();
                KillReport[] reports =
                [
                    .. outcomes.Select(o => new KillReport(o.Name, o.Kills, o.Missed, Math.Round(o.Seconds, 1), o.Failure)),
                ];
                return new SoakOutcome(outcomes.All(o => o.Failure is null), line => line with { Kills = reports }, () => Show(outcomes));
            }
            finally
            {
                Directory.Delete(folder, recursive: true);
            }
        };
    }

    private static void Show(IEnumerable<KillOutcome> outcomes)
    {
        var table = BenchReport.Table("experiment", "kills", "missed", "seconds", "");
        foreach (var o in outcomes)
            BenchReport.Row(table, o.Name, Whole(o.Kills), Whole(o.Missed), BenchReport.Number(o.Seconds), o.Failure ?? "the same bits");
        BenchReport.Write(table);
        Console.WriteLine(
            "Kills: of a process that was training and left an unfinished recording; missed: too early or too late for that."
        );
    }

    private static string Whole(int value) => value.ToString("#,0", CultureInfo.InvariantCulture);
}
