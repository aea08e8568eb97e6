namespace BatchViz.Bench;

/// <summary>A peer's process with one request.</summary>
/// <param name="failed">Gets a sentence when the peer stops working or does not do this; its times are NaN from then on.</param>
internal sealed class PeerContestant(PeerProcess process, string name, PeerRequest request, Action<string> failed, CancellationToken stop)
    : IContestant
{
    /// <summary>
    /// After an answer the threads of a BLAS wait in a loop for more work (26 ms in OpenBLAS), which would slow who comes next.
    /// </summary>
    private static readonly TimeSpan Settle = TimeSpan.FromMilliseconds(40);

    public string Name => name;

    private string Title => $"{request.Preset ?? string.Join('-', request.Sizes)}{(request.Batch is { } batch ? $", B = {batch}" : "")}";

    /// <summary>Least processor seconds of one unit, of all its threads, over the rounds so far; infinite where it does not say.</summary>
    public double ProcessorMinimum { get; private set; } = double.PositiveInfinity;

    public double Round(double seconds)
    {
        try
        {
            var answer = process.Ask(request, seconds, stop);
            if (answer.ProcessorMicroseconds is { } processor)
                ProcessorMinimum = Math.Min(ProcessorMinimum, processor * 1e-6);
            if (process.Threads > 1)
                Thread.Sleep(Settle);
            return answer.Microseconds * 1e-6 ?? answer.Seconds ?? throw new PeerException("it answered without a time");
        }
        catch (PeerException e)
        {
            failed(
                e.Refused
                    ? $"{name} does not do {Title} ({e.Message.TrimEnd('.')})."
                    : $"{name} stopped working ({e.Message.TrimEnd('.')})."
            );
            return double.NaN;
        }
    }
}
