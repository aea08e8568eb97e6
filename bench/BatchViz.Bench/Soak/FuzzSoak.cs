using System.CommandLine;
using System.Globalization;
using BatchViz.Bench.Soak.Targets;
using BatchViz.Core.Specs;

namespace BatchViz.Bench.Soak;

/// <summary><c>soak --fuzz</c>: whatever reads foreign bytes, on a million inputs each.</summary>
internal sealed class FuzzSoak : ISoak
{
    private const int MostInputs = 1_000_000_000,
        Piece = 100_000;

    /// <summary>Everything that can be tried; a new reader of foreign bytes belongs here, and then it is tried in the tests too.</summary>
    public static readonly IReadOnlyDictionary<string, Func<FuzzTarget>> Targets = new Dictionary<string, Func<FuzzTarget>>
    {
        ["idx"] = () => new IdxTarget(),
        ["csv"] = () => new CsvTarget(),
        ["experiment"] = () => new SpecTarget(),
        ["paths"] = () => new PathTarget(),
        ["manifest"] = () => new ManifestTarget(),
        ["log"] = () => new RunLogTarget(),
        ["keyframe"] = () => new KeyframeTarget(),
        ["exchanged"] = () => new ExchangedFilesTarget(),
        ["bviz"] = () => new BvizTarget(),
        ["contracts"] = () => new ContractsTarget(),
    };

    private readonly Option<string?> fuzz = new("--fuzz")
    {
        Description = "Read foreign bytes: the name of a reader, or all.",
        Arity = ArgumentArity.ZeroOrOne,
    };
    private readonly Option<int> inputs = new("--inputs")
    {
        Description = "With --fuzz: inputs for each reader.",
        DefaultValueFactory = _ => 1_000_000,
    };
    private readonly Option<uint> seed = new("--seed")
    {
        Description = "With --fuzz: what the inputs are a function of, beside their index.",
        DefaultValueFactory = _ => 1,
    };
    private readonly Option<int> index = new("--index")
    {
        Description = "With --fuzz: index of the first input.",
        DefaultValueFactory = _ => 0,
    };

    public IReadOnlyList<Option> Options => [fuzz, inputs, seed, index];

    public Func<CancellationToken, SoakOutcome> Read(ParseResult parsed)
    {
        int count = BenchOptions.Whole(parsed, inputs, 1, MostInputs),
            first = BenchOptions.Whole(parsed, index, 0, MostInputs);
        string name = parsed.GetValue(fuzz) ?? "all";
        if (name != "all" && !Targets.ContainsKey(name))
            throw new RefusedException($"\"--fuzz\" is \"{name}\"; it must be one of {string.Join(", ", Targets.Keys)}, or all.");
        uint key = parsed.GetValue(seed);
        return stop =>
        {
            var results = Targets.Keys.Where(n => name == "all" || name == n).ToDictionary(n => n, n => Run(n, key, first, count, stop));
            FuzzReport[] reports = [.. results.Select(r => r.Value.Report(r.Key))];
            return new SoakOutcome(results.Values.All(r => r.Failure is null), line => line with { Fuzz = reports }, () => Show(results));
        };
    }

    /// <summary>In pieces, each followed by a line, so that a process that dies has said how far it came.</summary>
    private static FuzzResult Run(string name, uint seed, long first, long count, CancellationToken stop)
    {
        using var target = Targets[name]();
        FuzzResult? sum = null;
        for (long done = 0; done < count && sum?.Failure is null; done += Piece)
        {
            var piece = FuzzRun.Run(target, seed, first + done, Math.Min(Piece, count - done), stop);
            sum = sum?.With(piece) ?? piece;
            BenchReport.Progress(
                sum.Failure?.Describe(name) ?? $"{name}: {sum.Inputs:#,0} of {count:#,0}, slowest {BenchReport.Number(sum.SlowestMs)} ms"
            );
        }
        return sum!;
    }

    private static void Show(Dictionary<string, FuzzResult> results)
    {
        var table = BenchReport.Table("reader", "inputs", "refused", "handled", "slowest ms", "most memory", "seconds", "");
        foreach (var (name, r) in results)
            BenchReport.Row(
                table,
                name,
                Whole(r.Inputs),
                Whole(r.Refused),
                Whole(r.Handled),
                BenchReport.Number(r.SlowestMs),
                BenchReport.Percent(r.MostAllocationRatio),
                BenchReport.Number(r.Seconds),
                r.Failure is null ? "" : "FAILED"
            );
        BenchReport.Write(table);
        Console.WriteLine("Most memory: allocated over one input, of what is allowed, ten times its length and 1 MB.");
    }

    private static string Whole(long value) => value.ToString("#,0", CultureInfo.InvariantCulture);
}
