namespace BatchViz.Training;

/// <summary>Progress of one step of several, told as a share of the whole.</summary>
internal sealed class ScaledProgress(IProgress<double> whole, double from, double to) : IProgress<double>
{
    /// <param name="whole">Null: nobody wants to know.</param>
    public static IProgress<double>? Of(IProgress<double>? whole, double from, double to) =>
        whole is null ? null : new ScaledProgress(whole, from, to);

    public void Report(double value) => whole.Report(from + (to - from) * value);
}
