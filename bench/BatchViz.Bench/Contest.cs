using System.Diagnostics;

namespace BatchViz.Bench;

/// <summary>One of those that are measured side by side.</summary>
internal interface IContestant
{
    string Name { get; }

    /// <summary>
    /// Works for about so many seconds, at least once, and says how many seconds one unit of work took on the wall; NaN when it cannot.
    /// </summary>
    double Round(double seconds);
}

/// <summary>Seconds for one unit of work, over the rounds; NaN for a contestant that gave up.</summary>
internal readonly record struct Timing(double Minimum, double Median)
{
    public static Timing Of(IReadOnlyList<double> rounds)
    {
        double[] sorted = [.. rounds.Order()];
        if (double.IsNaN(sorted[0]))
            return new(double.NaN, double.NaN);
        int half = sorted.Length / 2;
        return new(sorted[0], sorted.Length % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2);
    }

    public Timing DividedBy(double parts) => new(Minimum / parts, Median / parts);
}

/// <summary>Measures contestants in turns, so that whatever else the machine does meets all of them alike.</summary>
internal static class Contest
{
    public const int Rounds = 10;

    private const double WarmRound = 0.1,
        LongestWarmUp = 2;
    private const int LeastWarmRounds = 5,
        CalmRounds = 3;

    /// <param name="seconds">For each contestant, over all rounds.</param>
    public static Timing[] Run(IReadOnlyList<IContestant> contestants, double seconds, CancellationToken stop)
    {
        var rounds = contestants.Select(_ => new List<double>(Rounds)).ToArray();
        foreach (var contestant in contestants)
        {
            stop.ThrowIfCancellationRequested();
            WarmUp(contestant);
        }
        GC.Collect();
        // Work of which one unit outlasts its rounds, such as a large landscape, is repeated less often.
        var spent = new double[contestants.Count];
        for (int round = 0; round < Rounds; round++)
        {
            for (int c = 0; c < contestants.Count; c++)
            {
                if (round >= 2 && spent[c] >= seconds)
                    continue;
                stop.ThrowIfCancellationRequested();
                long start = Stopwatch.GetTimestamp();
                rounds[c].Add(contestants[c].Round(seconds / Rounds));
                spent[c] += Stopwatch.GetElapsedTime(start).TotalSeconds;
            }
        }
        return [.. rounds.Select(r => Timing.Of(r))];
    }

    /// <summary>Until code is compiled and memory touched: rounds that do not count, until they have stopped getting faster.</summary>
    private static void WarmUp(IContestant contestant)
    {
        double best = double.PositiveInfinity;
        long start = Stopwatch.GetTimestamp();
        int calm = 0;
        for (
            int round = 0;
            (round < LeastWarmRounds || calm < CalmRounds) && Stopwatch.GetElapsedTime(start).TotalSeconds < LongestWarmUp;
            round++
        )
        {
            double time = contestant.Round(WarmRound);
            calm = time < 0.97 * best ? 0 : calm + 1;
            best = Math.Min(best, time);
        }
    }
}
