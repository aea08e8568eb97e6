using BatchViz.Core.Engines;
namespace BatchViz.Recording.Tests;

public class ColumnLogTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Every_bucket_of_the_pyramid_is_what_its_records_say(int seed)
    {
        var random = new Random(seed);
        float[] values = [.. Enumerable.Range(0, 20_000).Select(_ => Logs.Value(random))];
        var log = new ColumnLog();
        for (int at = 0; at < values.Length;)
        {
            int size = Math.Min(random.Next(0, 700), values.Length - at);
            log.Append(values.AsSpan(at, size));
            at += size;
            Assert.Equal(at, log.Count);
        }
        for (int level = 0; level <= 7; level++)
        {
            int size = 1 << (2 * level);
            Assert.Equal(values.Length / size, log.CountAt(level));
            for (int i = 0; i < log.CountAt(level); i++)
                Assert.Equal(Logs.Brute(values.AsSpan(i * size, size)), log[level, i]);
        }
    }

    [Fact]
    public void Non_finite_values_are_counted_up_to_255_and_kept_out_of_the_extremes()
    {
        var log = new ColumnLog();
        log.Append([.. Enumerable.Repeat(float.NaN, 1020), 3, -2, float.PositiveInfinity, float.NegativeInfinity]);
        Assert.Equal(new Bucket(-2, 3, float.NegativeInfinity, 255), log[5, 0]);
        Assert.Equal(new Bucket(float.NaN, float.NaN, float.NaN, 64), log[3, 0]);
    }

    [Fact]
    public async Task A_reader_never_sees_a_torn_or_missing_bucket_below_the_count()
    {
        const int Total = 3_000_000;
        var log = new ColumnLog();
        using var begun = new ManualResetEventSlim();
        var writer = Task.Run(() =>
        {
            begun.Wait();
            var random = new Random(1);
            var chunk = new float[2048];
            for (int at = 0; at < Total;)
            {
                int size = Math.Min(random.Next(1, 2048), Total - at);
                for (int i = 0; i < size; i++) chunk[i] = at + i;
                log.Append(chunk.AsSpan(0, size));
                at += size;
            }
        });
        begun.Set();
        // Record i holds i, so bucket i of a level must hold [i·4ᴸ, (i+1)·4ᴸ − 1]; the newest ones are where a race would show.
        while (log.Count < Total && !writer.IsFaulted)
        {
            for (int level = 0; level <= 10; level++)
            {
                long size = 1L << (2 * level), count = log.CountAt(level);
                for (long i = Math.Max(0, count - 3); i < count; i++)
                    if (log[level, i] != new Bucket(i * size, (i + 1) * size - 1, (i + 1) * size - 1, 0)) Assert.Fail($"level {level}, bucket {i}: {log[level, i]}");
            }
        }
        await writer;
        Assert.Equal(Total, log.Count);
    }

    [Fact]
    public void A_list_keeps_its_elements_where_they_are_as_it_grows()
    {
        var list = new AppendOnly<int>();
        for (int i = 0; i < 100_000; i++)
        {
            list.Add(i);
            Assert.Equal((i + 1, i, i / 2), (list.Count, list[i], list[i / 2]));
        }
    }

    [Fact]
    public void A_run_log_keeps_columns_and_seconds_apart()
    {
        var log = Logs.New();
        Logs.Append(log, 4, (c, r) => 10 * c + r);
        Logs.Append(log, 0, (c, r) => 0);
        Assert.Equal((Logs.Seconds + 1, Logs.Seconds, 4), (log.ColumnCount, log.SecondsColumn, log.Count));
        for (int c = 0; c < Logs.Seconds; c++) Assert.Equal(new Bucket(10 * c, 10 * c + 3, 10 * c + 3, 0), log[c][1, 0]);
        Assert.Equal([1, 2, 3, 4], Enumerable.Range(0, 4).Select(r => log[log.SecondsColumn][0, r].Last));
    }

    /// <summary>However records come, one by one or in thousands, every column has every value and the buckets of its values.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(7)]
    public void A_run_log_has_the_buckets_of_every_column_however_records_come(int layers)
    {
        var random = new Random(layers);
        var log = new RunLog(new RecordLayout(layers));
        int width = log.Layout.Width;
        var all = new List<float[]>();
        while (all.Count < 9000)
        {
            int rows = random.Next(3) switch { 0 => 1 + random.Next(3), 1 => 1 + random.Next(70), _ => 1 + random.Next(3000) };
            var records = new float[rows * width];
            // Columns of ordinary numbers, some that are never finite, and large ones whose sum is no float.
            for (int i = 0; i < records.Length; i++)
                records[i] = (i % width) switch { 2 => float.NaN, 5 => 3e38f, _ => random.Next(40) == 0 ? Logs.Value(random) : (float)random.NextDouble() };
            for (int r = 0; r < rows; r++) all.Add(records[(r * width)..((r + 1) * width)]);
            log.Append(records, rows, 0, 1);
        }
        Assert.Equal(all.Count, log.Count);
        for (int c = 0; c < width; c++)
        {
            float[] values = [.. all.Select(row => row[c])];
            for (int i = 0; i < values.Length; i++) Assert.Equal(Bucket.Of(values[i]), log[c][0, i]);
            for (int level = 1; level < 7; level++)
            {
                int size = 1 << (2 * level);
                Assert.Equal(values.Length / size, log[c].CountAt(level));
                for (int i = 0; i < values.Length / size; i++) Assert.Equal(Logs.Brute(values.AsSpan(i * size, size)), log[c][level, i]);
            }
        }
    }

    [Theory]
    [InlineData(RunState.Waiting, false)]
    [InlineData(RunState.Running, false)]
    [InlineData(RunState.Finished, true)]
    [InlineData(RunState.Diverged, true)]
    [InlineData(RunState.Stopped, true)]
    [InlineData(RunState.Failed, true)]
    public void A_run_has_ended_in_each_of_its_last_states(RunState state, bool ended)
    {
        var log = Logs.New();
        log.Enter(state, "Because.");
        Assert.Equal((state, ended, "Because."), (log.State, log.Ended, log.Message));
    }
}
