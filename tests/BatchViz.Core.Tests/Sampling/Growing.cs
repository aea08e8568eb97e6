using BatchViz.Core.Sampling;
using BatchViz.Core.Specs;
using FsCheck;
using FsCheck.Fluent;

namespace BatchViz.Core.Tests.Sampling;

/// <summary>A run whose batches may grow, and its batches counted one by one: no closed form, no phases.</summary>
public sealed record Growing(
    SampleOrder Order,
    RemainderPolicy Remainder,
    int TrainExamples,
    int BatchSize,
    BatchScheduleSpec? Schedule,
    uint Seed
)
{
    public static readonly Arbitrary<Growing> Any = (
        from order in Gen.Elements(Enum.GetValues<SampleOrder>())
        from remainder in Gen.Elements(Enum.GetValues<RemainderPolicy>())
        from n in Gen.Choose(1, 60)
        from batch in Gen.Choose(1, n)
        from factor in Gen.Elements(1.1, 1.25, 1.5, 2, 2.5, 3, 1000)
        from every in Gen.Choose(1, 4)
        from maximum in Gen.Choose(batch, 80)
        from bounded in Gen.Elements(true, false)
        from grows in Gen.Frequency((3, Gen.Constant(true)), (1, Gen.Constant(false)))
        from seed in Gen.Choose(0, 9)
        select new Growing(
            order,
            remainder,
            n,
            batch,
            grows && remainder != RemainderPolicy.Carry ? new BatchScheduleSpec(factor, every, bounded ? maximum : null) : null,
            (uint)seed
        )
    ).ToArbitrary();

    public TrainingProgress Progress => new(Remainder, TrainExamples, BatchSize, Schedule);

    public Sampler Sampler => new(new SamplerSpec { Order = Order, Remainder = Remainder }, TrainExamples, BatchSize, Seed, Schedule);

    /// <summary>Size of a whole batch in an epoch counted from 0.</summary>
    public int SizeIn(long epoch) =>
        Schedule is not { } s
            ? BatchSize
            : (int)
                Math.Min(
                    Math.Min(
                        Math.Round(BatchSize * Math.Pow(s.Factor, epoch / s.EveryEpochs), MidpointRounding.AwayFromZero),
                        s.Maximum ?? int.MaxValue
                    ),
                    TrainExamples
                );

    /// <summary>
    /// The first updates of a run: the epoch in which each begins, its whole batch size, and the positions of its examples in the order of
    /// all epochs laid end to end.
    /// </summary>
    public IEnumerable<(long Epoch, int Whole, long[] Positions)> Batches()
    {
        long used = 0;
        for (long epoch = 0; ; epoch++)
        {
            int size = SizeIn(epoch);
            long end = (epoch + 1) * TrainExamples;
            if (Remainder == RemainderPolicy.Carry)
            {
                for (; used < end; used += size)
                    yield return (epoch, size, Positions(used, size));
                continue;
            }
            for (long at = epoch * TrainExamples; at < end; at += size)
            {
                int left = (int)Math.Min(size, end - at);
                if (left == size)
                    yield return (epoch, size, Positions(at, size));
                else if (Remainder == RemainderPolicy.Wrap)
                    yield return (epoch, size, [.. Positions(at, left), .. Positions(epoch * TrainExamples, size - left)]);
                else if (Remainder != RemainderPolicy.Drop)
                    yield return (epoch, size, Positions(at, left));
            }
        }

        static long[] Positions(long from, int count) => [.. Enumerable.Range(0, count).Select(i => from + i)];
    }
}
