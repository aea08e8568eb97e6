using System.Buffers.Binary;
using BatchViz.Core.Specs;
using BatchViz.Recording.Export;
using BatchViz.Recording.Storage;
using BatchViz.Recording.Tests.Export;

namespace BatchViz.Recording.Tests.Storage;

/// <summary>Intact files in one another's places, within a recording and between two: none is believed, wherever it is opened.</summary>
public sealed class ExchangedFilesTests
{
    private readonly MadeUp one = MadeUp.Buckets(600),
        other = MadeUp.Buckets(600);
    private readonly Dictionary<string, byte[]> files,
        others;

    public ExchangedFilesTests() => (files, others) = (Recorded(one), Recorded(other));

    public static TheoryData<string, bool> Exchanges =>
        new()
        {
            { "runs/{0}.log", false },
            { "runs/{0}.log", true },
            { "runs/{0}.times", false },
            { "runs/{0}.times", true },
            { "keys/{0}/000000000150.key", false },
            { "keys/{0}/000000000150.key", true },
            { "landscape.bin", true },
        };

    /// <param name="place">Of a file, with the run's id in it.</param>
    /// <param name="between">Whether it comes from the same run of another recording, or from another run of this one.</param>
    [Theory]
    [MemberData(nameof(Exchanges))]
    public void An_exchanged_file_is_named_and_nothing_of_it_is_used(string place, bool between)
    {
        var (name, exchanged) = Exchange(place, between);

        using var read = With(exchanged);
        var (folder, plan) = one.Open(read);
        using (folder)
        {
            var damage = folder.Damages.First(damage => damage.File == name);
            Assert.Equal(DamageKind.Foreign, damage.Kind);
            Assert.Contains(between ? "it belongs to another recording" : "it belongs to ", damage.Why);
            bool log = name.EndsWith(".log", StringComparison.Ordinal);
            if (log)
                Assert.Equal(0, folder.Runs[0].Log.Count);
            if (name.EndsWith(".times", StringComparison.Ordinal))
                Assert.Equal(0, folder.Runs[0].Log.SecondsAt(300));
            if (name.EndsWith(".key", StringComparison.Ordinal))
                Assert.DoesNotContain(150, folder.Runs[0].Keyframes.Updates);
            if (name == Recorder.LandscapeName)
                Assert.Null(folder.Landscape);
            // Where two runs of a recording are exchanged, the second has nothing of its own either.
            one.Check(folder, plan, new Dictionary<string, long>());
        }

        bool seen = name.StartsWith("runs/", StringComparison.Ordinal);
        var glance = RunSummary.Of(read, one.Manifest.Id, one.Manifest.Runs[0]);
        Assert.Equal(seen ? DamageKind.Foreign : null, glance.Damage?.Kind);
    }

    [Theory]
    [MemberData(nameof(Exchanges))]
    public void Going_on_changes_nothing_of_a_recording_with_exchanged_files(string place, bool between)
    {
        var (name, exchanged) = Exchange(place, between);
        if (name == Recorder.LandscapeName)
            return; // a picture of what is there, which is made anew
        using var before = With(exchanged);
        var (folder, _) = one.Open(before);
        using (folder)
        {
            var refusal = Assert.Throws<IOException>(() => Recorder.GoOn(before, folder.Manifest, folder.Runs));

            Assert.StartsWith(name, refusal.Message);
        }
        foreach (var (file, content) in exchanged)
            Assert.Equal(content, before.ReadAll(file, long.MaxValue));
    }

    [Theory]
    [MemberData(nameof(Exchanges))]
    public void A_bviz_leaves_exchanged_files_out_and_is_refused_where_it_has_them(string place, bool between)
    {
        var (name, exchanged) = Exchange(place, between);
        using var from = With(exchanged);
        var to = new MemoryStream();

        var damages = Bviz.Write(from, one.Manifest, to);

        Assert.Contains(damages, damage => damage.File == name && damage.Kind == DamageKind.Foreign);
        using var taken = new MemoryFiles();
        Bviz.Read(new MemoryStream(to.ToArray()), taken);
        Assert.Null(taken.Read(name));
        var refusal = Assert.Throws<RefusedException>(() => Bviz.Read(new MemoryStream(Packed(exchanged)), new MemoryFiles()));
        Assert.Contains("it belongs to ", refusal.Message);
    }

    /// <summary>Logs and timings as the version before wrote them: those of a run do not name it.</summary>
    [Fact]
    public void A_recording_of_the_layout_before_is_read_as_it_was_with_a_note_on_what_cannot_be_checked()
    {
        using var recording = new SmallRecording(new MemoryFiles(), columns: []).Train(300).Train(41).Finish();
        using var older = With(AsBefore(ContentOf(recording.Files, recording.Manifest)));

        using var now = RecordingFolder.Open(recording.Files, recording.Manifest, recording.Plan);
        using var then = RecordingFolder.Open(older, recording.Manifest, recording.Plan);

        Assert.Empty(now.Notes);
        Assert.Empty(then.Damages);
        Assert.Contains("cannot be checked", Assert.Single(then.Notes));
        foreach (var (a, b) in now.Runs.Zip(then.Runs))
        {
            Assert.Equal(341, b.Log.Count);
            Assert.Equal((a.Log.State, a.Log.SecondsAt(340)), (b.Log.State, b.Log.SecondsAt(340)));
            Assert.Equal(a.Keyframes.Updates, b.Keyframes.Updates);
        }
        Recorder.GoOn(older, recording.Manifest, then.Runs).Dispose();
        using var again = RecordingFolder.Open(older, recording.Manifest, recording.Plan);
        Assert.Empty(again.Damages);
        Assert.All(again.Runs, run => Assert.Equal(341, run.Log.Count));
    }

    [Fact]
    public void Logs_of_the_layout_before_are_told_apart_by_the_sizes_of_their_batches()
    {
        using var recording = new SmallRecording(new MemoryFiles(), columns: []).Train(300).Finish();
        var content = AsBefore(ContentOf(recording.Files, recording.Manifest));
        string[] logs = [.. recording.Plan.Runs.Select(run => RunFile.NameOf(run.Id))];
        (content[logs[0]], content[logs[1]]) = (content[logs[1]], content[logs[0]]);
        using var files = With(content);

        using var folder = RecordingFolder.Open(files, recording.Manifest, recording.Plan);

        Assert.Equal(logs, folder.Damages.Where(damage => damage.Kind == DamageKind.Foreign).Select(damage => damage.File));
        Assert.All(folder.Runs, run => Assert.Equal(0, run.Log.Count));
        Assert.Throws<IOException>(() => Recorder.GoOn(files, recording.Manifest, folder.Runs));
    }

    [Fact]
    public void Timings_of_the_layout_before_beside_a_log_that_names_its_run_are_not_used()
    {
        string times = RunFile.TimesNameOf(one.Plan.Runs[0].Id);
        var content = new Dictionary<string, byte[]>(files) { [times] = AsBefore(files)[times] };
        using var read = With(content);
        var (folder, plan) = one.Open(read);
        using var _ = folder;

        Assert.Equal((times, DamageKind.Foreign), (Assert.Single(folder.Damages).File, folder.Damages[0].Kind));
        one.Check(folder, plan, plan.Runs.ToDictionary(run => run.Id, _ => 600L));
    }

    /// <summary>The name of the first run's file, and all files with that one exchanged.</summary>
    private (string Name, Dictionary<string, byte[]> Files) Exchange(string place, bool between)
    {
        string[] names = [.. one.Plan.Runs.Select(run => place.Replace("{0}", run.Id))];
        var exchanged = new Dictionary<string, byte[]>(files);
        if (between)
            exchanged[names[0]] = others[names[0]];
        else
            (exchanged[names[0]], exchanged[names[1]]) = (files[names[1]], files[names[0]]);
        return (names[0], exchanged);
    }

    private static Dictionary<string, byte[]> Recorded(MadeUp experiment)
    {
        using var files = new MemoryFiles();
        using (var recorder = experiment.Begin(files, out var runs))
        {
            for (int r = 0; r < runs.Count; r++)
                experiment.Train(recorder, experiment.Plan, experiment.Plan.Runs[r], runs[r], long.MaxValue);
            recorder.SaveLandscape([.. RecordingFolder.IdentityBlock(experiment.Manifest), .. LogBlock.Whole(32, 1, "{}"u8)]);
            Assert.True(recorder.Flush(Timeouts.Hang));
        }
        return ContentOf(files, experiment.Manifest);
    }

    private static Dictionary<string, byte[]> ContentOf(IFiles files, RecordingManifest manifest)
    {
        var content = new Dictionary<string, byte[]>();
        foreach (string folder in new[] { "", "runs" }.Concat(manifest.Runs.Select(run => Keyframes.FolderOf(run.Id))))
        foreach (string name in files.List(folder))
        {
            string path = folder.Length == 0 ? name : $"{folder}/{name}";
            content[path] = files.ReadAll(path, long.MaxValue)!;
        }
        return content;
    }

    private static MemoryFiles With(Dictionary<string, byte[]> content)
    {
        var files = new MemoryFiles();
        foreach (var (name, bytes) in content)
        {
            using var file = files.Create(name);
            file.Write(bytes);
        }
        return files;
    }

    /// <summary>A .bviz with these files as they are, the manifest first.</summary>
    private static byte[] Packed(Dictionary<string, byte[]> content)
    {
        var to = new MemoryStream();
        var entries = new List<ZipEntry>();
        foreach (var (name, bytes) in content.OrderBy(file => file.Key == RecordingManifest.FileName ? 0 : 1))
        {
            entries.Add(new ZipEntry(name, System.IO.Hashing.Crc32.HashToUInt32(bytes), bytes.Length));
            to.Write(StoredZip.Local(entries[^1]));
            to.Write(bytes);
        }
        foreach (byte[] piece in StoredZip.End(entries))
            to.Write(piece);
        return to.ToArray();
    }

    /// <summary>Logs whose first block is the 40 bytes of version 1, timings and landscapes without a first block of their own.</summary>
    private static Dictionary<string, byte[]> AsBefore(Dictionary<string, byte[]> content)
    {
        var before = new Dictionary<string, byte[]>(content);
        foreach (var (name, bytes) in content)
        {
            if (name.StartsWith("keys/", StringComparison.Ordinal) || name == RecordingManifest.FileName)
                continue;
            var blocks = BlocksOf(bytes);
            if (name.EndsWith(".log", StringComparison.Ordinal))
                blocks[0] = (blocks[0].Type, Begin(blocks[0].Payload));
            else if (blocks[0].Type == FileIdentity.BlockType)
                blocks.RemoveAt(0);
            before[name] = [.. blocks.SelectMany((block, sequence) => LogBlock.Whole(block.Type, (uint)sequence, block.Payload))];
        }
        return before;

        static byte[] Begin(byte[] now)
        {
            var begin = new byte[40];
            now.AsSpan(0, 16).CopyTo(begin);
            int names = BinaryPrimitives.ReadInt32LittleEndian(now.AsSpan(16));
            now.AsSpan(20 + names, 16).CopyTo(begin.AsSpan(16));
            BinaryPrimitives.WriteInt32LittleEndian(begin, 1);
            return begin;
        }
    }

    private static List<(byte Type, byte[] Payload)> BlocksOf(byte[] bytes)
    {
        using var files = With(new() { ["file"] = bytes });
        using var file = files.Read("file")!;
        var scanner = new BlockScanner(file);
        var blocks = new List<(byte, byte[])>();
        while (scanner.Next())
            blocks.Add((scanner.Type, scanner.Payload.ToArray()));
        return blocks;
    }
}
