using BatchViz.Telemetry;

namespace BatchViz.Api;

/// <summary>An entry of <c>GET /api/recordings</c>.</summary>
/// <param name="Id">The name of its folder.</param>
/// <param name="Says">The state in a few words.</param>
/// <param name="Problem">Why it cannot be read, in a sentence.</param>
/// <param name="Engine">Null where that cannot be read.</param>
/// <param name="Updates">Of all runs together.</param>
public sealed record ListedRecording(
    string Id,
    string Name,
    string Title,
    DateTimeOffset Created,
    string State,
    string Says,
    string? Problem,
    string? Engine,
    long Updates,
    long Bytes,
    IReadOnlyList<string> Damages,
    IReadOnlyList<ListedRun> Runs
);

/// <param name="State">Null while it is being written, and of one that was interrupted.</param>
public sealed record ListedRun(string Id, long Updates, RunState? State, string? Message);

/// <summary>What <c>POST /api/recordings/import</c> made.</summary>
public sealed record ImportedRecording(string Id, string Name);
