using System.Text;
using BatchViz.Core.Data;
using BatchViz.Core.Specs;
using static BatchViz.Core.Tests.Specs.Texts;

namespace BatchViz.Core.Tests.Data;

public class CsvTests
{
    private const string Plain = "a,b,kind\n1,2,x\n3,4,y\n5,6,x\n7,9,y\n2,2,x\n";

    [Theory]
    [InlineData("a,b,kind\r\n1,2,x\r\n3,4,y\r\n5,6,x\r\n7,9,y\r\n2,2,x")]
    [InlineData("a,b,kind\r1,2,x\r3,4,y\r5,6,x\r7,9,y\r2,2,x\r")]
    [InlineData("a,b,kind\r1,2,x\r\r3,4,\"y\"\n5,6,x\r\r\n7,9,y\r2,2,x")]
    [InlineData("\uFEFFa,b,kind\n1,2,x\n3,4,y\n5,6,x\n7,9,y\n2,2,x\n")]
    [InlineData("a;b;kind\n1;2;x\n3;4;y\n5;6;x\n7;9;y\n2;2;x\n")]
    [InlineData("a\tb\tkind\n1\t2\tx\n3\t4\ty\n5\t6\tx\n7\t9\ty\n2\t2\tx\n")]
    [InlineData("\"a\",\"b\",\"kind\"\n\"1\",2,\"x\"\n3,\"4\",y\n5,6,x\n7,9,y\n\n2,2,x\n\n")]
    [InlineData(" a , b , kind \n 1 , 2 , x \n3,4,y\n5,6,x\n7,9,y\n2,2,x\n")]
    [InlineData("a,b,kind\n1e0,+2,x\n3.0,4,y\n5,6,x\n7,9,y\n2,2,x\n")]
    public void Line_ends_marks_separators_quotes_and_blanks_do_not_matter(string text)
    {
        var (expected, set) = (Load(Plain), Load(text));
        Assert.Equal(expected.Train.Floats, set.Train.Floats);
        Assert.Equal(expected.Train.Labels, set.Train.Labels);
        Assert.Equal(expected.Test!.Floats, set.Test!.Floats);
    }

    [Fact]
    public void Quotation_marks_hold_separators_line_ends_and_themselves()
    {
        var set = Load(
            "v,\"the \"\"kind\"\", in words\"\n1,\"a,\nb\"\n2,c\n3,\"a,\nb\"\n",
            new()
            {
                Kind = DataKind.Csv,
                File = "f.csv",
                Label = "the \"kind\", in words",
                TestFraction = 0,
            }
        );
        Assert.Equal((3, 2), (set.Train.Count, set.Outputs));
        Assert.Equal([0, 0, 1], set.Train.Labels!.Order());
    }

    [Fact]
    public void Features_have_mean_0_and_deviation_1_over_the_training_rows()
    {
        string text = "a,constant,kind\n" + string.Concat(Enumerable.Range(0, 50).Select(i => $"{i * 3 - 7},4,{i % 2}\n"));
        var set = Load(text);
        Assert.Equal((40, 10), (set.Train.Count, set.Test!.Count));
        double[] column = [.. Enumerable.Range(0, 40).Select(i => (double)set.Train.Floats![2 * i])];
        Assert.Equal(0, column.Average(), tolerance: 1e-6);
        Assert.Equal(1, column.Average(v => v * v), tolerance: 1e-5);
        Assert.All(Enumerable.Range(0, 40), i => Assert.Equal(0, set.Train.Floats![2 * i + 1]));
        double[] all = [.. set.Train.Floats!.Concat(set.Test.Floats!).Where((_, i) => i % 2 == 0).Select(v => (double)v).Order()];
        Assert.All(all.Zip(all.Skip(1)), p => Assert.Equal(all[1] - all[0], p.Second - p.First, tolerance: 1e-5));
    }

    [Fact]
    public void Numbers_to_predict_are_left_as_they_are()
    {
        var set = Load(
            "y,a\n10,1\n20,2\n30,3\n",
            new()
            {
                Kind = DataKind.Csv,
                File = "f.csv",
                Label = "y",
                Regression = true,
                TestFraction = 0,
            }
        );
        Assert.Equal((DataTask.Regression, 1, null), (set.Task, set.Outputs, set.Test));
        Assert.Equal([10, 20, 30], set.Train.Targets!.Order());
        Assert.All(set.Train.Targets!.Zip(set.Train.Floats!), p => Assert.Equal((p.First - 20) / 8.164966, p.Second, tolerance: 1e-4));
    }

    [Fact]
    public void Classes_are_numbered_by_value_then_by_name()
    {
        var set = Load(
            "v,c\n1,10\n1,9\n1,b\n1,a\n",
            new()
            {
                Kind = DataKind.Csv,
                File = "f.csv",
                TestFraction = 0,
            }
        );
        Assert.Equal(4, set.Outputs);
        var split = Load(
            "v,c\n0,10\n1,9\n2,10\n3,9\n",
            new()
            {
                Kind = DataKind.Csv,
                File = "f.csv",
                TestFraction = 0,
            }
        ).Train;
        Assert.All(
            Enumerable.Range(0, 4),
            i => Assert.Equal(Math.Abs(Math.Round(split.Floats![i] * 1.118 + 1.5)) % 2 == 0 ? 1 : 0, split.Labels![i])
        );
    }

    [Fact]
    public void The_split_depends_on_the_data_seed_alone()
    {
        string text = "a,kind\n" + string.Concat(Enumerable.Range(0, 50).Select(i => $"{i},{i % 2}\n"));
        DataSet With(uint seed) =>
            Load(
                text,
                new()
                {
                    Kind = DataKind.Csv,
                    File = "f.csv",
                    Seed = seed,
                }
            );
        Assert.Equal(With(1).Train.Floats, With(1).Train.Floats);
        Assert.NotEqual(With(1).Train.Floats, With(2).Train.Floats);
    }

    [Theory]
    [InlineData("", "\"f.csv\" has no rows below its header.")]
    [InlineData("a,b\n", "\"f.csv\" has no rows below its header.")]
    [InlineData("1,2\n3,4\n", "\"f.csv\" has no header: its first line is all numbers.")]
    [InlineData("a,a\n1,2\n", "\"f.csv\" has two columns of the same name.")]
    [InlineData("a,kind\n1,x\n2\n", "\"f.csv\", line 3, has 1 cells, but the header has 2.")]
    [InlineData("a,kind\n1,x\n2,y,\n", "\"f.csv\", line 3, has 3 cells, but the header has 2.")]
    [InlineData("a,kind\n1,x\ntwo,y\n", "\"f.csv\", line 3, column \"a\": \"two\" is not a finite number.")]
    [InlineData("a,kind\n1,x\n,y\n", "\"f.csv\", line 3, column \"a\": \"\" is not a finite number.")]
    [InlineData("a,kind\n1,x\nNaN,y\n", "\"f.csv\", line 3, column \"a\": \"NaN\" is not a finite number.")]
    [InlineData("a,kind\n1,x\n1e999,y\n", "\"f.csv\", line 3, column \"a\": \"1e999\" is not a finite number.")]
    [InlineData("a,kind\n1,x\n2,\n", "\"f.csv\", line 3, has no label in column \"kind\".")]
    [InlineData("a,kind\n1,x\n2,\"y\n", "\"f.csv\" is cut short: the quotation mark of line 3 is never closed.")]
    [InlineData("kind\nx\ny\n", "\"f.csv\" has no column besides the label \"kind\".")]
    [InlineData(
        "a,kind\n1,x\n2,x\n",
        "The label \"kind\" of \"f.csv\" has 1 different values; classes must be 2 to 1000 (set \"data.regression\" to predict numbers)."
    )]
    public void A_table_that_cannot_be_learnt_from_is_refused_with_its_place(string text, string sentence) =>
        Assert.Equal(sentence, Refusal(() => Load(text)));

    [Fact]
    public void Lines_are_counted_whatever_ends_them() =>
        Assert.Equal(
            "\"f.csv\", line 6, column \"a\": \"two\" is not a finite number.",
            Refusal(() => Load("a,kind\r1,\"x\r\nx\"\n2,\"y\ry\"\rtwo,y\r\n"))
        );

    /// <summary>Ten digits before what matters: float32 has seven.</summary>
    [Theory]
    [InlineData(1.7e9, 0.25)]
    [InlineData(-4e12, 0.25)]
    [InlineData(1e-30, 1e-33)]
    [InlineData(1e200, 1e190)]
    [InlineData(3e-310, 1e-312)]
    public void Columns_keep_their_digits_until_they_are_standardised(double offset, double step)
    {
        double[] values = [.. Enumerable.Range(0, 40).Select(i => offset + step * (i * 7 % 40))];
        var set = Load(
            "t,kind\n" + string.Concat(values.Select((v, i) => FormattableString.Invariant($"{v:R},{i % 2}\n"))),
            new()
            {
                Kind = DataKind.Csv,
                File = "f.csv",
                TestFraction = 0,
            }
        );
        double deviation = Math.Sqrt((40.0 * 40 - 1) / 12);
        for (int i = 0; i < 40; i++)
            Assert.Equal((i * 7 % 40 - 19.5) / deviation, set.Train.Floats![i], 2e-3);
        Assert.Equal(new ColumnScale("t", set.Columns![0].Mean, set.Columns[0].Deviation), set.Columns.Single());
        Assert.Equal(offset + 19.5 * step, set.Columns[0].Mean, 1e-10 * Math.Abs(offset));
        Assert.Equal(step * deviation, set.Columns[0].Deviation, 0.01 * step * deviation);
        Assert.Empty(set.MergedColumns);
    }

    [Theory]
    [InlineData("0.1", "0.1")]
    [InlineData("1e300", "1e300")]
    [InlineData("0.3", "0.30000000000000004")]
    [InlineData("1e-300", "1e-300")]
    public void A_column_is_constant_by_its_own_measure(string one, string other)
    {
        var set = Load("a,b,kind\n" + string.Concat(Enumerable.Range(0, 10).Select(i => $"{(i % 3 == 0 ? one : other)},{i},{i % 2}\n")));
        Assert.Equal(0, set.Columns![0].Deviation);
        Assert.All(Enumerable.Range(0, set.Train.Count), i => Assert.Equal(0, set.Train.Floats![2 * i]));
        Assert.True(set.Columns[1].Deviation > 0);
    }

    [Fact]
    public void Columns_of_which_float32_mixes_values_up_are_named()
    {
        string text = "a,b,kind\n" + string.Concat(Enumerable.Range(0, 20).Select(i => $"{(i == 0 ? 1e9 : i * 1e-3)},{i},{i % 2}\n"));
        Assert.Equal(
            ["a"],
            Load(
                text,
                new()
                {
                    Kind = DataKind.Csv,
                    File = "f.csv",
                    TestFraction = 0,
                }
            ).MergedColumns
        );
        string targets = "a,y\n" + string.Concat(Enumerable.Range(0, 20).Select(i => $"{i},{1_700_000_000 + i}\n"));
        Assert.Equal(
            ["y"],
            Load(
                targets,
                new()
                {
                    Kind = DataKind.Csv,
                    File = "f.csv",
                    Regression = true,
                    TestFraction = 0,
                }
            ).MergedColumns
        );
    }

    [Fact]
    public void Targets_and_test_values_beyond_float32_are_refused()
    {
        Assert.Equal(
            "\"f.csv\", line 3, column \"y\": \"1e39\" is beyond float32, in which numbers are predicted.",
            Refusal(() =>
                Load(
                    "a,y\n1,2\n2,1e39\n",
                    new()
                    {
                        Kind = DataKind.Csv,
                        File = "f.csv",
                        Regression = true,
                    }
                )
            )
        );
        string far = "a,kind\n" + string.Concat(Enumerable.Range(0, 50).Select(i => $"{i},{i % 2}\n"));
        int row = Load(far).Test!.Rows![0];
        Assert.Equal(
            "\"f.csv\", column \"a\", has test values too far from those of the training rows: standardised they are beyond float32.",
            Refusal(() => Load(far.Replace($"\n{row},", "\n1e300,")))
        );
    }

    /// <summary>As a time series has it, and as whoever maps an exported index to a row needs it.</summary>
    [Fact]
    public void Examples_lie_in_the_order_of_the_file()
    {
        string text = "a,kind\n" + string.Concat(Enumerable.Range(0, 50).Select(i => $"{i * i},{i % 2}\n"));
        foreach (int? train in new int?[] { null, 10 })
        {
            var set = Load(
                text,
                new()
                {
                    Kind = DataKind.Csv,
                    File = "f.csv",
                    TrainExamples = train,
                }
            );
            var column = set.Columns!.Single();
            foreach (var split in new[] { set.Train, set.Test! })
            {
                Assert.Equal(split.Count, split.Rows!.Length);
                Assert.Equal(split.Rows.Order(), split.Rows);
                for (int i = 0; i < split.Count; i++)
                {
                    Assert.Equal((split.Rows[i] * split.Rows[i] - column.Mean) / column.Deviation, split.Floats![i], 1e-5);
                    Assert.Equal(split.Rows[i] % 2, split.Labels![i]);
                }
            }
            Assert.Empty(set.Train.Rows!.Intersect(set.Test!.Rows!));
        }
    }

    [Fact]
    public void A_label_that_is_no_column_is_refused() =>
        Assert.Equal(
            "\"data.label\" is \"sort\", but \"f.csv\" has no such column; it has a, b, kind.",
            Refusal(() =>
                Load(
                    Plain,
                    new()
                    {
                        Kind = DataKind.Csv,
                        File = "f.csv",
                        Label = "sort",
                    }
                )
            )
        );

    [Fact]
    public void More_examples_than_rows_are_refused() =>
        Assert.Equal(
            "\"f.csv\" has 5 rows, not enough for 4 training and 2 test examples.",
            Refusal(() =>
                Load(
                    Plain,
                    new()
                    {
                        Kind = DataKind.Csv,
                        File = "f.csv",
                        TrainExamples = 4,
                        TestExamples = 2,
                    }
                )
            )
        );

    [Fact]
    public void Bytes_that_are_not_text_are_refused() =>
        Assert.Equal(
            "\"f.csv\" is not UTF-8 text.",
            Refusal(() => DataSource.Load(new() { Kind = DataKind.Csv, File = "f.csv" }, _ => [(byte)'a', 0xFF]))
        );

    [Theory]
    [InlineData("a,kind\n1,x\n\"\u001B[31m\n2\",y\n", "\"f.csv\", line 3, column \"a\": \" [31m 2\" is not a finite number.")]
    [InlineData("\"a\u202E\nb\",kind\n1,x\ntwo,y\n", "\"f.csv\", line 4, column \"a  b\": \"two\" is not a finite number.")]
    [InlineData(
        "a,\"ki\nnd\"\n1,x\n2,x\n",
        "The label \"ki nd\" of \"f.csv\" has 1 different values; classes must be 2 to 1000 (set \"data.regression\" to predict numbers)."
    )]
    public void What_a_table_says_cannot_break_the_sentence_that_refuses_it(string text, string sentence) =>
        Assert.Equal(sentence, Refusal(() => Load(text)));

    [Fact]
    public void Names_of_columns_are_listed_only_as_far_as_a_sentence_bears()
    {
        string text =
            string.Join(',', Enumerable.Range(0, 25).Select(i => $"{i}{new string('x', 1000)}"))
            + "\n"
            + string.Join(',', Enumerable.Repeat("1", 25))
            + "\n";
        Assert.EndsWith(
            "x… and 22 more.",
            Refusal(() =>
                Load(
                    text,
                    new()
                    {
                        Kind = DataKind.Csv,
                        File = "f.csv",
                        Label = "none",
                    }
                )
            )
        );
    }

    [Fact]
    public void More_classes_than_there_may_be_are_refused_as_soon_as_they_are_seen()
    {
        string text = "a,kind\n" + string.Concat(Enumerable.Range(0, 5000).Select(i => $"{i},c{i}\n"));
        Assert.StartsWith("The label \"kind\" of \"f.csv\" has more than 1000 different values", Refusal(() => Load(text)));
    }

    public static TheoryData<string, string> Greedy =>
        new()
        {
            { "digits in two columns", "a,b\n" + string.Concat(Enumerable.Repeat("1,2\n1,3\n", 100_000)) },
            {
                "digits in many columns",
                string.Join(',', Enumerable.Range(0, 1000).Select(i => $"c{i}"))
                    + "\n"
                    + string.Concat(Enumerable.Repeat(string.Join(',', Enumerable.Repeat("1", 1000)) + "\n", 500))
            },
            { "a header alone", string.Join(',', Enumerable.Range(0, 10_000).Select(i => $"{i:x}")) + "\n1\n" },
            { "nothing but separators", new string(',', 1_000_000) },
            { "nothing but line ends", new string('\n', 1_000_000) },
            { "short rows", "a,b\n" + string.Concat(Enumerable.Repeat("1\n", 500_000)) },
            { "one long text", "a,b\n1,\"" + string.Concat(Enumerable.Repeat("\"\"", 500_000)) + "\"\n2,x\n" },
            { "long labels", "a,b\n" + string.Concat(Enumerable.Range(0, 900).Select(i => $"1,{i}{new string('x', 1000)}\n")) },
        };

    [Theory]
    [MemberData(nameof(Greedy))]
    public void Reading_takes_at_most_ten_times_the_file_and_a_megabyte(string what, string text)
    {
        byte[] file = Encoding.UTF8.GetBytes(text);
        long before = GC.GetAllocatedBytesForCurrentThread();
        try
        {
            DataSource.Load(new() { Kind = DataKind.Csv, File = "f.csv" }, _ => file);
        }
        catch (RefusedException)
        {
            // Refused or not: what it took is what counts.
        }
        long taken = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.True(taken <= 10L * file.Length + (1 << 20), $"{what}: {taken:#,0} bytes for a file of {file.Length:#,0}");
    }

    [Fact]
    public void Any_changed_byte_gives_a_table_or_one_sentence()
    {
        byte[] text = Encoding.UTF8.GetBytes("a,\"b\",kind\r\n1,2,x\r\n3,\"4\",y\r\n5,6,x\r\n");
        var random = new Random(1);
        for (int i = 0; i < 3000; i++)
        {
            byte[] changed = (byte[])text.Clone();
            changed[random.Next(text.Length)] = (byte)random.Next(256);
            try
            {
                Assert.InRange(DataSource.Load(new() { Kind = DataKind.Csv, File = "f.csv" }, _ => changed).Train.Count, 1, 3);
            }
            catch (RefusedException e)
            {
                Assert.EndsWith(".", e.Message);
                Assert.Matches("^[\"A-Z]", e.Message);
            }
        }
    }

    private static DataSet Load(string text, DataSpec? spec = null) =>
        DataSource.Load(spec ?? new() { Kind = DataKind.Csv, File = "f.csv" }, _ => Encoding.UTF8.GetBytes(text));
}
