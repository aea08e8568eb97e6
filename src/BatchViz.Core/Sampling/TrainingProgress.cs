using BatchViz.Core.Numerics;
using BatchViz.Core.Specs;

namespace BatchViz.Core.Sampling;

/// <summary>
/// Updates in a row that are made with one batch size, from the beginning of an epoch's order on (under <see cref="RemainderPolicy.Carry"/>
/// from anywhere); the last one of a run has no end.
/// </summary>
/// <param name="Epoch">The epoch, from 0, in which it begins.</param>
/// <param name="Epochs">Passes over the data before it: less than <paramref name="Epoch"/> where a fork has left the rest of one
/// out.</param>
/// <param name="Update">Updates before it.</param>
/// <param name="Examples">Examples used before it.</param>
/// <param name="UpdatesPerEpoch">Updates in each of its epochs; under <see cref="RemainderPolicy.Carry"/>, where batches cross the borders,
/// rounded up.</param>
public readonly record struct BatchPhase(long Epoch, double Epochs, long Update, long Examples, int BatchSize, long UpdatesPerEpoch);

/// <summary>
/// Closed-form bookkeeping between updates, examples and epochs of a run with N training examples and batch size B, which a schedule may
/// let grow.
/// </summary>
public sealed class TrainingProgress
{
    private readonly BatchPhase[] phases;

    /// <param name="schedule">How the batch grows; null: not at all. Not with <see cref="RemainderPolicy.Carry"/>.</param>
    public TrainingProgress(RemainderPolicy remainder, int trainExamples, int batchSize, BatchScheduleSpec? schedule = null)
    {
        CheckBatch(batchSize, trainExamples);
        if (schedule is not null && remainder == RemainderPolicy.Carry)
            throw new ArgumentException("batches that cross epochs cannot grow with them", nameof(schedule));
        (Remainder, TrainExamples) = (remainder, trainExamples);
        phases = [.. PhasesOf(batchSize, schedule)];
    }

    private TrainingProgress(TrainingProgress parent, BatchPhase[] phases) =>
        (Remainder, TrainExamples, this.phases) = (parent.Remainder, parent.TrainExamples, phases);

    public RemainderPolicy Remainder { get; }

    public int TrainExamples { get; }

    /// <summary>B: the size of a whole batch at the beginning.</summary>
    public int BatchSize => phases[0].BatchSize;

    /// <summary>The largest size of a whole batch: what a workspace must hold.</summary>
    public int LargestBatch => phases.Max(phase => phase.BatchSize);

    /// <summary>At least one.</summary>
    public IReadOnlyList<BatchPhase> Phases => phases;

    /// <summary>
    /// The progress of a run that has gone along with this one for so many updates and then keeps to one batch size, whatever a
    /// schedule says. If that is the size it has there, it goes on where it is; else the rest of the epoch under way is left out,
    /// but for <see cref="RemainderPolicy.Carry"/>, which goes on with the next example.
    /// </summary>
    public TrainingProgress ForkedAt(long update, int batchSize)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(update);
        CheckBatch(batchSize, TrainExamples);
        ref readonly var phase = ref PhaseAfter(update);
        if (phase.BatchSize == batchSize)
            return new TrainingProgress(this, [.. phases.Where(p => p.Update <= update)]);
        long examples = ExamplesAfter(update);
        long epoch =
            Remainder == RemainderPolicy.Carry
                ? examples / TrainExamples
                : phase.Epoch + (update - phase.Update + phase.UpdatesPerEpoch - 1) / phase.UpdatesPerEpoch;
        var own = new BatchPhase(epoch, EpochsAfter(update), update, examples, batchSize, UpdatesPerEpoch(batchSize));
        return new TrainingProgress(this, [.. phases.Where(p => p.Update < update), own]);
    }

    /// <summary>The phase of an update, counted from 1.</summary>
    public ref readonly BatchPhase PhaseOf(long update) => ref PhaseAfter(update - 1);

    /// <summary>The epoch, from 0, in which an update (from 1) begins: whose order it takes its examples from.</summary>
    public long EpochOf(long update)
    {
        ref readonly var phase = ref PhaseOf(update);
        return Remainder == RemainderPolicy.Carry
            ? ExamplesAfter(update - 1) / TrainExamples
            : phase.Epoch + (update - 1 - phase.Update) / phase.UpdatesPerEpoch;
    }

    /// <summary>Examples in the batch of an update, counted from 1.</summary>
    public int ExamplesOf(long update) => (int)(ExamplesAfter(update) - ExamplesAfter(update - 1));

    /// <summary>Examples that the first <paramref name="updates"/> updates have used.</summary>
    public long ExamplesAfter(long updates)
    {
        ref readonly var phase = ref PhaseAfter(updates);
        long made = updates - phase.Update;
        if (!HasShortBatches)
            return phase.Examples + made * phase.BatchSize;
        var (epochs, rest) = Math.DivRem(made, phase.UpdatesPerEpoch);
        return phase.Examples + epochs * TrainExamples + Math.Min(rest * phase.BatchSize, TrainExamples);
    }

    /// <summary>
    /// Epochs after so many updates: examples used / N; but updates / updates per epoch where an epoch uses more or fewer than N
    /// examples (wrap, drop), so that a pass over the data is one epoch under every policy.
    /// </summary>
    public double EpochsAfter(long updates)
    {
        if (Remainder is not (RemainderPolicy.Drop or RemainderPolicy.Wrap))
            return (double)ExamplesAfter(updates) / TrainExamples;
        ref readonly var phase = ref PhaseAfter(updates);
        return phase.Epochs + (double)(updates - phase.Update) / phase.UpdatesPerEpoch;
    }

    /// <summary>The largest number of updates that uses at most <paramref name="examples"/> examples.</summary>
    public long UpdatesWithin(long examples)
    {
        int i = phases.Length - 1;
        while (phases[i].Examples > examples)
            i--;
        ref readonly var phase = ref phases[i];
        long within = examples - phase.Examples;
        if (!HasShortBatches)
            return phase.Update + within / phase.BatchSize;
        var (epochs, rest) = Math.DivRem(within, TrainExamples);
        return phase.Update + epochs * phase.UpdatesPerEpoch + rest / phase.BatchSize;
    }

    /// <summary>Updates in a budget of <paramref name="epochs"/> passes over the data, at least one.</summary>
    public long UpdatesInEpochs(double epochs)
    {
        int i = phases.Length - 1;
        while (phases[i].Epochs > epochs)
            i--;
        ref readonly var phase = ref phases[i];
        double updates =
            Remainder == RemainderPolicy.Carry
                ? (epochs * TrainExamples - phase.Examples) / phase.BatchSize
                : (epochs - phase.Epochs) * phase.UpdatesPerEpoch;
        long end = i + 1 < phases.Length ? phases[i + 1].Update : long.MaxValue;
        return Math.Max(1, Math.Min((long)Math.Round(phase.Update + updates), end));
    }

    /// <summary>Updates that a budget allows, or null under a budget in seconds.</summary>
    public long? UpdatesIn(BudgetSpec budget) =>
        budget switch
        {
            { Epochs: { } epochs } => UpdatesInEpochs(epochs),
            { Updates: { } updates } => updates,
            { Examples: { } examples } => Math.Max(1, UpdatesWithin(examples)),
            _ => null,
        };

    /// <summary>Whether an epoch's last batch has the examples that are left, and no others.</summary>
    private bool HasShortBatches => Remainder is RemainderPolicy.Keep or RemainderPolicy.Reweight;

    /// <summary>
    /// The last phase that begins after at most so many updates; searched from the front, where updates are small and quick.
    /// </summary>
    private ref readonly BatchPhase PhaseAfter(long updates)
    {
        int i = 0;
        while (i + 1 < phases.Length && phases[i + 1].Update <= updates)
            i++;
        return ref phases[i];
    }

    private static void CheckBatch(int batchSize, int trainExamples)
    {
        if (batchSize < 1 || batchSize > trainExamples)
            throw new ArgumentOutOfRangeException(nameof(batchSize), batchSize, $"a batch needs 1 to {trainExamples} examples");
    }

    private long UpdatesPerEpoch(int batchSize) =>
        Remainder == RemainderPolicy.Drop ? TrainExamples / batchSize : (TrainExamples + batchSize - 1L) / batchSize;

    private IEnumerable<BatchPhase> PhasesOf(int batchSize, BatchScheduleSpec? schedule)
    {
        long updates = 0,
            examples = 0,
            epoch = 0;
        int size = batchSize,
            largest = Math.Min(schedule?.Maximum ?? TrainExamples, TrainExamples);
        for (long p = 1; ; p++)
        {
            long perEpoch = UpdatesPerEpoch(size);
            if (schedule is null || size >= largest)
            {
                yield return new(epoch, epoch, updates, examples, size, perEpoch);
                yield break;
            }
            double grown = Math.Floor(batchSize * PortableMath.Power(schedule.Factor, p) + 0.5);
            int next = grown >= largest ? largest : (int)grown;
            if (next == size)
                continue;
            yield return new(epoch, epoch, updates, examples, size, perEpoch);
            long epochs = p * schedule.EveryEpochs - epoch;
            epoch += epochs;
            updates += epochs * perEpoch;
            examples += epochs * (HasShortBatches ? TrainExamples : perEpoch * size);
            size = next;
        }
    }
}
