using BatchViz.Core.Numerics;
using BatchViz.Core.Specs;

namespace BatchViz.Core.Sampling;

/// <summary>
/// The learning rate of each update of a run: a pure function of the progress, in epochs, at which the update begins. A warm-up
/// multiplies what the schedule says (as in Goyal et al. 2017, where the steps count from the run's beginning).
/// </summary>
/// <param name="rate">η: the run's rate, from the rule for its batch size. A batch schedule does not change it.</param>
/// <param name="schedule">A cosine's length must be known: <see cref="ScheduleSpec.Epochs"/> is set.</param>
public sealed class LearningRates(double rate, ScheduleSpec schedule, TrainingProgress progress)
{
    private readonly bool constant = schedule is { Kind: ScheduleKind.Constant, Warmup: null };

    /// <summary>The rate of update <paramref name="update"/>, counted from 1.</summary>
    public double At(long update) => constant ? rate : rate * ShareAt(progress.EpochsAfter(update - 1));

    /// <summary>The share of the rate after so many epochs.</summary>
    public double ShareAt(double epochs)
    {
        double share = schedule.Kind switch
        {
            ScheduleKind.Step => PortableMath.Power(schedule.Factor, (long)(epochs / schedule.EveryEpochs)),
            ScheduleKind.Cosine => Cosine(epochs),
            _ => 1,
        };
        return schedule.Warmup is { } warmup && epochs < warmup.Epochs ? share * Warmup(warmup, epochs) : share;
    }

    private double Cosine(double epochs)
    {
        double length = schedule.Epochs ?? throw new InvalidOperationException("the cosine's length is not known");
        return schedule.Floor + (1 - schedule.Floor) * 0.5 * (1 + PortableMath.CosPi(Math.Min(1, epochs / length)));
    }

    private static double Warmup(WarmupSpec warmup, double epochs) =>
        warmup.Kind == WarmupKind.Constant ? warmup.Factor : warmup.Factor + (1 - warmup.Factor) * (epochs / warmup.Epochs);
}
