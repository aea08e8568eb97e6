using BatchViz.Training;

namespace BatchViz.Live;

/// <summary>Who asks for something to be recomputed.</summary>
/// <param name="Id">Tells viewers apart.</param>
/// <param name="IsOwner">Comes before all viewers, and waits for none of them.</param>
public readonly record struct Asker(string Id, bool IsOwner)
{
    public static readonly Asker Owner = new("", true);
}

/// <summary>What a recomputation will take.</summary>
/// <param name="Updates">To be made once more.</param>
/// <param name="Seconds">Of one processor, about, with all that comes after the updates; NaN: unknown.</param>
public readonly record struct RecomputeCost(long Updates, double Seconds);

/// <summary>Something that can be recomputed.</summary>
/// <param name="Key">Equal keys are the same wish: computed once, answered to everyone who asks.</param>
/// <param name="Work">Reports its progress often, since that is where it is made to wait.</param>
public sealed record Recomputation(
    object Key,
    Func<RecomputeCost> Cost,
    Func<Replayer, IProgress<double>, CancellationToken, RecomputedAnswer> Work
);

/// <summary>An answer.</summary>
/// <param name="Final">It never changes.</param>
/// <param name="StillHolds">Of one that is not final: whether it would come out the same now. Without, it stands for two seconds.</param>
public readonly record struct RecomputedAnswer(byte[] Bytes, bool Final, Func<bool>? StillHolds = null);

/// <summary>The answer; or how far it is, from 0 to 1, and what the whole costs; or why there is none, in a sentence.</summary>
public readonly record struct RecomputedState(RecomputedAnswer? Answer, double Progress, RecomputeCost Cost, string? Refusal);
