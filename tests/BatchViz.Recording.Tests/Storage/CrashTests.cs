using BatchViz.Core.Numerics;
using BatchViz.Core.Specs;
using BatchViz.Recording.Storage;

namespace BatchViz.Recording.Tests.Storage;

/// <summary>The power fails after any operation, on a disk that may keep, drop or tear whatever was not synced.</summary>
public sealed class CrashTests
{
    private const int StatesAtOnce = 24;

    /// <summary>What was on the disk for certain once so many operations had been made.</summary>
    private sealed record Certain(int Operations, Dictionary<string, long> Records, int Runs, string Name);

    [Theory]
    [InlineData("rows", 1, 2200)]
    [InlineData("rows", 2, 2200)]
    [InlineData("buckets", 3, 2200)]
    [InlineData("buckets", 4, 2200)]
    [InlineData("tight", 5, 2200)]
    public void After_any_crash_a_beginning_of_what_is_true_is_read_and_goes_on_to_the_same_end(string what, int seed, int states)
    {
        var experiment = what switch
        {
            "rows" => MadeUp.Rows(700),
            "buckets" => MadeUp.Buckets(2900),
            _ => MadeUp.Buckets(2900, budget: 2000),
        };
        var random = new Philox((uint)seed, Purpose.Fuzz);
        ulong drawn = 0;
        using var files = new CrashingFiles();
        var certain = Record(experiment, files, bound => random.Below(drawn++, bound));
        int operations = files.Operations,
            nothing = 0;
        for (int s = 0; s < states; s++)
        {
            int at = random.Below(drawn++, operations + 1);
            var kind = (CrashKind)(s % 4);
            try
            {
                using var left = files.After(at, kind, new Philox((uint)seed, Purpose.Fuzz, (ulong)s + 1));
                nothing += Survives(experiment, left, certain.LastOrDefault(c => c.Operations <= at)) ? 0 : 1;
            }
            catch (Exception e)
            {
                throw new Xunit.Sdk.XunitException($"State {s}, a crash that {kind} after {at} of {operations} operations: {e}");
            }
        }
        Assert.InRange(nothing, 0, states / 2);
    }

    /// <summary>Trains in pieces, with a fork and a rename on the way; notes what each flush has made certain.</summary>
    private static List<Certain> Record(MadeUp experiment, CrashingFiles files, Func<int, int> below)
    {
        var certain = new List<Certain>();
        var plan = experiment.Plan;
        using var recorder = experiment.Begin(files, out var runs);
        Note();
        long total = MadeUp.TotalOf(plan.Runs[0]);
        int forkAt = 1 + below(StatesAtOnce / 2);
        for (int piece = 0; piece <= StatesAtOnce; piece++)
        {
            for (int r = 0; r < runs.Count; r++)
                experiment.Train(recorder, plan, plan.Runs[r], runs[r], total * piece / StatesAtOnce + below(60) - 30);
            if (piece == StatesAtOnce)
                for (int r = 0; r < runs.Count; r++)
                    experiment.Train(recorder, plan, plan.Runs[r], runs[r], total);
            if (piece == forkAt)
            {
                experiment.Fork(recorder, ref plan, ref runs, 1, runs[1].Log.Count - below(2) * (int)Math.Min(20, runs[1].Log.Count));
                Note();
            }
            if (piece == StatesAtOnce / 2)
            {
                recorder.Rename("Another name");
                Note();
            }
            // Sometimes all is synced, mostly the recorder only has the time to write.
            if (below(4) == 0 && recorder.Flush(Timeouts.Hang))
                Note(synced: true);
            else
                Thread.Sleep(2);
        }
        Assert.True(recorder.Flush(Timeouts.Hang));
        Note(synced: true);
        return certain;

        void Note(bool synced = false)
        {
            var before = certain.Count > 0 ? certain[^1].Records : [];
            var records = synced
                ? runs.ToDictionary(
                    run => run.Id,
                    run => run.Log.Ended || run.Log.Plan.LevelAt(run.Log.Count) == 0 ? run.Log.Count : run.Log.Aligned(run.Log.Count)
                )
                : before;
            certain.Add(new(files.Operations, records, runs.Count, recorder.Manifest.Name));
        }
    }

    private static bool Survives(MadeUp experiment, MemoryFiles left, Certain? certain)
    {
        RecordingFolder folder;
        ExperimentPlan plan;
        try
        {
            (folder, plan) = experiment.Open(left);
        }
        catch (RefusedException e) when (e.Message.Contains("nothing recorded"))
        {
            Assert.Null(certain);
            return false;
        }
        using (folder)
        {
            Assert.True(folder.Runs.Count >= (certain?.Runs ?? 0));
            if (certain?.Name == "Another name")
                Assert.Equal("Another name", folder.Manifest.Name);
            experiment.Check(folder, plan, certain?.Records ?? []);
        }
        experiment.GoOnToTheEnd(left);
        return true;
    }
}
