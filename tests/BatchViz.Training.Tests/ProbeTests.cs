using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using BatchViz.Engine.Cpu;

namespace BatchViz.Training.Tests;

public class ProbeTests
{
    private const string All =
        "\"probes\": [\"gradient\", \"sharpness\", \"adaptive-sharpness\", \"eigenvalues\", \"trace\", \"gradient-curvature\", \"fisher-rao\", \"noise-scale\"], \"budget\"";

    private static readonly string Plain = Labs.Moons.Replace("\"tanh\"", "\"relu\", \"bias\": false");

    [Fact]
    public async Task Probes_do_not_change_a_bit()
    {
        using var without = await Labs.Run(Plain);
        using var with = await Labs.Run(Plain.Replace("\"budget\"", All));
        Assert.Equal(Labs.Hashes(without), Labs.Hashes(with));
        Assert.Equal(Labs.Records(without), Labs.Records(with));
        Assert.All(without.Runs, run => Assert.Equal(0, run.Probes.Count));
    }

    [Fact]
    public async Task Runs_are_probed_from_their_first_weights_to_their_last()
    {
        using var experiment = await Labs.Run(Plain.Replace("\"budget\"", All));
        using var engine = new CpuEngine();
        using var data = engine.Load(experiment.Plan.Data);
        using var probe = engine.CreateProbe(data, experiment.Plan.Network);
        foreach (var run in experiment.Runs)
        {
            Assert.InRange(run.Probes.Count, 2, 22);
            var updates = Enumerable.Range(0, (int)run.Probes.Count).Select(i => run.Probes[i].Update).ToArray();
            Assert.Equal(updates.Distinct().Order(), updates);
            Assert.Equal((0, run.Result!.Updates), (updates[0], updates[^1]));

            var (point, weights) = (run.Probes[run.Probes.Count - 1], run.Snapshots[run.Snapshots.Count - 1].Weights);
            using var gradient = probe.Gradient(weights, experiment.EvaluationSet);
            using var top = probe.Eigenvalues(weights, experiment.EvaluationSet, 2, 40, seed: 1);
            var moments = probe.ExampleGradients(weights, experiment.EvaluationSet, []);
            Assert.Equal(gradient.Gradient.Norm, point.GradientNorm);
            Assert.Equal(top.Pairs.Select(p => p.Value), point.Eigenvalues);
            Assert.Equal(top.Pairs.Select(p => p.Residual), point.EigenResiduals);
            Assert.Equal((moments.TraceCovariance, moments.NoiseScale), (point.GradientVariance, point.NoiseScale));
            Assert.Equal(probe.FisherRao(weights, experiment.EvaluationSet).Norm, point.FisherRao);
            Assert.InRange(point.Sharpness, 1e-3, 1e3);
            Assert.InRange(point.AdaptiveSharpness, 1e-6, 1e3);
            using var along = probe.HessianProduct(weights, experiment.EvaluationSet, gradient.Gradient);
            Assert.Equal(
                probe.Dot(gradient.Gradient, along.Product) / probe.Dot(gradient.Gradient, gradient.Gradient),
                point.GradientCurvature,
                1e-6 * point.Eigenvalues[0]
            );
            Assert.InRange(point.GradientCurvature, double.NegativeInfinity, point.Eigenvalues[0] * 1.00001);
            Assert.True(double.IsFinite(point.Trace) && point.TraceStandardError > 0);
            // Signs of the run's own seed and of this update.
            Assert.Equal(probe.Trace(weights, experiment.EvaluationSet, 20, run.Plan.Seed, point.Update).Trace, point.Trace);
            // The full batch's next gradient is the set's own.
            if (run.Plan.BatchSize == experiment.Plan.Data.Train.Count)
                Assert.Equal(1, point.BatchCosine, 1e-6);
            else
                Assert.InRange(point.BatchCosine, -1, 0.9999999);
            Assert.True(point.Cost.HessianProducts > 20 && point.Cost.Gradients >= 1 + 10 + 5 + 1 + 1 && point.Cost.Losses == 3);
            Assert.True(point.Seconds > 0);
        }
    }

    [Fact]
    public async Task The_batch_that_is_compared_is_the_next_updates()
    {
        using var experiment = await Labs.Run(
            """
            { "data": { "kind": "line", "trainExamples": 40 }, "model": { "hidden": [] }, "learningRate": 0.01, "batchSizes": [4],
              "sampler": { "order": "sequential" }, "budget": { "updates": 12 }, "probes": ["gradient"] }
            """
        );
        using var engine = new CpuEngine();
        using var data = engine.Load(experiment.Plan.Data);
        using var probe = engine.CreateProbe(data, experiment.Plan.Network);
        var run = experiment.Runs[0];
        for (long i = 0; i < run.Probes.Count; i++)
        {
            var point = run.Probes[i];
            var weights = Enumerable
                .Range(0, (int)run.Snapshots.Count)
                .Select(k => run.Snapshots[k])
                .Single(s => s.Update == point.Update)
                .Weights;
            int first = (int)(point.Update * 4 % 40);
            using var full = probe.Gradient(weights, experiment.EvaluationSet);
            using var batch = probe.Gradient(weights, new EvaluationSet(Split.Train, [first, first + 1, first + 2, first + 3]));
            Assert.Equal(probe.Cosine(full.Gradient, batch.Gradient), point.BatchCosine);
        }
    }

    [Fact]
    public async Task A_growing_batch_is_compared_at_its_size()
    {
        using var experiment = await Labs.Run(
            """
            { "data": { "kind": "line", "trainExamples": 16 }, "learningRate": 0.01, "batchSizes": [4], "budget": { "epochs": 3 },
              "batchSchedule": { "everyEpochs": 1, "factor": 4 }, "probes": ["gradient"] }
            """
        );
        var run = experiment.Runs[0];
        // Once the batch is the whole split, so is its gradient.
        Assert.Equal(1, run.Probes[run.Probes.Count - 1].BatchCosine, 1e-6);
        Assert.InRange(run.Probes[0].BatchCosine, -1, 0.999999);
    }

    [Fact]
    public async Task Disposing_ends_a_probe_under_way()
    {
        var engine = new WaitingEngine();
        var experiment = Labs.New(Plain.Replace("\"budget\"", "\"probes\": [\"trace\"], \"budget\""), engine: engine);
        experiment.Start();
        await engine.Entered.Task.WaitAsync(Timeouts.Hang);
        await Task.Run(experiment.Dispose).WaitAsync(Timeouts.Hang);
    }

    [Fact]
    public async Task Surfaces_are_probed_too()
    {
        using var experiment = await Labs.Run(
            Labs.Beale.Replace("\"budget\"", "\"probes\": [\"trace\", \"eigenvalues\", \"sharpness\", \"noise-scale\"], \"budget\"")
        );
        foreach (var run in experiment.Runs)
        {
            var point = run.Probes[run.Probes.Count - 1];
            Assert.Equal(2, point.Eigenvalues.Count);
            Assert.InRange(
                point.Trace,
                point.Eigenvalues.Sum() - 4 * point.TraceStandardError - 1e-4,
                point.Eigenvalues.Sum() + 4 * point.TraceStandardError + 1e-4
            );
            Assert.True(double.IsNaN(point.GradientNorm) && double.IsNaN(point.FisherRao) && point.NoiseScale > 0);
        }
    }

    [Fact]
    public async Task Diverged_runs_are_not_probed_where_they_have_no_derivative()
    {
        using var experiment = await Labs.Run(Labs.Diverging.Replace("\"budget\"", "\"probes\": [\"eigenvalues\"], \"budget\""));
        var diverged = experiment.Runs.Single(run => run.Result!.Diverged);
        Assert.All(
            Enumerable.Range(0, (int)diverged.Probes.Count).Select(i => diverged.Probes[i]),
            point => Assert.True(point.Update < diverged.Result!.Updates)
        );
        Assert.All(
            experiment.Runs.Where(run => run != diverged),
            run => Assert.Equal(run.Result!.Updates, run.Probes[run.Probes.Count - 1].Update)
        );
    }
}

/// <summary>The CPU engine with a trace that only ends when it is cancelled.</summary>
internal sealed class WaitingEngine : IEngine
{
    private readonly CpuEngine inner = new();

    public TaskCompletionSource Entered { get; } = new();

    public string Name => inner.Name;

    public string Description => inner.Description;

    public string Variant => inner.Variant;

    public int Revision => inner.Revision;

    public bool BitExact => true;

    public IEngineData Load(DataSet data) => inner.Load(data);

    public IBundle CreateBundle(IEngineData data, BundleSpec spec) => inner.CreateBundle(data, spec);

    public MemoryAccount Predict(BundleSpec spec, DataSet data) => inner.Predict(spec, data);

    public long PredictEvaluator(NetworkSpec network, DataSet data, EvaluationSet? grid, int threads) =>
        inner.PredictEvaluator(network, data, grid, threads);

    public IEvaluator CreateEvaluator(IEngineData data, NetworkSpec network) => inner.CreateEvaluator(data, network);

    public IProbe CreateProbe(IEngineData data, NetworkSpec network) => new Probe(inner.CreateProbe(data, network), Entered);

    public void Dispose() => inner.Dispose();

    private sealed class Probe(IProbe inner, TaskCompletionSource entered) : IProbe
    {
        public TraceProbe Trace(IWeights weights, EvaluationSet set, int samples, uint seed, long update, CancellationToken cancel)
        {
            entered.TrySetResult();
            cancel.WaitHandle.WaitOne();
            cancel.ThrowIfCancellationRequested();
            return inner.Trace(weights, set, samples, seed, update, cancel);
        }

        public IDirection Direction(ReadOnlySpan<float> canonical) => inner.Direction(canonical);

        public double Dot(IDirection a, IDirection b) => inner.Dot(a, b);

        public double Cosine(IDirection a, IDirection b) => inner.Cosine(a, b);

        public GradientProbe Gradient(IWeights weights, EvaluationSet set, CancellationToken cancel) =>
            inner.Gradient(weights, set, cancel);

        public HessianProductProbe HessianProduct(IWeights weights, EvaluationSet set, IDirection v, CancellationToken cancel) =>
            inner.HessianProduct(weights, set, v, cancel);

        public EigenProbe Eigenvalues(
            IWeights weights,
            EvaluationSet set,
            int count,
            int iterations,
            uint seed,
            CancellationToken cancel
        ) => inner.Eigenvalues(weights, set, count, iterations, seed, cancel);

        public SharpnessProbe Sharpness(IWeights weights, EvaluationSet set, double epsilon, int steps, CancellationToken cancel) =>
            inner.Sharpness(weights, set, epsilon, steps, cancel);

        public SharpnessProbe AdaptiveSharpness(IWeights weights, EvaluationSet set, double rho, int steps, CancellationToken cancel) =>
            inner.AdaptiveSharpness(weights, set, rho, steps, cancel);

        public FisherRaoProbe FisherRao(IWeights weights, EvaluationSet set, CancellationToken cancel) =>
            inner.FisherRao(weights, set, cancel);

        public ExampleGradientsProbe ExampleGradients(IWeights weights, EvaluationSet set, Span<float> norms, CancellationToken cancel) =>
            inner.ExampleGradients(weights, set, norms, cancel);

        public PlaneGradientsProbe PlaneGradients(IWeights weights, EvaluationSet set, IPlane plane, CancellationToken cancel) =>
            inner.PlaneGradients(weights, set, plane, cancel);

        public void Dispose() => inner.Dispose();
    }
}
