using System.IO.Compression;
using BatchViz.Core.Specs;
using BatchViz.Recording.Export;
using BatchViz.Recording.Storage;

namespace BatchViz.Recording.Tests.Export;

/// <summary>A recording as one file, out and in.</summary>
public sealed class BvizTests : IDisposable
{
    private readonly ExportFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void All_files_come_back_with_the_same_bits()
    {
        string original = Path.Combine(folder.Path, "original"),
            imported = Path.Combine(folder.Path, "imported");
        using (var recording = new SmallRecording(DiskFiles.ToWrite(original)).Train(700).Train(900).Finish()) { }
        byte[] file = Written(DiskFiles.ToRead(original));

        var manifest = Bviz.Read(new MemoryStream(file), imported);

        var before = Contents(original);
        Assert.Equal(before, Contents(imported));
        Assert.Contains("landscape.bin", before.Keys);
        Assert.Equal(2, before.Keys.Count(name => name.StartsWith("keys/b8-s1/", StringComparison.Ordinal)));
        Assert.Equal(RecordingManifest.Read(DiskFiles.ToRead(original)).ToBytes(), manifest.ToBytes());
        Assert.Equal(file, Written(DiskFiles.ToRead(imported)));
        Assert.Equal([imported, original], Directory.EnumerateFileSystemEntries(folder.Path).Order());
    }

    [Fact]
    public void What_was_taken_in_opens_with_everything_in_place()
    {
        using var recording = new SmallRecording(new MemoryFiles()).Train(700).Train(900).Finish();
        string imported = Path.Combine(folder.Path, "imported");

        using var opened = Open(Written(recording.Files), imported, recording.Plan);

        Assert.Empty(opened.Damages);
        foreach (var (run, twin) in recording.Runs.Zip(opened.Runs))
        {
            Assert.Equal(1600, twin.Log.Count);
            Assert.Equal(run.Keyframes.Updates, twin.Keyframes.Updates);
            Assert.Equal(run.Keyframes.Read(1600)!.Weights, twin.Keyframes.Read(1600)!.Weights);
            Assert.Equal(run.Log.SecondsAt(1599), twin.Log.SecondsAt(1599));
        }
    }

    [Fact]
    public void Other_programs_find_the_files_in_it()
    {
        string original = Path.Combine(folder.Path, "original");
        using (var recording = new SmallRecording(DiskFiles.ToWrite(original)).Train(50).Finish()) { }

        using var zip = new ZipArchive(new MemoryStream(Written(DiskFiles.ToRead(original))));

        var found = zip.Entries.ToDictionary(
            entry => entry.FullName,
            entry =>
            {
                using var stream = entry.Open();
                var bytes = new MemoryStream();
                stream.CopyTo(bytes);
                return Convert.ToHexString(bytes.ToArray());
            }
        );
        Assert.Equal("manifest.json", zip.Entries[0].FullName);
        Assert.Equal(Contents(original), new SortedDictionary<string, string>(found));
    }

    [Fact]
    public void Of_a_torn_log_the_intact_front_goes_into_the_file()
    {
        string original = Path.Combine(folder.Path, "original");
        ExperimentPlan plan;
        using (var recording = new SmallRecording(DiskFiles.ToWrite(original)).Train(700).Finish())
            plan = recording.Plan;
        long intact = new FileInfo(Path.Combine(original, "runs/b8-s1.log")).Length;
        using (var log = File.OpenWrite(Path.Combine(original, "runs/b8-s1.log")))
        {
            log.Seek(0, SeekOrigin.End);
            log.Write("BVB1 and then the power went"u8);
        }
        File.WriteAllText(Path.Combine(original, "keys/b8-s1/000000000650.key"), "torn");

        using var opened = Open(Written(DiskFiles.ToRead(original)), Path.Combine(folder.Path, "imported"), plan);

        Assert.Empty(opened.Damages);
        Assert.Equal(700, opened.Runs[0].Log.Count);
        Assert.Equal([700], opened.Runs[0].Keyframes.Updates);
        Assert.Equal(intact, new FileInfo(Path.Combine(folder.Path, "imported/runs/b8-s1.log")).Length);
    }

    [Fact]
    public void A_recording_that_is_being_written_gives_what_is_intact_at_that_moment()
    {
        using var recording = new SmallRecording(DiskFiles.ToWrite(Path.Combine(folder.Path, "original"))).Train(300);
        using var reading = DiskFiles.ToRead(recording.Files.Place);
        bool stop = false;
        var writer = new Thread(() =>
        {
            while (!Volatile.Read(ref stop) && recording.Runs[0].Log.Count < 90_000)
                recording.Train(1700, flush: false);
        });
        writer.Start();
        long last = 0;
        try
        {
            // Until something has been written meanwhile, however slow the machine is.
            for (int i = 0; i < 8 || (last <= 500 && i < 2000); i++)
            {
                using var opened = Open(Written(reading), Path.Combine(folder.Path, $"imported{i}"), recording.Plan);
                Assert.Empty(opened.Damages);
                foreach (var run in opened.Runs)
                {
                    Assert.True(run.Log.Count >= 256);
                    Assert.All(run.Keyframes.Updates, update => Assert.NotNull(run.Keyframes.Read(update)));
                }
                Assert.True(opened.Runs[0].Log.Count >= last);
                last = opened.Runs[0].Log.Count;
                Thread.Sleep(30);
            }
        }
        finally
        {
            Volatile.Write(ref stop, true);
            writer.Join();
        }
        Assert.True(last > 500, "nothing was written meanwhile");
    }

    [Fact]
    public void A_folder_with_something_in_it_is_refused_and_stays_as_it_is()
    {
        using var recording = new SmallRecording(new MemoryFiles()).Train(10);
        string taken = Path.Combine(folder.Path, "taken"),
            empty = Path.Combine(folder.Path, "empty");
        Directory.CreateDirectory(empty);
        Directory.CreateDirectory(taken);
        File.WriteAllText(Path.Combine(taken, "mine"), "mine");
        byte[] file = Written(recording.Files);

        Assert.Throws<RefusedException>(() => Bviz.Read(new MemoryStream(file), taken));
        Assert.Throws<RefusedException>(() => Bviz.Read(new MemoryStream(file), Path.Combine(taken, "mine")));
        Bviz.Read(new MemoryStream(file), empty);

        Assert.Equal(["mine"], Contents(taken).Keys);
        Assert.Equal([empty, taken], Directory.EnumerateFileSystemEntries(folder.Path).Order());
    }

    [Fact]
    public void Cancelled_or_failed_it_leaves_nothing()
    {
        using var recording = new SmallRecording(new MemoryFiles()).Train(2000);
        byte[] file = Written(recording.Files);
        using var stop = new CancellationTokenSource();

        Assert.Throws<OperationCanceledException>(() =>
            Bviz.Read(new MemoryStream(file), Path.Combine(folder.Path, "a"), new Told(_ => stop.Cancel()), stop.Token)
        );
        Assert.Throws<IOException>(() => Bviz.Read(new Failing(file, file.Length / 2), Path.Combine(folder.Path, "b")));

        Assert.Empty(Directory.EnumerateFileSystemEntries(folder.Path));
    }

    internal static byte[] Written(IFiles files)
    {
        var stream = new MemoryStream();
        Bviz.Write(files, RecordingManifest.Read(files), stream);
        return stream.ToArray();
    }

    private static RecordingFolder Open(byte[] file, string into, ExperimentPlan plan) =>
        RecordingFolder.Open(DiskFiles.ToRead(into), Bviz.Read(new MemoryStream(file), into), plan);

    /// <summary>A folder's files as hexadecimal text, the lock left out.</summary>
    private static SortedDictionary<string, string> Contents(string root) =>
        new(
            Directory
                .EnumerateFiles(root, "*", SearchOption.AllDirectories)
                .Select(path =>
                    (Name: Path.GetRelativePath(root, path).Replace('\\', '/'), Text: Convert.ToHexString(File.ReadAllBytes(path)))
                )
                .Where(file => file.Name != DiskFiles.LockName)
                .ToDictionary(file => file.Name, file => file.Text)
        );

    private sealed class Told(Action<double> report) : IProgress<double>
    {
        public void Report(double value) => report(value);
    }

    /// <summary>A disk or a network that stops in the middle.</summary>
    private sealed class Failing(byte[] bytes, int after) : MemoryStream(bytes)
    {
        public override int Read(byte[] into, int offset, int count) =>
            Position >= after
                ? throw new IOException("The cable is out.")
                : base.Read(into, offset, (int)Math.Min(count, after - Position));
    }
}
