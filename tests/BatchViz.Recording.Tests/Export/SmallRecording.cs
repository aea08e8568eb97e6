using System.Text;
using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using BatchViz.Engine.Cpu;
using BatchViz.Recording.Storage;
using BatchViz.Telemetry;

namespace BatchViz.Recording.Tests.Export;

/// <summary>
/// A real recording that is made a piece at a time: two moons, two batch sizes, trained by the engine and written by the recorder.
/// </summary>
internal sealed class SmallRecording : IDisposable
{
    private readonly CpuEngine engine = new();
    private readonly IEngineData data;
    private readonly IBundle[] bundles;
    private readonly Recorder recorder;

    /// <param name="columns">Of those that came later, the ones that it records; null: all.</param>
    public SmallRecording(IFiles files, IReadOnlyCollection<string>? columns = null)
    {
        Files = files;
        var spec = SpecReader.Read(
            Encoding.UTF8.GetBytes(
                """
                { "name": "Moons", "data": { "kind": "moons", "trainExamples": 203 }, "model": { "hidden": [8], "activation": "tanh" },
                  "learningRate": 0.1, "batchSizes": [8, 32], "budget": { "updates": 100000 } }
                """
            )
        );
        Plan = SpecResolver.Resolve(spec, DataSource.Load(spec.Data, name => throw new FileNotFoundException(name))) with
        {
            RecordedColumns = columns,
        };
        data = engine.Load(Plan.Data);
        Manifest = RecordingManifest.Of(Plan, engine, "a processor", DateTimeOffset.UnixEpoch, 64 << 20, null);
        Runs = RecordingFolder.NewRuns(files, Manifest, Plan);
        recorder = Recorder.Begin(files, Manifest, Runs);
        bundles = [.. Plan.Runs.Select(run => engine.CreateBundle(data, Plan.BundleOf([run])))];
        recorder.SaveLandscape(LogBlock.Whole(1, 0, "a landscape"u8));
    }

    public IFiles Files { get; }

    public ExperimentPlan Plan { get; }

    public RecordingManifest Manifest { get; }

    public IReadOnlyList<Recording.RecordedRun> Runs { get; }

    /// <summary>Trains every run on, hands in a keyframe, and waits for the recorder where asked to.</summary>
    public SmallRecording Train(int updates, bool flush = true)
    {
        for (int r = 0; r < bundles.Length; r++)
        {
            var block = new RecordBlock(1, updates, bundles[r].Layout.Width);
            bundles[r].Advance(updates, block);
            double seconds = Runs[r].Log.Count / 1000.0;
            Runs[r].Log.Append(block.Of(0)[..(block.Rows[0] * block.Width)], block.Rows[0], seconds, seconds + updates / 1000.0);
            recorder.Add(Runs[r], bundles[r].Export(0));
        }
        if (flush)
            Flush();
        return this;
    }

    /// <summary>The runs end here, and the last record is on the disk.</summary>
    public SmallRecording Finish()
    {
        foreach (var run in Runs)
            run.Log.Enter(RunState.Finished);
        Flush();
        return this;
    }

    private void Flush() => Assert.True(recorder.Flush(Timeouts.Hang), recorder.Problem);

    public void Dispose()
    {
        foreach (var bundle in bundles)
            bundle.Dispose();
        recorder.Dispose();
        data.Dispose();
        engine.Dispose();
        Files.Dispose();
    }
}
