using BatchViz.Core.Specs;
using BatchViz.Data;
using BatchViz.Recording;
using BatchViz.Recording.Storage;
using BatchViz.Recordings;
using BatchViz.Telemetry;

namespace BatchViz.Bench.Soak;

/// <summary>Compares two recordings of one experiment bit by bit, timings apart.</summary>
internal static class SameRecording
{
    /// <summary>The first difference, in words; null where there is none.</summary>
    public static string? Difference(string folder, string other)
    {
        using var one = Opened(folder);
        using var two = Opened(other);
        foreach (var damage in one.Damages.Concat(two.Damages))
            return $"{damage}";
        if (!one.Runs.Select(run => run.Id).SequenceEqual(two.Runs.Select(run => run.Id)))
            return "they have other runs";
        return one
            .Runs.Zip(two.Runs, (a, b) => Difference(a, b) is { } found ? $"{a.Id}: {found}" : null)
            .FirstOrDefault(found => found is not null);
    }

    /// <summary>Whether some run has records and is not at its end.</summary>
    public static bool IsUnfinished(string folder)
    {
        try
        {
            using var recording = Opened(folder);
            return recording.Runs.Any(run => run.Log.Count > 0 && !run.Log.Ended);
        }
        catch (RefusedException)
        {
            return false;
        }
    }

    private static RecordingFolder Opened(string folder)
    {
        var files = DiskFiles.ToRead(folder);
        var manifest = RecordingManifest.Read(files);
        return RecordingFolder.Open(files, manifest, RecordingFiles.Plan(manifest, new DataFiles(null), trusted: true));
    }

    private static string? Difference(RecordedRun one, RecordedRun two)
    {
        RunLog a = one.Log,
            b = two.Log;
        if (a.State != b.State || a.Message != b.Message)
            return $"{a.State} ({a.Message}), {b.State} ({b.Message})";
        if (a.Count != b.Count)
            return $"{a.Count} records, {b.Count}";
        // Words instead of numbers: NaN is then like NaN.
        if ($"{a.Result! with { Seconds = 0 }}" != $"{b.Result! with { Seconds = 0 }}")
            return $"{a.Result}, {b.Result}";
        if (a.Evaluations.Count != b.Evaluations.Count)
            return $"{a.Evaluations.Count} evaluations, {b.Evaluations.Count}";
        for (long i = 0; i < a.Evaluations.Count; i++)
            if (!(a.Evaluations[i] with { LaneSeconds = 0 }).Equals(b.Evaluations[i] with { LaneSeconds = 0 }))
                return $"evaluation {a.Evaluations[i]}, {b.Evaluations[i]}";
        return Records(a, b) ?? Buckets(a, b) ?? KeyframesOf(one, two);
    }

    private static string? Records(RunLog a, RunLog b)
    {
        int width = a.Layout.Width;
        float[] rows = new float[RunLog.ChunkRows * a.Stride],
            others = new float[rows.Length];
        for (long first = 0; first < a.Count; first += RunLog.ChunkRows)
        {
            int some = (int)Math.Min(RunLog.ChunkRows, a.Count - first);
            bool has = a.TryRows(first, some, rows),
                hasOther = b.TryRows(first, some, others);
            if (a.Plan.LevelAt(first) == 0 && !(has && hasOther))
                return $"records from {first} are not there";
            if (!has || !hasOther)
                continue;
            for (int r = 0; r < some; r++)
                if (!rows.AsSpan(r * a.Stride, width).SequenceEqual(others.AsSpan(r * a.Stride, width)))
                    return $"record {first + r}";
        }
        return null;
    }

    private static string? Buckets(RunLog a, RunLog b)
    {
        var (x, y) = (new Bucket[1], new Bucket[1]);
        for (int level = RunLog.ChunkLevel; level <= RunLog.MaxLevel; level++)
        {
            for (long i = 0; (i + 1) << (2 * level) <= a.Count; i++)
            {
                for (int c = 0; c < a.Layout.Width; c++)
                {
                    bool has = a.TryBuckets(level, i, c, x),
                        hasOther = b.TryBuckets(level, i, c, y);
                    if (level >= a.Plan.LevelAt(i << (2 * level)) && !(has && hasOther))
                        return $"bucket {i} of level {level} is not there";
                    if (has && hasOther && !x[0].Equals(y[0]))
                        return $"bucket {i} of level {level}, column {c}: {x[0]}, {y[0]}";
                }
            }
        }
        return null;
    }

    private static string? KeyframesOf(RecordedRun one, RecordedRun two)
    {
        foreach (long update in one.Keyframes.Updates.Intersect(two.Keyframes.Updates))
        {
            if (one.Keyframes.Read(update) is not { } a || two.Keyframes.Read(update) is not { } b)
                return $"the keyframe after update {update} cannot be read";
            if (!a.Weights.AsSpan().SequenceEqual(b.Weights) || a.OptimizerState.Length != b.OptimizerState.Length)
                return $"the keyframe after update {update}";
            for (int v = 0; v < a.OptimizerState.Length; v++)
                if (!a.OptimizerState[v].AsSpan().SequenceEqual(b.OptimizerState[v]))
                    return $"the optimiser's state after update {update}";
            if (!(a.Statistics ?? []).AsSpan().SequenceEqual(b.Statistics ?? []))
                return $"the statistics after update {update}";
        }
        return null;
    }
}
