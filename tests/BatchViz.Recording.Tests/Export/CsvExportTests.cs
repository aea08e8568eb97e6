using BatchViz.Core.Specs;
using BatchViz.Recording.Export;
using CsvHelper;

namespace BatchViz.Recording.Tests.Export;

public class CsvExportTests
{
    [Fact]
    public void CsvHelper_reads_every_record_back_bit_for_bit()
    {
        foreach (var run in new[] { Runs.Moons(300), Runs.Diverging(), Runs.Noise(5000) })
        {
            using var folder = new ExportFolder();

            var files = CsvExport.Write(run, folder.Path);

            using var csv = Open(files[0]);
            Assert.Equal(["run", "update", "examples", "epochs", .. run.Layout.Columns.Select(c => c.Name), "seconds"], csv.Headers);
            for (long record = 0; record < run.Count; record++)
            {
                Assert.True(csv.Read());
                Assert.Equal(run.Plan.Id, csv.GetString("run"));
                Assert.Equal(record + 1, csv.Parse<long>("update"));
                Assert.Equal(run.Plan.Progress.ExamplesAfter(record + 1), csv.Parse<long>("examples"));
                Assert.Equal(run.Plan.Progress.EpochsAfter(record + 1), csv.Parse<double>("epochs"));
                for (int c = 0; c < run.Layout.Width; c++)
                {
                    if (record == run.UpdatesMade && run.Layout.Columns[c].OfStep)
                        Assert.Equal("", csv.GetString(c + 4));
                    else
                        SameBits(run.Record(record)[c], csv.Parse<float>(c + 4));
                }
                SameBits(RecordedRun.SecondsAfter(record + 1), csv.Parse<float>("seconds"));
            }
            Assert.False(csv.Read());
        }
    }

    [Fact]
    public void A_diverged_run_has_a_last_record_that_is_not_finite() => Assert.Contains(Runs.Diverging().Records, float.IsInfinity);

    [Fact]
    public void A_diverged_run_has_a_row_for_each_update_made_and_one_without_a_step()
    {
        var run = Runs.Diverging();
        using var folder = new ExportFolder();

        string[] rows = File.ReadAllLines(CsvExport.Write(run, folder.Path)[0])[1..];

        Assert.Equal(run.UpdatesMade + 1, rows.Length);
        string[] last = rows[^1].Split(',');
        string[] header = ["run", "update", "examples", "epochs", .. run.Layout.Columns.Select(column => column.Name)];
        Assert.Equal(["updateNorm", "updateRatio", "noiseScale"], header.Where((_, c) => last[c] == ""));
        Assert.All(rows[..^1], row => Assert.DoesNotContain("", row.Split(',')));
    }

    [Fact]
    public void Evaluations_have_a_file_of_their_own()
    {
        foreach (var run in new[] { Runs.Moons(100), Runs.Diverging() })
        {
            using var folder = new ExportFolder();

            using var csv = Open(CsvExport.Write(run, folder.Path)[1]);

            Assert.Equal(["run", "update", "examples", "epochs", "loss", "testLoss", "testAccuracy", "seconds"], csv.Headers);
            foreach (var point in run.Evaluations)
            {
                Assert.True(csv.Read());
                Assert.Equal(point.Update, csv.Parse<uint>("update"));
                SameBits(point.Loss, csv.Parse<float>("loss"));
                SameBits(point.TestLoss, csv.Parse<float>("testLoss"));
                SameBits(point.TestAccuracy, csv.Parse<float>("testAccuracy"));
                SameBits(point.LaneSeconds, csv.Parse<float>("seconds"));
            }
            Assert.False(csv.Read());
        }
    }

    [Theory]
    [InlineData("=1+1", "'=1+1")]
    [InlineData("+1", "'+1")]
    [InlineData("-1", "'-1")]
    [InlineData("@SUM(A1)", "'@SUM(A1)")]
    [InlineData("\t=1", "'\t=1")]
    [InlineData("\r=1", "'\r=1")]
    [InlineData("=HYPERLINK(\"x\",\"y\")", "'=HYPERLINK(\"x\",\"y\")")]
    [InlineData("a,\"b\"\r\nc", "a,\"b\"\r\nc")]
    [InlineData("b8-s1", "b8-s1")]
    public void Text_is_no_formula(string id, string expected)
    {
        var run = Runs.Moons(3);
        run = run with { Plan = run.Plan with { Id = id } };
        using var stream = new MemoryStream();

        CsvExport.WriteRecords(run, stream);

        stream.Position = 0;
        using var csv = Open(stream);
        for (int row = 0; row < 3; row++)
        {
            Assert.True(csv.Read());
            Assert.Equal(expected, csv.GetString("run"));
        }
        Assert.False(csv.Read());
    }

    [Theory]
    [InlineData("../elsewhere")]
    [InlineData("/tmp/elsewhere")]
    [InlineData("..")]
    [InlineData("")]
    public void A_run_whose_id_would_name_a_file_elsewhere_is_refused(string id)
    {
        var run = Runs.Moons(3);
        using var folder = new ExportFolder();

        Assert.Throws<RefusedException>(() => CsvExport.Write(run with { Plan = run.Plan with { Id = id } }, folder.Path));

        Assert.Empty(Directory.EnumerateFileSystemEntries(folder.Path));
    }

    [Fact]
    public void A_cancelled_export_leaves_nothing_and_keeps_what_an_earlier_one_wrote()
    {
        var run = Runs.Noise(10_000);
        using var folder = new ExportFolder();
        string file = Path.Combine(folder.Path, run.Plan.Id + ".csv");
        File.WriteAllText(file, "earlier");
        using var stop = new CancellationTokenSource();
        var shares = new List<double>();

        Assert.Throws<OperationCanceledException>(() =>
            CsvExport.Write(
                run,
                folder.Path,
                new Told(share =>
                {
                    shares.Add(share);
                    stop.Cancel();
                }),
                stop.Token
            )
        );

        Assert.Equal([0.4096], shares);
        Assert.Equal([file], Directory.EnumerateFileSystemEntries(folder.Path));
        Assert.Equal("earlier", File.ReadAllText(file));
    }

    private static CsvReader Open(string file) => Open(File.OpenRead(file));

    private static CsvReader Open(Stream stream)
    {
        var csv = CsvReader.Create(stream);
        csv.ReadHeader();
        return csv;
    }

    /// <summary>The same bits, or both not a number: text does not say which of the many.</summary>
    private static void SameBits(float expected, float actual)
    {
        if (float.IsNaN(expected))
            Assert.True(float.IsNaN(actual));
        else
            Assert.Equal(BitConverter.SingleToUInt32Bits(expected), BitConverter.SingleToUInt32Bits(actual));
    }

    private sealed class Told(Action<double> report) : IProgress<double>
    {
        public void Report(double value) => report(value);
    }
}
