using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using BatchViz.Core.Sampling;
using BatchViz.Recording;
using BatchViz.Telemetry;

namespace BatchViz.Training;

/// <summary>
/// One bundle's place on a processor: a dedicated thread that advances it, appends its records and, at marks given by update
/// counts, measures losses, hands snapshots to the landscape and keyframes to the recorder. Measuring is left out of the lane's
/// training clock.
/// </summary>
internal sealed class Lane
{
    private const int BlockRows = 2048;

    /// <summary>Seconds that a lane works before it looks up: a hold, a stop and the other lanes wait no longer than this, about.</summary>
    private const double Stretch = 0.02;

    /// <summary>Processor seconds of warming up, of nets whose updates are shorter.</summary>
    private const double WarmUpSeconds = 0.02;

    private readonly Experiment experiment;
    private readonly Pacer pacer;
    private readonly int index;
    private readonly Thread thread;
    private readonly Run[] all;
    private readonly MeasurementSchedule pathMarks,
        testMarks;
    private readonly double? secondsBudget;
    private readonly long limit,
        keyframeStride;
    private Run[] members;
    private RecordCheck?[] checks = [];

    /// <summary>Of members that were taken up on an engine that is not exact: where what it trained now begins.</summary>
    private string?[] segments = [];
    private double seconds;
    private LaneProbes? probes;

    public Lane(Experiment experiment, Pacer pacer, int index, Run[] members)
    {
        (this.experiment, this.pacer, this.index, this.members, all) = (experiment, pacer, index, members, members);
        long? total = members[0].Plan.TotalUpdates;
        limit = total ?? Experiment.MostUpdates;
        secondsBudget = members[0].Plan.Budget.Seconds;
        pathMarks = new MeasurementSchedule(total, experiment.PathMarks);
        testMarks = new MeasurementSchedule(total, Experiment.EvaluationMarks);
        keyframeStride = experiment.Recorder is null ? long.MaxValue : members[0].Log.Plan.KeyframeStride;
        thread = new Thread(Work) { IsBackground = true, Name = $"lane B={members[0].Plan.BatchSize}" };
    }

    /// <summary>The experiment counts it among those that have something to do; guarded by the experiment.</summary>
    public bool Ended { get; set; }

    public bool Withheld { get; set; }

    public int Index => index;

    public bool IsOf(Run run) => all.Contains(run);

    public void Start() => thread.Start();

    /// <summary>Waits for the lane's end; a lane that never started has none.</summary>
    public void Join()
    {
        if (!thread.ThreadState.HasFlag(ThreadState.Unstarted))
            thread.Join();
    }

    private void Work()
    {
        LaneClock.YieldToOthers(nice: 10);
        try
        {
            Train();
        }
        catch (MemoryExhaustedException e) when (e.Asked > 0)
        {
            EndAll(
                RunState.Failed,
                $"Memory ran out at batch size {members[0].Plan.BatchSize}, when {Math.Max(1, e.Asked / 1_000_000):#,0} MB more were asked for; the other runs go on."
            );
        }
        catch (OutOfMemoryException)
        {
            EndAll(RunState.Failed, $"Memory ran out at batch size {members[0].Plan.BatchSize}; the other runs go on.");
        }
        catch (LaneBegin.CannotException e)
        {
            EndAll(RunState.Failed, e.Message);
        }
        catch (Exception e)
        {
            EndAll(RunState.Failed, $"The engine failed: {e.Message}");
        }
        finally
        {
            pacer.Exit(index, 0);
            pacer.End(index);
            experiment.LaneEnded(this);
        }
    }

    private void EndAll(RunState state, string? why)
    {
        foreach (var run in members)
            if (!run.Log.Ended)
                run.Log.Enter(state, why);
    }

    private void Train()
    {
        // Those that have ended, in a recording that is taken up again, have nothing more to do.
        members = [.. members.Where(run => !run.Log.Ended)];
        if (members.Length == 0)
            return;
        (checks, segments) = (new RecordCheck?[members.Length], new string?[members.Length]);
        var plan = experiment.Plan;
        var spec = plan.BundleOf([.. members.Select(run => run.Plan)]);
        var predicted = experiment.Engine.Predict(spec, plan.Data);
        using var bundle = experiment.Engine.CreateBundle(experiment.Data, spec);
        foreach (var run in members)
            run.Memory = new RunMemory(members.Length, predicted, bundle.Memory);
        using var evaluator = experiment.Engine.CreateEvaluator(experiment.Data, plan.Network);
        using var ownProbes = probes = plan.Spec.Probes.Count > 0 ? new LaneProbes(experiment, spec) : null;
        var block = new RecordBlock(bundle.Members, BlockRows, bundle.Layout.Width);
        long made = new LaneBegin(experiment, members).Restore(bundle, evaluator);
        // Records after it are made once more; their seconds were counted the first time.
        var longest = members.MaxBy(run => run.Log.Count)!.Log;
        long known = longest.Count;
        if (made > 0 && longest.SecondsAt(made - 1) is >= 0 and var spent)
            seconds = spent;
        pacer.StartAt(index, made);
        foreach (var run in members)
            run.Log.Enter(RunState.Running);
        double perUpdate = Stretch;
        string? stopped = null;
        bool budgetSpent = false,
            warm = false;
        Measure(bundle, evaluator, made);
        while (made < limit && members.Any(run => !run.Log.Ended))
        {
            if (secondsBudget is { } budget && seconds >= budget && made >= known)
            {
                (stopped, budgetSpent) = ($"Stopped after update {made:#,0}, when its {budget} lane seconds were spent.", true);
                break;
            }
            long toMark = Math.Min(
                Math.Min(Math.Min(pathMarks.Next(made), testMarks.Next(made)), limit) - made,
                keyframeStride - made % keyframeStride
            );
            if (made < known)
                toMark = Math.Min(toMark, known - made);
            int granted = pacer.Enter(index, Math.Clamp((long)(Stretch / perUpdate), 1, Math.Min(toMark, BlockRows)));
            if (granted == 0)
            {
                stopped = $"Stopped after update {made:#,0}.";
                break;
            }
            if (secondsBudget is not null && !warm)
                WarmUp(bundle, block);
            warm = true;
            double before = LaneClock.Seconds;
            bundle.Advance(granted, block);
            double took = LaneClock.Seconds - before,
                after = seconds + took;
            if (made < known && longest.SecondsAt(made + granted - 1) is >= 0 and var counted)
                after = counted;
            perUpdate = Math.Max(1e-9, took / granted);
            Append(block, made, after);
            seconds = after;
            made += granted;
            Measure(bundle, evaluator, made);
            if (made % keyframeStride == 0)
                KeepFrames(bundle);
            pacer.Exit(index, granted);
        }
        if (secondsBudget is not null && stopped is null && made == limit)
            (stopped, budgetSpent) = ($"Stopped after update {made:#,0}: a run makes no more updates.", true);
        if (experiment.Recorder is not null)
            KeepFrames(bundle);
        if (experiment.Abandoned)
        {
            EndAll(RunState.Stopped, stopped);
            return;
        }
        if (stopped is not null || members[0].Plan.TotalUpdates is null)
            Measure(bundle, evaluator, made, last: true);
        for (int m = 0; m < members.Length; m++)
            End(m, bundle, evaluator, stopped, budgetSpent);
    }

    /// <summary>
    /// Makes some updates that do not count and takes them back, before a budget in seconds begins: code that is compiled while it runs for
    /// the first time, and caches that are empty, are nothing that a batch size has earned. At least one.
    /// </summary>
    private void WarmUp(IBundle bundle, RecordBlock block)
    {
        Keyframe[] begin = [.. Enumerable.Range(0, bundle.Members).Select(bundle.Export)];
        double before = LaneClock.Seconds;
        int some = 1;
        do
        {
            bundle.Advance(some, block);
            for (int m = 0; m < begin.Length; m++)
                bundle.Restore(m, begin[m]);
            if (LaneClock.Seconds - before < WarmUpSeconds / 8)
                some = Math.Min(2 * some, BlockRows);
        } while (LaneClock.Seconds - before < WarmUpSeconds && !experiment.Abandoned);
    }

    /// <summary>
    /// Records the block's rows, which begin after <paramref name="made"/> updates; those that were recorded before a crash must be the
    /// same.
    /// </summary>
    private void Append(RecordBlock block, long made, double after)
    {
        int width = block.Width;
        for (int m = 0; m < members.Length; m++)
        {
            var log = members[m].Log;
            int rows = block.Rows[m];
            if (log.Ended || rows == 0)
                continue;
            int known = (int)Math.Clamp(log.Count - made, 0, rows);
            if (known > 0)
                (checks[m] ??= new RecordCheck(members[m], experiment.Engine.BitExact)).Take(made, block.Of(m)[..(known * width)]);
            if (known < rows && !experiment.Engine.BitExact && checks[m] is { } check && segments[m] is null)
            {
                segments[m] = string.Create(
                    CultureInfo.InvariantCulture,
                    $"A new segment begins after update {made + known:#,0}: this engine's bits do not come again (losses on the way there were off by up to {100 * check.Deviation:g2} %)."
                );
                log.Enter(RunState.Running, segments[m]);
            }
            if (known == rows)
                continue;
            double step = (after - seconds) / rows;
            log.Append(block.Of(m)[(known * width)..(rows * width)], rows - known, seconds + step * known, after);
        }
    }

    /// <summary>Hands the recorder all that is needed to go on from here.</summary>
    private void KeepFrames(IBundle bundle)
    {
        for (int m = 0; m < members.Length; m++)
            if (!members[m].Log.Ended && bundle.Updates(m) > 0 && !members[m].Recorded!.Keyframes.Has(bundle.Updates(m)))
                experiment.Recorder!.Add(members[m].Recorded!, bundle.Export(m));
    }

    /// <summary>
    /// What is due after <paramref name="update"/> updates: path points, test figures; and the last of both for a run that diverged.
    /// </summary>
    private void Measure(IBundle bundle, IEvaluator evaluator, long update, bool last = false)
    {
        for (int m = 0; m < members.Length; m++)
        {
            var run = members[m];
            if (run.Log.Ended)
                continue;
            bool diverged = bundle.Diverged(m);
            bool path = experiment.Job is not null && (last || diverged || pathMarks.Due(update)),
                test = last || diverged || testMarks.Due(update);
            if (path || test)
            {
                long at = bundle.Updates(m);
                var weights = bundle.Snapshot(m);
                double loss = evaluator.Evaluate(weights, experiment.EvaluationSet).Loss;
                if (test && run.LastTestUpdate < at)
                {
                    run.LastTestUpdate = at;
                    run.Log.Evaluations.Add(Test(evaluator, weights, run.Plan.Progress, at, loss));
                }
                if (test && !diverged)
                    Probe(bundle, m, weights, at, last || update == limit);
                if (path && run.LastPathUpdate < at)
                {
                    run.LastPathUpdate = at;
                    run.Snapshots.Add(new Snapshot(at, weights, loss));
                }
                else
                    weights.Dispose();
            }
            if (!diverged)
                continue;
            Finish(m, bundle, evaluator);
            run.Log.Enter(RunState.Diverged, $"Diverged at update {run.Log.Count:#,0}: its loss or gradient is not a finite number.");
        }
    }

    /// <summary>Probes at one in so many of the test marks, and at the end.</summary>
    private void Probe(IBundle bundle, int member, IWeights weights, long at, bool end)
    {
        var run = members[member];
        bool due = end || MarkOf(run, at) % LaneProbes.OneMarkIn == 0;
        if (probes is null || !due || (run.Probes.Count > 0 && run.Probes[run.Probes.Count - 1].Update >= at))
            return;
        try
        {
            run.Probes.Add(probes.Measure(bundle, member, weights, at, experiment.Abandoning));
        }
        catch (OperationCanceledException)
        {
            // Nobody will look at this run; the pacer ends it.
        }
    }

    /// <summary>
    /// How many test marks of a run lie before this one; of a run that is taken up again, later ones may be recorded already.
    /// </summary>
    private static long MarkOf(Run run, long at)
    {
        long mark = run.Log.Evaluations.Count - 1;
        while (mark > 0 && run.Log.Evaluations[mark].Update > at)
            mark--;
        return mark;
    }

    private EvaluationPoint Test(IEvaluator evaluator, IWeights weights, TrainingProgress progress, long at, double loss)
    {
        if (experiment.Plan.Data.Test is null)
            return new((uint)at, (float)loss, float.NaN, float.NaN, (float)seconds);
        var test = experiment.Test(evaluator, weights, progress, at);
        return new((uint)at, (float)loss, (float)test.Loss, (float)test.Accuracy, (float)seconds);
    }

    private void End(int member, IBundle bundle, IEvaluator evaluator, string? stopped, bool budgetSpent)
    {
        var run = members[member];
        if (run.Log.Ended)
            return;
        Finish(member, bundle, evaluator);
        run.Log.BudgetSpent = budgetSpent;
        run.Log.Enter(stopped is null ? RunState.Finished : RunState.Stopped, stopped ?? segments[member]);
    }

    /// <summary>The figures of a run that trains no more.</summary>
    private void Finish(int member, IBundle bundle, IEvaluator evaluator)
    {
        var run = members[member];
        using var weights = bundle.Snapshot(member);
        var canonical = new float[weights.Count];
        weights.CopyTo(canonical);
        if (!BitConverter.IsLittleEndian)
            throw new PlatformNotSupportedException("Weights are hashed as little-endian floats.");
        string hash = Convert.ToHexStringLower(SHA256.HashData(MemoryMarshal.AsBytes(canonical.AsSpan())));
        bool diverged = bundle.Diverged(member);
        var train = experiment.MeasureEnds
            ? evaluator.Evaluate(weights, EvaluationSet.All(Split.Train))
            : new Evaluation(double.NaN, double.NaN);
        var test = experiment.Plan.Data.Test is null
            ? new Evaluation(double.NaN, double.NaN)
            : experiment.Test(evaluator, weights, run.Plan.Progress, bundle.Updates(member));
        long updates = bundle.Updates(member);
        run.Log.Result = new RunResult(
            run.Plan.Id,
            run.Plan.BatchSize,
            run.Plan.Seed,
            updates,
            run.Plan.Progress.EpochsAfter(updates),
            train.Loss,
            train.Accuracy,
            test.Loss,
            test.Accuracy,
            seconds,
            diverged,
            hash
        );
    }
}
