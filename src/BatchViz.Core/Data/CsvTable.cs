using System.Globalization;
using System.Text;
using BatchViz.Core.Numerics;
using BatchViz.Core.Specs;

namespace BatchViz.Core.Data;

/// <summary>
/// A table of numbers with a header and a label column. Features are standardised with the training rows' mean and deviation.
/// Classes are numbered in order of their names (numbers by value). Splitting rows is a function of the data seed.
/// </summary>
internal static class CsvTable
{
    private const int MaxColumns = 10_000, MaxClasses = 1_000;

    public static DataSet Load(DataSpec spec, byte[] file)
    {
        string name = $"\"{spec.File}\"";
        var (header, rows) = Read(file, name);
        int label = spec.Label is null ? header.Length - 1 : Array.IndexOf(header, spec.Label);
        if (label < 0) throw new SpecException($"\"data.label\" is \"{spec.Label}\", but {name} has no such column; it has {string.Join(", ", header.Take(20))}.");
        int[] columns = [.. Enumerable.Range(0, header.Length).Where(c => c != label)];
        if (columns.Length == 0) throw new SpecException($"{name} has no column besides the label \"{header[label]}\".");

        var order = Permutation(rows.Count, spec.Seed);
        int test = spec.TestExamples ?? (int)Math.Round(rows.Count * (spec.TestFraction ?? 0.2));
        int train = spec.TrainExamples ?? rows.Count - test;
        if (train < 1 || train + test > rows.Count)
            throw new SpecException($"{name} has {rows.Count} rows, not enough for {train} training and {test} test examples.");

        float[] values = new float[rows.Count * columns.Length];
        for (int r = 0; r < rows.Count; r++)
            for (int c = 0; c < columns.Length; c++)
                values[r * columns.Length + c] = Number(rows[order[r]].Cells[columns[c]], name, rows[order[r]].Line, header[columns[c]]);
        Standardise(values, columns.Length, train);

        int[]? classes = null;
        float[]? targets = null;
        string[] names = [];
        if (spec.Regression)
        {
            targets = new float[rows.Count];
            for (int r = 0; r < rows.Count; r++) targets[r] = Number(rows[order[r]].Cells[label], name, rows[order[r]].Line, header[label]);
        }
        else
        {
            foreach (var (line, cells) in rows)
                if (cells[label].Length == 0) throw new SpecException($"{name}, line {line}, has no label in column \"{header[label]}\".");
            names = [.. rows.Select(r => r.Cells[label]).Distinct().OrderBy(v => Parse(v, out float f) ? f : float.PositiveInfinity).ThenBy(v => v, StringComparer.Ordinal)];
            if (names.Length is < 2 or > MaxClasses)
                throw new SpecException($"The label \"{header[label]}\" of {name} has {names.Length} different values; classes must be 2 to {MaxClasses} (set \"data.regression\" to predict numbers).");
            var index = names.Select((n, i) => (n, i)).ToDictionary(p => p.n, p => p.i, StringComparer.Ordinal);
            classes = [.. Enumerable.Range(0, rows.Count).Select(r => index[rows[order[r]].Cells[label]])];
        }

        DataSplit Part(int from, int count) => new()
        {
            Count = count, Inputs = columns.Length,
            Floats = values.AsSpan(from * columns.Length, count * columns.Length).ToArray(),
            Labels = classes?.AsSpan(from, count).ToArray(),
            Targets = targets?.AsSpan(from, count).ToArray(),
        };
        return new DataSet(spec.File!, spec.Regression ? DataTask.Regression : DataTask.Classification, columns.Length,
            spec.Regression ? 1 : names.Length, Part(0, train), test > 0 ? Part(train, test) : null);
    }

    private static (string[] Header, List<(int Line, string[] Cells)> Rows) Read(byte[] file, string name)
    {
        string text;
        try
        {
            text = new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(file);
        }
        catch (DecoderFallbackException)
        {
            throw new SpecException($"{name} is not UTF-8 text.");
        }
        if (text.StartsWith('\uFEFF')) text = text[1..];
        var lines = Records(text, name);
        if (lines.Count < 2) throw new SpecException($"{name} has no rows below its header.");
        string[] header = lines[0].Cells;
        if (header.Length > MaxColumns) throw new SpecException($"{name} has {header.Length} columns; at most {MaxColumns} are allowed.");
        if (header.Distinct(StringComparer.Ordinal).Count() != header.Length) throw new SpecException($"{name} has two columns of the same name.");
        if (header.All(h => Parse(h, out _))) throw new SpecException($"{name} has no header: its first line is all numbers.");
        foreach (var (line, cells) in lines)
            if (cells.Length != header.Length)
                throw new SpecException($"{name}, line {line}, has {cells.Length} cells, but the header has {header.Length}.");
        return (header, lines[1..]);
    }

    /// <summary>RFC 4180 records with the number of the line on which each begins; blank lines are skipped.</summary>
    private static List<(int Line, string[] Cells)> Records(string text, string name)
    {
        var records = new List<(int, string[])>();
        var cells = new List<string>();
        var cell = new StringBuilder();
        int line = 1, begun = 1;
        bool quoted = false, any = false;
        char separator = Separator(text);
        for (int i = 0; i <= text.Length; i++)
        {
            char c = i < text.Length ? text[i] : '\n';
            if (quoted && i < text.Length)
            {
                if (c == '"' && i + 1 < text.Length && text[i + 1] == '"') { cell.Append('"'); i++; }
                else if (c == '"') quoted = false;
                else { cell.Append(c); if (c == '\n') line++; }
                continue;
            }
            if (quoted) throw new SpecException($"{name} is cut short: the quotation mark of line {begun} is never closed.");
            if (c == '"' && cell.Length == 0) { quoted = any = true; continue; }
            if (c == separator) { cells.Add(cell.ToString().Trim()); cell.Clear(); any = true; continue; }
            if (c != '\n') { if (c != '\r') cell.Append(c); continue; }
            if (any || cell.ToString().Trim().Length > 0)
            {
                cells.Add(cell.ToString().Trim());
                records.Add((begun, [.. cells]));
            }
            cells.Clear();
            cell.Clear();
            any = false;
            begun = ++line;
        }
        return records;
    }

    private static char Separator(string text)
    {
        int end = text.IndexOf('\n');
        string first = end < 0 ? text : text[..end];
        return new[] { ',', ';', '\t' }.MaxBy(s => first.Count(c => c == s));
    }

    private static float Number(string cell, string name, int line, string column)
        => Parse(cell, out float value) ? value : throw new SpecException($"{name}, line {line}, column \"{column}\": \"{(cell.Length > 40 ? cell[..40] : cell)}\" is not a finite number.");

    private static bool Parse(string cell, out float value)
        => float.TryParse(cell, NumberStyles.Float, CultureInfo.InvariantCulture, out value) && float.IsFinite(value);

    private static int[] Permutation(int count, uint seed)
    {
        var order = Enumerable.Range(0, count).ToArray();
        var stream = new Philox(seed, Purpose.DataSplit);
        for (int i = count - 1; i > 0; i--)
        {
            int j = stream.Below((ulong)i, i + 1);
            (order[i], order[j]) = (order[j], order[i]);
        }
        return order;
    }

    private static void Standardise(float[] values, int columns, int train)
    {
        for (int c = 0; c < columns; c++)
        {
            double sum = 0, squares = 0;
            for (int r = 0; r < train; r++) sum += values[r * columns + c];
            double mean = sum / train;
            for (int r = 0; r < train; r++) squares += (values[r * columns + c] - mean) * (values[r * columns + c] - mean);
            double deviation = Math.Sqrt(squares / train);
            double scale = deviation > 1e-12 ? 1 / deviation : 0;
            for (int i = c; i < values.Length; i += columns) values[i] = (float)((values[i] - mean) * scale);
        }
    }
}
