using System.Buffers.Binary;
using System.Text;
using BatchViz.Core.Engines;
using BatchViz.Recording.Export;

namespace BatchViz.Recording.Tests.Export;

/// <summary>
/// Events are decoded by Google's protobuf (see <see cref="Event"/>); frames are checked here, as TensorFlow documents them.
/// </summary>
public class TensorBoardExportTests
{
    [Fact]
    public void Every_record_and_evaluation_of_a_short_run_is_an_event()
    {
        foreach (var run in new[] { Runs.Moons(1000), Runs.Diverging() })
        {
            var scalars = Scalars(Export(run));

            for (int c = 0; c < run.Layout.Width; c++)
            {
                var points = scalars[run.Layout.Columns[c].Name];
                // A run that diverged took no step from its last record.
                Assert.Equal(run.Layout.Columns[c].OfStep ? run.UpdatesMade : run.Count, points.Count);
                for (int i = 0; i < points.Count; i++)
                    Assert.Equal((i + 1, (double)RecordedRun.SecondsAfter(i + 1), run.Record(i)[c]), points[i]);
            }
            Assert.Equal(run.Evaluations.Select(p => ((long)p.Update, (double)p.LaneSeconds, p.Loss)), scalars["evaluation/loss"]);
            Assert.Equal(run.Evaluations.Select(p => ((long)p.Update, (double)p.LaneSeconds, p.TestLoss)), scalars["test/loss"]);
        }
    }

    [Fact]
    public void A_measure_that_no_evaluation_has_gets_no_tag()
    {
        Assert.Contains("test/accuracy", Scalars(Export(Runs.Moons(10))));
        Assert.DoesNotContain("test/accuracy", Scalars(Export(Runs.Diverging())));
    }

    [Fact]
    public void A_long_run_gives_ten_thousand_of_its_records_and_all_evaluations()
    {
        var run = Runs.Moons(30_011);

        var events = Export(run);

        var scalars = Scalars(events);
        var losses = scalars["loss"];
        Assert.Equal(TensorBoardExport.MaxPoints, losses.Count);
        Assert.Equal((1, run.Count), (losses[0].Step, losses[^1].Step));
        Assert.All(losses, point => Assert.Equal(run.Record(point.Step - 1)[RecordLayout.Loss], point.Value));
        Assert.All(losses.Zip(losses.Skip(1)), pair => Assert.InRange(pair.Second.Step - pair.First.Step, 3, 4));
        Assert.Equal(run.Evaluations.Count, scalars["evaluation/loss"].Count);
        Assert.Equal(events.Select(e => e.Step).Order(), events.Select(e => e.Step));
    }

    [Fact]
    public void A_run_without_records_is_a_file_that_only_says_its_version() =>
        Assert.Equal("brain.Event:2", Assert.Single(Export(Runs.Moons(2) with { Records = [], Evaluations = [] })).FileVersion);

    /// <summary>The check value of CRC-32C in RFC 3720's tradition, so that the test's own sum is right.</summary>
    [Fact]
    public void The_sum_that_checks_is_CRC_32C() => Assert.Equal(0xE3069283, Crc32C(Encoding.ASCII.GetBytes("123456789")));

    private static List<Event> Export(IRecordSource run)
    {
        using var folder = new ExportFolder();
        string file = TensorBoardExport.Write(run, folder.Path);
        Assert.Equal(Path.Combine(folder.Path, run.Plan.Id), Path.GetDirectoryName(file));
        Assert.StartsWith("events.out.tfevents.", Path.GetFileName(file));
        var events = Frames(File.ReadAllBytes(file)).Select(frame => Event.Parse(frame)).ToList();
        Assert.Equal("brain.Event:2", events[0].FileVersion);
        return events;
    }

    private static Dictionary<string, List<(long Step, double WallTime, float Value)>> Scalars(List<Event> events)
    {
        var scalars = new Dictionary<string, List<(long, double, float)>>();
        foreach (var e in events.Skip(1))
        {
            Assert.Null(e.FileVersion);
            foreach (var (tag, value) in e.Values)
            {
                if (!scalars.TryGetValue(tag, out var points))
                    scalars[tag] = points = [];
                points.Add((e.Step, e.WallTime, value));
            }
        }
        return scalars;
    }

    /// <summary>TFRecord: uint64 length, uint32 masked CRC of the length, bytes, uint32 masked CRC of the bytes; little-endian.</summary>
    private static IEnumerable<byte[]> Frames(byte[] file)
    {
        for (int at = 0; at < file.Length; )
        {
            int length = checked((int)BinaryPrimitives.ReadUInt64LittleEndian(file.AsSpan(at)));
            byte[] content = file[(at + 12)..(at + 12 + length)];
            Assert.Equal(Masked(file.AsSpan(at, 8)), BinaryPrimitives.ReadUInt32LittleEndian(file.AsSpan(at + 8)));
            Assert.Equal(Masked(content), BinaryPrimitives.ReadUInt32LittleEndian(file.AsSpan(at + 12 + length)));
            at += 16 + length;
            yield return content;
        }
    }

    private static uint Masked(ReadOnlySpan<byte> bytes)
    {
        uint crc = Crc32C(bytes);
        return ((crc >> 15) | (crc << 17)) + 0xA282EAD8;
    }

    /// <summary>Bit by bit, from the polynomial (Castagnoli, reflected).</summary>
    private static uint Crc32C(ReadOnlySpan<byte> bytes)
    {
        uint crc = 0xFFFFFFFF;
        foreach (byte b in bytes)
        {
            crc ^= b;
            for (int bit = 0; bit < 8; bit++)
                crc = (crc & 1) != 0 ? (crc >> 1) ^ 0x82F63B78 : crc >> 1;
        }
        return ~crc;
    }
}
