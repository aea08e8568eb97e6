using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using BatchViz.Engine.Cpu;
using BatchViz.Telemetry;

namespace BatchViz.Training.Tests;

public class ExperimentTests
{
    /// <summary>
    /// What compiling for the first time costs is not taken out of one batch size's seconds; and warming up leaves no trace in the numbers.
    /// </summary>
    [Fact]
    public async Task A_budget_in_seconds_begins_when_the_lane_is_warm()
    {
        string spec = Labs.Moons[..Labs.Moons.IndexOf("\"budget\"", StringComparison.Ordinal)] + "\"budget\": { \"seconds\": 0.1 } }";
        bool cold = true;
        using var experiment = await Labs.Run(
            spec,
            engine: new TroubledEngine(
                32,
                _ =>
                {
                    double until = LaneClock.Seconds + 0.2;
                    while (cold && LaneClock.Seconds < until) { }
                    cold = false;
                }
            )
        );
        var slow = experiment.Runs.First(run => run.Plan.BatchSize == 32);
        Assert.InRange(slow.Log.SecondsAt(0), 0, 0.1);
        Assert.True(slow.Log.Count > 1);
        using var engine = new CpuEngine();
        using var data = engine.Load(experiment.Plan.Data);
        using var bundle = engine.CreateBundle(data, experiment.Plan.BundleOf([slow.Plan]));
        int updates = (int)slow.Log.Count;
        bundle.Advance(updates, new RecordBlock(1, updates, bundle.Layout.Width));
        using var weights = bundle.Snapshot(0);
        var canonical = new float[weights.Count];
        weights.CopyTo(canonical);
        byte[] bytes = System.Runtime.InteropServices.MemoryMarshal.AsBytes<float>(canonical).ToArray();
        Assert.Equal(Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(bytes)), slow.Result!.WeightsSha256);
    }

    /// <summary>Three runs of one lane, of which the second ends after 10 of 30 updates.</summary>
    [Fact]
    public void A_runs_own_seconds_are_its_part_of_the_lanes()
    {
        RunLog[] logs =
        [
            .. new[] { 30, 10, 30 }.Select(count =>
            {
                var log = new RunLog(new RecordLayout(1, recorded: []));
                log.Append(new float[log.Layout.Width * count], count, 0, count);
                return log;
            }),
        ];
        Assert.Equal(10 / 3.0 + 20 / 2.0, LaneShare.Of(logs[0], logs), 1e-4);
        Assert.Equal(10 / 3.0, LaneShare.Of(logs[1], logs), 1e-4);
        Assert.Equal(30, logs.Sum(log => LaneShare.Of(log, logs)), 1e-3);
        Assert.Equal(30, LaneShare.Of(logs[2], [logs[2]]), 1e-4);
    }

    [Fact]
    public async Task An_experiment_trains_and_tells_its_figures()
    {
        using var experiment = await Labs.Run(Labs.Moons);
        Assert.Equal(ExperimentState.Finished, experiment.State);
        foreach (var run in experiment.Runs)
        {
            var result = run.Result!;
            Assert.Equal((run.Plan.TotalUpdates, run.Log.Count, run.Plan.Id), (result.Updates, result.Updates, result.Id));
            Assert.Equal(6, result.Epochs, 6);
            Assert.Equal(64, result.WeightsSha256.Length);
            Assert.False(result.Diverged);
            Assert.InRange(result.TestAccuracy, 0.5, 1);
            // The first evaluation is before any update, the last after all.
            Assert.Equal(
                (0u, (uint)result.Updates),
                (run.Log.Evaluations[0].Update, run.Log.Evaluations[run.Log.Evaluations.Count - 1].Update)
            );
            Assert.True(result.TrainLoss < run.Log.Evaluations[0].Loss);
            Assert.InRange(run.Log.Evaluations.Count, 2, 80);
        }
    }

    /// <summary>203 examples: of 8, 26 updates an epoch for two epochs, then 13 of 16, then 7 of 32.</summary>
    [Theory]
    [InlineData("epochs", "6", 2 * 26 + 2 * 13 + 2 * 7)]
    [InlineData("examples", "812", 2 * 26 + 2 * 13)]
    [InlineData("updates", "60", 60)]
    public async Task Batches_that_grow_and_rates_that_change_are_recorded_as_they_are(string budget, string amount, long updates)
    {
        string text = Labs
            .Moons.Replace("[1, 8, 32, \"full\"]", "[8, 203]")
            .Replace("\"epochs\": 6", $"\"{budget}\": {amount}")
            .Replace(
                "\"seeds\"",
                "\"batchSchedule\": { \"everyEpochs\": 2 }, \"schedule\": { \"kind\": \"cosine\" }, \"microBatch\": 10, \"seeds\""
            );
        using var experiment = await Labs.Run(text);
        var run = experiment.Runs[0];
        Assert.Equal((ExperimentState.Finished, updates, updates), (experiment.State, run.Log.Count, run.Result!.Updates));
        Assert.Equal(run.Plan.Progress.EpochsAfter(updates), run.Result.Epochs);
        var rates = experiment.Plan.BundleOf([run.Plan]).LearningRatesOver(run.Plan.Progress);
        for (int u = 1; u <= updates; u++)
        {
            int size = u <= 52 ? 8
                : u <= 78 ? 16
                : 32,
                perEpoch = (203 + size - 1) / size,
                within =
                    (
                        u
                        - 1
                        - (
                            u <= 52 ? 0
                            : u <= 78 ? 52
                            : 78
                        )
                    ) % perEpoch;
            Assert.Equal(Math.Min(size, 203 - within * size), Labs.Record(run, u - 1)[Core.Engines.RecordLayout.BatchSize]);
            Assert.Equal((float)rates.At(u), Labs.Record(run, u - 1)[Core.Engines.RecordLayout.LearningRate]);
        }
        // The cosine ends with the run: its last update has almost no rate left.
        Assert.InRange(rates.At(updates), 1e-9, 0.005);
    }

    [Fact]
    public async Task Step_makes_exactly_one_more_update_of_each_run()
    {
        using var experiment = Labs.New(Labs.Moons, new() { Held = true, LanesAtOnce = 2 });
        experiment.Start();
        for (int step = 1; step <= 5; step++)
        {
            experiment.StepOnce();
            await Labs.Until(() => Labs.Counts(experiment).All(c => c >= step), $"step {step}");
            await Task.Delay(20);
            Assert.All(Labs.Counts(experiment), c => Assert.Equal(step, c));
        }
        Assert.Equal(ExperimentState.Held, experiment.State);
    }

    [Fact]
    public async Task Step_does_nothing_while_training_goes_on()
    {
        using var experiment = Labs.New(Labs.Moons, new() { Held = true });
        experiment.Continue();
        experiment.StepOnce();
        experiment.Hold();
        experiment.Start();
        await Task.Delay(100);
        Assert.All(Labs.Counts(experiment), c => Assert.Equal(0, c));
    }

    [Fact]
    public async Task Hold_stops_and_continue_goes_on()
    {
        using var experiment = Labs.New(Labs.MoonsWithoutEnd, new() { Landscape = false });
        experiment.Start();
        for (int i = 0; i < 3; i++)
        {
            var before = Labs.Counts(experiment);
            await Labs.Until(() => Labs.Counts(experiment).Zip(before).All(p => p.First > p.Second), "every run goes on");
            experiment.Hold();
            Assert.True(experiment.Held);
            await Labs.Until(() => experiment.Still, "the updates under way are made");
            var held = Labs.Counts(experiment);
            await Task.Delay(150);
            Assert.Equal(held, Labs.Counts(experiment));
            experiment.Continue();
        }
        Assert.Equal(ExperimentState.Running, experiment.State);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Stop_ends_all_runs_where_they_are(bool held)
    {
        using var experiment = Labs.New(Labs.MoonsWithoutEnd, new() { Held = held });
        experiment.Start();
        experiment.StepOnce();
        await Labs.Until(() => Labs.Counts(experiment).All(c => c > 0), "a first update");
        experiment.Stop();
        await Labs.Ended(experiment);
        Assert.Equal(ExperimentState.Stopped, experiment.State);
        foreach (var run in experiment.Runs)
        {
            Assert.Equal((RunState.Stopped, $"Stopped after update {run.Log.Count:#,0}."), (run.Log.State, run.Log.Message));
            Assert.Equal(run.Log.Count, run.Result!.Updates);
            AssertMarksAscend(run);
        }
    }

    [Fact]
    public async Task A_budget_in_seconds_is_logged_as_stopped_after_an_update()
    {
        using var experiment = await Labs.Run(Labs.Moons.Replace("\"epochs\": 6", "\"seconds\": 0.05"));
        foreach (var run in experiment.Runs)
        {
            Assert.Equal(
                (RunState.Stopped, $"Stopped after update {run.Log.Count:#,0}, when its 0.05 lane seconds were spent."),
                (run.Log.State, run.Log.Message)
            );
            Assert.True(run.Result!.Seconds >= 0.05);
            AssertMarksAscend(run);
        }
    }

    [Fact]
    public async Task One_run_that_diverges_leaves_its_siblings_going()
    {
        using var experiment = await Labs.Run(Labs.Diverging);
        var lost = experiment.Runs[1];
        Assert.Equal((RunState.Diverged, true), (lost.Log.State, lost.Result!.Diverged));
        Assert.InRange(lost.Log.Count, 2, 299);
        Assert.Equal($"Diverged at update {lost.Log.Count}: its loss or gradient is not a finite number.", lost.Log.Message);
        foreach (var run in new[] { experiment.Runs[0], experiment.Runs[2] })
        {
            Assert.Equal((RunState.Finished, 300L), (run.Log.State, run.Log.Count));
            Assert.True(run.Result!.TrainLoss < 0.2);
        }
        Assert.Equal(ExperimentState.Finished, experiment.State);
    }

    public static TheoryData<OutOfMemoryException, string> NoMemory =>
        new()
        {
            { new OutOfMemoryException(), "Memory ran out at batch size 32; the other runs go on." },
            { new MemoryExhaustedException(32, 0), "Memory ran out at batch size 32; the other runs go on." },
            {
                new MemoryExhaustedException(32, 2_147_483_648),
                "Memory ran out at batch size 32, when 2,147 MB more were asked for; the other runs go on."
            },
        };

    [Theory, MemberData(nameof(NoMemory))]
    public async Task Memory_that_runs_out_fails_one_batch_size_alone(OutOfMemoryException exhausted, string message)
    {
        using var experiment = await Labs.Run(
            Labs.Moons,
            engine: new TroubledEngine(
                32,
                made =>
                {
                    if (made > 3)
                        throw exhausted;
                }
            )
        );
        foreach (var run in experiment.Runs)
        {
            if (run.Plan.BatchSize != 32)
            {
                Assert.Equal(RunState.Finished, run.Log.State);
                continue;
            }
            Assert.Equal((RunState.Failed, message), (run.Log.State, run.Log.Message));
            Assert.Null(run.Result);
        }
    }

    [Fact]
    public async Task An_engine_that_fails_says_why_and_lets_the_others_finish()
    {
        using var experiment = await Labs.Run(
            Labs.Moons,
            engine: new TroubledEngine(8, _ => throw new InvalidOperationException("no more numbers."))
        );
        Assert.All(
            experiment.Runs.Where(r => r.Plan.BatchSize == 8),
            r => Assert.Equal((RunState.Failed, "The engine failed: no more numbers."), (r.Log.State, r.Log.Message))
        );
        Assert.All(experiment.Runs.Where(r => r.Plan.BatchSize != 8), r => Assert.Equal(RunState.Finished, r.Log.State));
    }

    [Fact]
    public async Task Disposing_in_the_middle_returns()
    {
        for (int i = 0; i < 12; i++)
        {
            var experiment = Labs.New(Labs.MoonsWithoutEnd, new() { Held = i % 3 == 0 });
            experiment.Start();
            await Task.Delay(5 * i);
            await Task.Run(experiment.Dispose).WaitAsync(Timeouts.Hang);
            experiment.Dispose();
            Assert.True(experiment.Finished);
        }
    }

    [Fact]
    public async Task An_experiment_that_never_started_can_be_disposed_of() =>
        await Task.Run(Labs.New(Labs.Moons).Dispose).WaitAsync(Timeouts.Hang);

    [Fact]
    public void An_experiment_that_asks_for_too_much_memory_is_refused()
    {
        string sentence = Assert
            .Throws<RefusedException>(() => Labs.New(Labs.Moons, new ExperimentOptions { MemoryBytes = 2_000_000 }))
            .Message;
        Assert.StartsWith("\"model.hidden\" makes 105 weights, which would take 0.0", sentence);
        Assert.Contains(" of them at batch size ", sentence);
        Assert.EndsWith("; at most 0.002 GB are allowed.", sentence);
        Labs.New(Labs.Moons, new ExperimentOptions { MemoryBytes = 50_000_000 }).Dispose();
    }

    [Fact]
    public void The_evaluation_set_is_chosen_once_from_the_training_split()
    {
        using var some = Labs.New(Labs.Moons.Replace("\"seeds\"", "\"landscape\": { \"evaluationExamples\": 50 }, \"seeds\""));
        int[] indices = some.EvaluationSet.Indices!;
        Assert.Equal((50, 50), (some.EvaluationExamples, indices.Distinct().Count()));
        Assert.All(indices, i => Assert.InRange(i, 0, 202));
        using var all = Labs.New(Labs.Moons);
        Assert.Equal((null, 203), (all.EvaluationSet.Indices, all.EvaluationExamples));
    }

    private static void AssertMarksAscend(Run run)
    {
        var tests = Enumerable.Range(0, (int)run.Log.Evaluations.Count).Select(i => run.Log.Evaluations[i].Update).ToArray();
        var path = Enumerable.Range(0, (int)run.Snapshots.Count).Select(i => run.Snapshots[i].Update).ToArray();
        Assert.Equal(tests.Distinct().Order(), tests);
        Assert.Equal(path.Distinct().Order(), path);
        Assert.Equal((run.Log.Count, run.Log.Count), (tests[^1], path[^1]));
    }
}
