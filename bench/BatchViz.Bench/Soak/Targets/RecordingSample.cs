using System.Text;
using BatchViz.Cli;
using BatchViz.Core.Engines;
using BatchViz.Core.Numerics;
using BatchViz.Core.Specs;
using BatchViz.Engine.Cpu;
using BatchViz.Recording;
using BatchViz.Recording.Storage;
using BatchViz.Telemetry;

namespace BatchViz.Bench.Soak.Targets;

/// <summary>A small recording with made-up records, for trying what reads recordings.</summary>
internal sealed class RecordingSample
{
    /// <param name="batchSizes">As in an experiment file; a run each.</param>
    /// <param name="id">Of the recording.</param>
    public RecordingSample(string batchSizes = "[4]", Guid? id = null)
    {
        var spec = SpecReader.Read(
            Encoding.UTF8.GetBytes(
                $$"""
                { "data": { "kind": "beale", "trainExamples": 8 }, "learningRate": 0.01, "batchSizes": {{batchSizes}}, "budget": { "updates": 100000 } }
                """
            )
        );
        Plan = BatchViz.Cli.Files.Data(null).Plan(spec, trusted: true);
        using var engine = new CpuEngine();
        Manifest = RecordingManifest.Of(Plan, engine, "a processor", DateTimeOffset.UnixEpoch, 1 << 20, null) with
        {
            Id = id ?? new Guid("6f2c1f6e-0d0b-4b5e-9f0a-3c1d2e4f5a6b"),
        };
    }

    public ExperimentPlan Plan { get; }

    public RecordingManifest Manifest { get; }

    public string RunId => Plan.Runs[0].Id;

    /// <summary>The files of a recording of so many records; with an end where the run has one.</summary>
    public IFiles Record(int records, bool ended, int keyframes)
    {
        var files = new MemoryFiles();
        var run = RecordingFolder.NewRuns(files, Manifest, Plan).Single();
        var stream = new Philox((uint)records, Purpose.Fuzz, 0);
        var rows = new float[records * run.Log.Layout.Width];
        for (int i = 0; i < rows.Length; i++)
            rows[i] = stream.Below((ulong)i, 1000) / 8f;
        run.Log.Append(rows, records, 0, 1);
        // The recorder writes when it comes to it; each step is waited for, so that the same bytes come out every time.
        using (var recorder = Recorder.Begin(files, Manifest, [run]))
        {
            Step(() => { });
            Step(() => run.Log.Evaluations.Add(new EvaluationPoint(0, 2, float.NaN, float.NaN, 0)));
            if (records > 0)
                Step(() => run.Log.Evaluations.Add(new EvaluationPoint((uint)records, 1, float.NaN, float.NaN, 1)));
            Step(() => run.Log.Probes.Add(new ProbePoint(records) { Sharpness = 1.5, Eigenvalues = [2, 1] }));
            for (int k = 1; k <= keyframes; k++)
                Step(() => recorder.Add(run, new Keyframe(k, [k, -k], [], [1, 2, 3])));
            if (ended)
            {
                run.Log.Result = new RunResult(run.Id, 4, 1, records, 1, 0.5, double.NaN, double.NaN, double.NaN, 1, false, "00");
                run.Log.Enter(RunState.Finished);
            }

            void Step(Action make)
            {
                make();
                if (!recorder.Flush(TimeSpan.FromMinutes(1)))
                    throw new InvalidOperationException(recorder.Problem);
            }
        }
        return files;
    }

    /// <summary>One file of it.</summary>
    public static byte[] BytesOf(IFiles files, string name) => files.ReadAll(name, int.MaxValue) ?? throw new FileNotFoundException(name);

    /// <summary>A folder that holds one file.</summary>
    public static MemoryFiles With(string name, byte[] bytes)
    {
        var files = new MemoryFiles();
        // A log has its timings beside it; that there are none in it is no damage.
        if (name.EndsWith(".log", StringComparison.Ordinal))
            files.Create(Path.ChangeExtension(name, ".times")).Dispose();
        using var file = files.Create(name);
        file.Write(bytes);
        return files;
    }
}
