using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using BatchViz.Core.Sampling;
using BatchViz.Core.Specs;
using BatchViz.Core.Statistics;

namespace BatchViz.Bench;

/// <summary>
/// Trains one run and, at marks along it, measures its noise scale in three ways: as its records say, exactly, and from many batches at
/// fixed weights.
/// </summary>
internal sealed class NoiseRun : IDisposable
{
    private const int Marks = 8,
        FirstMark = 10,
        BlockRows = 256;

    /// <summary>Exact measurements throughout the updates of one running average.</summary>
    public const int WindowPoints = 16;

    /// <summary>Batches at fixed weights.</summary>
    public const int Batches = 400;

    private const double Rate = 0.1,
        RateBatch = 32,
        Keep = 1 - 1.0 / RecordLayout.NoiseScaleUpdates;
    private const uint Seed = 1;

    private readonly IBundle training,
        still;
    private readonly IProbe probe;
    private readonly TrainingProgress progress;
    private readonly RecordBlock block;

    /// <summary>What the batch of each update estimates; the one at index u is measured at the weights after u updates.</summary>
    private readonly List<NoiseMoments> batches = [];

    /// <summary>Exact figures by the number of updates behind them.</summary>
    private readonly Dictionary<long, NoiseMoments> exact = [];
    private readonly int batch,
        examples;
    private long stillEpochs;

    public NoiseRun(IEngine engine, IEngineData data, BenchNet net, int batch)
    {
        (this.batch, examples) = (batch, data.Source.Train.Count);
        var spec = new BundleSpec(
            net.Network,
            new OptimizerSpec { Kind = OptimizerKind.Sgd },
            new SamplerSpec(),
            batch,
            LearningRate(batch),
            [Seed]
        );
        progress = spec.ProgressOver(examples);
        training = engine.CreateBundle(data, spec);
        still = engine.CreateBundle(data, spec with { LearningRate = 0, Seeds = [Seed + 1] });
        probe = engine.CreateProbe(data, net.Network);
        block = new RecordBlock(1, BlockRows, training.Layout.Width);
    }

    /// <summary>As in the default experiment: 0.1 at B = 32, and the square-root rule.</summary>
    public static double LearningRate(int batch) => Rate * Math.Sqrt(batch / RateBatch);

    /// <summary>The marks, in the order in which training comes to them.</summary>
    public IEnumerable<NoiseMark> Follow(int epochs, CancellationToken stop)
    {
        long total = progress.UpdatesInEpochs(epochs),
            first = Math.Min(FirstMark, total);
        long[] marks =
        [
            .. Enumerable
                .Range(0, Marks)
                .Select(i => (long)Math.Round(first * Math.Pow((double)total / first, i / (Marks - 1.0))))
                .Distinct(),
        ];
        var wanted = new SortedSet<long>(marks.SelectMany(mark => Window(mark).Append(mark)));
        foreach (long update in wanted)
        {
            Train(update - training.Updates(0), stop);
            using var weights = training.Snapshot(0);
            exact[update] = NoiseMoments.Of(probe.ExampleGradients(weights, EvaluationSet.All(Split.Train), [], stop));
            if (marks.Contains(update))
                yield return Mark(update, stop);
        }
    }

    /// <summary>
    /// The run's own batches beside the exact figures at the very weights at which each was measured, where those are known: tr Σ as a
    /// share of the exact one, and |G|² less the exact one in units of tr Σ / B, the size of a batch's noise.
    /// </summary>
    public (Estimate Variance, Estimate Square) Paired()
    {
        var pairs = exact
            .Where(point => point.Key < batches.Count)
            .Select(point => (Own: batches[(int)point.Key], Exact: point.Value))
            .ToArray();
        return (
            Estimate.Of([.. pairs.Select(p => p.Own.Variance / p.Exact.Variance)]),
            Estimate.Of([.. pairs.Select(p => (p.Own.Square - p.Exact.Square) * batch / p.Exact.Variance)])
        );
    }

    public void Dispose()
    {
        training.Dispose();
        still.Dispose();
        probe.Dispose();
    }

    /// <summary>
    /// Updates after which the batches were measured that a running average weighs most: the middles of parts of equal weight.
    /// </summary>
    private static IEnumerable<long> Window(long mark)
    {
        double all = 1 - Math.Pow(Keep, mark);
        for (int i = 0; i < WindowPoints; i++)
        {
            double newer = (i + 0.5) / WindowPoints * all;
            yield return Math.Max(0, mark - 1 - (long)(Math.Log(1 - newer) / Math.Log(Keep)));
        }
    }

    private void Train(long updates, CancellationToken stop)
    {
        while (updates > 0)
        {
            stop.ThrowIfCancellationRequested();
            int granted = (int)Math.Min(updates, BlockRows);
            training.Advance(granted, block);
            if (training.Diverged(0))
                throw new RefusedException(
                    $"The run of B = {batch} diverged at update {batches.Count + block.Rows[0]:#,0}; ask for another batch size."
                );
            for (int row = 0; row < granted; row++)
                batches.Add(Estimates(block.Row(0, row)));
            updates -= granted;
        }
    }

    private NoiseMark Mark(long update, CancellationToken stop)
    {
        double recorded = block.Row(0, block.Rows[0] - 1)[RecordLayout.NoiseScale];
        double error = Estimate
            .Ratio(batches, [.. Enumerable.Range(0, batches.Count).Select(t => Math.Pow(Keep, batches.Count - 1 - t))])
            .Error;
        var window = Estimate.Ratio([.. Window(update).Select(at => exact[at])], [.. Enumerable.Repeat(1.0, WindowPoints)]);
        var (variance, square) = AtFixedWeights(stop);
        return new NoiseMark(update, progress.EpochsAfter(update), new Estimate(recorded, error), window, exact[update], variance, square);
    }

    /// <summary>
    /// Batches of the run's size at the weights as they are, each the first of another epoch and so independent of the others.
    /// </summary>
    private (Estimate Variance, Estimate Square) AtFixedWeights(CancellationToken stop)
    {
        float[] weights = training.Export(0).Weights;
        var singles = new NoiseMoments[Batches];
        long perEpoch = progress.Phases[0].UpdatesPerEpoch;
        for (int i = 0; i < Batches; i++)
        {
            stop.ThrowIfCancellationRequested();
            still.Restore(0, new Keyframe(stillEpochs++ * perEpoch, weights, []));
            still.Advance(1, block);
            singles[i] = Estimates(block.Row(0, 0));
        }
        return (Estimate.Of([.. singles.Select(s => s.Variance)]), Estimate.Of([.. singles.Select(s => s.Square)]));
    }

    private NoiseMoments Estimates(ReadOnlySpan<float> record)
    {
        double variance = record[RecordLayout.GradientVariance],
            norm = record[RecordLayout.GradientNorm];
        return new(variance, NoiseScale.SignalSquare(variance, norm * norm, (int)record[RecordLayout.BatchSize], examples));
    }
}
