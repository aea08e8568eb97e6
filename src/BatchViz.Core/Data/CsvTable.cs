using System.Globalization;
using System.Text;
using System.Text.Unicode;
using BatchViz.Core.Numerics;
using BatchViz.Core.Specs;
using static BatchViz.Core.Language;

namespace BatchViz.Core.Data;

/// <summary>
/// A table of numbers with a header and a label column. Features are standardised with the training rows' mean and deviation.
/// Classes are numbered in order of their names (numbers by value). Splitting rows is a function of the data seed.
/// The file is walked over twice: rows are counted and checked, then each number goes straight to its place in its split. Numbers are
/// double until they are standardised: a time of day in seconds since 1970 has more digits than a float. Examples lie in the file's order.
/// </summary>
internal static class CsvTable
{
    private const int MaxColumns = 10_000,
        MaxClasses = 1_000,
        NamesShown = 20,
        NamesLength = 120;

    /// <summary>Values of a column that differ by less, as a share of the largest, differ by rounding.</summary>
    private const double SameWithin = 1e-14;

    public static DataSet Load(DataSpec spec, ReadOnlySpan<byte> file)
    {
        string name = $"\"{spec.File}\"";
        if (!Utf8.IsValid(file))
            throw new RefusedException(Tr($"{name} is not UTF-8 text.", $"{name} 不是 UTF-8 文本。"));
        if (file.StartsWith("\uFEFF"u8))
            file = file[3..];
        byte separator = CsvCells.Separator(file);
        int rows = CountRows(new CsvCells(file, separator, name), name, out int width);
        var cells = new CsvCells(file, separator, name);
        string[] header = Header(ref cells, width, name);
        int label = spec.Label is null ? width - 1 : Array.IndexOf(header, spec.Label);
        if (label < 0)
            throw new RefusedException(
                Tr(
                    $"\"data.label\" is \"{spec.Label}\", but {name} has no such column; it has {Some(header)}.",
                    $"\"data.label\" 为 \"{spec.Label}\"，但 {name} 没有这一列；它有 {Some(header)}。"
                )
            );
        if (width == 1)
            throw new RefusedException(
                Tr(
                    $"{name} has no column besides the label \"{UntrustedText.Shorten(header[label])}\".",
                    $"除标签 \"{UntrustedText.Shorten(header[label])}\" 外，{name} 没有其他列。"
                )
            );
        int test = spec.TestExamples ?? (int)Math.Round(rows * (spec.TestFraction ?? 0.2));
        int train = spec.TrainExamples ?? rows - test;
        if (train < 1 || (long)train + test > rows)
            throw new RefusedException(
                Tr(
                    $"{name} has {rows} rows, not enough for {train} training and {test} test examples.",
                    $"{name} 有 {rows} 行，不足以提供 {train} 个训练样本和 {test} 个测试样本。"
                )
            );

        var classes = spec.Regression ? null : new Classes();
        var (trainPart, testPart) = (new Part(train, width - 1, spec.Regression), new Part(test, width - 1, spec.Regression));
        double[] unused = new double[width - 1];
        int[] places = Places(rows, spec.Seed);
        for (int row = 0; cells.NextRecord(); row++)
        {
            // Rows beyond what was asked for are read too: they may be wrong, and they may have classes of their own.
            Part? part =
                places[row] < train ? trainPart
                : places[row] < train + test ? testPart
                : null;
            int place = part?.Add(row) ?? 0;
            var features = part is null ? unused : part.Features.AsSpan(place * (width - 1), width - 1);
            for (int c = 0; cells.Next(out var cell); c++)
            {
                if (c != label)
                {
                    features[c < label ? c : c - 1] = Number(cell, name, cells.Line, header[c]);
                }
                else if (classes is null)
                {
                    double target = Target(cell, name, cells.Line, header[c]);
                    if (part is not null)
                        part.Targets![place] = target;
                }
                else
                {
                    if (cell.IsEmpty)
                        throw new RefusedException(
                            Tr(
                                $"{name}, line {cells.Line}, has no label in column \"{UntrustedText.Shorten(header[c])}\".",
                                $"{name} 第 {cells.Line} 行的 \"{UntrustedText.Shorten(header[c])}\" 列没有标签。"
                            )
                        );
                    int number = classes.Number(cell);
                    if (classes.Count > MaxClasses)
                        throw WrongClasses($"more than {MaxClasses}");
                    if (part is not null)
                        part.Labels![place] = number;
                }
            }
        }
        if (classes?.Count < 2)
            throw WrongClasses($"{classes.Count}");
        if (classes is not null)
            Rename(classes.Ranks(), trainPart.Labels!, testPart.Labels!);
        string[] names = [.. header.Where((_, c) => c != label)];
        var (trainFloats, testFloats) = (new float[trainPart.Features.Length], new float[testPart.Features.Length]);
        var columns = new ColumnScale[names.Length];
        var merged = new List<string>();
        for (int c = 0; c < names.Length; c++)
        {
            columns[c] = ScaleOf(names[c], trainPart.Features.AsSpan(c), names.Length);
            bool whole =
                columns[c].Apply(trainPart.Features, trainFloats, c, names.Length)
                && columns[c].Apply(testPart.Features, testFloats, c, names.Length);
            if (!whole)
                throw new RefusedException(
                    Tr(
                        $"{name}, column \"{UntrustedText.Shorten(names[c])}\", has test values too far from those of the training rows: standardised they are beyond float32.",
                        $"{name} 的 \"{UntrustedText.Shorten(names[c])}\" 列的测试值离训练行的值太远：标准化后超出 float32 的范围。"
                    )
                );
            if (columns[c].Deviation > 0 && Merges(trainPart.Features, trainFloats, c, names.Length))
                merged.Add(names[c]);
        }
        if (trainPart.Targets is { } exact && Merges(exact, trainPart.FloatTargets!, 0, 1))
            merged.Add(header[label]);
        var task = spec.Regression ? DataTask.Regression : DataTask.Classification;
        return new DataSet(
            spec.File!,
            task,
            width - 1,
            classes?.Count ?? 1,
            trainPart.ToSplit(trainFloats),
            test > 0 ? testPart.ToSplit(testFloats) : null
        )
        {
            Columns = columns,
            MergedColumns = merged,
        };

        RefusedException WrongClasses(string values) =>
            new(
                $"The label \"{UntrustedText.Shorten(header[label])}\" of {name} has {values} different values; classes must be 2 to {MaxClasses} (set \"data.regression\" to predict numbers)."
            );
    }

    /// <summary>Rows below the header, all of the header's width.</summary>
    private static int CountRows(CsvCells cells, string name, out int width)
    {
        width = cells.NextRecord() ? cells.Count() : 0;
        if (width > MaxColumns)
            throw new RefusedException(
                Tr($"{name} has {width} columns; at most {MaxColumns} are allowed.", $"{name} 有 {width} 列；最多允许 {MaxColumns} 列。")
            );
        int rows = 0;
        for (; cells.NextRecord(); rows++)
            if (cells.Count() is var count && count != width)
                throw new RefusedException(
                    Tr(
                        $"{name}, line {cells.Line}, has {count} cells, but the header has {width}.",
                        $"{name} 第 {cells.Line} 行有 {count} 个单元格，而表头有 {width} 个。"
                    )
                );
        return rows > 0 ? rows : throw new RefusedException(Tr($"{name} has no rows below its header.", $"{name} 的表头之下没有数据行。"));
    }

    private static string[] Header(ref CsvCells cells, int width, string name)
    {
        string[] header = new string[width];
        cells.NextRecord();
        for (int c = 0; cells.Next(out var cell); c++)
            header[c] = Encoding.UTF8.GetString(cell);
        var different = new HashSet<string>(width, StringComparer.Ordinal);
        foreach (string column in header)
            if (!different.Add(column))
                throw new RefusedException(Tr($"{name} has two columns of the same name.", $"{name} 有两列同名。"));
        return header.All(column =>
            double.TryParse(column, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) && double.IsFinite(value)
        )
            ? throw new RefusedException(Tr($"{name} has no header: its first line is all numbers.", $"{name} 没有表头：第一行全是数字。"))
            : header;
    }

    /// <summary>As many names as a sentence bears.</summary>
    private static string Some(string[] header)
    {
        string names = "";
        for (int c = 0; c < header.Length; c++)
        {
            if (c == NamesShown || names.Length > NamesLength)
                return $"{names} and {header.Length - c} more";
            names += (c > 0 ? ", " : "") + UntrustedText.Shorten(header[c]);
        }
        return names;
    }

    private static double Number(ReadOnlySpan<byte> cell, string name, int line, string column) =>
        double.TryParse(cell, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) && double.IsFinite(value)
            ? value
            : throw new RefusedException(
                Tr(
                    $"{name}, line {line}, column \"{UntrustedText.Shorten(column)}\": \"{UntrustedText.Shorten(Encoding.UTF8.GetString(cell))}\" is not a finite number.",
                    $"{name} 第 {line} 行 \"{UntrustedText.Shorten(column)}\" 列：\"{UntrustedText.Shorten(Encoding.UTF8.GetString(cell))}\" 不是有限的数。"
                )
            );

    /// <summary>A number to predict, which is not standardised and must be one of float32.</summary>
    private static double Target(ReadOnlySpan<byte> cell, string name, int line, string column)
    {
        double value = Number(cell, name, line, column);
        if (float.IsFinite((float)value))
            return value;
        throw new RefusedException(
            Tr(
                $"{name}, line {line}, column \"{UntrustedText.Shorten(column)}\": \"{UntrustedText.Shorten(Encoding.UTF8.GetString(cell))}\" is beyond float32, in which numbers are predicted.",
                $"{name} 第 {line} 行 \"{UntrustedText.Shorten(column)}\" 列：\"{UntrustedText.Shorten(Encoding.UTF8.GetString(cell))}\" 超出预测所用的 float32 的范围。"
            )
        );
    }

    /// <summary>
    /// Of each row its rank in a shuffle: the training rows are the first, the test rows come after them; within each, rows stay in the
    /// file's order.
    /// </summary>
    private static int[] Places(int count, uint seed)
    {
        var order = new int[count];
        for (int i = 0; i < count; i++)
            order[i] = i;
        var stream = new Philox(seed, Purpose.DataSplit);
        for (int i = count - 1; i > 0; i--)
        {
            int j = stream.Below((ulong)i, i + 1);
            (order[i], order[j]) = (order[j], order[i]);
        }
        var places = new int[count];
        for (int i = 0; i < count; i++)
            places[order[i]] = i;
        return places;
    }

    private static void Rename(int[] ranks, params ReadOnlySpan<int[]> parts)
    {
        foreach (int[] labels in parts)
            for (int i = 0; i < labels.Length; i++)
                labels[i] = ranks[labels[i]];
    }

    /// <summary>
    /// Mean and deviation of a column's training rows. A column is constant where its values are equal up to double's rounding, however
    /// large or small they are. A power of two is taken out first, which changes no digit but keeps squares in range.
    /// </summary>
    private static ColumnScale ScaleOf(string name, ReadOnlySpan<double> column, int stride)
    {
        double least = double.PositiveInfinity,
            most = double.NegativeInfinity;
        for (int i = 0; i < column.Length; i += stride)
            (least, most) = (Math.Min(least, column[i]), Math.Max(most, column[i]));
        double largest = Math.Max(Math.Abs(least), Math.Abs(most));
        int exponent = largest == 0 ? 0 : Math.ILogB(largest);
        double sum = 0,
            squares = 0;
        int rows = (column.Length + stride - 1) / stride;
        for (int i = 0; i < column.Length; i += stride)
            sum += Math.ScaleB(column[i], -exponent);
        double mean = sum / rows;
        if (Math.ScaleB(most, -exponent) - Math.ScaleB(least, -exponent) <= SameWithin)
            return new(name, Math.ScaleB(mean, exponent), 0);
        for (int i = 0; i < column.Length; i += stride)
        {
            double off = Math.ScaleB(column[i], -exponent) - mean;
            squares += off * off;
        }
        return new(name, Math.ScaleB(mean, exponent), Math.ScaleB(Math.Sqrt(squares / rows), exponent));
    }

    /// <summary>Whether some different values of a column have become the same float.</summary>
    private static bool Merges(double[] exact, float[] floats, int first, int stride)
    {
        int rows = exact.Length / stride;
        var (values, rounded) = (new double[rows], new float[rows]);
        for (int r = 0; r < rows; r++)
            (values[r], rounded[r]) = (exact[r * stride + first], floats[r * stride + first]);
        Array.Sort(values, rounded);
        for (int r = 1; r < rows; r++)
            if (values[r] > values[r - 1] && rounded[r] == rounded[r - 1])
                return true;
        return false;
    }

    /// <summary>One split while it is filled, row after row of the file.</summary>
    private sealed class Part(int count, int inputs, bool regression)
    {
        private readonly int[] rows = new int[count];
        private int filled;

        public double[] Features { get; } = new double[count * inputs];
        public int[]? Labels { get; } = regression ? null : new int[count];
        public double[]? Targets { get; } = regression ? new double[count] : null;
        public float[]? FloatTargets => field ??= Targets is null ? null : [.. Targets.Select(target => (float)target)];

        /// <summary>Takes the file's row; returns its place in the split.</summary>
        public int Add(int row)
        {
            rows[filled] = row;
            return filled++;
        }

        public DataSplit ToSplit(float[] features) =>
            new()
            {
                Count = count,
                Inputs = inputs,
                Floats = features,
                Labels = Labels,
                Targets = FloatTargets,
                Rows = rows,
            };
    }

    /// <summary>The different labels, numbered as they come.</summary>
    private sealed class Classes
    {
        private readonly Dictionary<string, int> numbers = new(StringComparer.Ordinal);
        private char[] buffer = new char[64];

        public int Count => numbers.Count;

        public int Number(ReadOnlySpan<byte> label)
        {
            if (label.Length > buffer.Length)
                buffer = new char[Math.Max(label.Length, 2 * buffer.Length)];
            var text = buffer.AsSpan(0, Encoding.UTF8.GetChars(label, buffer));
            var byText = numbers.GetAlternateLookup<ReadOnlySpan<char>>();
            if (byText.TryGetValue(text, out int number))
                return number;
            byText.TryAdd(text, Count);
            return Count - 1;
        }

        /// <summary>For each number the place of its label among all, numbers by value before words.</summary>
        public int[] Ranks()
        {
            var ranks = new int[Count];
            int rank = 0;
            foreach (var (_, number) in numbers.OrderBy(label => Value(label.Key)).ThenBy(label => label.Key, StringComparer.Ordinal))
                ranks[number] = rank++;
            return ranks;
        }

        private static double Value(string label) =>
            double.TryParse(label, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) && double.IsFinite(value)
                ? value
                : double.PositiveInfinity;
    }
}
