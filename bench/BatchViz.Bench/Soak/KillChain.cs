using BatchViz.Cli;

namespace BatchViz.Bench.Soak;

/// <summary>What became of one experiment that was killed again and again.</summary>
/// <param name="Kills">Those that hit a run in progress: the process was alive, had told no result, and left a recording with an unfinished
/// run.</param>
/// <param name="Missed">The others.</param>
internal sealed record KillOutcome(string Name, int Kills, int Missed, double Seconds, string? Failure);

/// <summary>
/// Kills runs and resumes of one experiment at random moments, lets the last resume finish, and compares with a run that nothing happened
/// to.
/// </summary>
internal sealed class KillChain(string name, string experiment, string folder)
{
    private const int MostMissed = 10;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    /// <summary>
    /// Tiny nets in cohorts (buckets are kept), momentum and Adam, larger nets (all records are kept), MNIST, budgets in updates and
    /// epochs.
    /// </summary>
    public static readonly IReadOnlyDictionary<string, string> Experiments = new Dictionary<string, string>
    {
        ["cohorts"] = """
            { "data": { "kind": "moons", "trainExamples": 203 }, "model": { "hidden": [8, 8], "activation": "tanh" }, "learningRate": 0.05,
              "batchSizes": [1, 8], "seeds": [1, 2, 3], "budget": { "updates": 500000 }, "landscape": { "resolution": 17 } }
            """,
        ["momentum"] = """
            { "data": { "kind": "moons", "trainExamples": 300 }, "model": { "hidden": [16], "activation": "relu" }, "learningRate": 0.01,
              "optimizer": { "kind": "momentum" }, "batchSizes": [4, 32], "seeds": [5, 6], "budget": { "epochs": 5000 }, "landscape": { "resolution": 17 } }
            """,
        ["adam"] = """
            { "data": { "kind": "moons", "trainExamples": 500 }, "model": { "hidden": [64, 64, 64], "activation": "relu" }, "learningRate": 0.001,
              "optimizer": { "kind": "adam" }, "batchSizes": [128, "full"], "budget": { "updates": 4000 }, "landscape": { "resolution": 17 } }
            """,
        ["mnist"] = """
            { "data": { "kind": "mnist", "trainExamples": 4000, "testExamples": 500 }, "model": { "hidden": [32] }, "learningRate": 0.05,
              "batchSizes": [8, 128], "budget": { "epochs": 12 }, "landscape": { "resolution": 17, "evaluationExamples": 200 } }
            """,
    };

    /// <param name="below">Uniform in 0 … bound − 1: when to kill.</param>
    public KillOutcome Run(int kills, Func<int, int> below, CancellationToken stop)
    {
        var clock = System.Diagnostics.Stopwatch.StartNew();
        int hit = 0,
            missed = 0;
        string? failure = Trial();
        return new KillOutcome(name, hit, missed, clock.Elapsed.TotalSeconds, failure);

        string? Trial()
        {
            string file = Path.Combine(folder, name + ".json"),
                whole = Path.Combine(folder, name + "-whole");
            File.WriteAllText(file, experiment);
            if (ToItsEnd("run", file, "--out", whole, "--json") is { } first)
                return $"the run that nothing happens to: {first}";
            for (int part = 0; hit < kills; part++)
            {
                string killed = Path.Combine(folder, $"{name}-killed-{part}");
                string[] next = ["run", file, "--out", killed, "--json"];
                bool ended = false;
                while (!ended && hit < kills && missed < hit + MostMissed)
                {
                    stop.ThrowIfCancellationRequested();
                    using var victim = new Victim(next);
                    if (victim.Records(killed, TimeSpan.FromMilliseconds(below(400))) && victim.Kill())
                    {
                        if (SameRecording.IsUnfinished(killed))
                            hit++;
                        else
                            missed++;
                    }
                    else
                    {
                        missed++;
                        ended = victim.Ends(TimeSpan.FromSeconds(1)) && victim.Code == CommandLine.Done;
                        if (!ended && victim.Code != Victim.Killed)
                            return $"after {hit} kills, {string.Join(' ', next)}: exit code {victim.Code}: {victim.Error}";
                    }
                    next = ["resume", killed, "--json"];
                }
                if (!ended && ToItsEnd(next) is { } last)
                    return $"after {hit} kills: {last}";
                if (SameRecording.Difference(whole, killed) is { } difference)
                    return $"after {hit} kills: {difference}";
                if (missed >= hit + MostMissed)
                    return $"of {hit + missed} kills only {hit} hit a run in progress";
                Directory.Delete(killed, recursive: true);
            }
            return null;
        }
    }

    /// <summary>Null when it succeeded.</summary>
    private static string? ToItsEnd(params string[] arguments)
    {
        using var process = new Victim(arguments);
        if (!process.Ends(Patience))
            return "it does not end";
        return process.Code == CommandLine.Done ? null : $"exit code {process.Code}: {process.Error}";
    }
}
