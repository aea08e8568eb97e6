namespace BatchViz.Telemetry;

/// <summary>Figures of a run at its end. Accuracies are fractions; NaN where the data has no test split or no classes.</summary>
public sealed record RunResult(
    string Id,
    int BatchSize,
    uint Seed,
    long Updates,
    double Epochs,
    double TrainLoss,
    double TrainAccuracy,
    double TestLoss,
    double TestAccuracy,
    double Seconds,
    bool Diverged,
    string WeightsSha256
);
