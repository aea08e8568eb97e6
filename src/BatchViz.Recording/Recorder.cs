using System.Diagnostics;
using BatchViz.Core.Engines;
using BatchViz.Recording.Storage;
using BatchViz.Telemetry;

namespace BatchViz.Recording;

/// <summary>A run with what is kept of it.</summary>
public sealed class RecordedRun
{
    internal RecordedRun(string id, RunLog log, Keyframes keyframes) => (Id, Log, Keyframes) = (id, log, keyframes);

    public string Id { get; }

    public RunLog Log { get; }

    public Keyframes Keyframes { get; }

    internal RunFile? File { get; set; }
}

/// <summary>
/// Writes an experiment's recording, on a thread of its own: what the lanes have made since it last looked, keyframes that they hand in,
/// the landscape. Lanes never wait for the disk, unless they are faster than it for long. When the disk fails, what is there stays
/// readable, <see cref="Problem"/> says so, and nothing more is written.
/// </summary>
public sealed class Recorder : IDisposable
{
    public const string LandscapeName = "landscape.bin";

    private const int LookEveryMilliseconds = 50;
    private const long MostPendingBytes = 64 << 20;
    private static readonly TimeSpan SyncEvery = TimeSpan.FromSeconds(1);

    private readonly IFiles files;
    private readonly Lock gate = new();
    private readonly Queue<(RecordedRun Run, Keyframe Keyframe)> pending = [];
    private readonly AutoResetEvent wake = new(false);
    private readonly ManualResetEventSlim drained = new(true);
    private readonly Thread thread;
    private readonly Stopwatch sinceSync = Stopwatch.StartNew();
    private RecordingManifest manifest;
    private RecordedRun[] runs;
    private byte[]? landscape;
    private long pendingBytes,
        flushes,
        flushed;
    private bool stopping;
    private string? problem;

    private Recorder(IFiles files, RecordingManifest manifest, IReadOnlyList<RecordedRun> runs)
    {
        (this.files, this.manifest, this.runs) = (files, manifest, [.. runs]);
        thread = new Thread(Work) { IsBackground = true, Name = "recorder" };
    }

    /// <summary>
    /// Begins a recording in an empty folder. When this returns, the manifest is durable; it comes last, so that there is a recording or
    /// none.
    /// </summary>
    /// <exception cref="IOException">It cannot be written; nothing recorded.</exception>
    public static Recorder Begin(IFiles files, RecordingManifest manifest, IReadOnlyList<RecordedRun> runs)
    {
        files.CreateFolder("runs");
        files.CreateFolder("keys");
        files.SyncFolder("");
        try
        {
            foreach (var run in runs)
                run.File = RunFile.Create(files, manifest.Id, run.Id, run.Log);
            files.SyncFolder("runs");
            manifest.Write(files);
        }
        catch (IOException)
        {
            foreach (var run in runs)
                run.File?.Dispose();
            // It may have got its name before the failure.
            Try(() => files.Delete(RecordingManifest.FileName));
            throw;
        }
        return Started(new Recorder(files, manifest, runs));
    }

    /// <summary>Goes on with a recording that was read.</summary>
    /// <exception cref="IOException">It cannot be written; or files of it were exchanged, and none has been changed.</exception>
    public static Recorder GoOn(IFiles files, RecordingManifest manifest, IReadOnlyList<RecordedRun> runs)
    {
        // What belongs to another run is its only copy, and going on would cut it off or write over it.
        foreach (var run in runs)
            if ((run.File!.Foreign ?? run.Keyframes.Foreign.FirstOrDefault()) is { } foreign)
                throw new IOException($"{foreign.File}: {foreign.Why}; put it back where it belongs");
        files.CreateFolder("runs");
        files.CreateFolder("keys");
        foreach (var run in runs)
            run.File!.GoOn();
        files.SyncFolder("");
        files.SyncFolder("runs");
        return Started(new Recorder(files, manifest, runs));
    }

    private static Recorder Started(Recorder recorder)
    {
        recorder.thread.Start();
        return recorder;
    }

    public RecordingManifest Manifest
    {
        get
        {
            lock (gate)
                return manifest;
        }
    }

    public IFiles Files => files;

    /// <summary>Why nothing more is recorded, in a sentence; null while all is well.</summary>
    public string? Problem => Volatile.Read(ref problem);

    /// <summary>Takes a keyframe; it is written after the records before it. Waits only while too many are waiting.</summary>
    public void Add(RecordedRun run, Keyframe keyframe)
    {
        long bytes = BytesOf(keyframe);
        while (Problem is null && Interlocked.Read(ref pendingBytes) > MostPendingBytes)
        {
            drained.Reset();
            if (Interlocked.Read(ref pendingBytes) > MostPendingBytes)
                drained.Wait(100);
        }
        if (Problem is not null)
            return;
        Interlocked.Add(ref pendingBytes, bytes);
        lock (gate)
            pending.Enqueue((run, keyframe));
        wake.Set();
    }

    /// <summary>Adds a run that left another: its first keyframe is durable before the manifest names it.</summary>
    /// <exception cref="IOException">It cannot be written; the recording is as before.</exception>
    public void AddRun(RecordedRun run, RecordingManifest.RunEntry entry, Keyframe begin)
    {
        if (Problem is { } before)
            throw new IOException(before);
        var now = Manifest;
        var next = now with { Runs = [.. now.Runs, entry] };
        try
        {
            run.Keyframes.Add(begin, durable: true);
            run.File = RunFile.Create(files, now.Id, run.Id, run.Log);
            files.SyncFolder("runs");
            next.Write(files);
        }
        catch (IOException)
        {
            run.File?.Dispose();
            // It may have got its name before the failure.
            Try(() => now.Write(files));
            throw;
        }
        lock (gate)
        {
            manifest = next;
            runs = [.. runs, run];
            if (problem is not null)
                run.Log.Keep(long.MaxValue);
        }
    }

    /// <exception cref="IOException">It cannot be written; the recording is as before.</exception>
    public void Rename(string name)
    {
        var now = Manifest;
        var next = now with { Name = name };
        try
        {
            next.Write(files);
        }
        catch (IOException)
        {
            Try(() => now.Write(files));
            throw;
        }
        lock (gate)
            manifest = next;
    }

    /// <summary>The landscape as it is to be shown when the recording is opened; the newest wins.</summary>
    public void SaveLandscape(byte[] bytes)
    {
        Volatile.Write(ref landscape, bytes);
        wake.Set();
    }

    /// <summary>Waits until all that was made before the call is on the disk; false when that failed, or took longer.</summary>
    public bool Flush(TimeSpan patience)
    {
        long mine = Interlocked.Increment(ref flushes);
        wake.Set();
        return SpinWait.SpinUntil(() => Interlocked.Read(ref flushed) >= mine || Problem is not null, patience) && Problem is null;
    }

    /// <summary>Writes what is left, and closes the files.</summary>
    public void Dispose()
    {
        Volatile.Write(ref stopping, true);
        wake.Set();
        if (thread.IsAlive)
            thread.Join();
        foreach (var run in runs)
            run.File?.Dispose();
    }

    private void Work()
    {
        try
        {
            bool last;
            do
            {
                wake.WaitOne(LookEveryMilliseconds);
                last = Volatile.Read(ref stopping);
                Round(last);
            } while (!last);
        }
        catch (Exception e)
        {
            // Whatever it was: lanes must not wait for a recorder that is gone.
            lock (gate)
            {
                Volatile.Write(
                    ref problem,
                    $"Nothing more is recorded, since the recording cannot be written: {Cause(e)}. What was recorded before is kept."
                );
                foreach (var run in runs)
                    run.Log.Keep(long.MaxValue);
            }
            drained.Set();
        }
    }

    /// <summary>What the system says, without the file's path behind it: viewers see this.</summary>
    private static string Cause(Exception e)
    {
        int path = e.Message.IndexOf(" : '", StringComparison.Ordinal);
        return (path > 0 ? e.Message[..path] : e.Message).TrimEnd('.');
    }

    private void Round(bool last)
    {
        long asked = Interlocked.Read(ref flushes);
        (RecordedRun Run, Keyframe Keyframe)[] keyframes;
        RecordedRun[] all;
        lock (gate)
        {
            keyframes = [.. pending];
            pending.Clear();
            all = runs;
        }
        // Records first: a keyframe is of use only behind the records that lead to it.
        bool ended = false;
        foreach (var run in all)
            ended |= run.File!.Pull() && run.Log.Ended;
        foreach (var (run, keyframe) in keyframes)
        {
            run.Keyframes.Add(keyframe, durable: false);
            Interlocked.Add(ref pendingBytes, -BytesOf(keyframe));
            drained.Set();
        }
        if (Interlocked.Exchange(ref landscape, null) is { } picture)
            files.Replace(LandscapeName, picture, durable: false);
        if (!last && !ended && asked == Interlocked.Read(ref flushed) && sinceSync.Elapsed < SyncEvery)
            return;
        foreach (var run in all)
        {
            if (run.File!.Unsynced)
                run.File.Sync();
            if (run.Keyframes.Unsynced)
                run.Keyframes.Sync();
        }
        sinceSync.Restart();
        Interlocked.Exchange(ref flushed, asked);
    }

    /// <summary>Undoes what can be undone of something that failed.</summary>
    private static void Try(Action undo)
    {
        try
        {
            undo();
        }
        catch (IOException)
        {
            // The first failure is the one to tell.
        }
    }

    private static long BytesOf(Keyframe keyframe) => 4L * keyframe.Weights.Length * (1 + keyframe.OptimizerState.Length);
}
