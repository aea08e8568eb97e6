using BatchViz.Core.Specs;
using BatchViz.Recording.Storage;
using BatchViz.Telemetry;

namespace BatchViz.Recording.Tests.Storage;

/// <summary>Each file operation of a recording fails once, or from then on.</summary>
public sealed class FailureTests
{
    private readonly MadeUp experiment = MadeUp.Buckets(900);

    [Theory]
    [InlineData("No space left on device", true)]
    [InlineData("Input/output error", false)]
    public void Whatever_fails_is_told_training_goes_on_and_earlier_data_are_readable(string why, bool stays)
    {
        int n = 1,
            begun = 0;
        for (bool reached = true; reached; n++)
        {
            using var disk = new MemoryFiles();
            var files = new FailingFiles(disk, n, why, stays);
            Recorder recorder;
            IReadOnlyList<RecordedRun> runs;
            try
            {
                recorder = experiment.Begin(files, out runs);
            }
            catch (IOException e)
            {
                Assert.Equal(why, e.Message);
                NothingRecorded(disk, unless: stays);
                continue;
            }
            begun++;
            var plan = experiment.Plan;
            long certain = 0;
            using (recorder)
            {
                for (int until = 100; until <= 900; until += 100)
                {
                    for (int r = 0; r < runs.Count; r++)
                        experiment.Train(recorder, plan, plan.Runs[r], runs[r], until);
                    if (recorder.Flush(Timeouts.Hang))
                        certain = runs.Min(run => run.Log.Ended ? run.Log.Count : run.Log.Aligned(run.Log.Count));
                }
                Assert.All(runs, run => Assert.Equal(RunState.Finished, run.Log.State));
                reached = files.Failed;
                if (reached)
                    Assert.Equal(
                        $"Nothing more is recorded, since the recording cannot be written: {why}. What was recorded before is kept.",
                        recorder.Problem
                    );
                else
                    Assert.Null(recorder.Problem);
                Assert.Equal(!reached, recorder.Flush(Timeouts.Hang));
            }
            var (folder, now) = experiment.Open(disk);
            using (folder)
                experiment.Check(folder, now, now.Runs.ToDictionary(run => run.Id, _ => certain));
            experiment.GoOnToTheEnd(disk);
        }
        Assert.True(begun > 20 && n > 30, $"{begun} of {n}");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_lane_does_not_wait_for_a_recorder_that_failed(bool rows)
    {
        var made = rows ? MadeUp.Rows(40_000) : MadeUp.Buckets(40_000);
        using var files = new FailingFiles(new MemoryFiles(), int.MaxValue, "No space left on device", stays: true);
        using var recorder = made.Begin(files, out var runs);
        Train(1000);
        Assert.True(recorder.Flush(Timeouts.Hang));

        // From here on nothing can be written, and 39,000 records are more than a recorder takes in before it has written some.
        files.FailFromNow();
        await Task.Run(() => Train(long.MaxValue)).WaitAsync(Timeouts.Hang);
        Assert.False(recorder.Flush(Timeouts.Hang));
        Assert.StartsWith("Nothing more is recorded, since the recording cannot be written: No space left on device.", recorder.Problem);

        void Train(long until) => made.Train(recorder, made.Plan, made.Plan.Runs[0], runs[0], until);
    }

    [Fact]
    public void A_fork_or_a_name_that_cannot_be_written_leaves_the_recording_as_it_was()
    {
        for (int n = 1; Reaches(n, (recorder, plan, runs) => recorder.Rename("Another")); n++) { }
        int forks = 1;
        while (Reaches(forks, (recorder, plan, runs) => experiment.Fork(recorder, ref plan, ref runs, 0, 300)))
            forks++;
        Assert.True(forks > 8, $"{forks}");

        bool Reaches(int n, Action<Recorder, ExperimentPlan, IReadOnlyList<RecordedRun>> change)
        {
            using var disk = new MemoryFiles();
            using (var recorder = experiment.Begin(disk, out var runs))
            {
                for (int r = 0; r < runs.Count; r++)
                    experiment.Train(recorder, experiment.Plan, experiment.Plan.Runs[r], runs[r], 500);
            }
            var (folder, plan) = experiment.Open(disk);
            bool failed = false;
            using (folder)
            {
                using var files = new SwitchedFiles { To = disk };
                using var recorder = Recorder.GoOn(files, folder.Manifest, folder.Runs);
                Assert.True(recorder.Flush(Timeouts.Hang));
                files.To = new FailingFiles(disk, n, "Input/output error", stays: false);
                try
                {
                    change(recorder, plan, folder.Runs);
                }
                catch (IOException e)
                {
                    Assert.Equal("Input/output error", e.Message);
                    failed = true;
                }
                files.To = disk;
                Assert.Null(recorder.Problem);
            }
            var (after, _) = experiment.Open(disk);
            using (after)
            {
                if (failed)
                    Assert.Equal((2, experiment.Manifest.Name), (after.Runs.Count, after.Manifest.Name));
                else
                    Assert.True(after.Runs.Count == 3 || after.Manifest.Name == "Another");
            }
            experiment.GoOnToTheEnd(disk);
            return failed;
        }
    }

    private static void NothingRecorded(IFiles disk, bool unless)
    {
        // A disk that stays full may hold the new name of a manifest that was not made durable.
        try
        {
            RecordingManifest.Read(disk);
            Assert.True(unless, "a manifest is left");
        }
        catch (RefusedException e)
        {
            Assert.Contains("nothing recorded", e.Message);
        }
    }
}
