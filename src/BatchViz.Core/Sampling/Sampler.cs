using BatchViz.Core.Numerics;
using BatchViz.Core.Specs;

namespace BatchViz.Core.Sampling;

/// <summary>
/// Which examples each update sees: a pure function of (seed, update). It keeps the permutations of the epochs it was last asked
/// about, nothing else, so it can be asked about any update in any order. Not safe for use from two threads at once.
/// </summary>
public sealed class Sampler
{
    private readonly SampleOrder sampleOrder;
    private readonly TrainingProgress progress;
    private readonly uint seed;
    private readonly int[] order,
        next;
    private long orderEpoch = -1,
        nextEpoch = -1;

    public Sampler(SamplerSpec spec, int trainExamples, int batchSize, uint seed, BatchScheduleSpec? schedule = null)
        : this(spec.Order, new TrainingProgress(spec.Remainder, trainExamples, batchSize, schedule), seed) { }

    public Sampler(SampleOrder order, TrainingProgress progress, uint seed)
    {
        (sampleOrder, this.progress, this.seed) = (order, progress, seed);
        this.order = new int[progress.TrainExamples];
        next = progress.Remainder == RemainderPolicy.Carry ? new int[progress.TrainExamples] : [];
    }

    public TrainingProgress Progress => progress;

    /// <summary>
    /// Writes the indices of the examples of update <paramref name="update"/> (counted from 1) to <paramref name="indices"/>
    /// [at least <see cref="TrainingProgress.LargestBatch"/>] and returns how many they are: the phase's batch size, or fewer in an epoch's
    /// last batch (keep, reweight).
    /// </summary>
    public int Fill(long update, Span<int> indices)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(update, 1);
        ref readonly var phase = ref progress.PhaseOf(update);
        int size = phase.BatchSize,
            n = progress.TrainExamples;
        if (sampleOrder == SampleOrder.Replacement)
        {
            int count = progress.ExamplesOf(update);
            var stream = new Philox(seed, Purpose.Draw, (ulong)update);
            for (int i = 0; i < count; i++)
                indices[i] = stream.Below((ulong)i, n);
            return count;
        }

        if (progress.Remainder == RemainderPolicy.Carry)
        {
            var (epoch, position) = Math.DivRem(progress.ExamplesAfter(update - 1), n);
            int head = (int)Math.Min(size, n - position);
            EpochOrder(epoch, order, ref orderEpoch).AsSpan((int)position, head).CopyTo(indices);
            if (head < size)
                EpochOrder(epoch + 1, next, ref nextEpoch).AsSpan(0, size - head).CopyTo(indices[head..]);
            return size;
        }

        var (epochs, batch) = Math.DivRem(update - 1 - phase.Update, phase.UpdatesPerEpoch);
        int[] permutation = EpochOrder(phase.Epoch + epochs, order, ref orderEpoch);
        int start = (int)(batch * size),
            rest = Math.Min(size, n - start);
        permutation.AsSpan(start, rest).CopyTo(indices);
        if (rest == size || progress.Remainder != RemainderPolicy.Wrap)
            return rest;
        permutation.AsSpan(0, size - rest).CopyTo(indices[rest..]);
        return size;
    }

    /// <summary>
    /// The weight of the update's mean gradient: b/B for a short batch under <see cref="RemainderPolicy.Reweight"/>, else 1.
    /// </summary>
    /// <param name="count">b: examples in the update's batch.</param>
    public float GradientWeight(long update, int count) =>
        progress.Remainder == RemainderPolicy.Reweight ? (float)count / progress.PhaseOf(update).BatchSize : 1f;

    private int[] EpochOrder(long epoch, int[] into, ref long held)
    {
        if (held == epoch)
            return into;
        if (into == order && nextEpoch == epoch && next.Length > 0)
        {
            next.CopyTo(order, 0);
            return Held(order, epoch, out held);
        }
        for (int i = 0; i < into.Length; i++)
            into[i] = i;
        if (sampleOrder == SampleOrder.Shuffle)
        {
            var stream = new Philox(seed, Purpose.Shuffle, (ulong)epoch);
            Span<ulong> words = stackalloc ulong[256];
            for (int end = into.Length; end > 1; )
            {
                int first = Math.Max(1, end - words.Length);
                stream.Words((ulong)first, words[..(end - first)]);
                for (int i = end - 1; i >= first; i--)
                {
                    int j = Philox.BelowOf(words[i - first], i + 1);
                    (into[i], into[j]) = (into[j], into[i]);
                }
                end = first;
            }
        }
        return Held(into, epoch, out held);
    }

    private static int[] Held(int[] permutation, long epoch, out long held)
    {
        held = epoch;
        return permutation;
    }
}
