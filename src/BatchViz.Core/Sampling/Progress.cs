using BatchViz.Core.Specs;

namespace BatchViz.Core.Sampling;

/// <summary>Closed-form bookkeeping between updates, examples and epochs of a run with N training examples and batch size B.</summary>
public readonly record struct Progress(RemainderPolicy Remainder, int TrainExamples, int BatchSize)
{
    /// <summary>Whole epochs end at multiples of this many updates, except under <see cref="RemainderPolicy.Carry"/>, where batches cross the border.</summary>
    public long UpdatesPerEpoch => Remainder == RemainderPolicy.Drop
        ? TrainExamples / BatchSize
        : (TrainExamples + BatchSize - 1L) / BatchSize;

    /// <summary>Examples that the first <paramref name="updates"/> updates have used.</summary>
    public long ExamplesAfter(long updates)
    {
        if (Remainder is not (RemainderPolicy.Keep or RemainderPolicy.Reweight)) return updates * BatchSize;
        var (epochs, rest) = Math.DivRem(updates, UpdatesPerEpoch);
        return epochs * TrainExamples + Math.Min(rest * BatchSize, TrainExamples);
    }

    /// <summary>The largest number of updates that uses at most <paramref name="examples"/> examples.</summary>
    public long UpdatesWithin(long examples)
    {
        if (Remainder is not (RemainderPolicy.Keep or RemainderPolicy.Reweight)) return examples / BatchSize;
        var (epochs, rest) = Math.DivRem(examples, TrainExamples);
        return epochs * UpdatesPerEpoch + rest / BatchSize;
    }

    /// <summary>Updates in a budget of <paramref name="epochs"/> passes over the data, at least one.</summary>
    public long UpdatesInEpochs(double epochs)
    {
        double updates = Remainder == RemainderPolicy.Carry
            ? epochs * TrainExamples / BatchSize
            : epochs * UpdatesPerEpoch;
        return Math.Max(1, (long)Math.Round(updates));
    }

    /// <summary>Updates that a budget allows, or null under a budget in seconds.</summary>
    public long? UpdatesIn(BudgetSpec budget) => budget switch
    {
        { Epochs: { } epochs } => UpdatesInEpochs(epochs),
        { Updates: { } updates } => updates,
        { Examples: { } examples } => Math.Max(1, UpdatesWithin(examples)),
        _ => null,
    };
}
