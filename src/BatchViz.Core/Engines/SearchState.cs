namespace BatchViz.Core.Engines;

/// <summary>What a member that goes along directions knows besides vectors, and what its last update has cost.</summary>
public sealed class SearchState
{
    /// <summary>Numbers that a keyframe keeps.</summary>
    public const int Kept = 8;

    /// <summary>Of all passes so far, forward and backward.</summary>
    public double Flops;

    /// <summary>L-BFGS: pairs stored since it last forgot them; the k-th, from 0, is in place k mod m.</summary>
    public double Pairs;

    /// <summary>Pairs left out (L-BFGS) or restarts (conjugate gradients) so far; searches that failed so far.</summary>
    public double Skipped,
        Fallbacks;

    /// <summary>
    /// Conjugate gradients, of the update before: ‖g‖², 0 where there is none; step and slope along its direction; updates since a restart.
    /// </summary>
    public double Square,
        Step,
        Slope,
        Age;

    /// <summary>Of the last update: gradients of the batch, its losses by forward passes alone, and the step along the direction.</summary>
    public int Gradients,
        Forwards;

    public double StepLength;

    public void Export(Span<double> to) =>
        (to[0], to[1], to[2], to[3], to[4], to[5], to[6], to[7]) = (Flops, Pairs, Skipped, Fallbacks, Square, Step, Slope, Age);

    /// <param name="from">Empty: nothing is known.</param>
    public void Restore(ReadOnlySpan<double> from) =>
        (Flops, Pairs, Skipped, Fallbacks, Square, Step, Slope, Age) = from.IsEmpty
            ? default
            : (from[0], from[1], from[2], from[3], from[4], from[5], from[6], from[7]);

    /// <summary>Another optimiser begins; what was spent stays spent.</summary>
    public void BeginAnew() => (Pairs, Skipped, Fallbacks, Square, Step, Slope, Age) = (0, 0, 0, 0, 0, 0, 0);

    public void BeginUpdate() => (Gradients, Forwards, StepLength) = (0, 0, double.NaN);

    /// <summary>An update without a search.</summary>
    public void OnePass(double flops)
    {
        Flops += flops;
        Gradients = 1;
    }

    public void Write(Span<float> record, RecordLayout layout)
    {
        record[layout.Flops] = (float)Flops;
        record[layout.StepLength] = (float)StepLength;
        record[layout.Gradients] = Gradients;
        record[layout.Forwards] = Forwards;
        record[layout.Skipped] = (float)Skipped;
        record[layout.Fallbacks] = (float)Fallbacks;
    }
}
