using System.CommandLine;
using System.Globalization;
using BatchViz.Cli;
using BatchViz.Core.Specs;
using BatchViz.Engine.Cpu;

namespace BatchViz.Bench;

/// <summary>The options that the benchmarks share, as they were given; methods read them or refuse them in one sentence.</summary>
internal sealed class BenchOptions
{
    private const double LongestMeasure = 600;

    private readonly Option<string[]> nets = new("--net")
    {
        Description = "Networks to measure, such as 784-128-64-10; several with commas, or by repeating.",
    };
    private readonly Option<string?> activation = new("--activation")
    {
        Description = "Of the hidden layers; without it tanh for one output, else relu.",
    };
    private readonly Option<string?> loss = new("--loss") { Description = "Without it squared for one output, else cross-entropy." };
    private readonly Option<string?> path = KernelOption.New();
    private readonly Option<double> seconds;
    private readonly Option<bool> peers = new("--peers")
    {
        Description = "Measure PyTorch (and a per-example loop on Node) beside the engine, in turns.",
    };
    private readonly Option<bool> json = new("--json") { Description = "End with one line of JSON on standard output." };

    public BenchOptions(Command command, double measure)
    {
        seconds = new Option<double>("--seconds")
        {
            Description = "Measuring time for each cell, and for each peer of it.",
            DefaultValueFactory = _ => measure,
        };
        foreach (Option option in new Option[] { nets, activation, loss, path, seconds, peers, json })
            command.Options.Add(option);
    }

    /// <summary>The networks asked for; none when the benchmark's own are wanted.</summary>
    public BenchNet[] Nets(ParseResult parsed)
    {
        var kind = OptionWord.Read(parsed, activation, SpecVocabulary.Activations);
        var measure = OptionWord.Read(parsed, loss, SpecVocabulary.Losses);
        string[] texts = [.. (parsed.GetValue(nets) ?? []).SelectMany(text => text.Split(','))];
        if (texts.Length == 0 && (kind ?? (object?)measure) is not null)
            throw new RefusedException("\"--activation\" and \"--loss\" apply to the networks given with --net.");
        return [.. texts.Select(text => BenchNet.Parse(text.Trim(), kind, measure))];
    }

    public KernelPath Path(ParseResult parsed) => KernelOption.Read(parsed, path);

    /// <summary>Null where none was asked for.</summary>
    public KernelPath? AskedPath(ParseResult parsed) => parsed.GetValue(path) is null ? null : Path(parsed);

    public double Seconds(ParseResult parsed)
    {
        double value = parsed.GetValue(seconds);
        return value is >= 0.001 and <= LongestMeasure
            ? value
            : throw new RefusedException(
                $"\"--seconds\" is {value.ToString(CultureInfo.InvariantCulture)}; it must be a number from 0.001 to {LongestMeasure}."
            );
    }

    public bool Peers(ParseResult parsed) => parsed.GetValue(peers);

    public bool Json(ParseResult parsed) => parsed.GetValue(json);

    /// <summary>A whole number within bounds.</summary>
    public static int Whole(ParseResult parsed, Option<int> option, int least, int most) =>
        Within(option.Name, parsed.GetValue(option), least, most);

    /// <summary>A list of different whole numbers, joined by commas.</summary>
    public static int[] List(ParseResult parsed, Option<string> option, int least, int most)
    {
        var values = new List<int>();
        foreach (string part in parsed.GetRequiredValue(option).Split(','))
        {
            if (!int.TryParse(part.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out int value))
                throw new RefusedException(
                    $"\"{option.Name}\" holds \"{part.Trim()}\"; it must be whole numbers with commas between them, such as 1,32,512."
                );
            Within(option.Name, value, least, most);
            if (!values.Contains(value))
                values.Add(value);
        }
        return [.. values];
    }

    private static int Within(string name, int value, int least, int most) =>
        value >= least && value <= most
            ? value
            : throw new RefusedException($"\"{name}\" is {value}; it must be a whole number from {least:#,0} to {most:#,0}.");
}
