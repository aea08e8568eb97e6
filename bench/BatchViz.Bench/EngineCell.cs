namespace BatchViz.Bench;

/// <summary>A peer's time beside ours, in the same unit.</summary>
/// <param name="Processor">Least processor seconds; infinite where they are not known.</param>
internal sealed record PeerTime(string Name, Timing Time, double Processor)
{
    /// <param name="parts">Parts of a unit of work that are counted, by which the times have been divided.</param>
    public static PeerTime[] Of(IReadOnlyList<IContestant> peers, IReadOnlyList<Timing> times, int parts = 1) =>
        [
            .. peers
                .Zip(
                    times,
                    (peer, time) =>
                        new PeerTime(peer.Name, time, peer is PeerContestant one ? one.ProcessorMinimum / parts : double.PositiveInfinity)
                )
                .Where(p => double.IsFinite(p.Time.Minimum)),
        ];

    /// <summary>The fastest by its shortest round; null when there is none.</summary>
    public static PeerTime? Fastest(IEnumerable<PeerTime> peers) => peers.MinBy(p => p.Time.Minimum);
}

/// <summary>What was measured of one network at one batch size; times are seconds of one update of one model.</summary>
/// <param name="Processor">Least processor seconds.</param>
/// <param name="Recording">Share of the shortest round that went into the run logs.</param>
/// <param name="Zeros">Share of the data's features that are 0.</param>
internal sealed record EngineCell(
    BenchNet Net,
    int Batch,
    int Seeds,
    string Data,
    double Zeros,
    Timing Own,
    double Processor,
    double Recording,
    PeerTime[] Peers
)
{
    /// <summary>
    /// Nominal: every multiply-add of forward and backward counts, also those with inputs of 0, which the engine may leave out.
    /// </summary>
    public double Gflops => Net.Network.TrainingFlopsPerExample * (double)Batch / Own.Minimum * 1e-9;

    /// <summary>
    /// Without the first layer's multiply-adds with inputs of 0, forward and for the gradient: no more than was really computed.
    /// </summary>
    public double GflopsWithoutZeros =>
        (Net.Network.TrainingFlopsPerExample - (Net.Preset is null ? 4.0 * Net.Sizes[0] * Net.Sizes[1] * Zeros : 0))
        * Batch
        / Own.Minimum
        * 1e-9;

    public PeerTime? Fastest => PeerTime.Fastest(Peers);

    /// <summary>How many times faster than the fastest peer; null without peers.</summary>
    public double? Ratio => Fastest?.Time.Minimum / Own.Minimum;

    /// <summary>As <see cref="Ratio"/>, in processor time of all threads; null where that is not known of any peer.</summary>
    public double? ProcessorRatio =>
        Peers.Select(p => p.Processor).Where(double.IsFinite).DefaultIfEmpty().Min() is > 0 and var least ? least / Processor : null;

    /// <summary>How many times faster than the fastest kind of PyTorch.</summary>
    public double? TorchRatio =>
        PeerTime.Fastest(Peers.Where(p => p.Name.StartsWith("PyTorch", StringComparison.Ordinal)))?.Time.Minimum / Own.Minimum;

    public EngineReportCell Report(double ceiling)
    {
        var cell = new EngineReportCell
        {
            Net = Net.Name,
            Batch = Batch,
            MicrosecondsPerUpdate = Own.Minimum * 1e6,
            Gflops = Gflops,
            Seeds = Seeds,
            MedianMicrosecondsPerUpdate = Own.Median * 1e6,
            ProcessorMicrosecondsPerUpdate = Processor * 1e6,
            RecordingShare = Recording,
            CeilingShare = Gflops / ceiling,
            Data = Data,
            GflopsWithoutZeros = GflopsWithoutZeros,
            CeilingShareWithoutZeros = GflopsWithoutZeros / ceiling,
        };
        if (Peers.Length == 0)
            return cell;
        var peers = Peers.Select(p => new PeerUpdateTime(
            p.Name,
            p.Time.Minimum * 1e6,
            p.Time.Median * 1e6,
            double.IsFinite(p.Processor) ? p.Processor * 1e6 : null
        ));
        return cell with { Peers = [.. peers], Ratio = Ratio, RatioToPyTorch = TorchRatio, ProcessorRatio = ProcessorRatio };
    }
}
