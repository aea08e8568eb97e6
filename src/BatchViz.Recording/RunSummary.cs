using System.Buffers.Binary;
using BatchViz.Core.Specs;
using BatchViz.Recording.Storage;
using BatchViz.Telemetry;

namespace BatchViz.Recording;

/// <summary>
/// How far a recorded run came, from the headers of its log: blocks are hopped over, not read, so that a list of many recordings is
/// quick. What the payloads hold is checked only when the recording is opened.
/// </summary>
/// <param name="Updates">Those before a fork among them.</param>
/// <param name="State">Null where the log says nothing of an end: the run is being written, or was interrupted.</param>
public sealed record RunSummary(string Id, long Updates, RunState? State, string? Message, RunResult? Result, Damage? Damage)
{
    private const int HeadBytes = 16;

    /// <summary>As much of each block is read: the whole of a block that names its run.</summary>
    private const int SummaryBytes = 160;

    /// <summary>Whether there is something left to train, as far as can be told from here.</summary>
    public bool Unfinished => State is null or RunState.Stopped or RunState.Failed && !Spent;

    /// <summary>A budget in seconds ends a run by stopping it.</summary>
    private bool Spent => State == RunState.Stopped && Message?.EndsWith("lane seconds were spent.", StringComparison.Ordinal) == true;

    public bool Interrupted => State is null || Message?.StartsWith("Interrupted", StringComparison.Ordinal) == true;

    /// <exception cref="IOException">The log cannot be read.</exception>
    public static RunSummary Of(IFiles files, Guid recording, RecordingManifest.RunEntry run)
    {
        string name = RunFile.NameOf(run.Id);
        using var file = files.Read(name);
        if (file is null)
            return new(run.Id, run.Update, null, null, null, Damage.MissingFile(name));
        long updates = 0;
        (long At, int Length)? end = null;
        var begin = new BlockScanner(file);
        if (begin.Next() && RunFile.WrongBegin(begin, recording, run.Id) is { } wrong)
            return new(run.Id, run.Update, null, null, null, new Damage(name, 0, file.Length, wrong, DamageKind.Foreign));
        var scanner = new BlockScanner(file, SummaryBytes);
        while (scanner.Next())
        {
            switch (scanner.Type)
            {
                case RunFile.Begin when scanner.PayloadLength >= HeadBytes:
                    updates = BinaryPrimitives.ReadInt64LittleEndian(scanner.Payload[8..]);
                    break;
                case RunFile.Records or RunFile.Buckets when scanner.PayloadLength >= HeadBytes:
                    long first = BinaryPrimitives.ReadInt64LittleEndian(scanner.Payload);
                    int count = BinaryPrimitives.ReadInt32LittleEndian(scanner.Payload[8..]),
                        level = scanner.Type == RunFile.Buckets ? scanner.Payload[12] : 0;
                    if (
                        first is < 0 or > SpecReader.MaxUpdates
                        || count < 1
                        || level > RunLog.MaxLevel
                        || first + count > SpecReader.MaxUpdates >> (2 * level)
                    )
                        scanner.Refuse("a run has no so many records");
                    else
                        (updates, end) = ((first + count) << (2 * level), null);
                    break;
                case RunFile.State:
                    end = (scanner.PayloadAt, scanner.PayloadLength);
                    break;
            }
        }
        updates = Math.Max(updates, run.Update);
        var damage =
            Damage.After(name, scanner)
            ?? (scanner.Blocks == 0 ? new Damage(name, 0, 0, "it is empty") : ForeignTimes(files, recording, run.Id));
        if (end is not var (at, length))
            return new(run.Id, updates, null, null, null, damage);
        return ReadEnd(file, at, length) is var (state, message, result)
            ? new(run.Id, updates, state, message, result, damage)
            : new(
                run.Id,
                updates,
                null,
                null,
                null,
                damage ?? new Damage(name, at - LogBlock.HeaderBytes, file.Length - at + LogBlock.HeaderBytes, "a state cannot be read")
            );
    }

    /// <summary>Timings that are another run's; null where they are this one's, or do not say.</summary>
    private static Damage? ForeignTimes(IFiles files, Guid recording, string runId)
    {
        string name = RunFile.TimesNameOf(runId);
        using var file = files.Read(name);
        if (file is null)
            return null;
        var scanner = new BlockScanner(file, SummaryBytes);
        return
            scanner.Next()
            && scanner.Type == FileIdentity.BlockType
            && FileIdentity.WrongFor(scanner.Payload, recording, runId) is { } wrong
            ? new Damage(name, 0, file.Length, wrong, DamageKind.Foreign)
            : null;
    }

    private static (RunState, string?, RunResult?)? ReadEnd(IReadFile file, long at, int length)
    {
        if (length > RunFile.MostJson)
            return null;
        var bytes = new byte[length];
        return
            file.Read(at, bytes) == length
            && RecordingJson.Read<RunFile.StateJson>(bytes) is { } json
            && Enum.TryParse<RunState>(json.State, ignoreCase: true, out var state)
            && Enum.IsDefined(state)
            ? (state, json.Message, json.Result)
            : null;
    }
}
