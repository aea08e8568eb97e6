using System.Globalization;
using System.Text;
using BatchViz.Core.Data;
using BatchViz.Core.Specs;

namespace BatchViz.Bench.Soak.Targets;

/// <summary>
/// Tables as text: marks, quotes and line ends in every mix, rows too short and too long, many columns, many labels, strange numbers.
/// </summary>
internal sealed class CsvTarget : FuzzTarget
{
    private const int LongestTable = 200_000;

    private static readonly DataSpec[] Specs =
    [
        new() { Kind = DataKind.Csv, File = "f.csv" },
        new()
        {
            Kind = DataKind.Csv,
            File = "f.csv",
            Label = "y",
        },
        new()
        {
            Kind = DataKind.Csv,
            File = "f.csv",
            Regression = true,
            TestFraction = 0,
        },
        new()
        {
            Kind = DataKind.Csv,
            File = "f.csv",
            Label = "y",
            TrainExamples = 2,
            TestExamples = 1,
        },
    ];

    public override byte[] Valid(FuzzRandom random) => Make(random, wild: false);

    public override byte[] Structured(FuzzRandom random) => Make(random, wild: random.Maybe());

    /// <summary>With one of four specs, by the input's length.</summary>
    public override void Read(byte[] input) => DataSource.Load(Specs[input.Length % Specs.Length], _ => input);

    private static byte[] Make(FuzzRandom random, bool wild)
    {
        var text = new StringBuilder();
        int columns = 2 + random.Length(random.Once(20) ? 12_000 : 6),
            rows = 3 + random.Length(100_000);
        if (wild && random.Once(20))
            columns = 1;
        char separator = random.Any(',', ',', ';', '\t');
        string end = random.Any("\n", "\n", "\r\n");
        int labels = random.Once(20) ? 2_000 : 2 + random.Below(4);
        bool words = random.Maybe(),
            quotes = random.Once(4),
            digits = random.Maybe();
        if (random.Once(5))
            text.Append('\uFEFF');
        for (int r = 0; r <= rows && text.Length < LongestTable; r++)
        {
            int width = wild && random.Once(30) ? random.Below(2 * columns + 1) : columns;
            for (int c = 0; c < width; c++)
            {
                if (c > 0)
                    text.Append(separator);
                string cell =
                    r == 0 ? (c == columns - 1 ? "y" : $"x{c}")
                    : c == columns - 1 && words ? $"class {random.Below(labels)}"
                    : c == columns - 1 ? $"{random.Below(labels)}"
                    : digits ? $"{random.Below(10)}"
                    : random.Uniform().ToString(random.Any("R", "0.00", "e3"), CultureInfo.InvariantCulture);
                if (wild && random.Once(40))
                    cell = Strange(random);
                text.Append(quotes && random.Maybe() ? $"\"{cell.Replace("\"", "\"\"")}\"" : cell);
            }
            text.Append(wild && random.Once(20) ? random.Any("\r", "\r\r\n", "\n\n", " \n", "\u2028", "\"\n", "\n\r", "\n\"\"\n") : end);
        }
        return Encoding.UTF8.GetBytes(text.ToString());
    }

    private static string Strange(FuzzRandom random) =>
        random.Below(8) switch
        {
            0 => new string(random.Any('1', '"', ' ', 'x', '\r', '☃'), random.Length(300_000)),
            1 => random.Any(
                "NaN",
                "Infinity",
                "-∞",
                "1e999",
                "-1e999",
                "1e-999",
                "3.5e38",
                "0x10",
                "1,000",
                "1_000",
                "٣",
                "１",
                "--1",
                "1e",
                ".",
                "+",
                "1.",
                ".5",
                "-0"
            ),
            2 => "0." + new string('9', random.Length(10_000)),
            3 => random.Any("", " ", "\u00A0", "\u00A01\u2003", "\uFEFF1", "\0", "1\0", "\u001B[31m", "\u202Eevil", "\u0085"),
            4 => random.Any("\"", "\"\"", "a\"b", "\"a\"b", "\"a\"\"", " \"a\"", "\"\"\"\"", "\"\r\n\""),
            5 => "\"" + new string('\n', random.Length(1000)) + "\"",
            6 => random.Any("=cmd|'/c calc'!A0", "@SUM(1)", "</script>", "x0", "y", "𝔘𝔫𝔦", "e\u0301", "İ"),
            _ => random.Word().ToString(CultureInfo.InvariantCulture),
        };
}
