using BatchViz.Core.Sampling;
using BatchViz.Core.Specs;
using FsCheck;
using FsCheck.Fluent;

namespace BatchViz.Core.Tests.Sampling;

/// <summary>
/// A run, a fork of it, a fork of that and so on, ascending; and the last one's batches counted one by one: no closed form, no phases.
/// </summary>
public sealed record Forking(Growing Root, IReadOnlyList<(long Update, int BatchSize)> Forks)
{
    /// <summary>
    /// One to three forks, some of them at an epoch's border, at the same update as the one before, or with the size in force.
    /// </summary>
    public static readonly Arbitrary<Forking> Any = (
        from root in Growing.Any.Generator
        from count in Gen.Choose(1, 3)
        from draws in Gen.Choose(0, int.MaxValue - 1).ArrayOf(3 * count)
        select Of(root, draws)
    ).ToArbitrary();

    private static Forking Of(Growing root, int[] draws)
    {
        var forks = new List<(long Update, int BatchSize)>();
        var progress = root.Progress;
        for (int i = 0; i < draws.Length; i += 3)
        {
            long from = forks.Count == 0 ? 0 : forks[^1].Update;
            long update = (draws[i] % 4) switch
            {
                0 => Math.Max(from, progress.UpdatesInEpochs(Math.Ceiling(progress.EpochsAfter(from)) + draws[i + 1] % 3)),
                1 => from,
                _ => from + draws[i + 1] % 40,
            };
            int now = progress.PhaseOf(update + 1).BatchSize,
                size = draws[i + 2] % 5 == 0 ? now : 1 + draws[i + 2] % root.TrainExamples;
            forks.Add((update, size));
            progress = progress.ForkedAt(update, size);
        }
        return new Forking(root, forks);
    }

    public TrainingProgress Progress => Forks.Aggregate(Root.Progress, (parent, fork) => parent.ForkedAt(fork.Update, fork.BatchSize));

    public Sampler Sampler => new(Root.Order, Progress, Root.Seed);

    /// <summary>As <see cref="Growing.Batches"/>, with the passes over the data after each update.</summary>
    public IEnumerable<(long Epoch, int Whole, long[] Positions, double Epochs)> Batches()
    {
        var remainder = Root.Remainder;
        int n = Root.TrainExamples,
            at = 0,
            taken = 0;
        long epoch = 0,
            used = 0;
        int? own = null;
        double passes = 0;
        for (long made = 0; ; made++)
        {
            for (; taken < Forks.Count && Forks[taken].Update == made; taken++)
            {
                bool differs = Forks[taken].BatchSize != (own ?? Root.SizeIn(epoch));
                if (differs && at > 0 && remainder != RemainderPolicy.Carry)
                    (epoch, at) = (epoch + 1, 0);
                own = Forks[taken].BatchSize;
            }
            int size = own ?? Root.SizeIn(epoch),
                left = Math.Min(size, n - at);
            long from = epoch * n;
            var positions = remainder switch
            {
                RemainderPolicy.Carry => Enumerable.Range(at, size),
                RemainderPolicy.Wrap => Enumerable.Range(at, left).Concat(Enumerable.Range(0, size - left)),
                _ => Enumerable.Range(at, left),
            };
            long[] batch = [.. positions.Select(i => from + i)];
            used += batch.Length;
            passes += 1 / (remainder == RemainderPolicy.Drop ? Math.Floor((double)n / size) : Math.Ceiling((double)n / size));
            yield return (epoch, size, batch, remainder is RemainderPolicy.Drop or RemainderPolicy.Wrap ? passes : (double)used / n);
            at += size;
            if (remainder == RemainderPolicy.Carry)
                (epoch, at) = (epoch + at / n, at % n);
            else if (at + (remainder == RemainderPolicy.Drop ? size : 1) > n)
                (epoch, at) = (epoch + 1, 0);
        }
    }
}
