using System.Buffers.Binary;
using BatchViz.Core.Engines;
using BatchViz.Recording.Storage;
using BatchViz.Recording.Tests.Export;
using BatchViz.Telemetry;

namespace BatchViz.Recording.Tests.Storage;

/// <summary>Logs name their columns; those of other builds are read by name.</summary>
public sealed class ColumnsTests
{
    private const string Log = "runs/b8-s1.log";

    [Fact]
    public void A_recording_that_began_without_a_column_is_read_and_gone_on_with_without_it()
    {
        using var now = new SmallRecording(new MemoryFiles()).Train(300).Finish();
        using var then = new SmallRecording(new MemoryFiles(), columns: []).Train(300).Finish();
        using var all = RecordingFolder.Open(now.Files, now.Manifest, now.Plan);
        // The caller's plan says nothing of columns: the file does.
        using var less = RecordingFolder.Open(then.Files, then.Manifest, now.Plan);

        Assert.Empty(less.Damages);
        Assert.Equal(all.Runs[0].Log.Layout.Width - RecordLayout.Later.Count, less.Runs[0].Log.Layout.Width);
        for (int r = 0; r < all.Runs.Count; r++)
        {
            var (a, b) = (all.Runs[r].Log, less.Runs[r].Log);
            Assert.Equal(a.Count, b.Count);
            Assert.Equal(ValuesOf(a).Select(row => row[..b.Layout.Width]), ValuesOf(b).Select(row => row[..b.Layout.Width]));
        }
        Assert.DoesNotContain(
            "gradientInfinityNorm",
            less.Plan.BundleOf([less.Plan.Runs[0]]).LayoutOf(2).Columns.Select(column => column.Name)
        );
    }

    [Fact]
    public void Columns_of_a_later_build_are_passed_over_and_those_that_are_missing_are_no_numbers()
    {
        using var recording = new SmallRecording(new MemoryFiles()).Train(300).Finish();
        using var before = RecordingFolder.Open(recording.Files, recording.Manifest, recording.Plan);
        var wanted = ValuesOf(before.Runs[0].Log);
        int width = before.Runs[0].Log.Layout.Width;
        // As a build that has dropped "updateRatio" and has two of its own, one of them in front, would have written it.
        int[] order = [-1, .. Enumerable.Range(0, width).Where(c => c != RecordLayout.UpdateRatio), -1];
        string[] names = [.. order.Select((c, i) => c < 0 ? $"ofALaterBuild{i}" : before.Runs[0].Log.Layout.Columns[c].Name)];
        using var files = Rewritten(recording, names, order, width);

        using var folder = RecordingFolder.Open(files, recording.Manifest, recording.Plan);

        Assert.Empty(folder.Damages);
        var log = folder.Runs[0].Log;
        Assert.Equal([RecordLayout.UpdateRatio], log.Missing);
        var given = ValuesOf(log);
        Assert.Equal(wanted.Count, given.Count);
        for (int r = 0; r < wanted.Count; r++)
        {
            for (int c = 0; c < width; c++)
                Assert.Equal(c == RecordLayout.UpdateRatio ? float.NaN : wanted[r][c], given[r][c]);
        }
    }

    [Fact]
    public void A_log_whose_columns_have_no_names_that_can_be_read_is_not_used()
    {
        using var recording = new SmallRecording(new MemoryFiles()).Train(100).Finish();
        string[] twice = [.. Enumerable.Repeat("loss", recording.Runs[0].Log.Layout.Width)];
        using var files = Rewritten(recording, twice, [.. Enumerable.Range(0, twice.Length)], twice.Length);

        using var folder = RecordingFolder.Open(files, recording.Manifest, recording.Plan);

        Assert.Contains(
            folder.Damages,
            damage => damage.File == Log && damage.Why.Contains("names of its columns", StringComparison.Ordinal)
        );
        Assert.Equal(0, folder.Runs[0].Log.Count);
    }

    /// <summary>All that a log has: of whole buckets minimum, maximum and last of each column, of what is behind them the rows.</summary>
    private static List<float[]> ValuesOf(RunLog log)
    {
        var values = new List<float[]>();
        long at = 0;
        int width = log.Layout.Width;
        var bucket = new Bucket[1];
        for (; at + RunLog.ChunkRows <= log.Count; at += RunLog.ChunkRows)
        {
            float[] least = new float[width],
                most = new float[width],
                last = new float[width];
            for (int c = 0; c < width; c++)
            {
                Assert.True(log.TryBuckets(RunLog.ChunkLevel, at / RunLog.ChunkRows, c, bucket));
                (least[c], most[c], last[c]) = (bucket[0].Min, bucket[0].Max, bucket[0].Last);
            }
            values.AddRange([least, most, last]);
        }
        var row = new float[log.Stride];
        for (; at < log.Count; at++)
        {
            Assert.True(log.TryRows(at, 1, row));
            values.Add(row[..width]);
        }
        return values;
    }

    /// <summary>The recording with its first run's log in other columns.</summary>
    /// <param name="order">For each column of the file the one of the log, −1: one that the log does not have.</param>
    private static MemoryFiles Rewritten(SmallRecording recording, string[] names, int[] order, int width)
    {
        var files = new MemoryFiles();
        foreach (string name in recording.Files.List("").Concat(recording.Files.List("runs").Select(name => $"runs/{name}")))
        {
            using var from = recording.Files.Read(name)!;
            using var to = files.Create(name);
            if (name != Log)
            {
                var bytes = new byte[from.Length];
                from.Read(0, bytes);
                to.Write(bytes);
                continue;
            }
            var scanner = new BlockScanner(from);
            while (scanner.Next())
            {
                byte[] payload = scanner.Payload.ToArray();
                if (scanner.Type == RunFile.Begin)
                    payload = RunLogHeader.ToBytes(names, 0, new FileIdentity(recording.Manifest.Id, ["b8-s1"]));
                int rows = scanner.Type is RunFile.Records or RunFile.Buckets
                    ? BinaryPrimitives.ReadInt32LittleEndian(payload.AsSpan(8))
                    : 0;
                if (scanner.Type == RunFile.Records)
                    payload = [.. payload[..16], .. Enumerable.Range(0, rows).SelectMany(r => Reordered(payload, 16 + 4 * width * r, 4))];
                if (scanner.Type == RunFile.Buckets)
                    payload =
                    [
                        .. payload[..16],
                        .. Enumerable
                            .Range(0, rows)
                            .Select(bucket => 16 + bucket * Padded(13 * width))
                            .SelectMany(start =>
                                Enumerable
                                    .Range(0, 3)
                                    .SelectMany(part => Reordered(payload, start + 4 * width * part, 4))
                                    .Concat(Reordered(payload, start + 12 * width, 1))
                                    .Concat(new byte[Padded(13 * order.Length) - 13 * order.Length])
                            ),
                    ];
                to.Write(LogBlock.Whole(scanner.Type, (uint)(scanner.Blocks - 1), payload));
            }
        }
        return files;

        IEnumerable<byte> Reordered(byte[] from, int at, int size) =>
            order.SelectMany(c => c < 0 ? new byte[size] : from.AsSpan(at + c * size, size).ToArray());

        static int Padded(int bytes) => (bytes + 3) / 4 * 4;
    }
}
