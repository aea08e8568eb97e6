namespace BatchViz.Bench.Soak;

/// <summary>What a target made of its inputs.</summary>
/// <param name="Refused">Inputs that were refused in one sentence.</param>
/// <param name="Handled">Inputs that were read.</param>
/// <param name="SlowestMs">The longest reading.</param>
/// <param name="MostAllocationRatio">The most that a reading allocated, as a share of what it may: ten times the input and 1 MB.</param>
internal sealed record FuzzResult(
    long Inputs,
    long Refused,
    long Handled,
    double SlowestMs,
    double MostAllocationRatio,
    double Seconds,
    FuzzFailure? Failure
)
{
    /// <summary>This and more inputs of the same target.</summary>
    public FuzzResult With(FuzzResult more) =>
        new(
            Inputs + more.Inputs,
            Refused + more.Refused,
            Handled + more.Handled,
            Math.Max(SlowestMs, more.SlowestMs),
            Math.Max(MostAllocationRatio, more.MostAllocationRatio),
            Seconds + more.Seconds,
            more.Failure
        );

    public FuzzReport Report(string target) =>
        new(
            target,
            Inputs,
            Refused,
            Handled,
            SlowestMs,
            MostAllocationRatio,
            Seconds,
            Failure is { } failure ? new(failure.Seed, failure.Index, failure.What, failure.Base64) : null
        );
}

/// <summary>An input that broke a rule, with all that is needed to try it again.</summary>
internal sealed record FuzzFailure(uint Seed, long Index, string What, byte[] Input)
{
    /// <summary>Longer inputs are better made again from seed and index.</summary>
    private const int LongestShown = 3000;

    public string Base64 => Input.Length <= LongestShown ? Convert.ToBase64String(Input) : $"{Input.Length} bytes";

    public string Describe(string target) =>
        $"{target}, seed {Seed}, index {Index}: the input {What} (again: soak --fuzz {target} --seed {Seed} --index {Index} --inputs 1; base64: {Base64})";
}
