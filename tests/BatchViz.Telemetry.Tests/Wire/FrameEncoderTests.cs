using BatchViz.Telemetry.Wire;

namespace BatchViz.Telemetry.Tests.Wire;

public class FrameEncoderTests
{
    private static readonly int[] Live = [0, 1, 6];

    private static readonly FrameState State = new(
        Held: false,
        Finished: false,
        Generation: 7,
        Revision: 2,
        Plane: 1,
        Grid: 4,
        Resolution: 33,
        Viewers: 12,
        Seconds: 1.5
    );

    [Fact]
    public void Any_sequence_of_frames_tells_the_whole_log()
    {
        var random = new Random(1);
        FrameRun[] runs = [NewRun(), NewRun(), NewRun()];
        var encoder = new FrameEncoder(Live);
        var viewer = new Viewer(runs);
        for (int tick = 0; tick < 300; tick++)
        {
            foreach (var run in runs)
            {
                if (run.Log.Ended || random.Next(3) == 0)
                    continue;
                if (run.Log.State == RunState.Waiting)
                    run.Log.Enter(RunState.Running);
                Logs.Append(run.Log, random.Next(1 << random.Next(1, 13)), (c, r) => Logs.Value(random));
                if (random.Next(4) == 0)
                    run.Log.Evaluations.Add(new EvaluationPoint((uint)run.Log.Count, 1, float.NaN, 0.5f, 2));
                if (random.Next(4) == 0)
                    run.Path.Add(new PathPoint((uint)run.Log.Count, 1, 2, 3, 4));
                if (tick > 200 && random.Next(20) == 0)
                    run.Log.Enter(RunState.Finished);
            }
            var frame = Decoder.Frame(encoder.Next(State, runs));
            Assert.Equal((uint)tick + 1, frame.Sequence);
            viewer.Take(frame);
            viewer.AssertHasAll(near: 256);
        }
        foreach (var run in runs)
            run.Log.Enter(RunState.Finished);
        viewer.Take(Decoder.Frame(encoder.Next(State, runs)));
        viewer.AssertHasAll();
    }

    [Fact]
    public void The_header_says_how_things_stand()
    {
        var frame = Decoder.Frame(new FrameEncoder(Live).Next(State with { Held = true, Finished = true, Viewers = 70_000 }, []));
        Assert.Equal(
            (true, true, 1u, 7u, 2u, 1u, 4u, 33, 65535, 1.5),
            (
                frame.Held,
                frame.Finished,
                frame.Sequence,
                frame.Generation,
                frame.Revision,
                frame.Plane,
                frame.Grid,
                frame.Resolution,
                frame.Watching,
                frame.Seconds
            )
        );
        Assert.Equal(Live, frame.Columns);
        Assert.Empty(frame.Runs);
    }

    [Fact]
    public void A_run_without_news_is_left_out_and_a_new_state_is_news()
    {
        FrameRun[] runs = [NewRun(), NewRun()];
        var encoder = new FrameEncoder(Live);
        Assert.False(encoder.HasNews(State, runs));
        Logs.Append(runs[1].Log, 3, (c, r) => r);
        Assert.True(encoder.HasNews(State, runs));
        Assert.Equal([1], Decoder.Frame(encoder.Next(State, runs)).Runs.Select(r => r.Run));
        Assert.Empty(Decoder.Frame(encoder.Next(State, runs)).Runs);
        runs[0].Log.Enter(RunState.Diverged);
        var run = Assert.Single(Decoder.Frame(encoder.Next(State, runs)).Runs);
        Assert.Equal((0, RunState.Diverged, 0L, 0L), (run.Run, run.State, run.From, run.To));
        Assert.Empty(Decoder.Frame(encoder.Next(State, runs)).Runs);
    }

    [Fact]
    public void Paths_begin_anew_with_another_plane()
    {
        FrameRun[] runs = [NewRun()];
        var encoder = new FrameEncoder(Live);
        foreach (uint u in new uint[] { 0, 10 })
            runs[0].Path.Add(new PathPoint(u, 1, 2, 3, 4));
        Assert.Equal(2, Decoder.Frame(encoder.Next(State, runs)).Runs[0].Points.Length);
        runs[0] = runs[0] with { Path = new AppendOnly<PathPoint>() };
        runs[0].Path.Add(new PathPoint(0, 9, 9, 9, 9));
        var frame = Decoder.Frame(encoder.Next(State with { Plane = 2 }, runs));
        Assert.Equal((2u, 0u, 9f), (frame.Plane, frame.Runs[0].FirstPoint, frame.Runs[0].Points[0].A));
    }

    [Fact]
    public void A_frame_holds_at_most_1024_points_and_the_next_one_goes_on()
    {
        FrameRun[] runs = [NewRun()];
        var encoder = new FrameEncoder(Live);
        for (uint i = 0; i < 1500; i++)
            runs[0].Path.Add(new PathPoint(i, 0, 0, 0, 0));
        Assert.Equal(1024, Decoder.Frame(encoder.Next(State, runs)).Runs[0].Points.Length);
        var rest = Decoder.Frame(encoder.Next(State, runs)).Runs[0];
        Assert.Equal((1024u, 476, 1499u), (rest.FirstPoint, rest.Points.Length, rest.Points[^1].Update));
    }

    [Fact]
    public void Heads_tell_where_every_run_stood_at_the_last_frame()
    {
        FrameRun[] runs = [NewRun(), NewRun()];
        var encoder = new FrameEncoder(Live);
        Logs.Append(runs[1].Log, 300, (c, r) => r);
        runs[1].Log.Enter(RunState.Running);
        runs[1].Path.Add(new PathPoint(0, 1, 2, 3, 4));
        encoder.Next(State, runs);
        Logs.Append(runs[1].Log, 50, (c, r) => r);
        var frame = Decoder.Frame(encoder.Heads(State, runs));
        Assert.Equal(1u, frame.Sequence);
        Assert.Equal(
            [(0, RunState.Waiting, 0L, 0L, 0u), (1, RunState.Running, 300L, 300L, 1u)],
            frame.Runs.Select(r => (r.Run, r.State, r.From, r.To, r.FirstPoint))
        );
        Assert.All(frame.Runs, r => Assert.Equal((0, 0, 0), (r.Segments.Length, r.Evaluations.Length, r.Points.Length)));
        Assert.Equal((300L, 350L), (Decoder.Frame(encoder.Next(State, runs)).Runs[0].From, runs[1].Log.Count));
    }

    [Fact]
    public void Heads_of_a_new_plane_promise_no_points_of_the_old_one()
    {
        FrameRun[] runs = [NewRun()];
        var encoder = new FrameEncoder(Live);
        runs[0].Path.Add(new PathPoint(0, 1, 2, 3, 4));
        encoder.Next(State, runs);
        runs[0] = runs[0] with { Path = new AppendOnly<PathPoint>() };
        Assert.Equal(0u, Decoder.Frame(encoder.Heads(State with { Plane = 2 }, runs)).Runs[0].FirstPoint);
    }

    [Fact]
    public async Task Frames_are_whole_while_lanes_append()
    {
        FrameRun[] runs = [.. Enumerable.Range(0, 4).Select(_ => NewRun())];
        using var stop = new CancellationTokenSource();
        var lanes = runs.Select(
                (run, i) =>
                    Task.Run(() =>
                    {
                        run.Log.Enter(RunState.Running);
                        while (!stop.IsCancellationRequested && run.Log.Count < 2_000_000)
                        {
                            Logs.Append(run.Log, 1 + i * 7, (c, r) => c * 0.5f + r % 1000);
                            run.Log.Evaluations.Add(new EvaluationPoint((uint)run.Log.Count, 0, 0, 0, 0));
                            run.Path.Add(new PathPoint((uint)run.Log.Count, 0, 0, 0, 0));
                            Thread.SpinWait(50);
                        }
                        run.Log.Enter(RunState.Stopped, "Enough.");
                    })
            )
            .ToArray();
        var encoder = new FrameEncoder(Live);
        var viewer = new Viewer(runs);
        for (int tick = 0; tick < 400; tick++)
            viewer.Take(Decoder.Frame(encoder.Next(State, runs)));
        stop.Cancel();
        await Task.WhenAll(lanes);
        while (encoder.HasNews(State, runs))
            viewer.Take(Decoder.Frame(encoder.Next(State, runs)));
        viewer.AssertHasAll();
    }

    private static FrameRun NewRun() => new(Logs.New(), new AppendOnly<PathPoint>());

    /// <summary>Keeps what frames tell, and compares every bucket with the log itself.</summary>
    private sealed class Viewer(FrameRun[] runs)
    {
        private readonly long[] records = new long[runs.Length],
            evaluations = new long[runs.Length],
            points = new long[runs.Length];
        private readonly RunState[] states = new RunState[runs.Length];

        public void Take(FrameBlock frame)
        {
            Assert.Equal(frame.Runs.Select(r => r.Run).Distinct(), frame.Runs.Select(r => r.Run));
            foreach (var told in frame.Runs)
            {
                var run = runs[told.Run];
                Assert.Equal((evaluations[told.Run], points[told.Run]), (told.FirstEvaluation, told.FirstPoint));
                // A frame continues the one before, or tells its last buckets once more, whole.
                Assert.True(
                    told.From == records[told.Run] || (told.From < records[told.Run] && told.From % RunLog.ChunkRows == 0),
                    $"from {told.From}, known until {records[told.Run]}"
                );
                Assert.True(told.To >= records[told.Run]);
                Assert.InRange(told.Segments.Sum(s => s.Count), 0, 64);
                foreach (var segment in told.Segments)
                    for (int c = 0; c < Live.Length; c++)
                    for (int i = 0; i < segment.Count; i++)
                        if (Logs.At(run.Log, Live[c], segment.Level, segment.First + i) is { } bucket && segment.Columns[c][i] != bucket)
                            Assert.Fail($"run {told.Run}, column {Live[c]}, level {segment.Level}, bucket {segment.First + i}");
                for (int i = 0; i < told.Evaluations.Length; i++)
                    Assert.Equal(run.Log.Evaluations[told.FirstEvaluation + i].Update, told.Evaluations[i].Update);
                for (int i = 0; i < told.Points.Length; i++)
                    Assert.Equal(run.Path[told.FirstPoint + i].Update, told.Points[i].Update);
                (records[told.Run], states[told.Run]) = (told.To, told.State);
                evaluations[told.Run] += told.Evaluations.Length;
                points[told.Run] += told.Points.Length;
            }
        }

        /// <param name="near">While a run goes on, fewer of its newest records than this may be left to the next frame.</param>
        public void AssertHasAll(int near = 0)
        {
            for (int r = 0; r < runs.Length; r++)
            {
                long lacking = runs[r].Log.Count - records[r];
                Assert.InRange(lacking, 0, near);
                Assert.Equal(
                    (records[r] + lacking, runs[r].Log.Evaluations.Count, runs[r].Path.Count, runs[r].Log.State),
                    (runs[r].Log.Count, evaluations[r], points[r], states[r])
                );
            }
        }
    }
}
