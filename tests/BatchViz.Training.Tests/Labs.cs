using System.Text;
using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using BatchViz.Engine.Cpu;

namespace BatchViz.Training.Tests;

/// <summary>Small experiments on the real engine.</summary>
internal static class Labs
{
    public const string Moons = """
        { "data": { "kind": "moons", "trainExamples": 203, "testExamples": 100 }, "model": { "hidden": [8, 8], "activation": "tanh" },
          "learningRate": 0.1, "batchSizes": [1, 8, 32, "full"], "seeds": [1, 2], "budget": { "epochs": 6 } }
        """;

    /// <summary>For longer than any test runs, on whatever machine.</summary>
    public static readonly string MoonsWithoutEnd = Moons.Replace("\"epochs\": 6", "\"seconds\": 86400");

    public const string Beale = """
        { "data": { "kind": "beale", "trainExamples": 256 }, "learningRate": 0.01, "batchSizes": [4, "full"], "budget": { "updates": 200 },
          "landscape": { "resolution": 17 } }
        """;

    /// <summary>On a line, the rate of B = 8 makes it diverge within a few dozen updates.</summary>
    public const string Diverging = """
        { "data": { "kind": "line", "trainExamples": 64 }, "learningRate": { "4": 0.05, "8": 100, "full": 0.05 },
          "batchSizes": [4, 8, "full"], "budget": { "updates": 300 }, "landscape": { "resolution": 17 } }
        """;

    public static ExperimentPlan Plan(string text) => PlanOf(SpecReader.Read(Encoding.UTF8.GetBytes(text)));

    public static ExperimentPlan PlanOf(ExperimentSpec spec) =>
        SpecResolver.Resolve(spec, DataSource.Load(spec.Data, name => throw new FileNotFoundException(name)));

    public static Experiment New(string text, ExperimentOptions? options = null, IEngine? engine = null) =>
        new(Plan(text), engine ?? new CpuEngine(), options);

    /// <summary>Runs to the end; the experiment is still to be disposed of.</summary>
    public static async Task<Experiment> Run(string text, ExperimentOptions? options = null, IEngine? engine = null)
    {
        var experiment = New(text, options, engine);
        experiment.Start();
        await Ended(experiment);
        return experiment;
    }

    public static Task Ended(Experiment experiment) => experiment.Ended.WaitAsync(Timeouts.Hang);

    /// <summary>Waits for something that is bound to happen; the limit only keeps a broken build from hanging.</summary>
    public static async Task Until(Func<bool> condition, string what)
    {
        var limit = DateTime.UtcNow + Timeouts.Hang;
        while (!condition())
        {
            if (DateTime.UtcNow > limit)
                Assert.Fail($"Waited in vain: {what}");
            await Task.Delay(2);
        }
    }

    public static long[] Counts(Experiment experiment) => [.. experiment.Runs.Select(r => r.Log.Count)];

    public static Dictionary<string, string> Hashes(Experiment experiment) =>
        experiment.Runs.ToDictionary(r => r.Plan.Id, r => r.Result!.WeightsSha256);

    /// <summary>Every deterministic column of every run, as bits.</summary>
    public static Dictionary<string, int[]> Records(Experiment experiment) =>
        experiment.Runs.ToDictionary(
            r => r.Plan.Id,
            r =>
                (
                    from i in Enumerable.Range(0, (int)r.Log.Count)
                    from value in Record(r, i)
                    select BitConverter.SingleToInt32Bits(value)
                ).ToArray()
        );

    /// <summary>The deterministic columns of a record that is kept.</summary>
    public static float[] Record(Run run, long index)
    {
        var row = new float[run.Log.Stride];
        Assert.True(run.Log.TryRows(index, 1, row), $"record {index} of {run.Plan.Id} is not kept");
        return row[..run.Log.Layout.Width];
    }
}

/// <summary>The CPU engine, with something that happens at bundles of one batch size.</summary>
internal sealed class TroubledEngine(int batchSize, Action<long> beforeAdvance) : IEngine
{
    private readonly CpuEngine inner = new();

    public string Name => inner.Name;

    public string Description => inner.Description;

    public string Variant => inner.Variant;

    public int Revision => inner.Revision;

    public bool BitExact { get; init; } = true;

    public IEngineData Load(DataSet data) => inner.Load(data);

    public MemoryAccount Predict(BundleSpec spec, DataSet data) => inner.Predict(spec, data);

    public long PredictEvaluator(NetworkSpec network, DataSet data, EvaluationSet? grid, int threads) =>
        inner.PredictEvaluator(network, data, grid, threads);

    public IEvaluator CreateEvaluator(IEngineData data, NetworkSpec network) => inner.CreateEvaluator(data, network);

    public IProbe CreateProbe(IEngineData data, NetworkSpec network) => inner.CreateProbe(data, network);

    public IBundle CreateBundle(IEngineData data, BundleSpec spec)
    {
        var bundle = inner.CreateBundle(data, spec);
        return spec.BatchSize == batchSize ? new Bundle(bundle, beforeAdvance) : bundle;
    }

    public void Dispose() => inner.Dispose();

    private sealed class Bundle(IBundle inner, Action<long> beforeAdvance) : IBundle
    {
        public BundleSpec Spec => inner.Spec;

        public RecordLayout Layout => inner.Layout;

        public MemoryAccount Memory => inner.Memory;

        public int Members => inner.Members;

        public long Updates(int member) => inner.Updates(member);

        public bool Diverged(int member) => inner.Diverged(member);

        public void Advance(int updates, RecordBlock records)
        {
            beforeAdvance(inner.Updates(0));
            inner.Advance(updates, records);
        }

        public int[] NextBatch(int member) => inner.NextBatch(member);

        public IWeights Snapshot(int member) => inner.Snapshot(member);

        public Keyframe Export(int member) => inner.Export(member);

        public void Restore(int member, Keyframe keyframe) => inner.Restore(member, keyframe);

        public void Dispose() => inner.Dispose();
    }
}
