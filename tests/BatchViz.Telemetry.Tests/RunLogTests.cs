using BatchViz.Core.Engines;

namespace BatchViz.Telemetry.Tests;

public class RunLogTests
{
    [Fact]
    public void Non_finite_values_are_counted_up_to_255_and_kept_out_of_the_extremes()
    {
        var log = Logs.New();
        float[] values = [.. Enumerable.Repeat(float.NaN, 1020), 3, -2, float.PositiveInfinity, float.NegativeInfinity];
        Logs.Append(log, values.Length, (c, r) => values[r]);
        Assert.Equal(new Bucket(-2, 3, float.NegativeInfinity, 255), Logs.At(log, 0, 5, 0));
        Assert.Equal(new Bucket(float.NaN, float.NaN, float.NaN, 64), Logs.At(log, 0, 3, 0));
        Assert.Equal(new Bucket(float.NaN, float.NaN, float.NaN, 255), Logs.At(log, 0, 4, 2));
    }

    [Fact]
    public async Task A_reader_never_sees_a_torn_record_or_a_missing_bucket_below_the_count()
    {
        const int Total = 2_000_000;
        var log = Logs.New();
        int width = log.Layout.Width,
            seen = 0;
        using var begun = new ManualResetEventSlim();
        var writer = Task.Run(() =>
        {
            begun.Wait();
            var random = new Random(1);
            var chunk = new float[2048 * width];
            for (int at = 0; at < Total; )
            {
                int size = Math.Min(random.Next(1, 2048), Total - at);
                for (int i = 0; i < size * width; i++)
                    chunk[i] = at + i / width;
                log.Append(chunk, size, 0, 1);
                at += size;
            }
        });
        begun.Set();
        // Record i holds i, so bucket i of a level must hold [i·4ᴸ, (i+1)·4ᴸ − 1]; the newest ones are where a race would show, and
        // among records those that are about to be overwritten.
        var rows = new float[64 * log.Stride];
        var bucket = new Bucket[1];
        while (log.Count < Total && !writer.IsFaulted)
        {
            for (int level = RunLog.ChunkLevel; level <= 10; level++)
            {
                long size = 1L << (2 * level),
                    count = log.Count >> (2 * level);
                for (long i = Math.Max(0, count - 3); i < count; i++)
                    if (
                        !log.TryBuckets(level, i, 5, bucket)
                        || bucket[0] != new Bucket(i * size, (i + 1) * size - 1, (i + 1) * size - 1, 0)
                    )
                        Assert.Fail($"level {level}, bucket {i}: {bucket[0]}");
            }
            long first = Math.Max(0, log.Count - RunLog.RingChunks * RunLog.ChunkRows + Random.Shared.Next(4096) - 1024);
            if (first + 64 > log.Count || !log.TryRows(first, 64, rows))
                continue;
            seen++;
            for (int r = 0; r < 64; r++)
            for (int c = 0; c < width; c++)
                if (rows[r * log.Stride + c] != first + r)
                    Assert.Fail($"record {first + r}, column {c}: {rows[r * log.Stride + c]}");
        }
        await writer;
        Assert.Equal(Total, log.Count);
        Assert.True(seen > 10, $"only {seen} times records were there to be read");
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
        for (int c = 0; c < Logs.Seconds; c++)
            Assert.Equal(new Bucket(10 * c, 10 * c + 3, 10 * c + 3, 0), Logs.At(log, c, 1, 0));
        Assert.Equal([1, 2, 3, 4], Enumerable.Range(0, 4).Select(r => Logs.At(log, log.SecondsColumn, 0, r)!.Value.Last));
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
        var log = new RunLog(Logs.Layout(layers));
        int width = log.Layout.Width;
        var all = new List<float[]>();
        while (all.Count < 9000)
        {
            int rows = random.Next(3) switch
            {
                0 => 1 + random.Next(3),
                1 => 1 + random.Next(70),
                _ => 1 + random.Next(3000),
            };
            var records = new float[rows * width];
            // Columns of ordinary numbers, some that are never finite, and large ones whose sum is no float.
            for (int i = 0; i < records.Length; i++)
                records[i] = (i % width) switch
                {
                    2 => float.NaN,
                    5 => 3e38f,
                    _ => random.Next(40) == 0 ? Logs.Value(random) : (float)random.NextDouble(),
                };
            for (int r = 0; r < rows; r++)
                all.Add(records[(r * width)..((r + 1) * width)]);
            log.Append(records, rows, 0, 1);
        }
        Assert.Equal(all.Count, log.Count);
        for (int c = 0; c < width; c++)
        {
            float[] values = [.. all.Select(row => row[c])];
            for (int i = 0; i < values.Length; i++)
                Assert.Equal(Bucket.Of(values[i]), Logs.At(log, c, 0, i));
            for (int level = 1; level < 7; level++)
            {
                int size = 1 << (2 * level);
                for (int i = 0; i < values.Length / size; i++)
                    Assert.Equal(Logs.Brute(values.AsSpan(i * size, size)), Logs.At(log, c, level, i));
            }
        }
    }

    [Fact]
    public void Older_records_are_gone_from_memory_and_their_buckets_are_not()
    {
        var log = Logs.New();
        int ring = RunLog.RingChunks * RunLog.ChunkRows;
        Logs.Append(log, ring + 1, (c, r) => r);
        Assert.Null(Logs.At(log, 0, 0, 0));
        Assert.NotNull(Logs.At(log, 0, 0, 256));
        Assert.Equal(new Bucket(0, 255, 255, 0), Logs.At(log, 0, 4, 0));
        Assert.Equal((ring, ring), (log.Newest(0), Logs.At(log, 0, 0, ring)!.Value.Last));
    }

    [Fact]
    public void Where_only_coarse_buckets_are_kept_finer_ones_are_let_go_and_memory_stays_small()
    {
        var layout = Logs.Layout(1);
        var log = new RunLog(layout, DetailPlan.For(layout.Width, 1, 1, 100, 0, total: 4_000_000, logBytes: 100_000));
        int kept = log.Plan.LevelAt(0);
        Assert.True(kept > RunLog.ChunkLevel + 1, $"level {kept}");
        var block = new float[4096 * layout.Width];
        for (int i = 0; i < 800; i++)
        {
            Array.Fill(block, i);
            log.Append(block, 4096, i, i + 1);
        }
        long coarse = 1L << (2 * kept);
        for (long i = 0; i < log.Count / coarse; i++)
        {
            var (from, to) = (i * coarse / 4096, ((i + 1) * coarse - 1) / 4096);
            Assert.Equal(new Bucket(from, to, to, 0), Logs.At(log, 0, kept, i));
        }
        Assert.Null(Logs.At(log, 0, RunLog.ChunkLevel, 0));
        // Its newest records, the window of finer buckets and what is kept.
        Assert.InRange(log.Bytes, 1, 8 << 20);
    }

    /// <summary>
    /// A tiny net's records come too fast to be kept all, and need not be: a replay gives them again. Where it does not, they are kept as
    /// long as the budget lasts.
    /// </summary>
    [Fact]
    public void Records_that_do_not_come_again_are_kept_however_fast_they_come()
    {
        int columns = Logs.Layout(2).Width;
        Assert.True(DetailPlan.For(columns, 500, 500, 33, 0, total: 100_000, logBytes: 1 << 30).LevelAt(0) > 0);
        Assert.Equal(0, DetailPlan.For(columns, 500, 500, 33, 0, total: 100_000, logBytes: 1 << 30, exact: false).LevelAt(0));
        Assert.True(DetailPlan.For(columns, 500, 500, 33, 0, total: 100_000, logBytes: 100_000, exact: false).LevelAt(0) > 0);
    }

    [Fact]
    public void A_fork_has_its_parents_records_until_it_leaves_and_its_own_after()
    {
        var parent = Logs.New();
        Logs.Append(parent, 5000, (c, r) => r);
        var fork = new RunLog(parent.Layout, DetailPlan.Everything(100), parent, update: 1234);
        Assert.Equal((1024L, 1024L), (fork.First, fork.Count));
        Logs.Append(fork, 210, (c, r) => r);
        Logs.Append(fork, 4000, (c, r) => -r);
        float[] expected = [.. Enumerable.Range(0, 1234).Select(r => (float)r), .. Enumerable.Range(1234, 4000).Select(r => -(float)r)];
        for (int level = 0; level <= 6; level++)
        {
            int size = 1 << (2 * level);
            for (int i = 0; i < expected.Length / size; i++)
                Assert.Equal(Logs.Brute(expected.AsSpan(i * size, size)), Logs.At(fork, 0, level, i));
        }
        Assert.Equal(5000, parent.Count);
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
