using System.Globalization;
using BatchViz.Cli;
using Spectre.Console;

namespace BatchViz.Bench;

/// <summary>How results are shown: what goes on to standard error, tables or one line of JSON to standard output.</summary>
internal static class BenchReport
{
    /// <summary>Wide enough for every table: a narrower terminal breaks lines, but nothing is left out.</summary>
    private const int Width = 160;

    public static void Write(Table table)
    {
        var console = Shown.OnOutput();
        console.Profile.Width = Math.Max(console.Profile.Width, Width);
        console.Write(table);
    }

    public static Table Table(params string[] columns)
    {
        var table = new Table { Border = TableBorder.Simple };
        for (int c = 0; c < columns.Length; c++)
        {
            var column = new TableColumn(Markup.Escape(columns[c])) { NoWrap = true };
            table.AddColumn(c == 0 ? column : column.RightAligned());
        }
        return table;
    }

    public static void Row(Table table, params string[] cells) => table.AddRow([.. cells.Select(Markup.Escape)]);

    /// <summary>Columns for the fastest peer of each row.</summary>
    public static string[] PeerColumns(bool there) => there ? ["fastest peer", "its time", "ratio"] : [];

    /// <param name="unit">Units in a second.</param>
    public static string[] PeerCells(bool there, PeerTime? fastest, double unit, double? ratio) =>
        there ? [fastest?.Name ?? "–", Number(fastest?.Time.Minimum * unit), Times(ratio)] : [];

    public static void Progress(string line) => Console.Error.WriteLine(line);

    /// <summary>Names and versions of the peers, and what is missing, under a table.</summary>
    public static void Notes(Peers peers)
    {
        string[] names = [.. peers.Running.Select(p => p.Name).Distinct()];
        if (names.Length > 0)
            Console.WriteLine($"Peers: {string.Join("; ", names)}. Ratios are shortest round against shortest round.");
        foreach (string sentence in peers.Missing)
            Console.WriteLine(sentence);
    }

    /// <summary>Null where there are none.</summary>
    public static IReadOnlyList<PeerName>? Names(Peers peers) =>
        peers.Running.Any() ? [.. peers.Running.Select(p => new PeerName(p.Name, p.Threads))] : null;

    /// <summary>Null where none is missing.</summary>
    public static IReadOnlyList<string>? Missing(Peers peers) => peers.Missing.Count > 0 ? peers.Missing : null;

    /// <summary>Three significant digits.</summary>
    public static string Number(double? value)
    {
        if (value is not { } v || !double.IsFinite(v))
            return "–";
        int decimals = v == 0 ? 0 : Math.Clamp(2 - (int)Math.Floor(Math.Log10(Math.Abs(v))), 0, 6);
        return v.ToString("#,0." + new string('0', decimals), CultureInfo.InvariantCulture);
    }

    public static string Times(double? ratio) => ratio is null ? "–" : Number(ratio) + "×";

    public static string Percent(double share) => share.ToString("0 %", CultureInfo.InvariantCulture);

    public static double? GeometricMean(IEnumerable<double?> ratios)
    {
        double[] known = [.. ratios.OfType<double>()];
        return known.Length == 0 ? null : Math.Exp(known.Average(Math.Log));
    }
}
