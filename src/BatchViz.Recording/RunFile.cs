using System.Buffers.Binary;
using System.Runtime.InteropServices;
using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using BatchViz.Recording.Storage;
using BatchViz.Telemetry;

namespace BatchViz.Recording;

/// <summary>
/// A run's log on the disk (docs/recording-format.md): appended to by the recorder's thread, read by anyone. Timings are in a file of
/// their own beside it, so that everything in the log is the same bits whoever trains the run again.
/// </summary>
internal sealed class RunFile : IRecordDetail, IDisposable
{
    internal const byte Begin = 1,
        Records = 2,
        Buckets = 3,
        State = 5;

    private const byte Evaluations = 4,
        Probe = 6,
        Times = 7;
    private const int RowsAtOnce = 2048,
        TimeBytes = 16,
        EvaluationBytes = 20;

    internal const int MostJson = 1 << 16;

    private readonly IFiles files;
    private readonly string runId,
        name,
        timesName;
    private readonly Guid recording;
    private readonly Func<long, int>? examplesOf;
    private readonly RunLog log;
    private ColumnMap columns;
    private readonly Lock gate = new();
    private readonly List<Stored> index = [];
    private readonly List<Segment> segments = [];
    private float[] rows = [],
        mapped = [];
    private byte[] buffer = new byte[1 << 16],
        scratch = [];
    private int filled;
    private uint sequence,
        timesSequence;
    private IWriteFile? file,
        times;
    private IReadFile? reader;
    private long evaluations,
        probes;
    private bool told,
        unsynced,
        timesNameRun;

    /// <summary>Records [first, first + rows) that lie at a place in the file.</summary>
    private readonly record struct Stored(long First, int Rows, long At);

    internal sealed record StateJson(string State, long Updates, string? Message, RunResult? Result, bool Spent = false);

    private RunFile(IFiles files, Guid recording, string runId, RunLog log, Func<long, int>? examplesOf)
    {
        (this.files, this.recording, this.runId, this.log, this.examplesOf) = (files, recording, runId, log, examplesOf);
        (name, timesName) = (NameOf(runId), TimesNameOf(runId));
        columns = new ColumnMap(Names, Names);
        Written = log.First;
    }

    /// <summary>
    /// Names of the columns that a recording began with, by the first of its logs that says so; null where none does, since nothing is
    /// recorded yet.
    /// </summary>
    public static IReadOnlyCollection<string>? ColumnsOf(IFiles files, Guid recording, IEnumerable<string> runs)
    {
        foreach (string run in runs)
        {
            try
            {
                using var file = files.Read(NameOf(run));
                if (file is null)
                    continue;
                var scanner = new BlockScanner(file);
                if (scanner.Next() && scanner.Type == Begin && RunLogHeader.Read(scanner.Payload, recording, run).Header is { } header)
                    return header.Columns ?? [];
            }
            catch (IOException)
            {
                // Loading it says so.
            }
        }
        return null;
    }

    public static string NameOf(string runId) => $"runs/{runId}.log";

    public static string TimesNameOf(string runId) => $"runs/{runId}.times";

    /// <summary>Records that are in the file, or in the parent's.</summary>
    public long Written { get; private set; }

    public bool Unsynced => unsynced;

    /// <summary>A file in place of the log or the timings that belongs to another run; null where they are this run's.</summary>
    public Damage? Foreign { get; private set; }

    /// <summary>Whether the log says which run it is of; logs before version 2 name their recording alone.</summary>
    public bool NamesRun { get; private set; } = true;

    /// <summary>Begins the log of a run of which there is nothing yet.</summary>
    public static RunFile Create(IFiles files, Guid recording, string runId, RunLog log)
    {
        var made = new RunFile(files, recording, runId, log, null);
        made.file = files.Create(made.name);
        made.times = files.Create(made.timesName);
        made.evaluations = log.Evaluations.Count;
        made.PutTimesIdentity();
        made.Put(Begin, made.BeginPayload());
        made.Flush();
        made.Ready();
        return made;
    }

    /// <summary>
    /// Reads the intact part of a run's log into <paramref name="log"/>, which is empty, and is then where its older records are.
    /// </summary>
    /// <param name="examplesOf">
    /// Examples that an update of this run takes, by which a log that does not name its run is told from another's; null: it cannot be.
    /// </param>
    public static RunFile Load(IFiles files, Guid recording, string runId, RunLog log, Func<long, int>? examplesOf, List<Damage> damages)
    {
        var loaded = new RunFile(files, recording, runId, log, examplesOf);
        loaded.evaluations = loaded.inherited = log.Evaluations.Count;
        loaded.Load(damages);
        return loaded;
    }

    /// <summary>Goes on writing at the end of the intact part; what follows it is cut off.</summary>
    public void GoOn()
    {
        bool empty = sequence == 0;
        if (empty)
            (timesIntact, timesSequence) = (0, 0);
        file = Reopen(name, intact);
        times = Reopen(timesName, timesIntact);
        told = log.Ended && told;
        if (timesSequence == 0)
            PutTimesIdentity();
        if (empty)
        {
            Put(Begin, BeginPayload());
            Flush();
        }
        Ready();
    }

    /// <summary>Writes what the run has made since the last time; with its state when it has ended.</summary>
    /// <returns>Whether anything was written.</returns>
    public bool Pull()
    {
        if (told)
            return false;
        // The state first: a run that says it has ended has everything in place. Then records before evaluations: all those at
        // marks before the last record are there, and are written before it.
        bool ended = log.Ended;
        long to = log.Count;
        bool any = PullEvaluations(to) | PullRecords(to, ended);
        if (ended)
        {
            Put(
                State,
                RecordingJson.Write(
                    new StateJson(
                        log.State.ToString().ToLowerInvariant(),
                        to,
                        log.Message,
                        log.Result is { } result ? result with { Seconds = double.NaN } : null,
                        log.BudgetSpent
                    )
                )
            );
            told = any = true;
        }
        if (any)
            Flush();
        return any;
    }

    public void Sync()
    {
        times!.Sync();
        file!.Sync();
        unsynced = false;
    }

    public bool TryRead(long first, int count, Span<float> into, int stride)
    {
        int width = columns.FileWidth;
        lock (gate)
        {
            if (reader is null)
                return false;
            int i = IndexOf(first);
            for (int done = 0; done < count; )
            {
                long at = first + done;
                if (i < 0 || i >= index.Count || index[i].First > at || index[i].First + index[i].Rows <= at)
                    return false;
                var block = index[i++];
                int skip = (int)(at - block.First),
                    some = Math.Min(count - done, block.Rows - skip),
                    bytes = 4 * width * some;
                if (scratch.Length < bytes)
                    scratch = new byte[bytes];
                var piece = scratch.AsSpan(0, bytes);
                try
                {
                    if (reader.Read(block.At + 4L * width * skip, piece) < bytes)
                        return false;
                }
                catch (IOException)
                {
                    return false; // it is recomputed instead
                }
                var values = MemoryMarshal.Cast<byte, float>(piece);
                for (int r = 0; r < some; r++)
                    columns.ToLog(values.Slice(r * width, width), into[((done + r) * stride)..], float.NaN);
                done += some;
            }
            return true;
        }
    }

    public void Dispose()
    {
        file?.Dispose();
        times?.Dispose();
        lock (gate)
        {
            reader?.Dispose();
            reader = null;
        }
    }

    private void Ready()
    {
        log.Detail = this;
        lock (gate)
            reader ??= files.Read(name);
        log.Keep(KeptUntil());
    }

    private IWriteFile Reopen(string which, long end)
    {
        var opened = files.Append(which);
        if (opened.Length <= end)
            return opened;
        opened.Cut(end);
        // Before anything is put in its place: what is cut off must not come again behind it.
        opened.Sync();
        return opened;
    }

    private FileIdentity Identity => new(recording, [runId]);

    private string[] Names => [.. log.Layout.Columns.Select(column => column.Name)];

    private byte[] BeginPayload() => RunLogHeader.ToBytes(Names, log.First, Identity);

    // ---- writing ----

    private bool PullEvaluations(long to)
    {
        long from = evaluations,
            until = from,
            count = log.Evaluations.Count;
        while (until < count && log.Evaluations[until].Update <= to)
            until++;
        if (until > from)
        {
            var payload = new byte[(until - from) * EvaluationBytes];
            for (long i = from; i < until; i++)
            {
                var p = log.Evaluations[i];
                var at = payload.AsSpan((int)(i - from) * EvaluationBytes);
                BinaryPrimitives.WriteInt64LittleEndian(at, p.Update);
                BinaryPrimitives.WriteSingleLittleEndian(at[8..], p.Loss);
                BinaryPrimitives.WriteSingleLittleEndian(at[12..], p.TestLoss);
                BinaryPrimitives.WriteSingleLittleEndian(at[16..], p.TestAccuracy);
            }
            Put(Evaluations, payload);
            evaluations = until;
        }
        long probed = probes;
        for (; probes < log.Probes.Count && log.Probes[probes].Update <= to; probes++)
            Put(Probe, RecordingJson.Write(log.Probes[probes] with { Seconds = double.NaN }));
        return until > from || probes > probed;
    }

    private bool PullRecords(long to, bool ended)
    {
        long from = Written;
        while (Written < to)
        {
            int level = log.Plan.LevelAt(Written);
            long end = Math.Min(to, log.Plan.EndOf(Written));
            if (level == 0)
            {
                PutRows(Written, end);
                continue;
            }
            // A run that was stopped and taken up again, or that left another, may begin between two buckets. What leads to the next one is
            // written in finer pieces as soon as they are whole: memory holds neither rows nor fine buckets until a large one is.
            int begins = BeginsAt(Written, level);
            if (begins < RunLog.ChunkLevel)
            {
                PutRows(Written, Math.Min(end, (Written | (RunLog.ChunkRows - 1)) + 1));
                continue;
            }
            // Only whole buckets, but for what is left at the end of the run.
            long next = Written + (1L << (2 * begins));
            if (begins < level && next <= end)
                end = next;
            else if (!ended || end < to)
                end = end >> (2 * level) << (2 * level);
            if (end <= Written)
                break;
            Segments.Split(Written, end, level, segments);
            foreach (var segment in segments)
            {
                long first = segment.First << (2 * segment.Level);
                if (segment.Level < RunLog.ChunkLevel)
                    PutRows(first, first + ((long)segment.Count << (2 * segment.Level)));
                else
                    PutBuckets(segment);
            }
        }
        if (Written == from)
            return false;
        PutTimes(Written);
        return true;
    }

    private void PutRows(long from, long to)
    {
        int width = columns.FileWidth;
        if (rows.Length == 0)
            rows = new float[RowsAtOnce * log.Stride];
        while (from < to)
        {
            int count = (int)Math.Min(to - from, RowsAtOnce);
            if (!log.TryRows(from, count, rows))
                throw new InvalidOperationException($"records {from} to {from + count} are gone before they were written");
            int at = Reserve(16 + 4 * width * count);
            var payload = buffer.AsSpan(at, 16 + 4 * width * count);
            BinaryPrimitives.WriteInt64LittleEndian(payload, from);
            BinaryPrimitives.WriteInt32LittleEndian(payload[8..], count);
            payload.Slice(12, 4).Clear();
            var values = MemoryMarshal.Cast<byte, float>(payload[16..]);
            for (int r = 0; r < count; r++)
                columns.ToFile(rows.AsSpan(r * log.Stride, log.Stride), values[(r * width)..], float.NaN);
            long place = (file!.Length + at) + 16;
            Close(Records, at);
            lock (gate)
                index.Add(new Stored(from, count, place));
            from += count;
            Written = from;
        }
    }

    private void PutBuckets(Segment segment)
    {
        int width = columns.FileWidth,
            size = BucketBytes(width);
        for (int done = 0; done < segment.Count; )
        {
            int count = Math.Min(segment.Count - done, RowsAtOnce);
            int at = Reserve(16 + count * size);
            var payload = buffer.AsSpan(at, 16 + count * size);
            payload.Clear();
            BinaryPrimitives.WriteInt64LittleEndian(payload, segment.First + done);
            BinaryPrimitives.WriteInt32LittleEndian(payload[8..], count);
            payload[12] = (byte)segment.Level;
            for (int i = 0; i < count; i++)
            {
                var to = payload.Slice(16 + i * size, size);
                var (values, bad) = log.BucketRow(segment.Level, segment.First + done + i);
                var floats = MemoryMarshal.Cast<byte, float>(to);
                for (int part = 0; part < 3; part++)
                    columns.ToFile(values.Span.Slice(part * log.Stride, log.Stride), floats[(part * width)..], Nothing[part]);
                columns.ToFile(bad.Span, to[(12 * width)..], byte.MaxValue);
            }
            Close(Buckets, at);
            done += count;
        }
        Written = (segment.First + segment.Count) << (2 * segment.Level);
    }

    private void PutTimes(long records)
    {
        Span<byte> payload = stackalloc byte[TimeBytes];
        BinaryPrimitives.WriteInt64LittleEndian(payload, records);
        BinaryPrimitives.WriteDoubleLittleEndian(payload[8..], log.SecondsAt(records - 1));
        times!.Write(LogBlock.Whole(Times, timesSequence++, payload));
    }

    private void PutTimesIdentity()
    {
        times!.Write(Identity.ToBlock());
        timesSequence = 1;
    }

    private void Put(byte type, ReadOnlySpan<byte> payload)
    {
        int at = Reserve(payload.Length);
        payload.CopyTo(buffer.AsSpan(at));
        Close(type, at);
    }

    /// <summary>Room for a header and a payload; returns where the payload goes.</summary>
    private int Reserve(int payload)
    {
        int wanted = filled + LogBlock.HeaderBytes + payload;
        if (wanted > buffer.Length)
            Array.Resize(ref buffer, Math.Max(wanted, 2 * buffer.Length));
        int at = filled + LogBlock.HeaderBytes;
        filled = wanted;
        return at;
    }

    private void Close(byte type, int at)
    {
        LogBlock.Header(buffer.AsSpan(at - LogBlock.HeaderBytes), type, sequence++, buffer.AsSpan(at, filled - at));
        if (filled > 1 << 20)
            Flush();
    }

    private void Flush()
    {
        file!.Write(buffer.AsSpan(0, filled));
        filled = 0;
        unsynced = true;
        log.Keep(KeptUntil());
    }

    /// <summary>
    /// Rows from here on are still needed in memory: those to be written, or not long after the fine bucket that is to be.
    /// </summary>
    private long KeptUntil()
    {
        int level = log.Plan.LevelAt(Written),
            begins = BeginsAt(Written, level);
        if (level == 0 || begins < RunLog.ChunkLevel)
            return Written;
        return begins < level ? Written + (1L << (2 * begins)) : long.MaxValue;
    }

    /// <summary>The coarsest level up to another of which a bucket begins at a record; 0 where none does.</summary>
    private static int BeginsAt(long record, int level)
    {
        while (level >= RunLog.ChunkLevel && (record & ((1L << (2 * level)) - 1)) != 0)
            level--;
        return level < RunLog.ChunkLevel ? 0 : level;
    }

    /// <summary>Minimum, maximum and last of a bucket in which nothing is finite, as files have them.</summary>
    private static readonly float[] Nothing = [float.PositiveInfinity, float.NegativeInfinity, float.NaN];

    private static int BucketBytes(int width) => (13 * width + 3) / 4 * 4;

    private int IndexOf(long record)
    {
        int low = 0,
            high = index.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (index[middle].First <= record)
                low = middle + 1;
            else
                high = middle;
        }
        return low - 1;
    }

    // ---- reading ----

    private long intact,
        timesIntact,
        inherited;

    private void Load(List<Damage> damages)
    {
        var clock = ReadTimes(damages);
        log.Detail = this;
        if (Opened(name, damages) is not { } opened)
            return;
        lock (gate)
            reader = opened;
        var scanner = new BlockScanner(opened);
        while (scanner.Next())
        {
            if (Take(scanner, clock, damages) is not { } why)
                continue;
            scanner.Refuse(why);
        }
        (intact, sequence, Written) = (scanner.End, scanner.Blocks, log.Count);
        probes = log.Probes.Count;
        evaluations = log.Evaluations.Count;
        told = log.Ended;
        if (foreignLog is { } other)
            damages.Add(Foreign = new Damage(name, 0, opened.Length, other, DamageKind.Foreign));
        else if (Damage.After(name, scanner) is { } damage)
            damages.Add(damage);
        else if (scanner.Blocks == 0)
            damages.Add(new Damage(name, 0, 0, "it is empty"));
    }

    private IReadFile? Opened(string which, List<Damage> damages)
    {
        try
        {
            if (files.Read(which) is { } opened)
                return opened;
            damages.Add(Damage.MissingFile(which));
        }
        catch (IOException e)
        {
            damages.Add(new Damage(which, 0, 0, e.Message.TrimEnd('.')));
        }
        return null;
    }

    /// <summary>Null, or why the block makes no sense here.</summary>
    private string? Take(BlockScanner block, List<(long Records, double Seconds)> clock, List<Damage> damages)
    {
        var payload = block.Payload;
        if (block.Blocks == 1 != (block.Type == Begin))
            return "a log begins with something else";
        switch (block.Type)
        {
            case Begin:
                var (header, wrong) = RunLogHeader.Read(payload, recording, runId);
                if (header is null)
                    return IsForeign(wrong!);
                NamesRun = header.NamesRun;
                if (NamesRun && !timesNameRun)
                    LeaveOutTimes(clock, damages);
                if (header.MapTo(log.Layout) is not { } map || header.First != log.First)
                    return "its records are of another run";
                columns = map;
                log.Missing = [.. map.Missing];
                return null;
            case Records:
                return TakeRecords(payload, block.PayloadAt, clock);
            case Buckets:
                return TakeBuckets(payload, clock);
            case Evaluations:
                return TakeEvaluations(payload, clock);
            case Probe or State when payload.Length > MostJson:
                return "it says more than there is to say";
            case Probe:
                if (RecordingJson.Read<ProbePoint>(payload) is not { } point)
                    return "a probe cannot be read";
                log.Probes.Add(point);
                return null;
            case State:
                if (
                    RecordingJson.Read<StateJson>(payload) is not { } json
                    || !Enum.TryParse<RunState>(json.State, ignoreCase: true, out var state)
                    || !Enum.IsDefined(state)
                )
                    return "a state cannot be read";
                if (json.Result is { Id: { } named } && named != runId)
                    return NamesRun ? "its end is of another run" : IsForeign($"it belongs to the run {named}");
                log.Result = json.Result is { } result ? result with { Seconds = SecondsOf(clock, log.Count) } : null;
                log.BudgetSpent = json.Spent;
                log.Enter(state, json.Message);
                return null;
            default:
                return "a block is of no known kind";
        }
    }

    private string? TakeRecords(ReadOnlySpan<byte> payload, long at, List<(long Records, double Seconds)> clock)
    {
        int width = columns.FileWidth,
            stride = log.Layout.Width;
        if (payload.Length < 16)
            return "records are cut short";
        long first = BinaryPrimitives.ReadInt64LittleEndian(payload);
        int count = BinaryPrimitives.ReadInt32LittleEndian(payload[8..]);
        if (count is < 1 or > RowsAtOnce || payload.Length != 16 + 4 * width * count)
            return "records are cut short";
        if (first != log.Count)
            return "records are missing before it";
        if (first + count > SpecReader.MaxUpdates)
            return "a run has no so many records";
        var stored = MemoryMarshal.Cast<byte, float>(payload[16..]);
        var values = InLog(stored, count);
        for (int r = 0; r < count && !NamesRun; r++)
            if (HasOtherBatch(first + r, values[r * stride + RecordLayout.BatchSize]))
                return IsForeign(OtherBatches);
        GoesOn();
        log.Append(values, count, SecondsOf(clock, first), SecondsOf(clock, first + count));
        index.Add(new Stored(first, count, at + 16));
        return null;
    }

    /// <summary>Records of the file in the columns of the log.</summary>
    private ReadOnlySpan<float> InLog(ReadOnlySpan<float> stored, int count)
    {
        if (columns.Same)
            return stored;
        int width = log.Layout.Width;
        if (mapped.Length < count * width)
            mapped = new float[count * width];
        for (int r = 0; r < count; r++)
            columns.ToLog(stored.Slice(r * columns.FileWidth, columns.FileWidth), mapped.AsSpan(r * width, width), float.NaN);
        return mapped.AsSpan(0, count * width);
    }

    private string? TakeBuckets(ReadOnlySpan<byte> payload, List<(long Records, double Seconds)> clock)
    {
        int width = columns.FileWidth,
            seconds = log.SecondsColumn,
            size = BucketBytes(width),
            stride = log.Stride;
        if (payload.Length < 16)
            return "buckets are cut short";
        long first = BinaryPrimitives.ReadInt64LittleEndian(payload);
        int count = BinaryPrimitives.ReadInt32LittleEndian(payload[8..]),
            level = payload[12];
        if (count is < 1 or > RowsAtOnce || level is < RunLog.ChunkLevel or > RunLog.MaxLevel || payload.Length != 16 + size * count)
            return "buckets are cut short";
        if (first is < 0 or > SpecReader.MaxUpdates || (first + count) << (2 * level) > SpecReader.MaxUpdates)
            return "a run has no so many records";
        if (first << (2 * level) != log.Count)
            return "records are missing before it";
        GoesOn();
        Span<float> values = stackalloc float[3 * stride];
        Span<byte> bad = stackalloc byte[stride];
        for (int i = 0; i < count; i++)
        {
            values.Clear();
            bad.Clear();
            var from = payload.Slice(16 + i * size, size);
            var floats = MemoryMarshal.Cast<byte, float>(from);
            for (int part = 0; part < 3; part++)
                columns.ToLog(floats.Slice(part * width, width), values[(part * stride)..], Nothing[part]);
            columns.ToLog(from.Slice(12 * width, width), bad, byte.MaxValue);
            if (float.IsNaN(values[0]))
                return "a bucket cannot be read";
            long start = (first + i) << (2 * level),
                end = (first + i + 1) << (2 * level);
            if (!NamesRun && HasOtherBatch(end - 1, values[2 * stride + RecordLayout.BatchSize]))
                return IsForeign(OtherBatches);
            (values[seconds], values[stride + seconds], values[2 * stride + seconds]) = (
                (float)SecondsOf(clock, start + 1),
                (float)SecondsOf(clock, start + (1L << (2 * level))),
                (float)SecondsOf(clock, start + (1L << (2 * level)))
            );
            log.AppendBucket(level, values, bad);
        }
        return null;
    }

    private string? TakeEvaluations(ReadOnlySpan<byte> payload, List<(long Records, double Seconds)> clock)
    {
        if (payload.Length == 0 || payload.Length % EvaluationBytes != 0)
            return "evaluations are cut short";
        for (; payload.Length > 0; payload = payload[EvaluationBytes..])
        {
            long update = BinaryPrimitives.ReadInt64LittleEndian(payload);
            long count = log.Evaluations.Count,
                before = count > 0 ? log.Evaluations[count - 1].Update : -1;
            // A fork at its parent's newest update may have measured it before the parent had.
            if (count == inherited && update == before)
                continue;
            if (update is < 0 or > uint.MaxValue || update <= before)
                return "evaluations are out of order";
            log.Evaluations.Add(
                new(
                    (uint)update,
                    BinaryPrimitives.ReadSingleLittleEndian(payload[8..]),
                    BinaryPrimitives.ReadSingleLittleEndian(payload[12..]),
                    BinaryPrimitives.ReadSingleLittleEndian(payload[16..]),
                    (float)SecondsOf(clock, update)
                )
            );
        }
        return null;
    }

    private const string OtherBatches = "its batches are of other sizes than this run's";

    private string? foreignLog;

    /// <summary>
    /// Why a log's first block is not that of this run; null where it is, or is of the older layout and of this recording.
    /// </summary>
    internal static string? WrongBegin(BlockScanner block, Guid recording, string runId) =>
        block.Type == Begin ? RunLogHeader.Read(block.Payload, recording, runId).Wrong : "a log begins with something else";

    private string IsForeign(string why) => foreignLog = why;

    private bool HasOtherBatch(long record, float examples) => examplesOf is not null && examples != examplesOf(record + 1);

    /// <summary>Timings that name no run beside a log that does: they came from elsewhere.</summary>
    private void LeaveOutTimes(List<(long Records, double Seconds)> clock, List<Damage> damages)
    {
        if (timesSequence == 0 || clock.Count < 2)
            return;
        clock.RemoveRange(1, clock.Count - 1);
        damages.Add(Foreign = new Damage(timesName, 0, timesIntact, "it names no run", DamageKind.Foreign));
    }

    /// <summary>Records after an end: the run was taken up again.</summary>
    private void GoesOn()
    {
        if (log.Ended)
            log.TakeUp();
    }

    private List<(long Records, double Seconds)> ReadTimes(List<Damage> damages)
    {
        var clock = new List<(long, double)> { (log.First, log.First == 0 ? 0 : log.SecondsAt(log.First - 1)) };
        using var opened = Opened(timesName, damages);
        if (opened is null)
            return clock;
        var scanner = new BlockScanner(opened);
        while (scanner.Next())
        {
            var payload = scanner.Payload;
            if (scanner.Blocks == 1 && scanner.Type == FileIdentity.BlockType)
            {
                timesNameRun = true;
                if (FileIdentity.WrongFor(payload, recording, runId) is not { } wrong)
                    continue;
                damages.Add(Foreign = new Damage(timesName, 0, opened.Length, wrong, DamageKind.Foreign));
                return clock;
            }
            if (
                scanner.Type != Times
                || payload.Length != TimeBytes
                || BinaryPrimitives.ReadInt64LittleEndian(payload) is var records && records < log.First
            )
            {
                scanner.Refuse("a timing cannot be read");
                continue;
            }
            double seconds = BinaryPrimitives.ReadDoubleLittleEndian(payload[8..]);
            // Fewer than before: the records behind it were lost, and made once more.
            while (clock.Count > 1 && clock[^1].Item1 >= records)
                clock.RemoveAt(clock.Count - 1);
            if (records > clock[^1].Item1 && seconds >= clock[^1].Item2)
                clock.Add((records, seconds));
        }
        (timesIntact, timesSequence) = (scanner.End, scanner.Blocks);
        if (Damage.After(timesName, scanner) is { } damage)
            damages.Add(damage);
        return clock;
    }

    /// <summary>Lane seconds after so many records, straight between what was noted.</summary>
    private static double SecondsOf(List<(long Records, double Seconds)> clock, long records)
    {
        int low = 0,
            high = clock.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (clock[middle].Records <= records)
                low = middle + 1;
            else
                high = middle;
        }
        var (r0, s0) = clock[Math.Max(0, low - 1)];
        if (low >= clock.Count)
            return s0;
        var (r1, s1) = clock[low];
        return r1 > r0 ? s0 + (s1 - s0) * Math.Max(0, records - r0) / (r1 - r0) : s0;
    }
}
