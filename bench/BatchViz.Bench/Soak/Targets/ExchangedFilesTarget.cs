using System.Buffers.Binary;
using System.Text;
using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using BatchViz.Recording;
using BatchViz.Recording.Storage;
using BatchViz.Telemetry;

namespace BatchViz.Bench.Soak.Targets;

/// <summary>
/// Recordings whose files are in one another's places, those of another recording among them: logs, timings, keyframes and landscapes,
/// each intact. What is read must be the run's own; an input is all files of a folder, so that bytes are changed in them, too.
/// </summary>
internal sealed class ExchangedFilesTarget : FuzzTarget
{
    private const int Records = 300,
        Keyframe = 7;

    private readonly RecordingSample[] samples =
    [
        new(batchSizes: "[4, 8]"),
        new(batchSizes: "[4, 8]", id: new Guid("0b9d3c52-7a11-4c1e-8d57-2f6f1c0a9e44")),
    ];

    /// <summary>A whole recording here has seven.</summary>
    private const int MostFiles = 12;

    private readonly Dictionary<string, byte[]>[] whole;
    private readonly string[][] places;

    public ExchangedFilesTarget()
    {
        whole = [.. samples.Select((sample, s) => Record(sample, s))];
        string[] ids = [.. samples[0].Plan.Runs.Select(run => run.Id)];
        places =
        [
            [.. ids.Select(id => $"runs/{id}.log")],
            [.. ids.Select(id => $"runs/{id}.times")],
            [.. ids.Select(id => $"{Keyframes.FolderOf(id)}/{Keyframe:D12}.key")],
            [Recorder.LandscapeName],
        ];
    }

    public override byte[] Valid(FuzzRandom random) => Pack(whole[0]);

    /// <summary>One or two exchanges, each of files of one kind.</summary>
    public override byte[] Structured(FuzzRandom random)
    {
        var files = new Dictionary<string, byte[]>(whole[0]);
        for (int exchanges = 1 + random.Below(2); exchanges > 0; exchanges--)
        {
            string[] names = places[random.Below(places.Length)];
            string name = names[random.Below(names.Length)],
                from = names[random.Below(names.Length)];
            if (random.Maybe())
                files[name] = whole[1][from];
            else
                (files[name], files[from]) = (files[from], files[name]);
        }
        return Pack(files);
    }

    public override void Read(byte[] input)
    {
        using var files = Unpack(input);
        using var folder = RecordingFolder.Open(files, samples[0].Manifest, samples[0].Plan);
        for (int r = 0; r < folder.Runs.Count; r++)
            Check(folder.Runs[r], r);
        if (folder.Damages.Count > 0)
            throw new RefusedException($"{folder.Damages[0]}.");
    }

    /// <summary>Whatever is there is this run's.</summary>
    private static void Check(RecordedRun run, int index)
    {
        var log = run.Log;
        for (long e = 0; e < log.Evaluations.Count; e++)
            if (log.Evaluations[e].Loss != Mark(0, index))
                throw Believed(run.Id, "evaluations");
        Span<float> row = new float[log.Stride];
        if (log.Count > 0 && log.TryRows(log.Count - 1, 1, row) && row[0] != Mark(0, index))
            throw Believed(run.Id, "records");
        if (log.Count == Records && !IsOwn(log.SecondsAt(Records - 1), Mark(0, index)))
            throw Believed(run.Id, "timings");
        if (run.Keyframes.Before(Keyframe) is { } keyframe && keyframe.Weights[0] != Mark(0, index))
            throw Believed(run.Id, "a keyframe");
    }

    /// <summary>
    /// Timings that end early, where the file was cut, are the run's own at the end of its first bucket, or at its beginning.
    /// </summary>
    private static bool IsOwn(float seconds, float mark) =>
        new[] { 0, RunLog.ChunkRows, Records }.Any(records => Math.Abs(seconds - mark * records / Records) < 1e-4 * mark);

    private static InvalidOperationException Believed(string run, string what) => new($"{what} of another run are read as those of {run}");

    /// <summary>A number by which everything of a run can be told.</summary>
    private static float Mark(int sample, int run) => 1 + run + 10 * sample;

    private static Dictionary<string, byte[]> Record(RecordingSample sample, int s)
    {
        using var files = new MemoryFiles();
        var runs = RecordingFolder.NewRuns(files, sample.Manifest, sample.Plan);
        using (var recorder = Recorder.Begin(files, sample.Manifest, runs))
        {
            for (int r = 0; r < runs.Count; r++)
            {
                var run = runs[r];
                float mark = Mark(s, r);
                var rows = new float[Records * run.Log.Layout.Width];
                Array.Fill(rows, mark);
                // Each step is waited for, so that the same bytes come out every time.
                Step(() => run.Log.Evaluations.Add(new EvaluationPoint(0, mark, float.NaN, float.NaN, 0)));
                Step(() => run.Log.Append(rows, Records, 0, mark));
                Step(() => recorder.Add(run, new Keyframe(Keyframe, [mark, 0], [], [1, 2, 3])));
                Step(() => run.Log.Enter(RunState.Finished));
            }
            Step(() => recorder.SaveLandscape([.. RecordingFolder.IdentityBlock(sample.Manifest), .. LogBlock.Whole(32, 1, "{}"u8)]));

            void Step(Action make)
            {
                make();
                if (!recorder.Flush(TimeSpan.FromMinutes(1)))
                    throw new InvalidOperationException(recorder.Problem);
            }
        }
        var content = new Dictionary<string, byte[]>();
        foreach (string folder in new[] { "", "runs" }.Concat(runs.Select(run => Keyframes.FolderOf(run.Id))))
        foreach (string name in files.List(folder).Order(StringComparer.Ordinal))
        {
            string path = folder.Length == 0 ? name : $"{folder}/{name}";
            if (path != RecordingManifest.FileName)
                content[path] = RecordingSample.BytesOf(files, path);
        }
        return content;
    }

    /// <summary>For each file u8 length and name, i32 length and content.</summary>
    private static byte[] Pack(Dictionary<string, byte[]> files)
    {
        var to = new MemoryStream();
        Span<byte> length = stackalloc byte[sizeof(int)];
        foreach (var (name, content) in files)
        {
            to.WriteByte((byte)name.Length);
            to.Write(Encoding.ASCII.GetBytes(name));
            BinaryPrimitives.WriteInt32LittleEndian(length, content.Length);
            to.Write(length);
            to.Write(content);
        }
        return to.ToArray();
    }

    private static MemoryFiles Unpack(byte[] input)
    {
        var files = new MemoryFiles();
        var rest = input.AsSpan();
        for (int count = 0; rest.Length > 0; count++)
        {
            // Each takes a block of memory, however short it is: that is these files' share, not the reader's.
            if (count == MostFiles)
                throw new RefusedException("The folder has too many files.");
            int name = rest[0];
            if (rest.Length < 1 + name + sizeof(int))
                throw new RefusedException("The folder is cut short.");
            int length = BinaryPrimitives.ReadInt32LittleEndian(rest[(1 + name)..]);
            var content = rest[(1 + name + sizeof(int))..];
            if (length < 0 || length > content.Length)
                throw new RefusedException("The folder is cut short.");
            using var file = files.Create(Encoding.Latin1.GetString(rest.Slice(1, name)));
            file.Write(content[..length]);
            rest = content[length..];
        }
        return files;
    }
}
