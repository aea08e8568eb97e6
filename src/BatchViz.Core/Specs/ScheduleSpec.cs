namespace BatchViz.Core.Specs;

public enum ScheduleKind
{
    Constant,

    /// <summary>The rate is multiplied by a factor every so many epochs.</summary>
    Step,

    /// <summary>
    /// Half a cosine from the rate down to a share of it (Loshchilov and Hutter 2017, arXiv:1608.03983, eq. 5, one cycle).
    /// </summary>
    Cosine,
}

public enum WarmupKind
{
    /// <summary>Linearly from factor·η to η (Goyal et al. 2017, arXiv:1706.02677, section 2.2).</summary>
    Gradual,

    /// <summary>factor·η until its end.</summary>
    Constant,
}

/// <summary>
/// How the learning rate changes along a run. It depends on the run's progress in epochs alone, so at equal progress all batch
/// sizes have the same share of their rate; see <see cref="Sampling.LearningRates"/>.
/// </summary>
public sealed record ScheduleSpec
{
    public ScheduleKind Kind { get; init; } = ScheduleKind.Constant;

    /// <summary>Step: what the rate is multiplied by every <see cref="EveryEpochs"/> epochs.</summary>
    public double Factor { get; init; } = 0.1;

    /// <summary>Step: a whole number of epochs, at least 1.</summary>
    public int EveryEpochs { get; init; } = 1;

    /// <summary>Cosine: epochs until the rate has come down; null: the budget's length.</summary>
    public double? Epochs { get; init; }

    /// <summary>Cosine: share of the rate that is left at the end and after it.</summary>
    public double Floor { get; init; }

    public WarmupSpec? Warmup { get; init; }
}

/// <summary>
/// The rate's beginning: until <paramref name="Epochs"/> it is multiplied by a factor that is, or begins at, <paramref name="Factor"/>.
/// </summary>
public sealed record WarmupSpec(WarmupKind Kind, double Epochs, double Factor = 0.1);

/// <summary>
/// A batch that grows instead of a rate that falls (Smith et al. 2018, arXiv:1711.00489): in epochs pE to (p + 1)E, counted from 0,
/// its size is min(B·factorᵖ rounded with halves up, maximum, N).
/// </summary>
/// <param name="EveryEpochs">E: a whole number, at least 1.</param>
/// <param name="Maximum">Null: as large as the training split.</param>
public sealed record BatchScheduleSpec(double Factor, int EveryEpochs, int? Maximum = null);
