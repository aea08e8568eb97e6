using BatchViz.Api;
using BatchViz.Core.Engines;
using BatchViz.Recording;
using BatchViz.Telemetry;
using BatchViz.Telemetry.Wire;
using BatchViz.Training;

namespace BatchViz.Live;

/// <summary>
/// An experiment on the air: its number, its frames and its manifest. <see cref="Tick"/> belongs to the frame loop; the rest is for anyone.
/// </summary>
public sealed class LiveExperiment : IDisposable
{
    private static readonly AppendOnly<PathPoint> NoPath = new();

    private readonly FrameEncoder encoder;
    private readonly Func<Ceilings?> ceilings;
    private FrameRun[] frameRuns = [];
    private string signature = "";
    private Published published;
    private byte[]? heads;
    private int lastWatching = -1;
    private bool lastStill;

    private sealed record Published(uint Revision, byte[] Manifest);

    /// <param name="ceilings">Of this machine, once they have been measured.</param>
    public LiveExperiment(uint generation, Experiment experiment, OpenRecording recording, Func<Ceilings?> ceilings)
    {
        (Generation, Experiment, Recording, this.ceilings) = (generation, experiment, recording, ceilings);
        Recomputing = new RecomputeQueue(experiment);
        Measurements = new Measurements(experiment);
        Lines = new Lines(experiment);
        Core.Engines.ColumnInfo[] columns = [.. experiment.Runs[0].Log.Layout.Columns, RecordLayout.Seconds];
        Columns = [.. columns.Select(column => column.Name)];
        encoder = new FrameEncoder([.. Enumerable.Range(0, columns.Length).Where(c => columns[c].Live)]);
        signature = Signature(experiment.Landscape);
        published = new Published(
            1,
            ApiJson.Bytes(ManifestBuilder.Build(experiment, generation, 1, experiment.Landscape, recording, ceilings()))
        );
    }

    public uint Generation { get; }

    public Experiment Experiment { get; }

    /// <summary>Where it is recorded, or why it is not.</summary>
    public OpenRecording Recording { get; }

    /// <summary>Where people have things recomputed.</summary>
    public RecomputeQueue Recomputing { get; }

    /// <summary>Single batches and moments, recomputed.</summary>
    public Measurements Measurements { get; }

    /// <summary>Lines between runs, computed.</summary>
    public Lines Lines { get; }

    /// <summary>Names of a run's columns by index.</summary>
    public IReadOnlyList<string> Columns { get; }

    /// <summary>The manifest as JSON, of the newest revision.</summary>
    public byte[] ManifestJson => Volatile.Read(ref published).Manifest;

    /// <summary>What a viewer gets first: where every run stands. A run's records before that are in the tiles.</summary>
    public byte[]? Heads => Volatile.Read(ref heads);

    /// <summary>The next frame, or null when there is nothing to say.</summary>
    public byte[]? Tick(int watching, bool force)
    {
        var landscape = Experiment.Landscape;
        string now = Signature(landscape);
        bool still = Experiment.Still; // before the records are looked at, so that a frame that says so has them all
        bool changed = now != signature || watching != lastWatching || still != lastStill;
        if (now != signature)
        {
            uint revision = published.Revision + 1;
            Volatile.Write(
                ref published,
                new Published(
                    revision,
                    ApiJson.Bytes(ManifestBuilder.Build(Experiment, Generation, revision, landscape, Recording, ceilings()))
                )
            );
            signature = now;
        }
        (lastWatching, lastStill) = (watching, still);
        var runs = Experiment.Runs;
        if (frameRuns.Length < runs.Count)
            Array.Resize(ref frameRuns, runs.Count);
        for (int r = 0; r < frameRuns.Length; r++)
            frameRuns[r] = new FrameRun(runs[r].Log, landscape is not null && r < landscape.Paths.Count ? landscape.Paths[r] : NoPath);
        var state = new FrameState(
            still,
            Experiment.Finished,
            Generation,
            published.Revision,
            landscape?.PlaneId ?? 0,
            landscape?.GridId ?? 0,
            landscape?.Resolution ?? 0,
            watching,
            Experiment.Seconds
        );
        if (!force && !changed && heads is not null && !encoder.HasNews(state, frameRuns))
            return null;
        byte[] frame = encoder.Next(state, frameRuns);
        Volatile.Write(ref heads, encoder.Heads(state, frameRuns));
        return frame;
    }

    /// <summary>The experiment ends with it.</summary>
    public void Dispose()
    {
        Recomputing.Dispose();
        Experiment.Dispose();
        Recording.Dispose();
    }

    private string Signature(Landscape? landscape) =>
        $"{Experiment.State} {Experiment.Finished && Experiment.LandscapeSettled} {landscape?.PlaneId} {landscape?.GridId} {landscape?.Resolution} {Experiment.LandscapeFailure} {Experiment.RecordingProblem} {Experiment.RecordingManifest?.Name} {ceilings() is not null} {Experiment.Runs.Count(run => run.Memory.Reserved is not null)} {string.Concat(Experiment.Runs.Select(r => (char)('0' + (int)r.Log.State + (r.ForkUndone ? 10 : 0))))}";
}
