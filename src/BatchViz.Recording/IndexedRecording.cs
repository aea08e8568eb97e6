namespace BatchViz.Recording;

/// <summary>What a list of recordings shows of one, read without opening it.</summary>
/// <param name="Manifest">Null where it cannot be read, and <paramref name="Problem"/> says why.</param>
/// <param name="Runs">Empty where the manifest cannot be read.</param>
/// <param name="Bytes">Of all its files, on the disk.</param>
/// <param name="Created">When it was begun; of one that cannot be read, when its folder last changed.</param>
public sealed record IndexedRecording(
    RecordingManifest? Manifest,
    IReadOnlyList<RunSummary> Runs,
    long Bytes,
    DateTimeOffset Created,
    string? Problem
);
